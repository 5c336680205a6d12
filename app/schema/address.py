"""The tab of addresses: where invoices and issues go."""

from datetime import date

from sqlalchemy import ColumnElement, and_, exists, not_, or_

from app.auth.permissions import Permission
from app.models.address import Address as AddressModel
from app.models.address import AddressType, AddressValidation
from app.models.customer import Salutation
from app.resolvers.fields import column, expression
from app.resolvers.reads import Columns
from app.resolvers.sql import table_of
from app.scalars import CountryCode
from app.schema.connection import Connection, tab
from app.schema.dates import today
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
        "VALID": "It meets the rules of its country.",
        "SUSPECT": "It meets them, but something is doubtful: a street without a number.",
        "INVALID": "It breaks them.",
        "OVERRIDDEN": "It breaks them, and a person vouches for it.",
    },
)


def _has_come(day: ColumnElement[date], t: Columns) -> ColumnElement[bool]:
    """Whether a day has come where the tenant is; null counts as one long past."""
    return or_(day.is_(None), day <= today(t))


def _in_effect(t: Columns) -> ColumnElement[bool]:
    return _has_come(t.valid_from, t)


def _preferred(t: Columns) -> ColumnElement[bool]:
    """Whether an address is marked, and no other marked one has taken its place since."""
    later = table_of(AddressModel)
    taken = exists().where(
        later.c.tenant_id == t.tenant_id,
        later.c.customer_id == t.customer_id,
        later.c.type == t.type,
        later.c.preferred,
        or_(later.c.valid_from > t.valid_from, t.valid_from.is_(None)),
        later.c.valid_from.is_not(None),
        _has_come(later.c.valid_from, t),
    )
    return and_(t.preferred, not_(taken.correlate_except(later)))


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
    postal_code: str = column(
        "The postal code; empty in countries that have none.", where=True, order=True
    )
    city: str = column("The city; empty in countries that are one.", where=True, order=True)
    region: str | None = column(
        "The state, province or prefecture, where the country's addresses have one.", where=True
    )
    country: CountryCode = column("The country.", where=True, order=True)
    vat_number: str | None = column("The VAT identification number.", where=True)
    delivery_note: str | None = column("What the person who delivers should know.")
    preferred: bool = expression(
        _preferred,
        "Whether it is the preferred one of its type; where `validFrom` lies ahead, whether it "
        "will be from then on.",
        where=True,
    )
    valid_from: date | None = column(
        "The day from which it counts; null means always.", where=True, order=True
    )
    in_effect: bool = expression(
        _in_effect, "Whether its day has come, in the tenant's time zone.", where=True
    )
    current: bool = expression(
        lambda t: and_(_preferred(t), _in_effect(t)),
        "Whether it is the one of its type that is used today: preferred and in effect. With "
        "`where: {type: {eq: INVOICE}, current: {eq: true}}` a list has at most this one.",
        where=True,
    )
    validation: AddressValidation = column("What checking it has shown.", where=True)
    version: int = column("Rises with every change; for `expectedVersion`.")
    subscriptions: Connection[LazySubscription] | None = tab(
        ("invoice_address_id", "delivery_address_id"),
        "The subscriptions that use it.",
        needs=Permission.SUBSCRIPTION_READ,
    )
