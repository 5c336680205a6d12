"""Data exports: the copy of everything held on a person."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    CustomerRecord,
    Key,
    at_most,
    in_account,
    linked_by,
    one_of,
    tenant_foreign_key,
)


class ExportStatus(StrEnum):
    """How far an export is."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    READY = "READY"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


class ExportStep(StrEnum):
    """What is being done for an export."""

    RECORDS = "RECORDS"
    FILES = "FILES"
    STORING = "STORING"


class Export(CustomerRecord):
    """One export; a customer has at most one under way.

    Its file is encrypted in the store, so that only the application can read it; what the row of
    the file says of size and hash is of the package as it is downloaded.
    """

    __tablename__ = "data_export"
    __table_args__ = (
        *in_account(ondelete="CASCADE"),
        tenant_foreign_key("file_id", "file"),
        Index(
            "uq_data_export_running",
            "tenant_id",
            "customer_id",
            unique=True,
            postgresql_where="status IN ('QUEUED', 'RUNNING')",
        ),
        Index(
            "ix_data_export_unfinished",
            "tenant_id",
            "id",
            postgresql_where="status IN ('QUEUED', 'RUNNING', 'READY')",
        ),
        CheckConstraint("size_bytes >= 0", name="size_positive"),
        CheckConstraint("percent BETWEEN 0 AND 100", name="percent_range"),
        CheckConstraint(
            "status <> 'READY' OR (file_id IS NOT NULL AND size_bytes IS NOT NULL"
            " AND expires_at IS NOT NULL)",
            name="ready",
        ),
        at_most("error", 1000),
        linked_by("file_id"),
    )

    status: Mapped[str] = mapped_column(one_of("status", ExportStatus))
    percent: Mapped[int] = mapped_column(Integer, server_default="0")
    step: Mapped[str | None] = mapped_column(one_of("step", ExportStep))
    file_id: Mapped[Key | None]
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    error: Mapped[str | None]
