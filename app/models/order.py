"""Orders and what was ordered."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    CustomerRecord,
    Json,
    Key,
    PaymentMethod,
    TenantRow,
    Versioned,
    amount,
    at_most,
    currency,
    in_account,
    linked_by,
    one_of,
    percent,
    personal,
    tenant_foreign_key,
)


class OrderStatus(StrEnum):
    """How far an order is."""

    ACTIVE = "ACTIVE"
    DONE = "DONE"
    CANCELLED = "CANCELLED"


class Order(Versioned, CustomerRecord):
    """What a customer ordered at once. The actor is who placed it."""

    __tablename__ = "customer_order"
    __table_args__ = (
        *in_account(),
        tenant_foreign_key("bank_account_id", "bank_account"),
        UniqueConstraint("tenant_id", "number"),
        CheckConstraint("gross = net + tax", name="sum"),
        CheckConstraint("net >= 0 AND tax >= 0", name="positive"),
        CheckConstraint("jsonb_typeof(additional_data) = 'object'", name="additional_data_object"),
        currency(),
        at_most("number", 60),
        at_most("purchase_order_number", 100),
        at_most("note", 2000),
        linked_by("bank_account_id"),
    )

    number: Mapped[str] = mapped_column(info=personal(retained=True))
    status: Mapped[str] = mapped_column(one_of("status", OrderStatus))
    ordered_at: Mapped[datetime]
    purchase_order_number: Mapped[str | None] = mapped_column(info=personal(retained=True))
    note: Mapped[str | None] = mapped_column(info=personal())
    payment_method: Mapped[str] = mapped_column(one_of("payment_method", PaymentMethod))
    bank_account_id: Mapped[Key | None]
    net: Mapped[Decimal] = mapped_column(amount())
    tax: Mapped[Decimal] = mapped_column(amount())
    gross: Mapped[Decimal] = mapped_column(amount())
    currency: Mapped[str]
    invoice_address: Mapped[Json] = mapped_column(info=personal(retained=True))
    delivery_address: Mapped[Json | None] = mapped_column(info=personal(retained=True))
    additional_data: Mapped[Json] = mapped_column(server_default="{}", info=personal())


class OrderItem(TenantRow):
    """A line of an order: an offer, how many, and what they cost together."""

    __tablename__ = "order_item"
    __table_args__ = (
        tenant_foreign_key("order_id", "customer_order", ondelete="CASCADE"),
        tenant_foreign_key("offer_id", "offer"),
        UniqueConstraint("tenant_id", "order_id", "position"),
        CheckConstraint("position > 0", name="position_positive"),
        CheckConstraint("quantity BETWEEN 1 AND 10000", name="quantity_range"),
        CheckConstraint("gross = net + tax", name="sum"),
        CheckConstraint("net >= 0 AND tax >= 0", name="positive"),
        CheckConstraint("tax_percent BETWEEN 0 AND 100", name="tax_percent_range"),
        at_most("title", 200),
        at_most("voucher_code", 60),
        linked_by("offer_id"),
    )

    order_id: Mapped[Key]
    position: Mapped[int] = mapped_column(Integer)
    offer_id: Mapped[Key]
    title: Mapped[str]
    quantity: Mapped[int] = mapped_column(Integer)
    net: Mapped[Decimal] = mapped_column(amount())
    tax_percent: Mapped[Decimal] = mapped_column(percent())
    tax: Mapped[Decimal] = mapped_column(amount())
    gross: Mapped[Decimal] = mapped_column(amount())
    voucher_code: Mapped[str | None]
