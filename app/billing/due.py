"""What the daily run finds to do: keys of records, page by page in an order that stays.

A page begins behind the last place of the one before. What was done leaves its list, what could
not be done stays behind, and what comes in meanwhile is found the next time.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    func,
    not_,
    or_,
    select,
    tuple_,
)

from app.billing.addresses import superseded_by
from app.billing.mandates import lapsed_by
from app.billing.overdue import is_overdue
from app.billing.pauses import pauses_begun, pauses_over
from app.models import (
    Address,
    BankAccount,
    Customer,
    Delivery,
    Invoice,
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


_TENANT: Any = bindparam("listed_tenant", type_=Integer)
_DAY: Any = bindparam("listed_day", type_=Date)


@dataclass(frozen=True, eq=False)
class Listing:
    """What is to be done of a kind: how it is found, and the order in which it is.

    The tenant and the day are parameters, so that the statements are built once.
    """

    key: Any
    """The column of the keys that are given."""

    order: tuple[Any, ...]
    conditions: tuple[ColumnElement[bool], ...]


class Page(NamedTuple):
    """Which part of a listing is wanted."""

    listing: Listing
    day: date
    after: tuple[Any, ...] | None
    size: int


async def page(work: Work, wanted: Page) -> list[tuple[int, tuple[Any, ...]]]:
    """The keys of a page, each with its place in the order."""
    found = _page(wanted.listing, first=wanted.after is None).limit(wanted.size)
    places = {f"place_{number}": value for number, value in enumerate(wanted.after or ())}
    rows = await work.session.execute(found, _values(work, wanted.day) | places)
    return [(row[0], tuple(row[1:])) for row in rows]


async def count(work: Work, wanted: tuple[Listing, date]) -> int:
    """How many there are in a listing."""
    listing, day = wanted
    counted: int = (await work.session.execute(_count(listing), _values(work, day))).scalar_one()
    return counted


@cache
def _page(listing: Listing, *, first: bool) -> Select[Any]:
    found = select(listing.key, *listing.order).where(*listing.conditions)
    if not first:
        place = [
            bindparam(f"place_{number}", type_=column.type)
            for number, column in enumerate(listing.order)
        ]
        found = found.where(tuple_(*listing.order) > tuple_(*place))
    return found.order_by(*listing.order)


@cache
def _count(listing: Listing) -> Select[Any]:
    found = select(listing.key).where(*listing.conditions).subquery()
    return select(func.count()).select_from(found)


def _values(work: Work, day: date) -> dict[str, Any]:
    return {"listed_tenant": work.tenant_id, "listed_day": day}


def may_go_on(day: Any) -> ColumnElement[bool]:
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
    (Subscription.tenant_id == _TENANT, may_go_on(_DAY)),
)
"""Subscriptions whose next period begins."""

PAUSES = Listing(
    Subscription.id,
    (Subscription.id,),
    (
        Subscription.tenant_id == _TENANT,
        Subscription.status != SubscriptionStatus.INACTIVE.value,
        or_(pauses_begun(_DAY), pauses_over(_DAY)),
    ),
)
"""Subscriptions whose pause begins or ends."""

ENDINGS = Listing(
    Subscription.id,
    (Subscription.id,),
    (
        Subscription.tenant_id == _TENANT,
        Subscription.status != SubscriptionStatus.INACTIVE.value,
        func.coalesce(Subscription.ends_on, Subscription.cancelled_for) < _DAY,
    ),
)
"""Subscriptions whose last day is over."""


def _owed(day: Any) -> tuple[ColumnElement[bool], ...]:
    """Subscriptions with an issue since a day that they are owed and that nobody has planned.

    Those counted in issues are owed as many as are open and not planned, of those that appear
    from now on; others all that appear in their periods. Nothing is added to a print run that is
    closed.
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
        Issue.closing_on >= func.greatest(day, Subscription.ordered_on),
        not_(func.coalesce(resting, False)),
        or_(Subscription.issue_based, in_a_period),
        not_(planned),
    )
    return (
        Subscription.tenant_id == _TENANT,
        or_(Subscription.status != SubscriptionStatus.INACTIVE.value, Subscription.issues_open > 0),
        or_(not_(Subscription.issue_based), Subscription.issues_open > on_their_way),
        appears,
    )


ISSUES = Listing(Subscription.id, (Subscription.id,), _owed(_DAY))
"""Subscriptions that an issue is to be planned for which the catalogue knows since then."""

DELIVERIES = Listing(
    Delivery.subscription_id,
    (Delivery.publishing_on, Delivery.id),
    (
        Delivery.tenant_id == _TENANT,
        Delivery.status == DeliveryStatus.PLANNED.value,
        Delivery.publishing_on <= _DAY,
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


ORDERS = Listing(Order.id, (Order.id,), (Order.tenant_id == _TENANT, is_done()))
"""Orders of which nothing is left to be done."""

ADDRESSES = Listing(Address.id, (Address.id,), (Address.tenant_id == _TENANT, superseded_by(_DAY)))
"""Preferred addresses whose place another one takes."""

MANDATES = Listing(
    BankAccount.id,
    (BankAccount.id,),
    (BankAccount.tenant_id == _TENANT, lapsed_by(_DAY)),
)
"""Mandates that lapse."""


OVERDUE = Listing(
    Invoice.id,
    (Invoice.due_on, Invoice.id),
    (Invoice.tenant_id == _TENANT, is_overdue(_DAY)),
)
"""Open invoices that were due before."""
