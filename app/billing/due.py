"""What the daily run finds to do: keys of records, page by page in an order that stays.

A page begins behind the last place of the one before. What was done leaves its list, what could
not be done stays behind, and what comes in meanwhile is found the next time.
"""

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, or_, select, tuple_

from app.billing.addresses import superseded_by
from app.billing.mandates import lapsed_by
from app.billing.pauses import pauses_begun, pauses_over
from app.models import (
    Address,
    BankAccount,
    Customer,
    Delivery,
    Issue,
    Offer,
    Order,
    Subscription,
    SubscriptionPeriod,
)
from app.models.delivery import DeliveryKind, DeliveryStatus
from app.models.order import OrderStatus
from app.models.subscription import SubscriptionStatus
from app.work.unit import Work

_RUNNING = (SubscriptionStatus.ACTIVE.value, SubscriptionStatus.CANCELLED.value)


class Listing(NamedTuple):
    """What is to be done of a kind: how it is found, and the order in which it is."""

    key: Any
    """The column of the keys that are given."""

    order: tuple[Any, ...]
    conditions: Callable[[int, date], tuple[ColumnElement[bool], ...]]
    """By tenant and day."""


class Page(NamedTuple):
    """Which part of a listing is wanted."""

    listing: Listing
    day: date
    after: tuple[Any, ...] | None
    size: int


async def page(work: Work, wanted: Page) -> list[tuple[int, tuple[Any, ...]]]:
    """The keys of a page, each with its place in the order."""
    listing = wanted.listing
    found = _found(listing, work.tenant_id, wanted.day).add_columns(*listing.order)
    if wanted.after is not None:
        found = found.where(tuple_(*listing.order) > tuple_(*wanted.after))
    rows = await work.session.execute(found.order_by(*listing.order).limit(wanted.size))
    return [(row[0], tuple(row[1:])) for row in rows]


async def count(work: Work, wanted: tuple[Listing, date]) -> int:
    """How many there are in a listing."""
    found = _found(wanted[0], work.tenant_id, wanted[1]).subquery()
    return (await work.session.execute(select(func.count()).select_from(found))).scalar_one()


def _found(listing: Listing, tenant_id: int, day: date) -> Select[Any]:
    return select(listing.key).where(*listing.conditions(tenant_id, day))


def may_go_on(day: date) -> ColumnElement[bool]:
    """Subscriptions with a period to be opened by a day; none of customers that are closed."""
    closed = exists().where(
        Customer.tenant_id == Subscription.tenant_id,
        Customer.id == Subscription.customer_id,
        Customer.anonymized_at.is_not(None),
    )
    return and_(
        Subscription.next_billing_on <= day,
        Subscription.status.in_(_RUNNING),
        not_(func.coalesce(Subscription.paused_from <= Subscription.next_billing_on, False)),
        not_(closed),
    )


PERIODS = Listing(
    Subscription.id,
    (Subscription.next_billing_on, Subscription.id),
    lambda tenant, day: (Subscription.tenant_id == tenant, may_go_on(day)),
)
"""Subscriptions whose next period begins."""

PAUSES = Listing(
    Subscription.id,
    (Subscription.id,),
    lambda tenant, day: (
        Subscription.tenant_id == tenant,
        Subscription.status != SubscriptionStatus.INACTIVE.value,
        or_(pauses_begun(day), pauses_over(day)),
    ),
)
"""Subscriptions whose pause begins or ends."""

ENDINGS = Listing(
    Subscription.id,
    (Subscription.id,),
    lambda tenant, day: (
        Subscription.tenant_id == tenant,
        Subscription.status != SubscriptionStatus.INACTIVE.value,
        func.coalesce(Subscription.ends_on, Subscription.cancelled_for) < day,
    ),
)
"""Subscriptions whose last day is over."""


