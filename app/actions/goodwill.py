"""Goodwill: free issues, issues sent again, and free accounting periods.

What was given is never changed or taken back. Each gift says what it would have cost, which is
what limits and reports count.
"""

from datetime import date

from app.actions.goodwill_inputs import (
    AddFreeIssuesInput,
    AddFreePeriodInput,
    GoodwillInput,
    RedeliverIssuesInput,
)
from app.actions.goodwill_limits import keep_within_limit
from app.actions.redeliveries import destination, shipping_day, to_repeat, value_of
from app.auth.permissions import Permission
from app.billing.deliveries import plan
from app.billing.periods import cost_of_next, open_period
from app.domain.issues import value_of_issues
from app.domain.money import Money
from app.errors import Refused, UserErrorCode
from app.models import Delivery, Goodwill, Offer, Subscription
from app.models.delivery import DeliveryKind, DeliveryStatus
from app.models.goodwill import GoodwillKind
from app.models.subscription import SubscriptionStatus
from app.work.action import action
from app.work.unit import Work

_SUBSCRIPTION = "subscription_id"


@action(
    history="goodwill.free_issues_added",
    needs=Permission.GOODWILL_GIVE,
    refuses=(
        UserErrorCode.NOT_ISSUE_BASED,
        UserErrorCode.SUBSCRIPTION_ENDED,
        UserErrorCode.GOODWILL_LIMIT,
    ),
)
async def add_free_issues(work: Work, input: AddFreeIssuesInput) -> Goodwill:
    """Add free issues to a subscription that is counted in issues.

    They are delivered after those paid for, and can't be taken back. A cancelled subscription
    takes them as long as it runs.
    """
    subscription = await work.lock(Subscription, input.subscription_id, _SUBSCRIPTION)
    offer = await _offer(work, subscription)
    if not subscription.issue_based or offer.issues_per_period is None:
        raise Refused(
            UserErrorCode.NOT_ISSUE_BASED, "This subscription is counted in time.", _SUBSCRIPTION
        )
    _refuse_ended(subscription, await work.today())
    price = Money(subscription.price, subscription.currency)
    value = value_of_issues(price, offer.issues_per_period, input.count)
    goodwill = await _give(work, input, subscription, GoodwillKind.FREE_ISSUES, input.count, value)
    subscription.issues_free += input.count
    await plan(work, subscription, offer)
    work.note(
        f"Free issues added to subscription {subscription.number}: {input.count},"
        f" worth {value.amount} {value.currency}.",
        input.reason,
    )
    return goodwill


@action(
    history="goodwill.issues_redelivered",
    needs=Permission.GOODWILL_GIVE,
    refuses=(
        UserErrorCode.DELIVERY_NOT_SENT,
        UserErrorCode.ALREADY_REDELIVERED,
        UserErrorCode.ADDRESS_INVALID,
        UserErrorCode.DATE_NOT_IN_FUTURE,
        UserErrorCode.GOODWILL_LIMIT,
    ),
)
async def redeliver_issues(work: Work, input: RedeliverIssuesInput) -> Goodwill:
    """Send issues of a subscription again at no price, which were sent and did not arrive well.

    A delivery is replaced once; what replaced it can be replaced in turn.
    """
    originals = await to_repeat(work, input.delivery_ids)
    key = (work.tenant_id, originals[0].subscription_id)
    subscription = await work.session.get_one(Subscription, key)
    ships_on = await shipping_day(work, input.ships_on or None)
    address_id = await destination(work, input.delivery_address_id or None, ships_on)
    value = await value_of(work, subscription, await _offer(work, subscription), originals)
    goodwill = await _give(
        work, input, subscription, GoodwillKind.REDELIVERY, len(originals), value
    )
    for original in originals:
        work.add(
            Delivery(
                customer_id=original.customer_id,
                subscription_id=original.subscription_id,
                issue_id=original.issue_id,
                publishing_on=ships_on,
                address_id=address_id or original.address_id or subscription.delivery_address_id,
                kind=DeliveryKind.REDELIVERY.value,
                status=DeliveryStatus.PLANNED.value,
                quantity=original.quantity,
                original_id=original.id,
                goodwill_id=goodwill.id,
            )
        )
    work.note(
        f"Issues of subscription {subscription.number} sent again on {ships_on}:"
        f" {len(originals)}, worth {value.amount} {value.currency}.",
        input.reason,
    )
    return goodwill


