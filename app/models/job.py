"""Jobs: work that an action leaves to be done after its transaction."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, Integer, func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    Json,
    Key,
    Record,
    at_most,
    linked_by,
    matches,
    of_tenant,
    one_of,
    tenant_foreign_key,
)


class JobStatus(StrEnum):
    """How far a job is."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"


class Job(Record):
    """A side effect to come. Its payload names records by id and holds nothing personal."""

    __tablename__ = "job"
    __table_args__ = (
        of_tenant(),
        tenant_foreign_key("customer_id", "customer", ondelete="CASCADE"),
        Index("ix_job_due", "run_at", "id", postgresql_where="status = 'QUEUED'"),
        CheckConstraint("attempts >= 0", name="attempts_positive"),
        CheckConstraint("jsonb_typeof(payload) = 'object'", name="payload_object"),
        matches("kind", "^[a-z_]+$"),
        at_most("error", 1000),
        linked_by("customer_id"),
    )

    customer_id: Mapped[Key | None]
    kind: Mapped[str]
    payload: Mapped[Json] = mapped_column(server_default="{}")
    status: Mapped[str] = mapped_column(
        one_of("status", JobStatus), server_default=JobStatus.QUEUED.value
    )
    run_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None]
