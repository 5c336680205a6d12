"""Addresses: where invoices and issues go."""

from datetime import date
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    CustomerRecord,
    Versioned,
    at_most,
    in_account,
    matches,
    one_of,
    personal,
)
from app.models.customer import Salutation


class AddressType(StrEnum):
    """What an address is for."""

    INVOICE = "INVOICE"
    DELIVERY = "DELIVERY"


class AddressValidation(StrEnum):
    """What checking an address has shown; OVERRIDDEN is a person's word against the check."""

    NONE = "NONE"
    VALID = "VALID"
    SUSPECT = "SUSPECT"
    INVALID = "INVALID"
    OVERRIDDEN = "OVERRIDDEN"


class Address(Versioned, CustomerRecord):
    """An address of a customer, from a day on that may lie ahead.

    Of those of a type that are in effect, the preferred one with the latest `valid_from` is
    used: so a preferred address whose day lies ahead takes the other's place by itself.
    Postal code and city are empty in countries that have none.
    """

    __tablename__ = "address"
    __table_args__ = (
        *in_account(ondelete="CASCADE"),
        Index(
            "uq_address_preferred",
            "tenant_id",
            "customer_id",
            "type",
            "valid_from",
            unique=True,
            postgresql_where="preferred",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint(
            "coalesce(last_name, '') <> '' OR coalesce(company, '') <> ''", name="named"
        ),
        CheckConstraint(
            "coalesce(street, '') <> '' OR coalesce(postbox, '') <> ''", name="reachable"
        ),
        matches("country", "^[A-Z]{2}$"),
        at_most("company", 200),
        at_most("title", 60),
        at_most("first_name", 200),
        at_most("last_name", 200),
        at_most("street", 200),
        at_most("house_number", 30),
        at_most("addition", 200),
        at_most("postbox", 60),
        at_most("postal_code", 20),
        at_most("city", 200),
        at_most("region", 100),
        at_most("vat_number", 30),
        at_most("delivery_note", 500),
    )

    type: Mapped[str] = mapped_column(one_of("type", AddressType))
    business: Mapped[bool] = mapped_column(server_default="false")
    company: Mapped[str | None] = mapped_column(info=personal())
    salutation: Mapped[str | None] = mapped_column(
        one_of("salutation", Salutation), info=personal()
    )
    title: Mapped[str | None] = mapped_column(info=personal())
    first_name: Mapped[str | None] = mapped_column(info=personal())
    last_name: Mapped[str | None] = mapped_column(info=personal())
    street: Mapped[str | None] = mapped_column(info=personal())
    house_number: Mapped[str | None] = mapped_column(info=personal())
    addition: Mapped[str | None] = mapped_column(info=personal())
    postbox: Mapped[str | None] = mapped_column(info=personal())
    postal_code: Mapped[str] = mapped_column(info=personal())
    city: Mapped[str] = mapped_column(info=personal())
    region: Mapped[str | None] = mapped_column(info=personal())
    country: Mapped[str] = mapped_column(info=personal())
    vat_number: Mapped[str | None] = mapped_column(info=personal())
    delivery_note: Mapped[str | None] = mapped_column(info=personal())
    preferred: Mapped[bool] = mapped_column(server_default="false")
    valid_from: Mapped[date | None] = mapped_column(info=personal())
    validation: Mapped[str] = mapped_column(
        one_of("validation", AddressValidation), server_default=AddressValidation.NONE.value
    )
