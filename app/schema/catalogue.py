"""What the publisher sells: products, offers, publications and their issues."""

from datetime import date, datetime
from decimal import Decimal

from app.auth.permissions import Permission
from app.models.offer import Offer as OfferModel
from app.models.offer import OfferGrant
from app.models.product import Product as ProductModel
from app.models.product import ProductKind, ProductTaxShare
from app.models.publication import Frequency
from app.models.publication import Issue as IssueModel
from app.models.publication import Publication as PublicationModel
from app.models.tax_rate import TaxClass
from app.resolvers.fields import column, embedded, expression, many, one
from app.schema.common import Money, Period, money, period
from app.schema.connection import Connection, tab, words_in
from app.schema.dates import holds_today
from app.schema.enums import described
from app.schema.lazy import LazyOffer, LazyProduct
from app.schema.node import Record, record

described(
    ProductKind,
    "What a customer gets.",
    {
        "DIGITAL": "Access to digital content.",
        "PRINT": "Printed issues.",
        "BUNDLE": "Both; its tax is split.",
    },
)
described(
    Frequency,
    "How often a publication appears.",
    {
        "DAILY": "Every day or every working day.",
        "WEEKLY": "Once a week.",
        "BIWEEKLY": "Every two weeks.",
        "MONTHLY": "Once a month.",
        "BIMONTHLY": "Every two months.",
        "QUARTERLY": "Every three months.",
    },
)
described(
    TaxClass,
    "What kind of goods something is to the tax office.",
    {
        "STANDARD": "The full rate.",
        "REDUCED": "The reduced rate, as for printed and electronic press.",
        "ZERO": "No tax.",
    },
)


@record(
    IssueModel,
    needs=Permission.CATALOGUE_READ,
    description="An issue of a publication.",
    order="-publishing_on",
)
class Issue(Record):
    """One issue; orders until the closing date are part of its print run."""

    number: str = column("Its number, unique in the publication.", where=True, order=True)
    title: str | None = column("Its title.", where=True)
    publishing_on: date = column("The day it appears.", where=True, order=True)
    closing_on: date = column("The last day for changes to its print run.", where=True)
    version: int = column("Rises with every change; for `expectedVersion`.")
    publication: "Publication" = one("publication_id", "The publication.")


@record(
    PublicationModel,
    needs=Permission.CATALOGUE_READ,
    description="A newspaper or magazine.",
    order="title",
)
class Publication(Record):
    """What appears in issues."""

    title: str = column("Its title.", where=True, order=True)
    frequency: Frequency = column("How often it appears.", where=True)
    version: int = column("Rises with every change; for `expectedVersion`.")
    issues: Connection[Issue] | None = tab(
        "publication_id",
        "Its issues.",
        needs=Permission.CATALOGUE_READ,
        search=words_in("number", "title"),
    )
    products: Connection[LazyProduct] | None = tab(
        "publication_id", "The products with it.", needs=Permission.CATALOGUE_READ
    )


@record(
    ProductTaxShare,
    needs=Permission.CATALOGUE_READ,
    description="A part of a bundle's price that is of one tax class.",
)
class TaxShare:
    """How much of the price it is."""

    tax_class: TaxClass = column("What this part is to the tax office.")
    percent: Decimal = column("How much of the price with tax it is, in percent.")


@record(
    ProductModel,
    needs=Permission.CATALOGUE_READ,
    description="What a customer gets: digital access, printed issues, or both.",
    order="name",
)
class Product(Record):
    """A product; offers put prices on it."""

    name: str = column("Its name.", where=True, order=True)
    description: str | None = column("What it is.")
    kind: ProductKind = column("What a customer gets.", where=True, order=True)
    unique_id: str | None = column(
        "The unique id that front ends ask `hasAccess` for to open content.",
        of="access_id",
        where=True,
    )
    tax_class: TaxClass | None = column(
        "What all of it is to the tax office; null where a bundle's tax is split.", where=True
    )
    tax_shares: list[TaxShare] = many(
        "product_id", "How a bundle's tax is split; else empty.", order="tax_class"
    )
    retired_at: datetime | None = column(
        "When it was retired; it gets no new offers since.", where=True, order=True
    )
    version: int = column("Rises with every change; for `expectedVersion`.")
    publication: Publication | None = one("publication_id", "The publication it delivers.")
    offers: Connection[LazyOffer] | None = tab(
        "product_id", "At which prices it is sold.", needs=Permission.CATALOGUE_READ
    )


@record(
    OfferModel,
    needs=Permission.CATALOGUE_READ,
    description="A product at a price, for a term.",
    order="code",
)
class Offer(Record):
    """What a customer can order."""

    code: str = column("Its code.", where=True, order=True)
    name: str = column("Its name.", where=True, order=True)
    description: str | None = column("What it is.")
    price: Money = embedded(
        "The price of an accounting period with tax.", money("price"), compared_by="price"
    )
    first_price: Money | None = embedded(
        "The price of the first accounting period, where it is a lower one.",
        money("first_price"),
        null_when_null="first_price",
    )
    term: Period = embedded("For how long the customer is bound.", period("term"))
    accounting_period: Period = embedded("How often it is billed.", period("accounting"))
    notice: Period = embedded("How long before its end it can be cancelled.", period("notice"))
    issues_per_period: int | None = column(
        "How many issues a period holds; null when it is counted in time.", where=True
    )
    valid_from: date = column("The first day it can be ordered.", where=True, order=True)
    valid_until: date | None = column(
        "The last day it can be ordered; null means open.", where=True, order=True
    )
    on_sale: bool = expression(
        holds_today, "Whether it can be ordered today, in the tenant's time zone.", where=True
    )
    version: int = column("Rises with every change; for `expectedVersion`.")
    product: Product | None = one("product_id", "The product sold.")
    publication: Publication | None = one("publication_id", "The publication delivered.")
    also_grants: list[Product] = many(
        "offer_id",
        "What it gives access to beside its own product.",
        through=OfferGrant,
        through_key="product_id",
    )
    predecessor: LazyOffer | None = one("predecessor_id", "The offer whose place it took.")
    successor: LazyOffer | None = one(
        "predecessor_id", "The offer that took or takes its place.", inverse=True
    )
