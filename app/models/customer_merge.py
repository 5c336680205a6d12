"""Merges: two accounts of one customer that were made into one."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    CustomerRecord,
    Key,
    at_most,
    in_account,
    one_of,
    personal,
)

MERGED = "customer.merged"
"""What the history calls a merge that is done."""


class MergeStatus(StrEnum):
    """How far a merge is."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"


class MergeField(StrEnum):
    """What is taken from one of two customers: the columns of the same names."""

    EMAIL = "EMAIL"
    SALUTATION = "SALUTATION"
    TITLE = "TITLE"
    FIRST_NAME = "FIRST_NAME"
    LAST_NAME = "LAST_NAME"
    COMPANY = "COMPANY"
    PHONE = "PHONE"
    BIRTHDAY = "BIRTHDAY"
    LANGUAGE = "LANGUAGE"
    EXTERNAL_ID = "EXTERNAL_ID"


class CustomerMerge(CustomerRecord):
    """A duplicate that becomes part of the customer in whose account this is.

    Until it is done, `duplicate_id` names the duplicate, and nothing here says who that is: they
    may be anonymised or deleted before. Then `former_id` is the key that they had. What they were
    called goes on to find the customer: the number, and the external id and the e-mail address
    that are no longer in use.

    `duplicate_id` is no foreign key, so that a merge that failed keeps nobody from being deleted.
    """

    __tablename__ = "customer_merge"
    __table_args__ = (
        *in_account(ondelete="CASCADE"),
        Index(
            "uq_customer_merge_running",
            "tenant_id",
            "customer_id",
            unique=True,
            postgresql_where="status IN ('QUEUED', 'RUNNING')",
        ),
        Index(
            "uq_customer_merge_duplicate",
            "tenant_id",
            "duplicate_id",
            unique=True,
            postgresql_where="status IN ('QUEUED', 'RUNNING')",
        ),
        CheckConstraint(
            "CASE status WHEN 'DONE' THEN duplicate_id IS NULL AND former_id IS NOT NULL"
            " ELSE duplicate_id IS NOT NULL AND former_id IS NULL END",
            name="duplicate_named",
        ),
        CheckConstraint(
            "status = 'DONE' OR (former_number IS NULL AND former_external_id IS NULL"
            " AND former_email IS NULL)",
            name="former_when_done",
        ),
        CheckConstraint(
            "(status = 'FAILED') = (error IS NOT NULL)"
            " AND (status = 'FAILED' OR cardinality(refusals) = 0)",
            name="failed",
        ),
        at_most("former_number", 60),
        at_most("former_external_id", 200),
        at_most("former_email", 254),
        at_most("error", 1000),
    )

    status: Mapped[str] = mapped_column(one_of("status", MergeStatus))
    take: Mapped[list[str]] = mapped_column(server_default="{}")
    duplicate_id: Mapped[Key | None]
    former_id: Mapped[Key | None]
    former_number: Mapped[str | None] = mapped_column(Text(collation="C"), info=personal())
    former_external_id: Mapped[str | None] = mapped_column(Text(collation="C"), info=personal())
    former_email: Mapped[str | None] = mapped_column(info=personal())
    refusals: Mapped[list[str]] = mapped_column(server_default="{}")
    error: Mapped[str | None]
    finished_at: Mapped[datetime | None]
