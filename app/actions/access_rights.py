"""Access rights that staff give by hand, and blocking rights.

What an order or a subscription brought is as it was sold, so only rights given by hand are
changed. Blocking is for all but those of a subscription, which is blocked itself.
"""

import re
from datetime import datetime

import strawberry
from strawberry import UNSET

from app.auth.permissions import Permission
from app.errors import Refused, UserErrorCode
from app.models import AccessRight, Customer, Product
from app.models.access_right import AccessRightSource
from app.work.action import action
from app.work.inputs import OfCustomer, Repeatable, Versioned, checked_text, given, identifier, text
from app.work.unit import Work

LONGEST_REASON = 500

_UNIQUE_ID = re.compile(r"[0-9A-Za-z-]{2,30}")
_LONGEST_UNIQUE_ID = 30
# What the diary calls the columns that the API calls otherwise.
_SPOKEN = {"access_id": "unique id"}


def _checked_unique_id(value: str) -> str | None:
    kept = checked_text(value, _LONGEST_UNIQUE_ID)
    if kept is not None and _UNIQUE_ID.fullmatch(kept) is None:
        raise Refused(UserErrorCode.INVALID, "This takes 2 to 30 letters, digits and hyphens.")
    return kept


@strawberry.input
class AccessRightData:
    """What an access right is about, and when it counts."""

    unique_id: str | None = given(
        "The unique id that front ends ask `hasAccess` for: 2 to 30 letters, digits and hyphens. "
        "By default the product's.",
        check=_checked_unique_id,
        default=UNSET,
    )
    product_id: strawberry.ID | None = identifier(
        "The id of the product, where there is one.", default=UNSET
    )
    valid_until: datetime | None = given(
        "When it ends: it no longer counts at this moment. Null means never.", default=UNSET
    )


@strawberry.input(description="An access right to give by hand.")
class AddAccessRightInput(OfCustomer, AccessRightData, Repeatable):
    """Whose right, and to what."""

    valid_from: datetime | None = given("When it begins; by default now.", default=UNSET)


@strawberry.input(
    description="What to change of an access right that was given by hand: what is left out stays "
    "as it is."
)
class UpdateAccessRightInput(AccessRightData, Versioned):
    """Which right, and what to change."""

    access_right_id: strawberry.ID = identifier("The id of the access right.")
    valid_from: datetime | None = given("When it begins.", default=UNSET)


@strawberry.input(description="An access right to remove.")
class RemoveAccessRightInput:
    """Which right."""

    access_right_id: strawberry.ID = identifier("The id of the access right.")


@strawberry.input(description="An access right to block.")
class BlockAccessRightInput:
    """Which right, and why."""

    access_right_id: strawberry.ID = identifier("The id of the access right.")
    reason: str | None = text("Why.", most=LONGEST_REASON, default=UNSET)


@strawberry.input(description="An access right to unblock.")
class UnblockAccessRightInput:
    """Which right."""

    access_right_id: strawberry.ID = identifier("The id of the access right.")


@action(
    history="access_right.added",
    needs=Permission.ACCESS_RIGHT_WRITE,
    refuses=(UserErrorCode.PERIOD_INVALID,),
)
async def add_access_right(work: Work, input: AddAccessRightInput) -> AccessRight:
    """Give a customer access by hand, at once or from a moment on."""
    customer = await work.account(input.customer_id)
    right = AccessRight(customer_id=customer.id, source=AccessRightSource.MANUAL.value)
    await _name(work, right, input)
    right.valid_from = input.valid_from or work.now
    right.valid_until = input.valid_until or None
    _check_period(right)
    if right.valid_until is not None and right.valid_until <= work.now:
        raise Refused(UserErrorCode.PERIOD_INVALID, "This is over already.", "valid_until")
    work.add(right)
    work.note(f"Access right added: {right.access_id}.")
    return right


