"""Offers: a product at a price, for a term."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    Key,
    PeriodUnit,
    Record,
    TenantRow,
    Versioned,
    amount,
    at_most,
    currency,
    linked_by,
    of_tenant,
    one_of,
    tenant_foreign_key,
)


class Terms:
    """For how long a subscription is bound, how it is billed, and when it can be ended."""

    term_count: Mapped[int] = mapped_column(
        Integer, CheckConstraint("term_count > 0", name="term_positive")
    )
    term_unit: Mapped[str] = mapped_column(one_of("term_unit", PeriodUnit))
    accounting_count: Mapped[int] = mapped_column(
        Integer, CheckConstraint("accounting_count > 0", name="accounting_positive")
    )
    accounting_unit: Mapped[str] = mapped_column(one_of("accounting_unit", PeriodUnit))
    notice_count: Mapped[int] = mapped_column(
        Integer, CheckConstraint("notice_count >= 0", name="notice_positive")
    )
    notice_unit: Mapped[str] = mapped_column(one_of("notice_unit", PeriodUnit))


class Offer(Versioned, Terms, Record):
    """What a customer can order. The price includes tax and is that of one accounting period.

    With `issues_per_period` the subscription is counted in issues of the publication, without
    it in time. Once it was sold, only its name, description and last day change; another price
    or other terms make a successor, which names it in `predecessor_id` and may have its code,
    since on each day at most one offer has a code.
    """

    __tablename__ = "offer"
    __table_args__ = (
        of_tenant(),
        tenant_foreign_key("product_id", "product"),
        tenant_foreign_key("publication_id", "publication"),
        tenant_foreign_key("predecessor_id", "offer"),
        UniqueConstraint("tenant_id", "predecessor_id"),
        ExcludeConstraint(
            ("tenant_id", "="),
            ("code", "="),
            (text("daterange(valid_from, valid_until, '[]')"), "&&"),
            name="ex_offer_code_overlap",
        ),
        CheckConstraint("price >= 0", name="price_positive"),
        CheckConstraint("first_price >= 0", name="first_price_positive"),
        CheckConstraint("issues_per_period > 0", name="issues_positive"),
        CheckConstraint(
            "issues_per_period IS NULL OR publication_id IS NOT NULL", name="publication_named"
        ),
        CheckConstraint("valid_until >= valid_from", name="period"),
        currency(),
        at_most("code", 60),
        at_most("name", 200),
        at_most("description", 2000),
        linked_by("product_id"),
        linked_by("publication_id"),
    )

    code: Mapped[str]
    name: Mapped[str]
    description: Mapped[str | None]
    product_id: Mapped[Key]
    publication_id: Mapped[Key | None]
    price: Mapped[Decimal] = mapped_column(amount())
    first_price: Mapped[Decimal | None] = mapped_column(amount())
    currency: Mapped[str]
    issues_per_period: Mapped[int | None]
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    predecessor_id: Mapped[Key | None]


class OfferGrant(TenantRow):
    """A product that an offer gives access to beside its own."""

    __tablename__ = "offer_grant"
    __table_args__ = (
        tenant_foreign_key("offer_id", "offer", ondelete="CASCADE"),
        tenant_foreign_key("product_id", "product"),
        UniqueConstraint("tenant_id", "offer_id", "product_id"),
        linked_by("product_id"),
    )

    offer_id: Mapped[Key]
    product_id: Mapped[Key]
