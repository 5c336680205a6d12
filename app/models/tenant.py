"""Tenants: the publishers, each of whom sees only its own rows."""

from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, Computed, Identity, Integer, func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, TenantRow, currency, matches

KEPT = MappingProxyType(
    {
        "book_years": (0, 100),
        "invoice_years": (0, 100),
        "letter_years": (0, 100),
        "login_days": (1, 36_500),
    }
)
"""How long records are kept: the columns, with the least and the most of each."""

RULES = ("two_factor_required", "four_eyes", *KEPT)
"""The columns that say by which rules a tenant works, and that it can change itself."""


class Tenant(Base):
    """One publisher, with what its documents say by default.

    Where `two_factor_required`, a session that a password alone has opened may nothing but set up
    the second factor. Where `four_eyes`, customers are anonymised by two members of staff. The
    others say how long records are kept that the law or the tenant wants kept.
    """

    __tablename__ = "tenant"
    __table_args__ = (
        matches("slug", "^[a-z0-9][a-z0-9-]{0,62}$"),
        matches("country", "^[A-Z]{2}$"),
        matches("language", "^[a-z]{2}$"),
        currency(),
        *(
            CheckConstraint(f"{name} BETWEEN {least} AND {most}", name=f"{name}_range")
            for name, (least, most) in KEPT.items()
        ),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    country: Mapped[str] = mapped_column(server_default="DE")
    currency: Mapped[str] = mapped_column(server_default="EUR")
    language: Mapped[str] = mapped_column(server_default="de")
    time_zone: Mapped[str] = mapped_column(server_default="Europe/Berlin")
    two_factor_required: Mapped[bool] = mapped_column(server_default="false")
    four_eyes: Mapped[bool] = mapped_column(server_default="false")
    book_years: Mapped[int] = mapped_column(Integer, server_default="10")
    invoice_years: Mapped[int] = mapped_column(Integer, server_default="8")
    letter_years: Mapped[int] = mapped_column(Integer, server_default="6")
    login_days: Mapped[int] = mapped_column(Integer, server_default="365")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    tenant_id: Mapped[int | None] = mapped_column(Integer, Computed("id", persisted=True))


class TenantSettings(TenantRow):
    """The same table, as a record of the tenant's own: the rules that it sets itself.

    That is why the table has its key twice, once under the name by which rows of tenants are found.
    """

    __table__ = Tenant.__table__
    __tablename__ = Tenant.__tablename__

    if TYPE_CHECKING:
        two_factor_required: Mapped[bool]
        four_eyes: Mapped[bool]
