"""Publications and their issues: what is printed and delivered."""

from datetime import date
from enum import StrEnum

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Key, Record, Versioned, at_most, of_tenant, one_of, tenant_foreign_key


class Frequency(StrEnum):
    """How often a publication appears."""

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    BIWEEKLY = "BIWEEKLY"
    MONTHLY = "MONTHLY"
    BIMONTHLY = "BIMONTHLY"
    QUARTERLY = "QUARTERLY"


class Publication(Versioned, Record):
    """A newspaper or magazine."""

    __tablename__ = "publication"
    __table_args__ = (of_tenant(), UniqueConstraint("tenant_id", "title"), at_most("title", 200))

    title: Mapped[str]
    frequency: Mapped[str] = mapped_column(one_of("frequency", Frequency))


class Issue(Versioned, Record):
    """One issue of a publication; orders until the closing date are part of its print run."""

    __tablename__ = "issue"
    __table_args__ = (
        tenant_foreign_key("publication_id", "publication"),
        UniqueConstraint("tenant_id", "publication_id", "number"),
        UniqueConstraint("tenant_id", "publication_id", "publishing_on"),
        CheckConstraint("closing_on <= publishing_on", name="closing"),
        at_most("number", 30),
        at_most("title", 200),
    )

    publication_id: Mapped[Key]
    number: Mapped[str]
    title: Mapped[str | None]
    publishing_on: Mapped[date]
    closing_on: Mapped[date]
