"""Products: what a tenant sells."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    Key,
    Record,
    TenantRow,
    Versioned,
    at_most,
    linked_by,
    matches,
    of_tenant,
    one_of,
    percent,
    tenant_foreign_key,
)
from app.models.tax_rate import TaxClass


class ProductKind(StrEnum):
    """What a customer gets."""

    DIGITAL = "DIGITAL"
    PRINT = "PRINT"
    BUNDLE = "BUNDLE"


class Product(Versioned, Record):
    """Digital access, printed issues, or both.

    `access_id` is what front ends ask for when a customer opens an article. A bundle without a
    `tax_class` has tax shares instead. What is retired gets no new offers.
    """

    __tablename__ = "product"
    __table_args__ = (
        of_tenant(),
        tenant_foreign_key("publication_id", "publication"),
        UniqueConstraint("tenant_id", "access_id"),
        matches("access_id", "^[0-9A-Za-z-]{2,30}$"),
        CheckConstraint("kind = 'PRINT' OR access_id IS NOT NULL", name="access_named"),
        CheckConstraint("kind = 'DIGITAL' OR publication_id IS NOT NULL", name="publication_named"),
        CheckConstraint("kind = 'BUNDLE' OR tax_class IS NOT NULL", name="tax_classed"),
        at_most("name", 200),
        at_most("description", 2000),
        linked_by("publication_id"),
    )

    kind: Mapped[str] = mapped_column(one_of("kind", ProductKind))
    name: Mapped[str]
    description: Mapped[str | None]
    access_id: Mapped[str | None]
    publication_id: Mapped[Key | None]
    tax_class: Mapped[str | None] = mapped_column(one_of("tax_class", TaxClass))
    retired_at: Mapped[datetime | None]


class ProductTaxShare(TenantRow):
    """How much of a bundle's price is of one tax class; a bundle's shares add up to 100 percent."""

    __tablename__ = "product_tax_share"
    __table_args__ = (
        tenant_foreign_key("product_id", "product", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "product_id", "tax_class"),
        CheckConstraint("percent > 0 AND percent < 100", name="percent_range"),
    )

    product_id: Mapped[Key]
    tax_class: Mapped[str] = mapped_column(one_of("tax_class", TaxClass))
    percent: Mapped[Decimal] = mapped_column(percent())
