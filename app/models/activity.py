"""Activities: notes, hints and what was said with a customer."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, FetchedValue, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    ActorKind,
    CustomerRecord,
    Key,
    TenantRow,
    in_account,
    linked_by,
    one_of,
    personal,
    tenant_foreign_key,
)

LONGEST_ACTIVITY = 10_000
MOST_ATTACHMENTS = 5


class ActivityKind(StrEnum):
    """What an activity is."""

    NOTE = "NOTE"
    HINT = "HINT"
    PHONE = "PHONE"
    EMAIL = "EMAIL"
    LETTER = "LETTER"
    SYSTEM = "SYSTEM"


class Activity(CustomerRecord):
    """An entry in the account's diary; one that is pinned is shown wherever the account opens.

    A HINT is pinned from the beginning. The author is whoever wrote the entry, and a trigger keeps
    it; the actor is, as everywhere, whoever changed it last.
    """

    __tablename__ = "activity"
    __table_args__ = (
        *in_account(ondelete="CASCADE"),
        Index(
            "ix_activity_pinned",
            "tenant_id",
            "customer_id",
            "created_at",
            "id",
            postgresql_where="pinned_at IS NOT NULL",
        ),
        CheckConstraint(f"char_length(text) BETWEEN 1 AND {LONGEST_ACTIVITY}", name="text_length"),
    )

    kind: Mapped[str] = mapped_column(one_of("kind", ActivityKind))
    text: Mapped[str] = mapped_column(info=personal())
    pinned_at: Mapped[datetime | None]
    author_kind: Mapped[str] = mapped_column(
        one_of("author_kind", ActorKind), server_default=FetchedValue()
    )
    author_id: Mapped[Key | None] = mapped_column(server_default=FetchedValue())
    author_name: Mapped[str | None] = mapped_column(server_default=FetchedValue(), info=personal())


class ActivityAttachment(TenantRow):
    """A file of an activity, at its place; an activity has at most five."""

    __tablename__ = "activity_attachment"
    __table_args__ = (
        tenant_foreign_key("activity_id", "activity", ondelete="CASCADE"),
        tenant_foreign_key("file_id", "file"),
        UniqueConstraint("tenant_id", "activity_id", "position"),
        CheckConstraint(f"position BETWEEN 1 AND {MOST_ATTACHMENTS}", name="position_range"),
        linked_by("file_id"),
    )

    activity_id: Mapped[Key]
    file_id: Mapped[Key]
    position: Mapped[int] = mapped_column(Integer)
