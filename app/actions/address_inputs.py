"""The inputs of the actions on addresses."""

from datetime import date

import strawberry
from strawberry import UNSET

from app.models import Address
from app.models.customer import Salutation
from app.scalars import CountryCode
from app.work.inputs import OfCustomer, Repeatable, Versioned, country, given, identifier, text


@strawberry.input
class AddressData:
    """The parts of an address, all of which may be left out."""

    business: bool | None = given(
        "Whether it is a company's; by default whether a company is named.", default=UNSET
    )
    company: str | None = text("The company's name.", of=Address.company, default=UNSET)
    salutation: Salutation | None = given("How the person is addressed.", default=UNSET)
    title: str | None = text("An academic or other title.", of=Address.title, default=UNSET)
    first_name: str | None = text("The first name.", of=Address.first_name, default=UNSET)
    last_name: str | None = text(
        "The last name. There has to be one, or a company.", of=Address.last_name, default=UNSET
    )
    street: str | None = text(
        "The street without the number. There has to be one, or a postbox.",
        of=Address.street,
        default=UNSET,
    )
    house_number: str | None = text(
        "The number in the street.", of=Address.house_number, default=UNSET
    )
    addition: str | None = text(
        "What else stands in the address: floor, rear building.",
        of=Address.addition,
        default=UNSET,
    )
    postbox: str | None = text(
        "The post-office box, instead of a street.", of=Address.postbox, default=UNSET
    )
    postal_code: str | None = text(
        "The postal code, where the country has any.", of=Address.postal_code, default=UNSET
    )
    city: str | None = text("The city.", of=Address.city, default=UNSET)
    region: str | None = text(
        "The state, province or prefecture, by its name or its abbreviation, where the country's "
        "addresses have one.",
        of=Address.region,
        default=UNSET,
    )
    vat_number: str | None = text(
        "The VAT identification number.", of=Address.vat_number, default=UNSET
    )
    delivery_note: str | None = text(
        "What the person who delivers should know.",
        of=Address.delivery_note,
        lines=True,
        default=UNSET,
    )
    valid_from: date | None = given(
        "The day from which it counts, which lies ahead; without one it counts at once.",
        default=UNSET,
    )
    preferred: bool | None = given(
        "Whether it becomes the preferred one of its type, from `validFrom` on where that lies "
        "ahead. Without it, the first one in effect and every one that lies ahead does.",
        default=UNSET,
    )
    override: bool | None = given(
        "Whether to keep the address though it breaks its country's rules; its `validation` is "
        "OVERRIDDEN then.",
        default=UNSET,
    )


@strawberry.input
class NewAddress(OfCustomer, AddressData, Repeatable):
    """An address that is added."""

    country: CountryCode = country("The country (ISO 3166-1): `DE`.")


@strawberry.input(description="An invoice address to add.")
class AddInvoiceAddressInput(NewAddress):
    """Whose address, and its parts."""


@strawberry.input(description="A delivery address to add.")
class AddDeliveryAddressInput(NewAddress):
    """Whose address, and its parts."""


@strawberry.input(
    description="What to change of an address: what is left out stays as it is, and null removes "
    "a value."
)
class UpdateAddressInput(AddressData, Versioned):
    """Which address, and what to change."""

    address_id: strawberry.ID = identifier("The id of the address.")
    country: CountryCode | None = country("The country (ISO 3166-1): `DE`.", default=UNSET)


@strawberry.input(description="An address to remove.")
class RemoveAddressInput:
    """Which address."""

    address_id: strawberry.ID = identifier("The id of the address.")


@strawberry.input(description="An address to prefer.")
class SetPreferredAddressInput:
    """Which address."""

    address_id: strawberry.ID = identifier("The id of the address.")
