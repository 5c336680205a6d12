"""Access rights: which products a customer may use, and when."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    CustomerRecord,
    Key,
    Versioned,
    in_account,
    linked_by,
    matches,
    one_of,
    personal,
    tenant_foreign_key,
)


class AccessRightSource(StrEnum):
    """Where an access right comes from; only MANUAL ones can be edited by hand."""

    MANUAL = "MANUAL"
    ORDER = "ORDER"
    SUBSCRIPTION = "SUBSCRIPTION"


class AccessRightStatus(StrEnum):
    """What an access right is worth now; derived when it is read, and so not stored."""

    ACTIVE = "ACTIVE"
    PENDING = "PENDING"
    EXPIRED = "EXPIRED"
    BLOCKED = "BLOCKED"


class AccessDenial(StrEnum):
    """Why somebody has no access; derived like the status."""

    ANONYMIZED = "ANONYMIZED"
    ACCESS_BLOCKED = "ACCESS_BLOCKED"
    NO_RIGHT = "NO_RIGHT"
    RIGHT_BLOCKED = "RIGHT_BLOCKED"
    SUBSCRIPTION_BLOCKED = "SUBSCRIPTION_BLOCKED"
    NOT_YET = "NOT_YET"
    EXPIRED = "EXPIRED"


class AccessRight(Versioned, CustomerRecord):
    """The right to a product's `access_id` from a moment until another, or for good.

    The moment that it begins at is part of it, the one that it ends at is not.
    """

    __tablename__ = "access_right"
    __table_args__ = (
        *in_account(ondelete="CASCADE"),
        tenant_foreign_key("product_id", "product"),
        tenant_foreign_key("order_id", "customer_order"),
        tenant_foreign_key("subscription_id", "subscription"),
        CheckConstraint("valid_until >= valid_from", name="period"),
        CheckConstraint(
            "CASE source WHEN 'MANUAL' THEN order_id IS NULL AND subscription_id IS NULL"
            " WHEN 'ORDER' THEN order_id IS NOT NULL"
            " ELSE subscription_id IS NOT NULL END",
            name="source_named",
        ),
        CheckConstraint("blocked_reason IS NULL OR blocked_at IS NOT NULL", name="blocked"),
        matches("access_id", "^[0-9A-Za-z-]{2,30}$"),
        linked_by("product_id"),
        linked_by("order_id"),
        linked_by("subscription_id"),
    )

    access_id: Mapped[str]
    product_id: Mapped[Key | None]
    source: Mapped[str] = mapped_column(one_of("source", AccessRightSource))
    order_id: Mapped[Key | None]
    subscription_id: Mapped[Key | None]
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime | None]
    blocked_at: Mapped[datetime | None]
    blocked_reason: Mapped[str | None] = mapped_column(info=personal())
