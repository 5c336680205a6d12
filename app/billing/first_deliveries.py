"""The first deliveries of what is ordered: known before the order is placed, and planned by it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import insert, select

from app.billing.deliveries import Appearing, delivery_rows
from app.billing.reckoning import ReckonedLine
from app.domain.issues import (
    IssueCounts,
    PlannedDelivery,
    PlannedKind,
    issues_within,
    plan_deliveries,
)
from app.models import Delivery, Issue, Subscription
from app.work.unit import Work

Planned = Sequence[PlannedDelivery[Appearing]]


async def first_deliveries(
    work: Work, lines: Sequence[ReckonedLine], ordered_on: date
) -> list[Planned]:
    """The issues that each line entitles to in its first accounting period, as far as known.

    Later orders than an issue's closing date allows for don't get it.
    """
    issues = await _issues(work, lines, ordered_on)
    return [_planned(line, issues, ordered_on) for line in lines]


def _planned(
    line: ReckonedLine, issues: Mapping[int, Sequence[Appearing]], ordered_on: date
) -> Planned:
    offer = line.ordered.sold.offer
    appearing = issues.get(offer.publication_id or 0, ())
    if offer.issues_per_period is not None:
        counts = IssueCounts(offer.issues_per_period, 0, 0)
        return plan_deliveries(appearing, counts, line.ordered.starts_on, ordered_on)
    within = issues_within(appearing, line.period, ordered_on)
    return [PlannedDelivery(issue, PlannedKind.REGULAR) for issue in within]


async def _issues(
    work: Work, lines: Sequence[ReckonedLine], ordered_on: date
) -> Mapping[int, Sequence[Appearing]]:
    """The issues that could be delivered, by their publications."""
    printed = [line for line in lines if line.ordered.sold.delivers]
    if not printed:
        return {}
    offers = [line.ordered.sold.offer for line in printed]
    conditions = [
        Issue.tenant_id == work.tenant_id,
        Issue.publication_id.in_({offer.publication_id for offer in offers}),
        Issue.publishing_on >= min(line.ordered.starts_on for line in printed),
        Issue.closing_on >= ordered_on,
    ]
    if all(offer.issues_per_period is None for offer in offers):
        # Counted in time, nothing that appears after the first periods is of interest.
        conditions.append(Issue.publishing_on <= max(line.period.ends_on for line in printed))
    wanted = select(Issue.publication_id, Issue.id, Issue.publishing_on, Issue.closing_on)
    issues: defaultdict[int, list[Appearing]] = defaultdict(list)
    for row in await work.session.execute(wanted.where(*conditions)):
        publication, key, publishing_on, closing_on = row
        issues[publication].append(Appearing(key, publishing_on, closing_on))
    return issues


async def add_first_deliveries(
    work: Work, subscriptions: Sequence[Subscription], planned: Sequence[Planned]
) -> None:
    """Plan the first deliveries of new subscriptions, all at once."""
    rows = [
        row
        for subscription, deliveries in zip(subscriptions, planned, strict=True)
        for row in delivery_rows(work, subscription, deliveries)
    ]
    if rows:
        await work.session.execute(insert(Delivery), rows)
