"""Planning what a subscription is to be delivered, and taking it back."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, update

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


@dataclass(frozen=True, slots=True)
class Planning:
    """What is to be planned: a subscription's deliveries since a day; see `plan`."""

    subscription: Subscription
    offer: Offer
    since: date
    ordered_on: date | None = None

    @property
    def first(self) -> date:
        """The first day on which an issue can appear that is delivered."""
        return max(self.since, self.subscription.starts_on)

    @property
    def orders_by(self) -> date:
        """The day that the closing dates of issues are held against."""
        return self.ordered_on or self.subscription.ordered_on

    def rests(self, day: date) -> bool:
        """Whether the subscription rests on a day."""
        first, resumes = self.subscription.paused_from, self.subscription.resumes_on
        return first is not None and first <= day and (resumes is None or day < resumes)


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
    first = since or await work.today()
    return await plan_all(work, [Planning(subscription, offer, first, ordered_on)])


async def plan_all(work: Work, wanted: Sequence[Planning]) -> int:
    """Plan the deliveries of several subscriptions, each as `plan` does; how many there are."""
    printed = [one for one in wanted if one.offer.publication_id is not None]
    if not printed:
        return 0
    await work.flush()
    issues = await _issues(work, printed)
    known = await _planned_or_made(work, printed)
    periods = await _periods(work, [one for one in printed if not one.subscription.issue_based])
    owed = await _unplanned(work, [one for one in printed if one.subscription.issue_based])
    rows: list[dict[str, Any]] = []
    for one in printed:
        key = one.subscription.id
        appearing = [
            issue
            for issue in issues[one.offer.publication_id or 0]
            if issue.publishing_on >= one.first and not one.rests(issue.publishing_on)
        ]
        planned: list[PlannedDelivery[Appearing]]
        if one.subscription.issue_based:
            planned = plan_deliveries(appearing, owed[key], one.first, one.orders_by, known[key])
        else:
            planned = [
                PlannedDelivery(issue, PlannedKind.REGULAR)
                for span in periods[key]
                for issue in issues_within(appearing, span, one.orders_by)
                if issue.publishing_on not in known[key]
            ]
        free = any(delivery.kind is PlannedKind.FREE for delivery in planned)
        gifts = await _gifts(work, one.subscription) if free else ()
        rows += delivery_rows(work, one.subscription, planned, gifts)
    if rows:
        await work.session.execute(insert(Delivery), rows)
    return len(rows)


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


async def _planned_or_made(work: Work, wanted: Sequence[Planning]) -> dict[int, set[date]]:
    """The days of the deliveries that there are, by their subscriptions."""
    made = select(Delivery.subscription_id, Delivery.publishing_on).where(
        *_of(work, wanted), Delivery.publishing_on >= min(one.first for one in wanted)
    )
    days: dict[int, set[date]] = defaultdict(set)
    for subscription, day in await work.session.execute(made):
        days[subscription].add(day)
    return days


async def _issues(work: Work, wanted: Sequence[Planning]) -> dict[int, list[Appearing]]:
    """The issues that could be delivered, by their publications."""
    columns = (Issue.publication_id, Issue.id, Issue.publishing_on, Issue.closing_on)
    appearing = select(*columns).where(
        Issue.tenant_id == work.tenant_id,
        Issue.publication_id.in_({one.offer.publication_id for one in wanted}),
        Issue.publishing_on >= min(one.first for one in wanted),
    )
    issues: dict[int, list[Appearing]] = defaultdict(list)
    for publication, key, publishing_on, closing_on in await work.session.execute(appearing):
        issues[publication].append(Appearing(key, publishing_on, closing_on))
    return issues


async def _unplanned(work: Work, wanted: Sequence[Planning]) -> dict[int, IssueCounts]:
    """The open issues that no delivery is planned for, as counts of which nothing is delivered."""
    if not wanted:
        return {}
    counted = (
        select(
            Delivery.subscription_id,
            func.count().filter(Delivery.status == DeliveryStatus.PLANNED.value),
            func.count().filter(Delivery.kind == DeliveryKind.FREE.value),
        )
        .where(*_of(work, wanted))
        .group_by(Delivery.subscription_id)
    )
    known = {row[0]: (row[1], row[2]) for row in await work.session.execute(counted)}
    counts = {}
    for one in wanted:
        subscription = one.subscription
        planned, free = known.get(subscription.id, (0, 0))
        owed = subscription.issues_entitled + subscription.issues_free
        unplanned = max(0, owed - subscription.issues_delivered - planned)
        unplanned_free = min(unplanned, max(0, subscription.issues_free - free))
        counts[subscription.id] = IssueCounts(unplanned - unplanned_free, 0, unplanned_free)
    return counts


async def _periods(work: Work, wanted: Sequence[Planning]) -> dict[int, list[Span]]:
    """The accounting periods of subscriptions that are counted in time."""
    spans: dict[int, list[Span]] = defaultdict(list)
    if not wanted:
        return spans
    period = SubscriptionPeriod
    found = select(period.subscription_id, period.starts_on, period.ends_on).where(
        period.tenant_id == work.tenant_id,
        period.subscription_id.in_([one.subscription.id for one in wanted]),
        period.ends_on >= min(one.first for one in wanted),
    )
    for subscription, first, last in await work.session.execute(found):
        spans[subscription].append(Span(first, last))
    return spans


def _of(work: Work, wanted: Sequence[Planning]) -> tuple[ColumnElement[bool], ...]:
    """The deliveries of subscriptions that count: neither cancelled nor repeated."""
    return (
        Delivery.tenant_id == work.tenant_id,
        Delivery.subscription_id.in_([one.subscription.id for one in wanted]),
        Delivery.kind != DeliveryKind.REDELIVERY.value,
        Delivery.status != DeliveryStatus.CANCELLED.value,
    )


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
