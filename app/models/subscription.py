"""Subscriptions and the periods they run and are billed in."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, Computed, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
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
    personal,
    tenant_foreign_key,
)
from app.models.offer import Terms


class SubscriptionStatus(StrEnum):
    """Whether a subscription runs. A cancelled one runs until the day it is cancelled for."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    PAUSED = "PAUSED"
    CANCELLED = "CANCELLED"


class PeriodKind(StrEnum):
    """Whether a period is paid or given away."""

    REGULAR = "REGULAR"
    FREE = "FREE"


class CancellationMode(StrEnum):
    """When a cancelled subscription ends."""

    REGULAR = "REGULAR"
    AT_DATE = "AT_DATE"
    IMMEDIATELY = "IMMEDIATELY"


class ChangeTime(StrEnum):
    """When a change of a subscription counts."""

    NOW = "NOW"
    AT_NEXT_PERIOD = "AT_NEXT_PERIOD"


class Subscription(Versioned, Terms, CustomerRecord):
    """A running contract, with the terms of its offer as they were when it was made.

    It is counted in issues where `issue_based` says so: those entitled and those given away
    free, less those delivered, are open.

    Accounting periods are counted from `accounting_from`, which is its first day until a pause
    moves it, and `next_billing_on` is the first day of the next one to be opened; null when none
    will be. `ordered_on` and `consumer` say which law its terms are under. With that next period
    it changes to `next_offer_id`, where there is one. A pause begins with `paused_from` and ends
    before `resumes_on`, or when it is resumed.
    """

    __tablename__ = "subscription"
    __table_args__ = (
        *in_account(),
        tenant_foreign_key("offer_id", "offer"),
        tenant_foreign_key("next_offer_id", "offer"),
        tenant_foreign_key("order_id", "customer_order"),
        tenant_foreign_key("order_item_id", "order_item"),
        tenant_foreign_key("bank_account_id", "bank_account"),
        tenant_foreign_key("invoice_address_id", "address"),
        tenant_foreign_key("delivery_address_id", "address"),
        UniqueConstraint("tenant_id", "number"),
        CheckConstraint("ends_on >= starts_on", name="period"),
        CheckConstraint("cancelled_for >= starts_on", name="cancelled_for_after_start"),
        CheckConstraint(
            "(cancelled_at IS NULL) = (cancelled_for IS NULL)", name="cancellation_complete"
        ),
        CheckConstraint(
            "status <> 'CANCELLED' OR cancelled_at IS NOT NULL", name="cancellation_dated"
        ),
        CheckConstraint(
            "access_blocked_reason IS NULL OR access_blocked_at IS NOT NULL", name="access_blocked"
        ),
        CheckConstraint(
            "issues_entitled >= 0 AND issues_delivered >= 0 AND issues_free >= 0"
            " AND issues_delivered <= issues_entitled + issues_free",
            name="issues_positive",
        ),
        CheckConstraint("resumes_on > paused_from", name="resumed_after"),
        CheckConstraint("resumes_on IS NULL OR paused_from IS NOT NULL", name="pause_begun"),
        CheckConstraint("price >= 0", name="price_positive"),
        CheckConstraint("quantity BETWEEN 1 AND 10000", name="quantity_range"),
        CheckConstraint("jsonb_typeof(additional_data) = 'object'", name="additional_data_object"),
        currency(),
        at_most("number", 60),
        at_most("cancellation_reason", 500),
        Index(None, "tenant_id", "offer_id"),
        Index(
            "ix_subscription_due",
            "tenant_id",
            "next_billing_on",
            "id",
            postgresql_where="next_billing_on IS NOT NULL",
        ),
        linked_by("next_offer_id"),
        linked_by("order_id"),
        linked_by("order_item_id"),
        linked_by("bank_account_id"),
        linked_by("invoice_address_id"),
        linked_by("delivery_address_id"),
    )

    number: Mapped[str] = mapped_column(info=personal(retained=True))
    offer_id: Mapped[Key]
    next_offer_id: Mapped[Key | None]
    order_id: Mapped[Key | None]
    order_item_id: Mapped[Key | None]
    ordered_on: Mapped[date]
    consumer: Mapped[bool] = mapped_column(server_default="true")
    status: Mapped[str] = mapped_column(one_of("status", SubscriptionStatus))
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    accounting_from: Mapped[date]
    next_billing_on: Mapped[date | None]
    paused_from: Mapped[date | None]
    resumes_on: Mapped[date | None]
    cancelled_at: Mapped[datetime | None]
    cancelled_for: Mapped[date | None]
    cancellation_reason: Mapped[str | None] = mapped_column(info=personal())
    access_blocked_at: Mapped[datetime | None]
    access_blocked_reason: Mapped[str | None] = mapped_column(info=personal())
    issue_based: Mapped[bool] = mapped_column(server_default="false")
    issues_entitled: Mapped[int] = mapped_column(Integer, server_default="0")
    issues_delivered: Mapped[int] = mapped_column(Integer, server_default="0")
    issues_free: Mapped[int] = mapped_column(Integer, server_default="0")
    issues_open: Mapped[int] = mapped_column(
        Integer, Computed("issues_entitled + issues_free - issues_delivered", persisted=True)
    )
    quantity: Mapped[int] = mapped_column(Integer, server_default="1")
    price: Mapped[Decimal] = mapped_column(amount())
    currency: Mapped[str]
    payment_method: Mapped[str] = mapped_column(one_of("payment_method", PaymentMethod))
    bank_account_id: Mapped[Key | None]
    invoice_address_id: Mapped[Key | None]
    delivery_address_id: Mapped[Key | None]
    additional_data: Mapped[Json] = mapped_column(server_default="{}", info=personal())


class SubscriptionPeriod(TenantRow):
    """An accounting period, both days included; a subscription's periods never overlap.

    Of its days `paused_days` were appended for days on which the subscription rested.
    """

    __tablename__ = "subscription_period"
    __table_args__ = (
        tenant_foreign_key("subscription_id", "subscription", ondelete="CASCADE"),
        tenant_foreign_key("goodwill_id", "goodwill"),
        UniqueConstraint("tenant_id", "subscription_id", "starts_on"),
        CheckConstraint("ends_on >= starts_on", name="period"),
        CheckConstraint("price >= 0", name="price_positive"),
        CheckConstraint("kind <> 'FREE' OR price = 0", name="free"),
        CheckConstraint("paused_days BETWEEN 0 AND ends_on - starts_on", name="paused_days_within"),
        currency(),
        ExcludeConstraint(
            ("tenant_id", "="),
            ("subscription_id", "="),
            (text("daterange(starts_on, ends_on, '[]')"), "&&"),
            name="ex_subscription_period_overlap",
        ),
        linked_by("goodwill_id"),
    )

    subscription_id: Mapped[Key]
    kind: Mapped[str] = mapped_column(one_of("kind", PeriodKind))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    paused_days: Mapped[int] = mapped_column(Integer, server_default="0")
    price: Mapped[Decimal] = mapped_column(amount())
    currency: Mapped[str]
    goodwill_id: Mapped[Key | None]
