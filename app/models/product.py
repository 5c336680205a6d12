"""Products: what a tenant sells."""

from enum import StrEnum

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    Key,
    Record,
    at_most,
    linked_by,
    matches,
    of_tenant,
    one_of,
    tenant_foreign_key,
)
from app.models.tax_rate import TaxClass


class ProductKind(StrEnum):
    """What a customer gets."""

    DIGITAL = "DIGITAL"
    PRINT = "PRINT"
    BUNDLE = "BUNDLE"


class Product(Record):
    """Digital access, printed issues, or both.

    `access_id` is what front ends ask for when a customer opens an article.
    """

    __tablename__ = "product"
    __table_args__ = (
        of_tenant(),
        tenant_foreign_key("publication_id", "publication"),
        UniqueConstraint("tenant_id", "access_id"),
        matches("access_id", "^[0-9A-Za-z-]{2,30}$"),
        CheckConstraint("kind = 'PRINT' OR access_id IS NOT NULL", name="access_named"),
        CheckConstraint("kind = 'DIGITAL' OR publication_id IS NOT NULL", name="publication_named"),
        at_most("name", 200),
        linked_by("publication_id"),
    )

    kind: Mapped[str] = mapped_column(one_of("kind", ProductKind))
    name: Mapped[str]
    description: Mapped[str | None]
    access_id: Mapped[str | None]
    publication_id: Mapped[Key | None]
    tax_class: Mapped[str] = mapped_column(one_of("tax_class", TaxClass))
