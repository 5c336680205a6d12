"""What an order would cost, and what stands against it, without placing it."""

from dataclasses import dataclass
from datetime import date

from app.actions.checkout import place_order
from app.actions.checkout_choices import Choices, choose
from app.actions.checkout_inputs import PreviewCheckoutInput
from app.billing.profile import billing_profile, due_on
from app.work.action import ACTIONS
from app.work.unit import Work

PLACE_ORDER = ACTIONS[place_order.__name__]
"""The action that is rehearsed."""


@dataclass(frozen=True)
class Preview:
    """What was chosen, and the day by which it would be paid."""

    choices: Choices
    due_on: date


async def preview_checkout(work: Work, input: PreviewCheckoutInput) -> Preview:
    """Tell what an order would cost.

    Raises:
        Refused: What stands against any order.
    """
    choices = await choose(work, input)
    profile = await billing_profile(work)
    return Preview(choices, due_on(profile, choices.payment_method, choices.today))
