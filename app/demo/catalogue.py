"""What the demonstration's publishers sell: publications, issues, products and offers."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

import asyncpg

from app import models
from app.demo.assortment import OFFERS, PRODUCTS, PUBLICATIONS, OfferPlan
from app.demo.batch import Batch
from app.domain.periods import Period
from app.models.publication import Frequency
from app.models.tax_rate import TaxClass

_CENT = Decimal("0.01")
_YEARS_BACK = 8
_DAYS_AHEAD = 500


@dataclass
class Publication:
    """A publication's issues, by the day they are published."""

    id: int
    title: str
    days: list[date] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)

    def between(self, first: date, last: date) -> list[tuple[date, int]]:
        """The issues of a span of days, both included, with their ids."""
        low, high = bisect_left(self.days, first), bisect_right(self.days, last)
        return list(zip(self.days[low:high], self.ids[low:high], strict=True))


@dataclass(frozen=True)
class Offer:
    """An offer as it is in the database."""

    id: int
    plan: OfferPlan
    product_id: int
    access_id: str | None
    tax_class: TaxClass
    publication: Publication | None
    price: Decimal


@dataclass(frozen=True)
class Rate:
    """A tax rate and the days it applies."""

    country: str
    tax_class: str
    percent: Decimal
    valid_from: date
    valid_until: date | None


@dataclass
class Catalogue:
    """Everything that a customer of the tenant can order, and what tax is on it."""

    offers: list[Offer]
    publications: dict[str, Publication]
    rates: list[Rate]
    currency: str = "EUR"

    def __post_init__(self) -> None:
        self._by_code = {offer.plan.code: offer for offer in self.offers}
        self.shares = [offer.plan.share for offer in self.offers]
        self._rate_of: dict[tuple[str, str, date], Decimal] = {}

    def offer(self, code: str) -> Offer:
        """The offer with a code."""
        return self._by_code[code]

    def tax_percent(self, country: str, tax_class: str, day: date) -> Decimal:
        """The rate in a country on a day."""
        key = (country, tax_class, day)
        if key not in self._rate_of:
            self._rate_of[key] = next(
                rate.percent
                for rate in self.rates
                if (rate.country, rate.tax_class) == (country, tax_class)
                and rate.valid_from <= day
                and (rate.valid_until is None or day <= rate.valid_until)
            )
        return self._rate_of[key]


@cache
def split(gross: Decimal, percent: Decimal) -> tuple[Decimal, Decimal]:
    """The net amount and the tax in a gross one."""
    net = (gross / (1 + percent / 100)).quantize(_CENT, ROUND_HALF_UP)
    return net, gross - net


def add_catalogue(batch: Batch, today: date, rates: list[Rate], currency: str) -> Catalogue:
    """Add all of a tenant's catalogue to a batch."""
    made = datetime.combine(today.replace(month=1, day=1), time(8), UTC)
    made = made.replace(year=today.year - _YEARS_BACK)
    publications = {
        key: _publication(batch, title, frequency, today, made)
        for key, (title, frequency) in PUBLICATIONS.items()
    }
    products = {
        key: batch.add(
            models.Product,
            kind=kind,
            name=name,
            access_id=access_id,
            publication_id=publications[publication].id if publication else None,
            tax_class=tax_class.value,
            created_at=made,
            changed_at=made,
        )
        for key, (kind, name, access_id, publication, tax_class) in PRODUCTS.items()
    }
    offers = [
        _offer(batch, plan, products[plan.product], publications, made, currency) for plan in OFFERS
    ]
    _add_vouchers(batch, offers, made, currency)
    return Catalogue(offers, publications, rates, currency)


def _add_vouchers(batch: Batch, offers: list[Offer], made: datetime, currency: str) -> None:
    """A voucher for every offer, and one for some of them; nobody has used them yet."""
    common = {"valid_from": made.date(), "created_at": made, "changed_at": made}
    batch.add(
        models.Voucher,
        code="WILLKOMMEN",
        name="Willkommensrabatt",
        kind="PERCENT",
        percent=Decimal("20.00"),
        limit_per_customer=1,
        **common,
    )
    summer = batch.add(
        models.Voucher,
        code="SOMMER-5",
        name="Sommeraktion",
        kind="AMOUNT",
        amount=Decimal("5.00"),
        currency=currency,
        usage_limit=500,
        **common,
    )
    for offer in offers[:4]:
        batch.add(models.VoucherOffer, voucher_id=summer, offer_id=offer.id)


