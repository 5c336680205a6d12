"""What is said to give something away."""

from datetime import date

import strawberry
from strawberry import UNSET

from app.actions.catalogue_inputs import whole
from app.models.goodwill import GoodwillReason
from app.work.inputs import Repeatable, checked_text, given, identifier, text

MOST_GIVEN = 100
"""How many issues one gift has at most, free ones or ones sent again."""

_LONGEST_REASON = 1000


def _delivery(value: strawberry.ID) -> str | None:
    return checked_text(value, 200)


@strawberry.input
class GoodwillInput(Repeatable):
    """Why something is given away."""

    reason_kind: GoodwillReason = given("Why, as reports sort it.")
    reason: str = text("Why, in words.", most=_LONGEST_REASON, lines=True)


@strawberry.input(description="Free issues for a subscription that is counted in issues.")
class AddFreeIssuesInput(GoodwillInput):
    """For which subscription, and how many."""

    subscription_id: strawberry.ID = identifier("The id of the subscription.")
    count: int = given(f"How many, 1 to {MOST_GIVEN}.", check=whole(1, MOST_GIVEN))


@strawberry.input(description="Issues to send again.")
class RedeliverIssuesInput(GoodwillInput):
    """Which issues, where to and when."""

    delivery_ids: list[strawberry.ID] = given(
        f"The ids of 1 to {MOST_GIVEN} deliveries of one subscription, which were sent.",
        check=_delivery,
    )
    delivery_address_id: strawberry.ID | None = identifier(
        "The id of the address to send them to; by default where each of them went.",
        default=UNSET,
    )
    ships_on: date | None = given(
        "The day to send them on, after today; by default the next one from Monday to Friday.",
        default=UNSET,
    )


@strawberry.input(description="A free accounting period for a subscription counted in time.")
class AddFreePeriodInput(GoodwillInput):
    """For which subscription."""

    subscription_id: strawberry.ID = identifier("The id of the subscription.")
