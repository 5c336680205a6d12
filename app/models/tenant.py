"""Tenants: the publishers, each of whom sees only its own rows."""

from datetime import datetime

from sqlalchemy import Identity, Integer, func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, currency, matches


class Tenant(Base):
    """One publisher, with what its documents say by default.

    Where `two_factor_required`, a session that a password alone has opened may nothing but set up
    the second factor.
    """

    __tablename__ = "tenant"
    __table_args__ = (
        matches("slug", "^[a-z0-9][a-z0-9-]{0,62}$"),
        matches("country", "^[A-Z]{2}$"),
        matches("language", "^[a-z]{2}$"),
        currency(),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    country: Mapped[str] = mapped_column(server_default="DE")
    currency: Mapped[str] = mapped_column(server_default="EUR")
    language: Mapped[str] = mapped_column(server_default="de")
    time_zone: Mapped[str] = mapped_column(server_default="Europe/Berlin")
    two_factor_required: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
