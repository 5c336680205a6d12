"""Addresses in the course of time: which one a document is sent to, and those whose day comes."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date

from sqlalchemy import ColumnElement, exists, func, or_, tuple_, update
from sqlalchemy.orm import aliased

from app.domain.addresses import Place, used
from app.models import Address, Delivery, Subscription
from app.models.base import Json
from app.models.delivery import DeliveryStatus
from app.models.subscription import SubscriptionStatus
from app.work.batch import Batch

_KEPT = (
    "company",
    "salutation",
    "title",
    "first_name",
    "last_name",
    "street",
    "house_number",
    "addition",
    "postbox",
    "postal_code",
    "city",
    "region",
    "country",
    "vat_number",
)


def snapshot(address: Address) -> Json:
    """What orders and documents keep of an address."""
    return {name: getattr(address, name) for name in _KEPT}


def used_address(addresses: Iterable[Address], day: date) -> Address | None:
    """Of a customer's addresses of one type, the one that is used on a day."""
    known = {address.id: address for address in addresses}
    place = used([_place(address) for address in known.values()], day)
    return None if place is None else known[place.key]


def superseded_by(day: date) -> ColumnElement[bool]:
    """Preferred addresses in whose place a later one has come by a day.

    Their being preferred is what makes subscriptions follow: whoever chose another address for a
    subscription keeps it.
    """
    later = aliased(Address)
    return (
        Address.preferred
        & _in_effect(Address, day)
        & exists().where(
            later.tenant_id == Address.tenant_id,
            later.customer_id == Address.customer_id,
            later.type == Address.type,
            later.preferred,
            later.valid_from <= day,
            tuple_(later.valid_from, later.id)
            > tuple_(func.coalesce(Address.valid_from, date.min), Address.id),
        )
    )


async def supersede(batch: Batch, keys: Collection[int], day: date) -> int:
    """Let the address whose day has come take the place of the preferred ones before it.

    What runs and what is still to be delivered since that day goes to the new one. The number of
    addresses whose place was taken.
    """
    locked = await batch.lock_all(Address, keys, superseded_by(day))
    customers = {address.customer_id for address, _customer in locked}
    all_of_them = await batch.rows(Address, Address.customer_id.in_(customers))
    for address, _customer in locked:
        same = [
            other
            for other in all_of_them
            if (other.customer_id, other.type) == (address.customer_id, address.type)
        ]
        following = used_address(same, day)
        if following is None or following is address:
            continue
        address.preferred = False
        moved = await _follow(batch, address, following)
        numbers = ", ".join(subscription.number for subscription in moved)
        kind = address.type.lower()
        note = f"A new preferred {kind} address is in effect" + (
            f", for the subscriptions {numbers}." if moved else "."
        )
        batch.keep("address.superseded", address, *moved, note=note)
    return len(locked)


async def _follow(batch: Batch, address: Address, following: Address) -> Sequence[Subscription]:
    """Let what uses an address use the one that follows it; the subscriptions that did."""
    name = f"{address.type.lower()}_address_id"
    subscriptions = await batch.rows(
        Subscription,
        getattr(Subscription, name) == address.id,
        or_(
            Subscription.status != SubscriptionStatus.INACTIVE.value,
            Subscription.issues_open > 0,
        ),
    )
    for subscription in subscriptions:
        setattr(subscription, name, following.id)
    deliveries = (
        update(Delivery)
        .where(
            Delivery.tenant_id == batch.tenant_id,
            Delivery.address_id == address.id,
            Delivery.status == DeliveryStatus.PLANNED.value,
            Delivery.publishing_on >= (following.valid_from or date.min),
        )
        .values(address_id=following.id, **batch.actor)
    )
    await batch.session.execute(deliveries.execution_options(synchronize_session=False))
    return subscriptions


def _in_effect(address: type[Address], day: date) -> ColumnElement[bool]:
    return or_(address.valid_from.is_(None), address.valid_from <= day)


def _place(address: Address) -> Place:
    return Place(address.id, address.valid_from, address.preferred)
