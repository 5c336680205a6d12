"""What tax is in a price, by what is sold, where to, and for which days."""

from decimal import Decimal

from sqlalchemy import select

from app.domain.money import Money
from app.domain.periods import Span
from app.domain.tax import NoTaxRate, TaxedAmount, TaxRates, performed_on, tax_price
from app.models import Product, ProductTaxShare, TaxRate
from app.work.once import once
from app.work.unit import Work


async def tax_lines(
    work: Work, product: Product, gross: Money, service: Span, country: str
) -> tuple[TaxedAmount, ...]:
    """The price of a product for a period as a line for each tax class in it.

    The rates are those of the country on the last day of the period, which is when the service
    counts as performed (§ 13 (1) Nr. 1 a UStG). Countries without known rates are billed at those
    of the tenant's own, as small sellers do by law (§ 3a (5) and § 3c (4) UStG).

    Raises:
        NoTaxRate: The tenant's country has no rate for the day either.
    """
    shares = await once(work, ("tax shares", product.id), lambda: _shares(work, product))
    day = performed_on(service)
    home = (await work.tenant()).country
    rates = await once(work, ("tax rates", country, home), lambda: _rates(work, country, home))
    try:
        return tax_price(gross, shares, rates, country, day)
    except NoTaxRate:
        return tax_price(gross, shares, rates, home, day)


async def _shares(work: Work, product: Product) -> dict[str, Decimal]:
    """How much of the product's price is of which tax class, in percent."""
    if product.tax_class is not None:
        return {product.tax_class: Decimal(100)}
    rows = await work.rows(ProductTaxShare, ProductTaxShare.product_id == product.id)
    return {row.tax_class: row.percent for row in rows}


async def _rates(work: Work, *countries: str) -> TaxRates:
    found = await work.session.scalars(select(TaxRate).where(TaxRate.country.in_(countries)))
    return TaxRates(found.all())
