"""Offers as they are sold: their products, what tax is in them, and what they give access to."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import and_, or_, select

from app.billing.taxes import tax_shares
from app.domain.money import Money
from app.models import Offer, OfferGrant, Product
from app.work.unit import Work


@dataclass(frozen=True)
class Sold:
    """An offer with all that selling it takes."""

    offer: Offer
    product: Product
    shares: Mapping[str, Decimal]
    """How much of the price is of which tax class, in percent."""

    grants: tuple[Product, ...]
    """What it gives access to, its own product among them."""

    @property
    def delivers(self) -> bool:
        """Whether something is brought to an address."""
        return self.offer.publication_id is not None

    @property
    def price(self) -> Money:
        """The price of an accounting period, with tax."""
        return Money(self.offer.price, self.offer.currency)

    @property
    def first_price(self) -> Money:
        """The price of the first accounting period, with tax."""
        if self.offer.first_price is None:
            return self.price
        return Money(self.offer.first_price, self.offer.currency)

    def offer_on(self, day: date) -> bool:
        """Whether the offer is valid on a day."""
        return self.offer.valid_from <= day <= (self.offer.valid_until or date.max)

    def why_not(self, day: date) -> str | None:
        """Why it can't be had on a day; None where it can."""
        offer = self.offer
        if day < offer.valid_from:
            return f"{offer.name} is sold from {offer.valid_from} on."
        if offer.valid_until is not None and day > offer.valid_until:
            return f"{offer.name} was sold until {offer.valid_until}."
        if self.product.retired_at is not None:
            return f"{self.product.name} is not sold any more."
        return None


async def find_sold(
    work: Work, keys: Collection[int], codes: Collection[str], day: date
) -> list[Sold]:
    """Offers by their keys, or by codes as they are on a day; nobody changes them meanwhile."""
    on_the_day = and_(
        Offer.code.in_(codes),
        Offer.valid_from <= day,
        or_(Offer.valid_until.is_(None), Offer.valid_until >= day),
    )
    wanted = (
        select(Offer, Product)
        .join(Product, and_(Product.tenant_id == Offer.tenant_id, Product.id == Offer.product_id))
        .where(Offer.tenant_id == work.tenant_id, or_(Offer.id.in_(keys), on_the_day))
        .order_by(Offer.id)
    )
    found = (await work.session.execute(work.held(wanted))).all()
    shares = await tax_shares(work, [product for _, product in found])
    grants = await _grants(work, [offer.id for offer, _ in found])
    return [
        Sold(offer, product, shares[product.id], _accessible(product, grants[offer.id]))
        for offer, product in found
    ]


def _accessible(product: Product, beside: Sequence[Product]) -> tuple[Product, ...]:
    return tuple(one for one in (product, *beside) if one.access_id is not None)


async def _grants(work: Work, keys: Sequence[int]) -> Mapping[int, list[Product]]:
    """What offers give access to beside their own products."""
    wanted = (
        select(OfferGrant.offer_id, Product)
        .join(
            Product,
            and_(Product.tenant_id == OfferGrant.tenant_id, Product.id == OfferGrant.product_id),
        )
        .where(OfferGrant.tenant_id == work.tenant_id, OfferGrant.offer_id.in_(keys))
        .order_by(OfferGrant.id)
    )
    grants: defaultdict[int, list[Product]] = defaultdict(list)
    for offer_id, product in await work.session.execute(wanted):
        grants[offer_id].append(product)
    return grants
