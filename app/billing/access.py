"""The access rights that a subscription gives: they last as long as it runs."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import or_, select

from app.domain.periods import ONE_DAY, begins_at
from app.models import AccessRight, Offer, OfferGrant, Product, Subscription
from app.models.access_right import AccessRightSource
from app.work.unit import Work


async def grant_access(
    work: Work, subscription: Subscription, offer: Offer, first: date
) -> Sequence[AccessRight]:
    """Give access to all that an offer grants, from a day on until the subscription's last."""
    zone = (await work.tenant()).time_zone
    granted = select(OfferGrant.product_id).where(
        OfferGrant.tenant_id == work.tenant_id, OfferGrant.offer_id == offer.id
    )
    products = await work.rows(
        Product,
        or_(Product.id == offer.product_id, Product.id.in_(granted)),
        Product.access_id.is_not(None),
    )
    return [work.add(right) for right in rights_to(products, subscription, first, zone)]


def rights_to(
    products: Iterable[Product], subscription: Subscription, first: date, time_zone: str
) -> list[AccessRight]:
    """The rights to products that a subscription gives from a day on until its last."""
    until = subscription.ends_on
    return [
        AccessRight(
            customer_id=subscription.customer_id,
            access_id=product.access_id,
            product_id=product.id,
            source=AccessRightSource.SUBSCRIPTION.value,
            subscription_id=subscription.id,
            valid_from=begins_at(first, time_zone),
            valid_until=None if until is None else begins_at(until + ONE_DAY, time_zone),
        )
        for product in products
    ]


async def end_access(work: Work, subscription: Subscription, last: date) -> None:
    """Let a subscription's access end with a day; rights that would begin later never do."""
    await end_access_at(
        work, subscription, begins_at(last + ONE_DAY, (await work.tenant()).time_zone)
    )


async def end_access_at(work: Work, subscription: Subscription, end: datetime) -> None:
    """Let a subscription's access end at a moment; rights that would begin later never do."""
    for right in await _rights(work, subscription):
        if right.valid_until is None or right.valid_until > end:
            right.valid_until = max(end, right.valid_from)


async def reopen_access(work: Work, subscription: Subscription, last: date) -> None:
    """Let access that would end with a day last as long as the subscription does now."""
    zone = (await work.tenant()).time_zone
    end = begins_at(last + ONE_DAY, zone)
    until: datetime | None = None
    if subscription.ends_on is not None:
        until = begins_at(subscription.ends_on + ONE_DAY, zone)
    for right in await _rights(work, subscription):
        if right.valid_until == end:
            right.valid_until = until


async def _rights(work: Work, subscription: Subscription) -> Sequence[AccessRight]:
    return await work.rows(AccessRight, AccessRight.subscription_id == subscription.id)
