"""What tax is in a price, by what is sold, where to, and for which days."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select

from app.domain.money import Money
from app.domain.periods import Span
from app.domain.tax import NoTaxRate, TaxedAmount, TaxRates, performed_on, tax_price
from app.models import Product, ProductTaxShare, TaxRate
from app.work.once import once
from app.work.unit import Work

Shares = Mapping[str, Decimal]
"""How much of a price is of which tax class, in percent."""

_ALL = Decimal(100)


@dataclass(frozen=True)
class Taxation:
    """The rates of some countries and of the tenant's own."""

    rates: TaxRates
    home: str

    def lines(
        self, gross: Money, shares: Shares, service: Span, country: str
    ) -> tuple[TaxedAmount, ...]:
        """A price for a period as a line for each tax class in it.

        The rates are those of the country on the last day of the period, which is when the
        service counts as performed (§ 13 (1) Nr. 1 a UStG). Countries without known rates are
        billed at those of the tenant's own, as small sellers do by law (§ 3a (5) and § 3c (4)
        UStG).

        Raises:
            NoTaxRate: The tenant's country has no rate for the day either.
        """
        day = performed_on(service)
        try:
            return tax_price(gross, shares, self.rates, country, day)
        except NoTaxRate:
            return tax_price(gross, shares, self.rates, self.home, day)


async def taxation(work: Work, *countries: str) -> Taxation:
    """The rates of some countries and of the tenant's own."""
    home = (await work.tenant()).country
    asked = frozenset((home, *countries))
    return Taxation(await once(work, ("tax rates", asked), lambda: _rates(work, asked)), home)


def taxed_where(invoice_country: str, delivery_country: str | None) -> str:
    """The country whose rates apply: where something is brought to, else where the customer is.

    Goods are taxed where they arrive (§ 3c UStG), what is read on a screen where consumers are at
    home (§ 3a (5) UStG).
    """
    return delivery_country or invoice_country


async def tax_lines(
    work: Work, product: Product, gross: Money, service: Span, country: str
) -> tuple[TaxedAmount, ...]:
    """The price of a product for a period as a line for each tax class in it; see `Taxation`.

    Raises:
        NoTaxRate: The tenant's country has no rate for the day either.
    """
    shares = await once(work, ("tax shares", product.id), lambda: _shares(work, product))
    return (await taxation(work, country)).lines(gross, shares, service, country)


async def tax_shares(work: Work, products: Iterable[Product]) -> Mapping[int, Shares]:
    """How much of products' prices is of which tax class, by the products' keys."""
    shares: defaultdict[int, dict[str, Decimal]] = defaultdict(dict)
    split = []
    for product in products:
        if product.tax_class is None:
            split.append(product.id)
        else:
            shares[product.id] = {product.tax_class: _ALL}
    if split:
        for row in await work.rows(ProductTaxShare, ProductTaxShare.product_id.in_(split)):
            shares[row.product_id][row.tax_class] = row.percent
    return shares


async def _shares(work: Work, product: Product) -> Shares:
    return (await tax_shares(work, [product]))[product.id]


async def _rates(work: Work, countries: Iterable[str]) -> TaxRates:
    found = await work.session.scalars(select(TaxRate).where(TaxRate.country.in_(countries)))
    return TaxRates(found.all())
