"""Subscriptions that something can still be done with."""

from datetime import date

from app.actions.subscription_inputs import OfSubscription
from app.errors import Refused, UserErrorCode
from app.models import Customer, Subscription
from app.models.subscription import SubscriptionStatus
from app.work.unit import Work

SUBSCRIPTION = "subscription_id"


async def lock_running(work: Work, input: OfSubscription) -> Subscription:
    """Lock the subscription of an input that is not over, or that is still to begin.

    Raises:
        Refused: NOT_FOUND, SUBSCRIPTION_ENDED, STALE_VERSION, or what stands against the action.
    """
    subscription = await work.lock(Subscription, input.subscription_id, SUBSCRIPTION)
    work.expect(subscription, input.expected_version)
    if has_ended(subscription, await work.today()):
        raise Refused(UserErrorCode.SUBSCRIPTION_ENDED, "It is over.", SUBSCRIPTION)
    return subscription


def has_ended(subscription: Subscription, today: date) -> bool:
    """Whether a subscription's last day is over, be that written down or not."""
    if subscription.ends_on is not None and subscription.ends_on < today:
        return True
    to_begin = subscription.starts_on > today and subscription.cancelled_at is None
    return subscription.status == SubscriptionStatus.INACTIVE and not to_begin


def refuse_cancelled(subscription: Subscription) -> None:
    """See that a subscription is not cancelled.

    Raises:
        Refused: SUBSCRIPTION_CANCELLED.
    """
    if subscription.cancelled_at is not None:
        raise Refused(
            UserErrorCode.SUBSCRIPTION_CANCELLED,
            f"It is cancelled, and ends with {subscription.cancelled_for}.",
            SUBSCRIPTION,
        )


def refuse_paused(subscription: Subscription) -> None:
    """See that a subscription neither rests nor will.

    Raises:
        Refused: SUBSCRIPTION_PAUSED.
    """
    if subscription.paused_from is not None or subscription.status == SubscriptionStatus.PAUSED:
        raise Refused(
            UserErrorCode.SUBSCRIPTION_PAUSED, "It rests, or will: resume it first.", SUBSCRIPTION
        )


async def customer_of(work: Work, subscription: Subscription) -> Customer:
    """The customer whose subscription it is, who is locked."""
    return await work.session.get_one(Customer, (work.tenant_id, subscription.customer_id))
