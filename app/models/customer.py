"""Customers: the people and companies who have an account."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Computed, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    Json,
    Record,
    Versioned,
    at_most,
    encrypted,
    found_by,
    matches,
    of_tenant,
    one_of,
    personal,
    secret,
)


class Salutation(StrEnum):
    """How a person is addressed."""

    MR = "MR"
    MS = "MS"
    MX = "MX"


class Customer(Versioned, Record):
    """A customer's own data and the three locks, which are never merged.

    - `login_blocked_at`: the customer can't log in.
    - `access_blocked_at`: the customer can log in, and has no access to the products.
    - `anonymized_at`: the account is scrubbed and closed.

    `email_key` and `sort_name` are columns and not indexes on expressions, because the
    functions in them are not leakproof and row-level security would keep the indexes unused.
    """

    __tablename__ = "customer"
    __table_args__ = (
        of_tenant(),
        UniqueConstraint("tenant_id", "number"),
        UniqueConstraint("tenant_id", "external_id"),
        UniqueConstraint("tenant_id", "email_key"),
        Index(None, "tenant_id", "created_at", "id"),
        Index(None, "tenant_id", "changed_at", "id"),
        Index(None, "tenant_id", "sort_name", "id"),
        Index(
            "ix_customer_additional_data",
            text("abokonto.of_tenant(tenant_id, additional_data) jsonb_path_ops"),
            postgresql_using="gin",
        ),
        CheckConstraint("number <> ''", name="number_filled"),
        CheckConstraint("external_id <> ''", name="external_id_filled"),
        CheckConstraint(
            "login_blocked_reason IS NULL OR login_blocked_at IS NOT NULL", name="login_blocked"
        ),
        CheckConstraint(
            "access_blocked_reason IS NULL OR access_blocked_at IS NOT NULL", name="access_blocked"
        ),
        CheckConstraint(
            "(totp_secret IS NULL) = (two_factor_since IS NULL)", name="two_factor_complete"
        ),
        CheckConstraint("jsonb_typeof(additional_data) = 'object'", name="additional_data_object"),
        CheckConstraint("birthday > '1850-01-01'", name="birthday_range"),
        matches("language", "^[a-z]{2}$"),
        matches("email", "^[^@\\s]+@[^@\\s]+$"),
        at_most("number", 60),
        at_most("external_id", 200),
        at_most("email", 254),
        at_most("title", 60),
        at_most("first_name", 200),
        at_most("last_name", 200),
        at_most("company", 200),
        at_most("phone", 60),
    )

    number: Mapped[str] = mapped_column(Text(collation="C"), info=personal())
    external_id: Mapped[str | None] = mapped_column(Text(collation="C"), info=personal())
    email: Mapped[str | None] = mapped_column(info=personal())
    email_key: Mapped[str | None] = mapped_column(
        Text(collation="C"), Computed("lower(email)", persisted=True), info=personal()
    )
    salutation: Mapped[str | None] = mapped_column(
        one_of("salutation", Salutation), info=personal()
    )
    title: Mapped[str | None] = mapped_column(info=personal())
    first_name: Mapped[str | None] = mapped_column(info=personal())
    last_name: Mapped[str | None] = mapped_column(info=personal())
    company: Mapped[str | None] = mapped_column(info=personal())
    sort_name: Mapped[str] = mapped_column(
        Text(collation="C"),
        Computed("abokonto.sort_name(last_name, first_name, company)", persisted=True),
        info=personal(),
    )
    phone: Mapped[str | None] = mapped_column(info=personal())
    birthday: Mapped[date | None] = mapped_column(info=personal())
    language: Mapped[str] = mapped_column(server_default="de", info=personal())
    tags: Mapped[list[str]] = mapped_column(server_default="{}", info=personal())
    additional_data: Mapped[Json] = mapped_column(
        server_default="{}", info={**personal(), **found_by("customers_holding")}
    )

    login_blocked_at: Mapped[datetime | None]
    login_blocked_reason: Mapped[str | None] = mapped_column(info=personal())
    access_blocked_at: Mapped[datetime | None]
    access_blocked_reason: Mapped[str | None] = mapped_column(info=personal())
    anonymized_at: Mapped[datetime | None]

    password_hash: Mapped[str | None] = mapped_column(info=secret())
    totp_secret: Mapped[bytes | None] = mapped_column(info=encrypted())
    two_factor_since: Mapped[datetime | None]
