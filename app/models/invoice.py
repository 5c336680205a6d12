"""Invoices and what corrects them. What is issued is never changed."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    CustomerRecord,
    Json,
    Key,
    PaymentMethod,
    TenantRow,
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


class InvoiceType(StrEnum):
    """What a document does; a CANCELLATION_CORRECTION cancels a correction."""

    INVOICE = "INVOICE"
    CANCELLATION = "CANCELLATION"
    CORRECTION = "CORRECTION"
    CANCELLATION_CORRECTION = "CANCELLATION_CORRECTION"


ASKING = (InvoiceType.INVOICE, InvoiceType.CORRECTION)
"""The documents that ask for money; the others take them back."""


class InvoiceStatus(StrEnum):
    """Whether an invoice is settled."""

    OPEN = "OPEN"
    PAID = "PAID"
    NOT_PAID = "NOT_PAID"
    CANCELLED = "CANCELLED"


CHANGEABLE = (
    "status",
    "paid_at",
    "file_id",
    "einvoice_file_id",
    "changed_at",
    "actor_kind",
    "actor_id",
    "actor_name",
)
"""The columns of an issued invoice that may change: whether it is settled, its files, and who
changed that last."""


class Invoice(CustomerRecord):
    """An issued document. Its amounts are negative where it cancels another one.

    Documents form a chain: a cancellation's precursor is the document that it cancels, a
    correction's is the cancellation before it. The successor is whoever names this one. `seller`
    is a copy of the tenant's billing profile, `reason` why a document was cancelled or corrected.
    `file_id` is its PDF and `einvoice_file_id` the same as XML, which a job makes.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        *in_account(),
        tenant_foreign_key("order_id", "customer_order"),
        tenant_foreign_key("subscription_id", "subscription"),
        tenant_foreign_key("precursor_id", "invoice"),
        tenant_foreign_key("file_id", "file"),
        tenant_foreign_key("einvoice_file_id", "file"),
        UniqueConstraint("tenant_id", "number"),
        Index(
            "uq_invoice_precursor",
            "tenant_id",
            "precursor_id",
            unique=True,
            postgresql_where="precursor_id IS NOT NULL",
        ),
        Index(None, "tenant_id", "customer_id", "issued_on", "id"),
        Index("ix_invoice_due", "tenant_id", "due_on", "id", postgresql_where="status = 'OPEN'"),
        CheckConstraint("(type = 'INVOICE') = (precursor_id IS NULL)", name="precursor_named"),
        CheckConstraint("due_on >= issued_on", name="due"),
        CheckConstraint("service_until >= service_from", name="service_period"),
        CheckConstraint("(status = 'PAID') = (paid_at IS NOT NULL)", name="paid"),
        CheckConstraint("gross = net + tax", name="sum"),
        CheckConstraint(
            "CASE WHEN type IN ('CANCELLATION', 'CANCELLATION_CORRECTION')"
            " THEN net <= 0 AND tax <= 0 ELSE net >= 0 AND tax >= 0 END",
            name="sign",
        ),
        currency(),
        at_most("number", 60),
        at_most("purchase_order_number", 100),
        at_most("reason", 500),
        linked_by("order_id"),
        linked_by("subscription_id"),
        linked_by("file_id"),
        linked_by("einvoice_file_id"),
    )

    number: Mapped[str] = mapped_column(info=personal(retained=True))
    type: Mapped[str] = mapped_column(one_of("type", InvoiceType))
    status: Mapped[str] = mapped_column(one_of("status", InvoiceStatus))
    issued_on: Mapped[date]
    due_on: Mapped[date]
    service_from: Mapped[date | None]
    service_until: Mapped[date | None]
    paid_at: Mapped[datetime | None]
    payment_method: Mapped[str] = mapped_column(one_of("payment_method", PaymentMethod))
    order_id: Mapped[Key | None]
    subscription_id: Mapped[Key | None]
    precursor_id: Mapped[Key | None]
    net: Mapped[Decimal] = mapped_column(amount())
    tax: Mapped[Decimal] = mapped_column(amount())
    gross: Mapped[Decimal] = mapped_column(amount())
    currency: Mapped[str]
    address: Mapped[Json] = mapped_column(info=personal(retained=True))
    seller: Mapped[Json] = mapped_column(server_default="{}")
    purchase_order_number: Mapped[str | None] = mapped_column(info=personal(retained=True))
    reason: Mapped[str | None] = mapped_column(info=personal(retained=True))
    file_id: Mapped[Key | None]
    einvoice_file_id: Mapped[Key | None]


class InvoiceItem(TenantRow):
    """A line of an invoice, with the tax rate frozen at issue."""

    __tablename__ = "invoice_item"
    __table_args__ = (
        tenant_foreign_key("invoice_id", "invoice"),
        tenant_foreign_key("order_item_id", "order_item"),
        tenant_foreign_key("subscription_period_id", "subscription_period"),
        UniqueConstraint("tenant_id", "invoice_id", "position"),
        CheckConstraint("position > 0", name="position_positive"),
        CheckConstraint("quantity BETWEEN 1 AND 10000", name="quantity_range"),
        CheckConstraint("gross = net + tax", name="sum"),
        CheckConstraint("tax_percent BETWEEN 0 AND 100", name="tax_percent_range"),
        CheckConstraint("service_until >= service_from", name="service_period"),
        at_most("title", 500),
        linked_by("order_item_id"),
        linked_by("subscription_period_id"),
    )

    invoice_id: Mapped[Key]
    position: Mapped[int] = mapped_column(Integer)
    order_item_id: Mapped[Key | None]
    subscription_period_id: Mapped[Key | None]
    service_from: Mapped[date | None]
    service_until: Mapped[date | None]
    title: Mapped[str] = mapped_column(info=personal(retained=True))
    quantity: Mapped[int] = mapped_column(Integer)
    net: Mapped[Decimal] = mapped_column(amount())
    tax_percent: Mapped[Decimal] = mapped_column(percent())
    tax: Mapped[Decimal] = mapped_column(amount())
    gross: Mapped[Decimal] = mapped_column(amount())


class InvoiceTax(TenantRow):
    """The sum of an invoice's lines at one tax rate."""

    __tablename__ = "invoice_tax"
    __table_args__ = (
        tenant_foreign_key("invoice_id", "invoice"),
        UniqueConstraint("tenant_id", "invoice_id", "tax_percent"),
        CheckConstraint("gross = net + tax", name="sum"),
        CheckConstraint("tax_percent BETWEEN 0 AND 100", name="tax_percent_range"),
    )

    invoice_id: Mapped[Key]
    tax_percent: Mapped[Decimal] = mapped_column(percent())
    net: Mapped[Decimal] = mapped_column(amount())
    tax: Mapped[Decimal] = mapped_column(amount())
    gross: Mapped[Decimal] = mapped_column(amount())
