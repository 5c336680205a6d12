"""The tab of addresses: where invoices and issues go."""

from datetime import date

from app.auth.permissions import Permission
from app.models.address import Address as AddressModel
from app.models.address import AddressType, AddressValidation
from app.models.customer import Salutation
from app.resolvers.fields import column
from app.scalars import CountryCode
from app.schema.connection import Connection, tab
from app.schema.enums import described
from app.schema.lazy import LazySubscription
from app.schema.node import AccountRecord, record

described(
    Salutation,
    "How a person is addressed.",
    {"MR": "As a man.", "MS": "As a woman.", "MX": "As neither."},
)
described(
    AddressType,
    "What an address is for.",
    {"INVOICE": "Invoices are sent there.", "DELIVERY": "Issues are delivered there."},
)
described(
    AddressValidation,
    "What checking an address has shown.",
    {
        "NONE": "It was not checked.",
        "VALID": "It exists.",
        "SUSPECT": "Something about it is doubtful.",
        "INVALID": "It does not exist.",
        "OVERRIDDEN": "A person vouches for it against the check.",
    },
)


@record(
    AddressModel,
    needs=Permission.ADDRESS_READ,
    description="An invoice or delivery address of a customer.",
)
class Address(AccountRecord):
    """An address, from a day on that may lie ahead."""

    type: AddressType = column("What it is for.", where=True, order=True)
    business: bool = column("Whether it is a company's.", where=True)
    company: str | None = column("The company's name.", where=True, order=True)
    salutation: Salutation | None = column("How the person is addressed.")
    title: str | None = column("An academic or other title.")
    first_name: str | None = column("The first name.", where=True, order=True)
    last_name: str | None = column("The last name.", where=True, order=True)
    street: str | None = column("The street without the number.", where=True)
    house_number: str | None = column("The number in the street.")
    addition: str | None = column("What else stands in the address: floor, rear building.")
    postbox: str | None = column("The post-office box, instead of a street.")
    postal_code: str = column("The postal code.", where=True, order=True)
    city: str = column("The city.", where=True, order=True)
    country: CountryCode = column("The country.", where=True, order=True)
    vat_number: str | None = column("The VAT identification number.", where=True)
    delivery_note: str | None = column("What the person who delivers should know.")
    preferred: bool = column("Whether it is the preferred one of its type.", where=True)
    valid_from: date | None = column(
        "The day from which it counts; null means always.", where=True, order=True
    )
    validation: AddressValidation = column("What checking it has shown.", where=True)
    version: int = column("Rises with every change; for `expectedVersion`.")
    subscriptions: Connection[LazySubscription] | None = tab(
        ("invoice_address_id", "delivery_address_id"),
        "The subscriptions that use it.",
        needs=Permission.SUBSCRIPTION_READ,
    )
