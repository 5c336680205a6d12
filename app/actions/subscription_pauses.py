"""Letting subscriptions rest, and run again."""

from datetime import date

from app.actions.running_subscriptions import (
    SUBSCRIPTION,
    customer_of,
    lock_running,
    refuse_cancelled,
    refuse_paused,
)
from app.actions.subscription_inputs import PauseSubscriptionInput, ResumeSubscriptionInput
from app.auth.permissions import Permission
from app.billing.pauses import longest_pause, move_resumption, pause, resume
from app.errors import Refused, UserErrorCode
from app.models import Subscription
from app.work.action import action
from app.work.mails import MailTemplate, queue_mail
from app.work.unit import Work


@action(
    history="subscription.paused",
    needs=Permission.SUBSCRIPTION_WRITE,
    refuses=(
        UserErrorCode.SUBSCRIPTION_ENDED,
        UserErrorCode.SUBSCRIPTION_CANCELLED,
        UserErrorCode.SUBSCRIPTION_PAUSED,
        UserErrorCode.PERIOD_INVALID,
    ),
)
async def pause_subscription(work: Work, input: PauseSubscriptionInput) -> Subscription:
    """Let a subscription rest, from today or a later day on: there is no access, nothing is
    delivered, and no period begins. Paid days of the pause are appended when it is over."""
    subscription = await lock_running(work, input)
    refuse_cancelled(subscription)
    refuse_paused(subscription)
    today = await work.today()
    first = input.paused_from or today
    resumes_on = input.resumes_on or None
    _check(subscription, first, resumes_on, today)
    await pause(work, subscription, first, resumes_on)
    await _tell(work, MailTemplate.SUBSCRIPTION_PAUSED, subscription)
    until = "until it is resumed" if resumes_on is None else f"until {resumes_on}"
    work.note(
        f"Subscription {subscription.number} paused from {first} {until}.", input.reason or None
    )
    return subscription


@action(
    history="subscription.resumed",
    needs=Permission.SUBSCRIPTION_WRITE,
    refuses=(
        UserErrorCode.SUBSCRIPTION_ENDED,
        UserErrorCode.SUBSCRIPTION_NOT_PAUSED,
        UserErrorCode.PERIOD_INVALID,
    ),
)
async def resume_subscription(work: Work, input: ResumeSubscriptionInput) -> Subscription:
    """Let a subscription that rests run again, at once or from a day on. A pause that has not
    begun is called off."""
    subscription = await lock_running(work, input)
    first, today = subscription.paused_from, await work.today()
    if first is None:
        raise Refused(UserErrorCode.SUBSCRIPTION_NOT_PAUSED, "It does not rest.", SUBSCRIPTION)
    day = input.resumes_on or today
    if day < today or (day > today and not first < day <= longest_pause(first)):
        raise Refused(
            UserErrorCode.PERIOD_INVALID,
            f"It can run again today, or after {first} until {longest_pause(first)}.",
            "resumes_on",
        )
    if day > today:
        await move_resumption(work, subscription, day)
    else:
        await resume(work, subscription, day)
        await _tell(work, MailTemplate.SUBSCRIPTION_RESUMED, subscription)
    work.note(f"Subscription {subscription.number} resumed from {day}.")
    return subscription


def _check(subscription: Subscription, first: date, resumes_on: date | None, today: date) -> None:
    """See that a pause lies ahead, after the subscription's first day, and is no year long.

    Raises:
        Refused: PERIOD_INVALID.
    """
    if not max(today, subscription.starts_on) <= first <= longest_pause(today):
        raise Refused(
            UserErrorCode.PERIOD_INVALID,
            "A pause begins within a year, once the subscription runs.",
            "paused_from",
        )
    if resumes_on is not None and not first < resumes_on <= longest_pause(first):
        raise Refused(
            UserErrorCode.PERIOD_INVALID,
            f"A pause is at least a day long, and a year at most: until {longest_pause(first)}.",
            "resumes_on",
        )


async def _tell(work: Work, template: MailTemplate, subscription: Subscription) -> None:
    await queue_mail(
        work, template, await customer_of(work, subscription), subscription=subscription
    )
