"""Tenants: the publishers, each of whom sees only its own rows."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Identity, Integer, func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, currency, matches


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
        CheckConstraint("book_years BETWEEN 0 AND 100", name="book_years_range"),
        CheckConstraint("invoice_years BETWEEN 0 AND 100", name="invoice_years_range"),
        CheckConstraint("letter_years BETWEEN 0 AND 100", name="letter_years_range"),
        CheckConstraint("login_days BETWEEN 1 AND 36500", name="login_days_range"),
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
