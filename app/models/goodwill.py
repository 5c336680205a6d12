"""Goodwill: what was given away, to whom and why."""

from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    CustomerRecord,
    Key,
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
    )

    kind: Mapped[str] = mapped_column(one_of("kind", GoodwillKind))
    count: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(info=personal())
    subscription_id: Mapped[Key]
    value: Mapped[Decimal] = mapped_column(amount())
    currency: Mapped[str]
