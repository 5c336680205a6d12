"""Small objects that many records hold: money, periods, addresses as they were, files."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from app.auth.permissions import Permission
from app.context import CallerContext
from app.domain.files.thumbnails import THUMBNAIL_TYPE
from app.models.base import PaymentMethod, PeriodUnit
from app.models.file import File as FileModel
from app.models.file import FilePurpose, thumbnail_key
from app.resolvers.fields import column, part, python
from app.resolvers.reads import Row, SqlExpression
from app.scalars import URL, CountryCode, CurrencyCode
from app.schema.enums import described
from app.schema.node import record

described(
    PeriodUnit,
    "In what a term, an accounting period or a notice period is counted.",
    {
        "DAY": "Calendar days.",
        "WEEK": "Weeks of seven days.",
        "MONTH": "Calendar months.",
        "YEAR": "Calendar years.",
    },
)
described(
    PaymentMethod,
    "How a customer pays.",
    {
        "SEPA_DEBIT": "A SEPA direct debit from a bank account with a mandate.",
        "INVOICE": "A bank transfer after an invoice.",
        "CREDIT_CARD": "A credit card.",
        "PAYPAL": "PayPal.",
        "FREE": "Nothing is to be paid.",
    },
)


@strawberry.type(description="An amount of money.")
class Money:
    """An exact amount and its currency."""

    amount: Decimal = part("The amount, with two decimals.")
    currency: CurrencyCode = part("Its currency.")


def money(amount: str | SqlExpression) -> dict[str, str | SqlExpression]:
    """The columns of an amount, for `embedded`; the amount may be SQL over them."""
    return {"amount": amount, "currency": "currency"}


@strawberry.type(description="A length of time, as contracts state it.")
class Period:
    """So many days, weeks, months or years."""

    count: int = part("How many.")
    unit: PeriodUnit = part("Of what.")


def period(name: str) -> dict[str, str | SqlExpression]:
    """The columns of a length of time, for `embedded`."""
    return {"count": f"{name}_count", "unit": f"{name}_unit"}


@strawberry.type(
    description="An address as it was when a document was made; later changes don't reach it."
)
class AddressSnapshot:
    """The copy of an address that an order or invoice keeps."""

    company: str | None = part("The company's name.")
    salutation: str | None = part("How the person is addressed.")
    title: str | None = part("An academic or other title.")
    first_name: str | None = part("The first name.")
    last_name: str | None = part("The last name.")
    street: str | None = part("The street without the number.")
    house_number: str | None = part("The number in the street.")
    addition: str | None = part("What else the address says.")
    postbox: str | None = part("The post-office box.")
    postal_code: str | None = part("The postal code.")
    city: str | None = part("The city.")
    region: str | None = part("The state, province or prefecture.")
    country: CountryCode | None = part("The country.")
    vat_number: str | None = part("The VAT identification number.")


def _download_url(context: CallerContext, row: Row) -> Any:
    if row["_purpose"] == FilePurpose.EXPORT:
        # It is encrypted there, and can be had by its export alone.
        return None
    return context.storage.signed_download_url(
        row["_key"],
        row["_name"],
        row["_content_type"],
        context.settings.download_link_seconds,
    )


def _thumbnail_url(context: CallerContext, row: Row) -> Any:
    if not row["_has_thumbnail"]:
        return None
    return context.storage.signed_download_url(
        thumbnail_key(row["_key"]),
        f"{row['_name']}.webp",
        THUMBNAIL_TYPE,
        context.settings.download_link_seconds,
    )


@record(FileModel, needs=Permission.CUSTOMER_READ, description="A stored file.")
class File:
    """A file in the object store.

    It has no id of its own to ask for: whoever may see an attachment or an invoice reaches its
    file through it, and nobody else by counting through ids.
    """

    created_at: datetime = column("When it was stored.")
    name: str = column("The name it was uploaded or made under.")
    content_type: str = column("Its media type.")
    size: int = column("Its size in bytes.", of="size_bytes")
    sha256: str = column("The SHA-256 of its content, in hexadecimal.")
    download_url: URL | None = python(
        ("key", "name", "content_type", "purpose"),
        _download_url,
        "A signed address that downloads the file, for a few minutes only. Null for an export, "
        "which has its own.",
        needs=Permission.FILE_DOWNLOAD,
    )
    thumbnail_url: URL | None = python(
        ("key", "name", "has_thumbnail"),
        _thumbnail_url,
        "A signed address of a small picture of it (WebP, at most 256 pixels each way), for a few "
        "minutes only. Uploaded images and PDFs have one; null for others.",
        needs=Permission.FILE_DOWNLOAD,
    )
