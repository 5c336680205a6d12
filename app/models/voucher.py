"""Vouchers: codes that make an order cheaper."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    Key,
    Record,
    TenantRow,
    Versioned,
    amount,
    at_most,
    currency,
    linked_by,
    matches,
    of_tenant,
    one_of,
    percent,
    tenant_foreign_key,
)

VOUCHER_CODE = "^[0-9A-Z-]{3,40}$"
"""What the code of a voucher looks like; what customers type is put into capitals first."""


class VoucherKind(StrEnum):
    """What a voucher takes off."""

    PERCENT = "PERCENT"
    AMOUNT = "AMOUNT"


class Voucher(Versioned, Record):
    """What it takes off the first accounting period, when, how often, and for which offers.

    `used` counts its redemptions, which a trigger sees to; a redemption beyond `usage_limit`
    breaks the check `usage`, whoever else redeems at the same time.
    """

    __tablename__ = "voucher"
    __table_args__ = (
        of_tenant(),
        UniqueConstraint("tenant_id", "code"),
        matches("code", VOUCHER_CODE),
        CheckConstraint("(kind = 'PERCENT') = (percent IS NOT NULL)", name="percent_given"),
        CheckConstraint(
            "(kind = 'AMOUNT') = (amount IS NOT NULL) AND (amount IS NULL) = (currency IS NULL)",
            name="amount_given",
        ),
        CheckConstraint("percent > 0 AND percent <= 100", name="percent_range"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("valid_until >= valid_from", name="period"),
        CheckConstraint("limit_per_customer > 0", name="limit_per_customer_positive"),
        CheckConstraint("usage_limit > 0", name="usage_limit_positive"),
        CheckConstraint("used >= 0 AND used <= usage_limit", name="usage"),
        currency(),
        at_most("name", 200),
    )

    code: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(one_of("kind", VoucherKind))
    percent: Mapped[Decimal | None] = mapped_column(percent())
    amount: Mapped[Decimal | None] = mapped_column(amount())
    currency: Mapped[str | None]
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    usage_limit: Mapped[int | None] = mapped_column(Integer)
    limit_per_customer: Mapped[int | None] = mapped_column(Integer)
    used: Mapped[int] = mapped_column(Integer, server_default="0")


class VoucherOffer(TenantRow):
    """An offer that a voucher is for; a voucher without any is for all."""

    __tablename__ = "voucher_offer"
    __table_args__ = (
        tenant_foreign_key("voucher_id", "voucher", ondelete="CASCADE"),
        tenant_foreign_key("offer_id", "offer"),
        UniqueConstraint("tenant_id", "voucher_id", "offer_id"),
        linked_by("offer_id"),
    )

    voucher_id: Mapped[Key]
    offer_id: Mapped[Key]


class VoucherRedemption(TenantRow):
    """An order that a voucher was used for; whose it is, the order says."""

    __tablename__ = "voucher_redemption"
    __table_args__ = (
        tenant_foreign_key("voucher_id", "voucher"),
        tenant_foreign_key("order_id", "customer_order", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "order_id", "voucher_id"),
        linked_by("voucher_id"),
    )

    voucher_id: Mapped[Key]
    order_id: Mapped[Key]
