"""Tax rates: what the law of a country asks on a day."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Identity, Integer, Text, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.models.base import Base, matches, one_of, percent


class TaxClass(StrEnum):
    """What kind of goods something is to the tax office."""

    STANDARD = "STANDARD"
    REDUCED = "REDUCED"
    ZERO = "ZERO"


class TaxRate(Base):
    """A rate and the days it applies, the last included. It is law, so no tenant owns it."""

    __tablename__ = "tax_rate"
    __table_args__ = (
        matches("country", "^[A-Z]{2}$"),
        CheckConstraint("percent BETWEEN 0 AND 100", name="percent_range"),
        CheckConstraint("valid_until >= valid_from", name="period"),
        ExcludeConstraint(
            ("country", "="),
            ("tax_class", "="),
            (text("daterange(valid_from, valid_until, '[]')"), "&&"),
            name="ex_tax_rate_overlap",
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    country: Mapped[str]
    tax_class: Mapped[str] = mapped_column(one_of("tax_class", TaxClass))
    percent: Mapped[Decimal] = mapped_column(percent())
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]


class View(DeclarativeBase):
    """The root of views, which are no tables of ours: migrations make them by hand."""


class TenantTaxRate(View):
    """The tax rates once more for each tenant, so that they are listed as its own records are."""

    __tablename__ = "tenant_tax_rate"

    tenant_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    country: Mapped[str] = mapped_column(Text)
    tax_class: Mapped[str] = mapped_column(Text)
    percent: Mapped[Decimal] = mapped_column(percent())
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
