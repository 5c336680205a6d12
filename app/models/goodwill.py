"""Goodwill: what was given away, to whom and why, and how much a role may give away."""

from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    CustomerRecord,
    Key,
    Record,
    amount,
    currency,
    in_account,
    linked_by,
    one_of,
    personal,
    tenant_foreign_key,
)


class GoodwillKind(StrEnum):
    """What is given."""

    FREE_ISSUES = "FREE_ISSUES"
    REDELIVERY = "REDELIVERY"
    FREE_PERIOD = "FREE_PERIOD"


class GoodwillReason(StrEnum):
    """Why something is given away, as reports sort it."""

    DELIVERY_MISSING = "DELIVERY_MISSING"
    DELIVERY_LATE = "DELIVERY_LATE"
    DAMAGED = "DAMAGED"
    COMPLAINT = "COMPLAINT"
    RETENTION = "RETENTION"
    TECHNICAL = "TECHNICAL"
    OTHER = "OTHER"


class Goodwill(CustomerRecord):
    """A gift to a subscriber: so many issues or periods, and what they would have cost."""

    __tablename__ = "goodwill"
    __table_args__ = (
        *in_account(),
        tenant_foreign_key("subscription_id", "subscription"),
        CheckConstraint("count BETWEEN 1 AND 100", name="count_range"),
        CheckConstraint("value >= 0", name="value_positive"),
        CheckConstraint("char_length(reason) BETWEEN 1 AND 1000", name="reason_length"),
        currency(),
        linked_by("subscription_id"),
        Index(None, "tenant_id", "created_at"),
        Index(
            None,
            "tenant_id",
            "actor_id",
            "created_at",
            postgresql_where="actor_kind = 'STAFF'",
        ),
    )

    kind: Mapped[str] = mapped_column(one_of("kind", GoodwillKind))
    count: Mapped[int] = mapped_column(Integer)
    reason_kind: Mapped[str] = mapped_column(
        one_of("reason_kind", GoodwillReason), server_default=GoodwillReason.OTHER.value
    )
    reason: Mapped[str] = mapped_column(info=personal())
    subscription_id: Mapped[Key]
    value: Mapped[Decimal] = mapped_column(amount())
    currency: Mapped[str]


class GoodwillLimit(Record):
    """How much a role may give away in a currency: with one gift, and in a calendar month.

    Null is no limit. A role that has a limit in one currency gives nothing in those that it has
    none in, because no rate of exchange is known here; a role without any gives what it likes.
    """

    __tablename__ = "goodwill_limit"
    __table_args__ = (
        tenant_foreign_key("role_id", "role", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "role_id", "currency"),
        CheckConstraint("per_gift >= 0", name="per_gift_positive"),
        CheckConstraint("per_month >= 0", name="per_month_positive"),
        currency(),
    )

    role_id: Mapped[Key]
    currency: Mapped[str]
    per_gift: Mapped[Decimal | None] = mapped_column(amount())
    per_month: Mapped[Decimal | None] = mapped_column(amount())
