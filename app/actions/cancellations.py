"""Cancelling subscriptions, and withdrawing that.

A regular cancellation ends a subscription as early as its terms and the law allow. What is paid
and not used goes back, by a correction of the document that asked for it.
"""

from datetime import date

from app.actions.running_subscriptions import (
    SUBSCRIPTION,
    customer_of,
    lock_running,
    refuse_cancelled,
)
from app.actions.subscription_inputs import CancelSubscriptionInput, UndoCancellationInput
from app.auth.permissions import Permission
from app.billing.endings import end_at_once, end_on, go_on
from app.billing.pauses import resume
from app.billing.periods import contract_of
from app.billing.reasons import Reason, reason_for
from app.domain.periods import Period
from app.errors import Refused, UserErrorCode
from app.models import Subscription
from app.models.subscription import CancellationMode
from app.work.action import action
from app.work.mails import MailTemplate, queue_mail
from app.work.unit import Work

_FURTHEST = Period(10, "YEAR")


@action(
    history="subscription.cancelled",
    needs=Permission.SUBSCRIPTION_WRITE,
    refuses=(
        UserErrorCode.SUBSCRIPTION_ENDED,
        UserErrorCode.SUBSCRIPTION_CANCELLED,
        UserErrorCode.NOTICE_PERIOD,
        UserErrorCode.PERIOD_INVALID,
        UserErrorCode.DATE_IN_FUTURE,
    ),
)
async def cancel_subscription(work: Work, input: CancelSubscriptionInput) -> Subscription:
    """Cancel a subscription: as early as its terms allow, for a later day, or at once. What was
    paid and not used is to be refunded. A pause ends with the cancellation."""
    subscription = await lock_running(work, input)
    at_once = input.mode is CancellationMode.IMMEDIATELY
    if not at_once:
        refuse_cancelled(subscription)
    today = await work.today()
    last = today if at_once else await _last_day(work, subscription, input)
    if subscription.paused_from is not None:
        await resume(work, subscription, today)
    ended = await reason_for(work, Reason.ENDED, subscription.number, last)
    if at_once:
        await end_at_once(work, subscription, ended)
    else:
        await end_on(work, subscription, last, ended)
    subscription.cancellation_reason = input.reason or None
    await queue_mail(
        work,
        MailTemplate.SUBSCRIPTION_CANCELLED,
        await customer_of(work, subscription),
        subscription=subscription,
    )
    what = "ended at once" if at_once else f"cancelled for {last}"
    work.note(f"Subscription {subscription.number} {what}.", input.reason or None)
    return subscription


@action(
    history="subscription.cancellation_undone",
    needs=Permission.SUBSCRIPTION_WRITE,
    refuses=(UserErrorCode.SUBSCRIPTION_ENDED, UserErrorCode.SUBSCRIPTION_NOT_CANCELLED),
)
async def undo_cancellation(work: Work, input: UndoCancellationInput) -> Subscription:
    """Let a cancelled subscription go on, as long as it still runs. What was refunded for days
    that it now has is billed again."""
    subscription = await lock_running(work, input)
    if subscription.cancelled_at is None:
        raise Refused(
            UserErrorCode.SUBSCRIPTION_NOT_CANCELLED, "It is not cancelled.", SUBSCRIPTION
        )
    today = await work.today()
    await go_on(
        work, subscription, await reason_for(work, Reason.CONTINUED, subscription.number, today)
    )
    work.note(f"Subscription {subscription.number} goes on.", input.reason or None)
    return subscription


async def _last_day(work: Work, subscription: Subscription, input: CancelSubscriptionInput) -> date:
    """The last day that is asked for, or that the terms allow.

    Raises:
        Refused: DATE_IN_FUTURE, PERIOD_INVALID, REQUIRED, NOTICE_PERIOD.
    """
    today = await work.today()
    received_on = input.received_on or today
    if received_on > today:
        raise Refused(UserErrorCode.DATE_IN_FUTURE, "This day lies ahead.", "received_on")
    if received_on < subscription.ordered_on:
        raise Refused(UserErrorCode.PERIOD_INVALID, "It was not ordered by then.", "received_on")
    earliest = contract_of(subscription).ends_when_cancelled(received_on)
    if input.mode is CancellationMode.REGULAR:
        return earliest
    if not input.ends_on:
        raise Refused(UserErrorCode.REQUIRED, "AT_DATE needs the last day.", "ends_on")
    if not max(today, subscription.starts_on) <= input.ends_on <= _FURTHEST.after(today):
        raise Refused(
            UserErrorCode.PERIOD_INVALID,
            "It can end from today, or its first day, until ten years from now.",
            "ends_on",
        )
    override = Permission.SUBSCRIPTION_OVERRIDE in work.principal.permissions
    if input.ends_on < earliest and not override:
        raise Refused(
            UserErrorCode.NOTICE_PERIOD,
            f"It binds until {earliest}, which is the earliest day it can end with.",
            "ends_on",
        )
    return input.ends_on
