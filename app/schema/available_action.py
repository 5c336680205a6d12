"""What can be done with a customer now, by the same preconditions that the actions enforce."""

from typing import Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from app.actions import all_actions
from app.context import CallerContext, forbidden
from app.errors import UserErrorCode
from app.resolvers.fields import part, python
from app.resolvers.reads import Row
from app.schema.user_error import Reason
from app.work.action import Action
from app.work.preconditions import Precondition


@strawberry.type(description="Whether an action can be done with a customer now.")
class AvailableAction:
    """An action, and what stands against it whatever its input says."""

    action: str = part("The name of the mutation.")
    allowed: bool = part("Whether nothing stands against it; its input may still be refused.")
    reasons: list[Reason] = part(
        "What stands against it; where a permission is missing, that alone."
    )


_ACTIONS = tuple(action for action in all_actions() if action.in_account)
_PRECONDITIONS: dict[Precondition, str] = {}
for _action in _ACTIONS:
    for _precondition in _action.preconditions:
        _PRECONDITIONS.setdefault(_precondition, f"holds_{len(_PRECONDITIONS)}")


def available_actions() -> Any:
    """The field of a customer: every action on an account, in alphabetical order."""
    requires = {name: precondition.holds for precondition, name in _PRECONDITIONS.items()}
    return python(
        requires,
        _available,
        "Every action on this account: whether the caller can do it now, and what stands "
        "against it.",
    )


def _available(context: CallerContext, row: Row) -> list[Row]:
    return [_judged(action, context, row) for action in _ACTIONS]


def _judged(action: Action, context: CallerContext, row: Row) -> Row:
    reasons = _reasons(action, row)
    if action.needs not in context.caller.permissions:
        # The mutation says no more either, and what else stands against it may be for staff alone.
        message = forbidden(action.needs).message
        reasons = [{"code": UserErrorCode.FORBIDDEN.value, "message": message}]
    return {"action": to_camel_case(action.name), "allowed": not reasons, "reasons": reasons}


def _reasons(action: Action, row: Row) -> list[Row]:
    """What stands against an action in the state that the customer is in."""
    return [
        {"code": precondition.code.value, "message": precondition.message}
        for precondition in action.preconditions
        if not row[f"_{_PRECONDITIONS[precondition]}"]
    ]