@action(
    history="access_right.updated",
    needs=Permission.ACCESS_RIGHT_WRITE,
    refuses=(UserErrorCode.ACCESS_RIGHT_NOT_MANUAL, UserErrorCode.PERIOD_INVALID),
)
async def update_access_right(work: Work, input: UpdateAccessRightInput) -> AccessRight:
    """Change what an access right given by hand is about, or when it counts."""
    right = await _by_hand(work, input.access_right_id)
    work.expect(right, input.expected_version)
    if input.valid_from is None:
        raise Refused(UserErrorCode.REQUIRED, "This can't be removed.", "valid_from")
    await _name(work, right, input)
    if input.valid_from is not UNSET:
        right.valid_from = input.valid_from
    if input.valid_until is not UNSET:
        right.valid_until = input.valid_until
    _check_period(right)
    changed = ", ".join(_SPOKEN.get(name, name.replace("_", " ")) for name in work.changed(right))
    work.note(
        f"Access right {right.access_id} changed: {changed}."
        if changed
        else f"Access right {right.access_id} saved without a change."
    )
    return right


@action(
    history="access_right.removed",
    needs=Permission.ACCESS_RIGHT_WRITE,
    refuses=(UserErrorCode.ACCESS_RIGHT_NOT_MANUAL,),
)
async def remove_access_right(work: Work, input: RemoveAccessRightInput) -> Customer:
    """Remove an access right given by hand, at once."""
    right = await _by_hand(work, input.access_right_id)
    await work.remove(right)
    work.about(right)
    work.note(f"Access right removed: {right.access_id}.")
    return await work.session.get_one(Customer, (work.tenant_id, right.customer_id))


@action(
    history="access_right.blocked",
    needs=Permission.ACCESS_RIGHT_WRITE,
    refuses=(UserErrorCode.ACCESS_RIGHT_NOT_MANUAL, UserErrorCode.ALREADY_BLOCKED),
)
async def block_access_right(work: Work, input: BlockAccessRightInput) -> AccessRight:
    """Block one access right, at once. A subscription's is blocked on the subscription."""
    right = await _of_no_subscription(work, input.access_right_id)
    if right.blocked_at is not None:
        raise Refused(UserErrorCode.ALREADY_BLOCKED, "It is blocked already.", "access_right_id")
    right.blocked_at = work.now
    right.blocked_reason = input.reason or None
    work.note(f"Access right blocked: {right.access_id}.", right.blocked_reason)
    return right


@action(
    history="access_right.unblocked",
    needs=Permission.ACCESS_RIGHT_WRITE,
    refuses=(UserErrorCode.ACCESS_RIGHT_NOT_MANUAL, UserErrorCode.NOT_BLOCKED),
)
async def unblock_access_right(work: Work, input: UnblockAccessRightInput) -> AccessRight:
    """Let a blocked access right count again, at once."""
    right = await _of_no_subscription(work, input.access_right_id)
    if right.blocked_at is None:
        raise Refused(UserErrorCode.NOT_BLOCKED, "It is not blocked.", "access_right_id")
    right.blocked_at = right.blocked_reason = None
    work.note(f"Access right unblocked: {right.access_id}.")
    return right


async def _by_hand(work: Work, id: str) -> AccessRight:
    right = await work.lock(AccessRight, id, "access_right_id")
    if right.source != AccessRightSource.MANUAL.value:
        raise Refused(
            UserErrorCode.ACCESS_RIGHT_NOT_MANUAL,
            "Only access rights that were given by hand can be changed.",
            "access_right_id",
        )
    return right


async def _of_no_subscription(work: Work, id: str) -> AccessRight:
    right = await work.lock(AccessRight, id, "access_right_id")
    if right.source == AccessRightSource.SUBSCRIPTION.value:
        raise Refused(
            UserErrorCode.ACCESS_RIGHT_NOT_MANUAL,
            "A subscription keeps this access right: block the subscription's access.",
            "access_right_id",
        )
    return right


async def _name(work: Work, right: AccessRight, input: AccessRightData) -> None:
    """Say what a right is to: to a product, to a unique id, or to both.

    Raises:
        Refused: REQUIRED where neither gives a unique id, NOT_FOUND for the product.
    """
    unique_id = input.unique_id or None
    if input.product_id:
        product = await work.find(Product, input.product_id, "product_id")
        right.product_id = product.id
        unique_id = unique_id or product.access_id
    elif input.product_id is None:
        right.product_id = None
    if unique_id is not None:
        right.access_id = unique_id
    elif right.access_id is None or input.unique_id is None:
        raise Refused(UserErrorCode.REQUIRED, "This can't be left out.", "unique_id")


def _check_period(right: AccessRight) -> None:
    if right.valid_until is not None and right.valid_until <= right.valid_from:
        raise Refused(UserErrorCode.PERIOD_INVALID, "It ends before it has begun.", "valid_until")
