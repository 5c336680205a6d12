"""Blocking the access that one subscription gives."""

from app.actions.running_subscriptions import SUBSCRIPTION
from app.actions.subscription_inputs import (
    BlockSubscriptionAccessInput,
    UnblockSubscriptionAccessInput,
)
from app.auth.permissions import Permission
from app.errors import Refused, UserErrorCode
from app.models import Subscription
from app.work.action import action
from app.work.unit import Work


@action(
    history="subscription.access_blocked",
    needs=Permission.ACCESS_BLOCK,
    refuses=(UserErrorCode.ALREADY_BLOCKED,),
)
async def block_subscription_access(
    work: Work, input: BlockSubscriptionAccessInput
) -> Subscription:
    """Block the access that a subscription gives, at once. It is billed and delivered as before."""
    subscription = await work.lock(Subscription, input.subscription_id, SUBSCRIPTION)
    work.expect(subscription, input.expected_version)
    if subscription.access_blocked_at is not None:
        raise Refused(UserErrorCode.ALREADY_BLOCKED, "Its access is blocked.", SUBSCRIPTION)
    subscription.access_blocked_at = work.now
    subscription.access_blocked_reason = input.reason or None
    work.note(f"Access of subscription {subscription.number} blocked.", input.reason or None)
    return subscription


@action(
    history="subscription.access_unblocked",
    needs=Permission.ACCESS_BLOCK,
    refuses=(UserErrorCode.NOT_BLOCKED,),
)
async def unblock_subscription_access(
    work: Work, input: UnblockSubscriptionAccessInput
) -> Subscription:
    """Let the access that a subscription gives count again, at once."""
    subscription = await work.lock(Subscription, input.subscription_id, SUBSCRIPTION)
    work.expect(subscription, input.expected_version)
    if subscription.access_blocked_at is None:
        raise Refused(UserErrorCode.NOT_BLOCKED, "Its access is not blocked.", SUBSCRIPTION)
    subscription.access_blocked_at = subscription.access_blocked_reason = None
    work.note(f"Access of subscription {subscription.number} unblocked.")
    return subscription
