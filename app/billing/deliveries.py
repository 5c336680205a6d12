"""Planning what a subscription is to be delivered, and taking it back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, func, insert, not_, select, update

from app.domain.issues import (
    IssueCounts,
    PlannedDelivery,
    PlannedKind,
    issues_within,
    plan_deliveries,
)
from app.domain.periods import Span
from app.models import Delivery, Goodwill, Issue, Offer, Subscription, SubscriptionPeriod
from app.models.delivery import DeliveryKind, DeliveryStatus
from app.models.goodwill import GoodwillKind
from app.work.unit import Work


@dataclass(frozen=True, slots=True)
class Appearing:
    """An issue of the catalogue, as far as planning needs it."""

    id: int
    publishing_on: date
    closing_on: date


async def plan(
    work: Work,
    subscription: Subscription,
    offer: Offer,
    *,
    since: date | None = None,
    ordered_on: date | None = None,
) -> int:
    """Plan the deliveries that a subscription is owed and that nobody has planned yet.

    Counted in issues, these are the next ones that appear, as many as are open; counted in time,
    all that appear in its accounting periods. Only issues that the catalogue knows are planned,
    that appear since a day (by default today) and in no pause; the daily run plans the rest. The
    number of deliveries.

    `ordered_on` is the day by which the closing dates of issues are met, by default that of the
    order. Free deliveries are of the oldest gift that still owes some. The history does not list
    deliveries: they follow from what it does list.
    """
    if offer.publication_id is None:
        return 0
    await work.flush()
    first = max(since or await work.today(), subscription.starts_on)
    known = {row.publishing_on for row in await _planned_or_made(work, subscription, first)}
    issues = await _issues(work, subscription, offer, first)
    orders_by = ordered_on or subscription.ordered_on
    planned: list[PlannedDelivery[Appearing]]
    if subscription.issue_based:
        owed = await _unplanned(work, subscription)
        planned = plan_deliveries(issues, owed, first, orders_by, known)
    else:
        planned = [
            PlannedDelivery(issue, PlannedKind.REGULAR)
            for span in await _periods(work, subscription, first)
            for issue in issues_within(issues, span, orders_by)
            if issue.publishing_on not in known
        ]
    await _insert(work, subscription, planned)
    return len(planned)


async def drop_planned(
    work: Work, subscription: Subscription, *conditions: ColumnElement[bool]
) -> None:
    """Cancel the planned deliveries of a subscription that meet conditions; redeliveries stay."""
    await work.flush()
    await work.session.execute(
        update(Delivery)
        .where(
            Delivery.tenant_id == work.tenant_id,
            Delivery.subscription_id == subscription.id,
            Delivery.status == DeliveryStatus.PLANNED.value,
            Delivery.kind != DeliveryKind.REDELIVERY.value,
            *conditions,
        )
        .values(status=DeliveryStatus.CANCELLED.value, **work.actor)
        .execution_options(synchronize_session=False)
    )


async def _planned_or_made(
    work: Work, subscription: Subscription, first: date
) -> Sequence[Delivery]:
    return await work.rows(
        Delivery,
        Delivery.subscription_id == subscription.id,
        Delivery.publishing_on >= first,
        Delivery.kind != DeliveryKind.REDELIVERY.value,
        Delivery.status != DeliveryStatus.CANCELLED.value,
    )


async def _issues(
    work: Work, subscription: Subscription, offer: Offer, first: date
) -> list[Appearing]:
    """The issues that could be delivered: since a day, and in no pause."""
    conditions = [
        Issue.tenant_id == work.tenant_id,
        Issue.publication_id == offer.publication_id,
        Issue.publishing_on >= first,
    ]
    if subscription.paused_from is not None:
        in_pause = Issue.publishing_on >= subscription.paused_from
        if subscription.resumes_on is not None:
            in_pause = and_(in_pause, Issue.publishing_on < subscription.resumes_on)
        conditions.append(not_(in_pause))
    wanted = select(Issue.id, Issue.publishing_on, Issue.closing_on).where(*conditions)
    return [Appearing(*row) for row in await work.session.execute(wanted)]


async def _unplanned(work: Work, subscription: Subscription) -> IssueCounts:
    """The open issues that no delivery is planned for, as counts of which nothing is delivered."""
    known = select(
        func.count().filter(Delivery.status == DeliveryStatus.PLANNED.value),
        func.count().filter(Delivery.kind == DeliveryKind.FREE.value),
    ).where(
        Delivery.tenant_id == work.tenant_id,
        Delivery.subscription_id == subscription.id,
        Delivery.kind != DeliveryKind.REDELIVERY.value,
        Delivery.status != DeliveryStatus.CANCELLED.value,
    )
    planned, free = (await work.session.execute(known)).one()
    entitled, given = subscription.issues_entitled, subscription.issues_free
    unplanned = max(0, entitled + given - subscription.issues_delivered - planned)
    unplanned_free = min(unplanned, max(0, given - free))
    return IssueCounts(unplanned - unplanned_free, 0, unplanned_free)


async def _periods(work: Work, subscription: Subscription, first: date) -> list[Span]:
    rows = await work.rows(
        SubscriptionPeriod,
        SubscriptionPeriod.subscription_id == subscription.id,
        SubscriptionPeriod.ends_on >= first,
    )
    return [Span(row.starts_on, row.ends_on) for row in rows]


async def _insert(
    work: Work,
    subscription: Subscription,
    planned: Sequence[PlannedDelivery[Appearing]],
) -> None:
    if not planned:
        return
    free = any(delivery.kind is PlannedKind.FREE for delivery in planned)
    gifts = await _gifts(work, subscription) if free else ()
    await work.session.execute(insert(Delivery), delivery_rows(work, subscription, planned, gifts))


def delivery_rows(
    work: Work,
    subscription: Subscription,
    planned: Sequence[PlannedDelivery[Appearing]],
    gifts: Iterable[int] = (),
) -> list[dict[str, Any]]:
    """Planned deliveries of a subscription, as rows to be inserted; free ones are of the gifts."""
    gift = iter(gifts)
    common = {
        "tenant_id": work.tenant_id,
        "customer_id": subscription.customer_id,
        "created_at": work.now,
        "changed_at": work.now,
        **work.actor,
        "subscription_id": subscription.id,
        "address_id": subscription.delivery_address_id,
        "quantity": subscription.quantity,
        "status": DeliveryStatus.PLANNED.value,
    }
    return [
        {
            **common,
            "issue_id": delivery.issue.id,
            "publishing_on": delivery.issue.publishing_on,
            "kind": delivery.kind.value,
            "goodwill_id": next(gift, None) if delivery.kind is PlannedKind.FREE else None,
        }
        for delivery in planned
    ]


async def _gifts(work: Work, subscription: Subscription) -> list[int]:
    """The gifts of free issues, each as often as it owes one, the oldest first."""
    made = (
        select(func.count())
        .where(
            Delivery.tenant_id == Goodwill.tenant_id,
            Delivery.goodwill_id == Goodwill.id,
            Delivery.kind == DeliveryKind.FREE.value,
            Delivery.status != DeliveryStatus.CANCELLED.value,
        )
        .scalar_subquery()
    )
    owed = select(Goodwill.id, Goodwill.count - made).where(
        Goodwill.tenant_id == work.tenant_id,
        Goodwill.subscription_id == subscription.id,
        Goodwill.kind == GoodwillKind.FREE_ISSUES.value,
    )
    gifts = await work.session.execute(owed.order_by(Goodwill.id))
    return [gift for gift, issues in gifts for _ in range(issues)]
