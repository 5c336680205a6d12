"""Activities: notes, hints and what was said with a customer."""

from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    CustomerRecord,
    Key,
    TenantRow,
    in_account,
    linked_by,
    one_of,
    personal,
    tenant_foreign_key,
)


class ActivityKind(StrEnum):
    """What an activity is."""

    NOTE = "NOTE"
    HINT = "HINT"
    PHONE = "PHONE"
    EMAIL = "EMAIL"
    LETTER = "LETTER"
    SYSTEM = "SYSTEM"


class Activity(CustomerRecord):
    """An entry in the account's diary; a HINT is pinned and shown wherever the account opens."""

    __tablename__ = "activity"
    __table_args__ = (
        *in_account(ondelete="CASCADE"),
        Index(
            "ix_activity_hint",
            "tenant_id",
            "customer_id",
            "created_at",
            "id",
            postgresql_where="kind = 'HINT'",
        ),
        CheckConstraint("char_length(text) BETWEEN 1 AND 10000", name="text_length"),
    )

    kind: Mapped[str] = mapped_column(one_of("kind", ActivityKind))
    text: Mapped[str] = mapped_column(info=personal())


class ActivityAttachment(TenantRow):
    """A file of an activity, at its place; an activity has at most five."""

    __tablename__ = "activity_attachment"
    __table_args__ = (
        tenant_foreign_key("activity_id", "activity", ondelete="CASCADE"),
        tenant_foreign_key("file_id", "file"),
        UniqueConstraint("tenant_id", "activity_id", "position"),
        CheckConstraint("position BETWEEN 1 AND 5", name="position_range"),
        linked_by("file_id"),
    )

    activity_id: Mapped[Key]
    file_id: Mapped[Key]
    position: Mapped[int] = mapped_column(Integer)