def _owed(tenant: int, day: date) -> tuple[ColumnElement[bool], ...]:
    """Subscriptions with an issue since a day that they are owed and that nobody has planned.

    Those counted in issues are owed as many as are open and not planned, of those that appear
    from now on; others all that appear in their periods.
    """
    planned = exists().where(
        Delivery.tenant_id == Issue.tenant_id,
        Delivery.subscription_id == Subscription.id,
        Delivery.publishing_on == Issue.publishing_on,
        Delivery.kind != DeliveryKind.REDELIVERY.value,
        Delivery.status != DeliveryStatus.CANCELLED.value,
    )
    on_their_way = (
        select(func.count())
        .where(
            Delivery.tenant_id == Subscription.tenant_id,
            Delivery.subscription_id == Subscription.id,
            Delivery.status == DeliveryStatus.PLANNED.value,
            Delivery.kind != DeliveryKind.REDELIVERY.value,
        )
        .scalar_subquery()
    )
    in_a_period = exists().where(
        SubscriptionPeriod.tenant_id == Subscription.tenant_id,
        SubscriptionPeriod.subscription_id == Subscription.id,
        SubscriptionPeriod.starts_on <= Issue.publishing_on,
        SubscriptionPeriod.ends_on >= Issue.publishing_on,
    )
    resting = and_(
        Subscription.paused_from <= Issue.publishing_on,
        func.coalesce(Issue.publishing_on < Subscription.resumes_on, True),
    )
    appears = exists().where(
        Offer.tenant_id == Subscription.tenant_id,
        Offer.id == Subscription.offer_id,
        Issue.tenant_id == Offer.tenant_id,
        Issue.publication_id == Offer.publication_id,
        Issue.publishing_on >= func.greatest(day, Subscription.starts_on),
        Issue.closing_on >= Subscription.ordered_on,
        not_(func.coalesce(resting, False)),
        or_(Subscription.issue_based, in_a_period),
        not_(planned),
    )
    return (
        Subscription.tenant_id == tenant,
        or_(Subscription.status != SubscriptionStatus.INACTIVE.value, Subscription.issues_open > 0),
        or_(not_(Subscription.issue_based), Subscription.issues_open > on_their_way),
        appears,
    )


ISSUES = Listing(Subscription.id, (Subscription.id,), _owed)
"""Subscriptions that an issue is to be planned for which the catalogue knows since then."""

DELIVERIES = Listing(
    Delivery.subscription_id,
    (Delivery.publishing_on, Delivery.id),
    lambda tenant, day: (
        Delivery.tenant_id == tenant,
        Delivery.status == DeliveryStatus.PLANNED.value,
        Delivery.publishing_on <= day,
    ),
)
"""The subscriptions of deliveries whose issue has appeared."""


def is_done() -> ColumnElement[bool]:
    """Orders all of whose subscriptions have ended and whose issues are delivered."""
    of_it = (Subscription.tenant_id == Order.tenant_id, Subscription.order_id == Order.id)
    planned = exists().where(
        Delivery.tenant_id == Subscription.tenant_id,
        Delivery.subscription_id == Subscription.id,
        Delivery.status == DeliveryStatus.PLANNED.value,
    )
    unfinished = exists().where(
        *of_it,
        or_(
            Subscription.status != SubscriptionStatus.INACTIVE.value,
            and_(Subscription.issue_based, Subscription.issues_open > 0),
            planned,
        ),
    )
    return and_(Order.status == OrderStatus.ACTIVE.value, exists().where(*of_it), not_(unfinished))


ORDERS = Listing(Order.id, (Order.id,), lambda tenant, _day: (Order.tenant_id == tenant, is_done()))
"""Orders of which nothing is left to be done."""

ADDRESSES = Listing(
    Address.id, (Address.id,), lambda tenant, day: (Address.tenant_id == tenant, superseded_by(day))
)
"""Preferred addresses whose place another one takes."""

MANDATES = Listing(
    BankAccount.id,
    (BankAccount.id,),
    lambda tenant, day: (BankAccount.tenant_id == tenant, lapsed_by(day)),
)
"""Mandates that lapse."""
