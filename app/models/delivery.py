"""Deliveries: which issue went where."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import CustomerRecord, Key, in_account, linked_by, one_of, tenant_foreign_key


class DeliveryKind(StrEnum):
    """Why an issue is delivered."""

    REGULAR = "REGULAR"
    FREE = "FREE"
    REDELIVERY = "REDELIVERY"


class DeliveryStatus(StrEnum):
    """How far a delivery is."""

    PLANNED = "PLANNED"
    SENT = "SENT"
    RETURNED = "RETURNED"
    CANCELLED = "CANCELLED"


class Delivery(CustomerRecord):
    """One issue for one subscription. A redelivery names the delivery that it repeats."""

    __tablename__ = "delivery"
    __table_args__ = (
        *in_account(),
        tenant_foreign_key("subscription_id", "subscription"),
        tenant_foreign_key("issue_id", "issue"),
        tenant_foreign_key("address_id", "address"),
        tenant_foreign_key("original_id", "delivery"),
        tenant_foreign_key("goodwill_id", "goodwill"),
        Index(None, "tenant_id", "customer_id", "publishing_on", "id"),
        Index(None, "tenant_id", "subscription_id", "publishing_on", "id"),
        Index(None, "tenant_id", "issue_id"),
        Index(
            "ix_delivery_due",
            "tenant_id",
            "publishing_on",
            "id",
            postgresql_where="status = 'PLANNED'",
        ),
        Index(
            "uq_delivery_issue",
            "tenant_id",
            "subscription_id",
            "issue_id",
            unique=True,
            postgresql_where="kind <> 'REDELIVERY' AND status <> 'CANCELLED'",
        ),
        Index(
            "uq_delivery_original",
            "tenant_id",
            "original_id",
            unique=True,
            postgresql_where="original_id IS NOT NULL AND status <> 'CANCELLED'",
        ),
        CheckConstraint("(kind = 'REDELIVERY') = (original_id IS NOT NULL)", name="original_named"),
        CheckConstraint("quantity BETWEEN 1 AND 10000", name="quantity_range"),
        CheckConstraint("status <> 'SENT' OR sent_at IS NOT NULL", name="sent"),
        linked_by("address_id"),
        linked_by("goodwill_id"),
    )

    subscription_id: Mapped[Key]
    issue_id: Mapped[Key]
    publishing_on: Mapped[date]
    address_id: Mapped[Key | None]
    kind: Mapped[str] = mapped_column(one_of("kind", DeliveryKind))
    status: Mapped[str] = mapped_column(one_of("status", DeliveryStatus))
    quantity: Mapped[int] = mapped_column(Integer, server_default="1")
    original_id: Mapped[Key | None]
    goodwill_id: Mapped[Key | None]
    sent_at: Mapped[datetime | None]