def _publication(
    batch: Batch, title: str, frequency: Frequency, today: date, made: datetime
) -> Publication:
    key = batch.add(
        models.Publication,
        title=title,
        frequency=frequency.value,
        created_at=made,
        changed_at=made,
    )
    publication = Publication(key, title)
    year, of_year = 0, 0
    for day in _publishing_days(frequency, made.date(), today + timedelta(days=_DAYS_AHEAD)):
        of_year = of_year + 1 if day.year == year else 1
        year = day.year
        publication.days.append(day)
        publication.ids.append(
            batch.add(
                models.Issue,
                publication_id=key,
                number=f"{of_year}/{year}",
                title=None if frequency is Frequency.DAILY else f"{title} {of_year}/{year}",
                publishing_on=day,
                closing_on=day - timedelta(days=1 if frequency is Frequency.DAILY else 10),
                created_at=made,
                changed_at=made,
            )
        )
    return publication


def _publishing_days(frequency: Frequency, first: date, last: date) -> list[date]:
    """The days on which a publication appears: a daily not on Sundays, a weekly on Thursdays."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    if frequency is Frequency.DAILY:
        return [day for day in days if day.weekday() < 6 and (day.day, day.month) != (25, 12)]
    if frequency is Frequency.WEEKLY:
        return [day for day in days if day.weekday() == 3]
    months = (1, 4, 7, 10) if frequency is Frequency.QUARTERLY else range(1, 13)
    return [day for day in days if day.day == 12 and day.month in months]


def _offer(
    batch: Batch,
    plan: OfferPlan,
    product_id: int,
    publications: dict[str, Publication],
    made: datetime,
    currency: str,
) -> Offer:
    offer = _known_offer(plan, 0, product_id, publications)
    key = batch.add(
        models.Offer,
        code=plan.code,
        name=plan.name,
        product_id=product_id,
        publication_id=offer.publication.id if offer.publication else None,
        price=offer.price,
        currency=currency,
        issues_per_period=plan.issues,
        valid_from=made.date(),
        created_at=made,
        changed_at=made,
        **terms(plan),
    )
    return replace(offer, id=key)


def terms(plan: OfferPlan) -> dict[str, int | str]:
    """The columns of an offer's or subscription's terms."""
    return {
        "term_count": plan.term[0],
        "term_unit": plan.term[1].value,
        "accounting_count": plan.accounting[0],
        "accounting_unit": plan.accounting[1].value,
        "notice_count": plan.notice[0],
        "notice_unit": plan.notice[1].value,
    }


def period_starts(plan: OfferPlan, first: date, until: date) -> list[date]:
    """The first days of all accounting periods up to a day, and of the one after it."""
    number, unit = plan.accounting
    starts = [first]
    while starts[-1] <= until:
        starts.append(Period(number, unit).after(first, len(starts)))
    return starts


async def load_catalogue(
    connection: asyncpg.Connection, tenant_id: int, rates: list[Rate]
) -> Catalogue:
    """The catalogue of a tenant that got it here before."""
    publications = {
        row["title"]: Publication(row["id"], row["title"])
        for row in await connection.fetch(
            "SELECT id, title FROM publication WHERE tenant_id = $1", tenant_id
        )
    }
    by_id = {publication.id: publication for publication in publications.values()}
    for row in await connection.fetch(
        "SELECT id, publication_id, publishing_on FROM issue WHERE tenant_id = $1"
        " ORDER BY publishing_on",
        tenant_id,
    ):
        by_id[row["publication_id"]].days.append(row["publishing_on"])
        by_id[row["publication_id"]].ids.append(row["id"])
    offers = {
        row["code"]: row
        for row in await connection.fetch(
            "SELECT code, id, product_id, price FROM offer WHERE tenant_id = $1", tenant_id
        )
    }
    by_key = {key: publications[title] for key, (title, _) in PUBLICATIONS.items()}
    return Catalogue(
        [
            _known_offer(plan, offers[plan.code]["id"], offers[plan.code]["product_id"], by_key)
            for plan in OFFERS
        ],
        by_key,
        rates,
    )


def _known_offer(
    plan: OfferPlan, key: int, product_id: int, publications: dict[str, Publication]
) -> Offer:
    _, _, access_id, publication, tax_class = PRODUCTS[plan.product]
    return Offer(
        key,
        plan,
        product_id,
        access_id,
        tax_class,
        publications[publication] if publication else None,
        Decimal(plan.price),
    )
