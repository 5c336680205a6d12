"""Pauses: a subscription rests for some days, and the paid ones among them are appended to it.

While it rests there is no access, nothing appears, and no period begins. A pause lasts from
`paused_from` to the day before `resumes_on`, or until somebody ends it, and no longer than a year.
"""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, Date, and_, cast, func, text

from app.billing.access import end_access, reopen_access
from app.billing.deliveries import drop_planned, plan
from app.billing.periods import reckon_next_billing
from app.domain.periods import ONE_DAY, Period
from app.models import Delivery, Offer, Subscription, SubscriptionPeriod
from app.models.subscription import SubscriptionStatus
from app.work.unit import Work


def longest_pause(first: date) -> date:
    """The last day on which a pause that begins with a day can end: a year after it."""
    return Period(1, "YEAR").after(first)


def pauses_begun(day: date) -> ColumnElement[bool]:
    """Subscriptions whose pause begins by a day, and that don't say so yet; see `begin_pause`."""
    return and_(
        Subscription.status == SubscriptionStatus.ACTIVE.value, Subscription.paused_from <= day
    )


def pauses_over(day: date) -> ColumnElement[bool]:
    """Subscriptions whose pause is over by a day; see `resume`, for the day `pause_ends`."""
    year = cast(Subscription.paused_from + text("interval '1 year'"), Date)
    return and_(
        Subscription.paused_from.is_not(None), func.coalesce(Subscription.resumes_on, year) <= day
    )


def pause_ends(subscription: Subscription) -> date:
    """The first day on which a subscription that rests runs again, if nobody ends its pause.

    Raises:
        ValueError: It does not rest, and will not.
    """
    if subscription.paused_from is None:
        raise ValueError("There is no pause.")
    return subscription.resumes_on or longest_pause(subscription.paused_from)


async def pause(
    work: Work, subscription: Subscription, first: date, resumes_on: date | None
) -> None:
    """Let a subscription rest from a day on, until another one or until it is resumed."""
    subscription.paused_from, subscription.resumes_on = first, resumes_on
    await end_access(work, subscription, first - ONE_DAY)
    await _replan(work, subscription)
    if first <= await work.today():
        begin_pause(subscription)
    await reckon_next_billing(work, subscription)


def begin_pause(subscription: Subscription) -> None:
    """Say that a subscription rests, whose pause has begun."""
    subscription.status = SubscriptionStatus.PAUSED.value


async def move_resumption(work: Work, subscription: Subscription, resumes_on: date) -> None:
    """Let a pause that is or lies ahead end before another day, which lies ahead as well."""
    subscription.resumes_on = resumes_on
    await _replan(work, subscription)


async def resume(work: Work, subscription: Subscription, day: date) -> None:
    """Let a subscription that rests run again from a day on, or never rest, if it has not yet.

    The paid days of the pause are appended to the period that it lay in.
    """
    first = subscription.paused_from
    if first is None:
        return
    await reopen_access(work, subscription, first - ONE_DAY)
    if day > first:
        await _append(work, subscription, first, day)
    subscription.paused_from = subscription.resumes_on = None
    if subscription.status == SubscriptionStatus.PAUSED:
        subscription.status = SubscriptionStatus.ACTIVE.value
    await work.flush()
    await reckon_next_billing(work, subscription)
    if subscription.next_billing_on is not None and day > first:
        subscription.next_billing_on = max(subscription.next_billing_on, day)
        subscription.accounting_from = subscription.next_billing_on
    await plan(work, subscription, await _offer(work, subscription), since=day, ordered_on=day)


async def _append(work: Work, subscription: Subscription, first: date, day: date) -> None:
    """Append the days of a pause to what was paid for, and move what begins later."""
    rested = day - first
    for period in await _periods_after(work, subscription, first):
        period.ends_on += rested
        if period.starts_on > first:
            period.starts_on += rested
        else:
            period.paused_days += rested.days
        # The later ones make room for the earlier ones: periods never overlap.
        await work.flush()
    if subscription.ends_on is not None:
        subscription.ends_on += rested


async def _periods_after(
    work: Work, subscription: Subscription, first: date
) -> Sequence[SubscriptionPeriod]:
    rows = await work.rows(
        SubscriptionPeriod,
        SubscriptionPeriod.subscription_id == subscription.id,
        SubscriptionPeriod.ends_on >= first,
    )
    return sorted(rows, key=lambda row: row.starts_on, reverse=True)


async def _replan(work: Work, subscription: Subscription) -> None:
    """Take back what would be delivered in a pause; issues that are owed follow after it."""
    conditions = [Delivery.publishing_on >= subscription.paused_from]
    if subscription.resumes_on is not None:
        conditions.append(Delivery.publishing_on < subscription.resumes_on)
    await drop_planned(work, subscription, *conditions)
    since = subscription.resumes_on or subscription.paused_from
    today = await work.today()
    await plan(work, subscription, await _offer(work, subscription), since=since, ordered_on=today)


async def _offer(work: Work, subscription: Subscription) -> Offer:
    return await work.session.get_one(Offer, (work.tenant_id, subscription.offer_id))