@action(
    history="goodwill.free_period_added",
    needs=Permission.GOODWILL_GIVE,
    refuses=(
        UserErrorCode.NOT_TIME_BASED,
        UserErrorCode.SUBSCRIPTION_ENDED,
        UserErrorCode.SUBSCRIPTION_CANCELLED,
        UserErrorCode.SUBSCRIPTION_PAUSED,
        UserErrorCode.GOODWILL_LIMIT,
    ),
)
async def add_free_period(work: Work, input: AddFreePeriodInput) -> Goodwill:
    """Let a subscription's next accounting period be free: there will be no invoice for it."""
    subscription = await work.lock(Subscription, input.subscription_id, _SUBSCRIPTION)
    if subscription.issue_based:
        raise Refused(
            UserErrorCode.NOT_TIME_BASED, "This subscription is counted in issues.", _SUBSCRIPTION
        )
    _refuse_ended(subscription, await work.today())
    _refuse_without_next(subscription)
    value = cost_of_next(subscription)
    goodwill = await _give(work, input, subscription, GoodwillKind.FREE_PERIOD, 1, value)
    period = open_period(work, subscription, goodwill_id=goodwill.id)
    await plan(work, subscription, await _offer(work, subscription))
    work.note(
        f"Free period added to subscription {subscription.number}: {period.starts_on} to"
        f" {period.ends_on}, worth {value.amount} {value.currency}.",
        input.reason,
    )
    return goodwill


async def _offer(work: Work, subscription: Subscription) -> Offer:
    return await work.session.get_one(Offer, (work.tenant_id, subscription.offer_id))


def _refuse_ended(subscription: Subscription, today: date) -> None:
    last = subscription.cancelled_for or subscription.ends_on
    over = last is not None and last < today
    if over or subscription.status == SubscriptionStatus.INACTIVE:
        raise Refused(
            UserErrorCode.SUBSCRIPTION_ENDED, "This subscription does not run.", _SUBSCRIPTION
        )


def _refuse_without_next(subscription: Subscription) -> None:
    """Refuse a free period where no further one will begin, or nobody knows when."""
    if subscription.status == SubscriptionStatus.CANCELLED:
        raise Refused(
            UserErrorCode.SUBSCRIPTION_CANCELLED,
            f"This subscription was cancelled for {subscription.cancelled_for}.",
            _SUBSCRIPTION,
        )
    if subscription.status == SubscriptionStatus.PAUSED:
        raise Refused(
            UserErrorCode.SUBSCRIPTION_PAUSED,
            "This subscription rests; resume it first.",
            _SUBSCRIPTION,
        )
    if subscription.next_billing_on is None:
        raise Refused(
            UserErrorCode.SUBSCRIPTION_ENDED,
            "No further accounting period of this subscription begins.",
            _SUBSCRIPTION,
        )


async def _give(
    work: Work,
    input: GoodwillInput,
    subscription: Subscription,
    kind: GoodwillKind,
    count: int,
    value: Money,
) -> Goodwill:
    """Write down what is given away, within the limits of the caller's role; it has a key."""
    await keep_within_limit(work, value)
    goodwill = work.add(
        Goodwill(
            customer_id=subscription.customer_id,
            kind=kind.value,
            count=count,
            reason_kind=input.reason_kind.value,
            reason=input.reason,
            subscription_id=subscription.id,
            value=value.amount,
            currency=value.currency,
        )
    )
    await work.flush()
    return goodwill
