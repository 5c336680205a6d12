"""What is said of an offer to make it, change it, or put it in another's place."""

from datetime import date

import strawberry
from strawberry import UNSET

from app.actions.catalogue_inputs import MoneyInput, PeriodInput, whole
from app.models import Offer
from app.work.inputs import Repeatable, Versioned, checked_text, given, identifier, text

MOST_ISSUES = 1000
MOST_GRANTS = 20

_FIRST_PRICE = "The price of the first accounting period, where it is a lower one."
_ISSUES = "How many issues a period holds; only for what is printed. Without it, time is counted."
_GRANTS = "The ids of further products that it gives access to, beside its own."


def _grant(value: strawberry.ID) -> str | None:
    return checked_text(value, 200)


@strawberry.input
class OfferChanges:
    """What can differ between an offer and the one that takes its place."""

    code: str | None = text(
        "Its code. On each day there is one offer with it.", of=Offer.code, default=UNSET
    )
    name: str | None = text("Its name.", of=Offer.name, default=UNSET)
    description: str | None = text(
        "What it is; null removes it.", of=Offer.description, lines=True, default=UNSET
    )
    price: MoneyInput | None = given("The price of an accounting period with tax.", default=UNSET)
    first_price: MoneyInput | None = given(f"{_FIRST_PRICE} Null removes it.", default=UNSET)
    term: PeriodInput | None = given("For how long the customer is bound.", default=UNSET)
    accounting_period: PeriodInput | None = given("How often it is billed.", default=UNSET)
    notice: PeriodInput | None = given(
        "How long before its end it can be cancelled.", default=UNSET
    )
    issues_per_period: int | None = given(
        f"{_ISSUES} Null counts in time.", default=UNSET, check=whole(1, MOST_ISSUES)
    )
    also_grants: list[strawberry.ID] | None = given(_GRANTS, default=UNSET, check=_grant)


@strawberry.input(description="A new offer.")
class CreateOfferInput(Repeatable):
    """What is sold, at which price and on which terms."""

    product_id: strawberry.ID = identifier("The id of the product sold.")
    code: str = text("Its code. On each day there is one offer with it.", of=Offer.code)
    name: str = text("Its name.", of=Offer.name)
    description: str | None = text("What it is.", of=Offer.description, lines=True, default=UNSET)
    price: MoneyInput = given("The price of an accounting period with tax.")
    first_price: MoneyInput | None = given(_FIRST_PRICE, default=UNSET)
    term: PeriodInput = given("For how long the customer is bound.")
    accounting_period: PeriodInput = given("How often it is billed.")
    notice: PeriodInput = given("How long before its end it can be cancelled.")
    issues_per_period: int | None = given(_ISSUES, default=UNSET, check=whole(1, MOST_ISSUES))
    also_grants: list[strawberry.ID] | None = given(_GRANTS, default=UNSET, check=_grant)
    valid_from: date | None = given(
        "The first day it can be ordered; by default today.", default=UNSET
    )
    valid_until: date | None = given(
        "The last day it can be ordered; null means open.", default=UNSET
    )


@strawberry.input(
    description="What to change of an offer: what is left out stays as it is. Once it was sold, "
    "only its name, its description and its last day change; `replaceOffer` is for the rest."
)
class UpdateOfferInput(OfferChanges, Versioned):
    """Which offer, and what to change."""

    offer_id: strawberry.ID = identifier("The id of the offer.")
    valid_from: date | None = given("The first day it can be ordered.", default=UNSET)
    valid_until: date | None = given(
        "The last day it can be ordered, yesterday or later; null means open.", default=UNSET
    )


@strawberry.input(
    description="A new offer in the place of another one: at another price, or on other terms. "
    "What is left out is as it was. Vouchers for the one are for the other, too."
)
class ReplaceOfferInput(OfferChanges, Versioned, Repeatable):
    """Which offer, from when on, and what is different."""

    offer_id: strawberry.ID = identifier("The id of the offer to replace.")
    valid_from: date = given(
        "The first day of the new offer, today or later. The old one ends on the day before."
    )
    valid_until: date | None = given(
        "The last day of the new offer; null means open.", default=UNSET
    )


@strawberry.input(description="An offer to end.")
class EndOfferInput(Versioned):
    """Which offer, and when."""

    offer_id: strawberry.ID = identifier("The id of the offer.")
    valid_until: date | None = given(
        "The last day it can be ordered, by default today; yesterday ends it at once.",
        default=UNSET,
    )
