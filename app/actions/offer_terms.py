"""The price and the terms of an offer: how they are set, and what must hold of them."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from strawberry import UNSET

from app.actions.catalogue_inputs import MoneyInput
from app.domain.money import Money
from app.domain.periods import Period
from app.domain.terms import Terms
from app.errors import Refused, UserErrorCode
from app.models import Offer, Product

TERMS = (
    "price",
    "first_price",
    "currency",
    "term_count",
    "term_unit",
    "accounting_count",
    "accounting_unit",
    "notice_count",
    "notice_unit",
    "issues_per_period",
)
"""The columns that set_terms sets, beside the description."""

_FREE_TO_CHANGE = frozenset({"name", "description", "valid_until"})
_PERIODS = {"term": "term", "accounting_period": "accounting", "notice": "notice"}
_FIELDS = {"currency": "price", **{prefix: name for name, prefix in _PERIODS.items()}}
_DAYS_OF_A_MONTH = Fraction(146_097, 4800)
"""On average, by the Gregorian calendar."""


def set_terms(offer: Offer, input: Any) -> None:
    """Set what an input gives of description, price and terms; null where it takes it away.

    Raises:
        Refused: PRICE_INVALID, when there is no such amount.
    """
    if input.description is not UNSET:
        offer.description = input.description
    if input.price is not UNSET:
        _set_price(offer, input.price.money("price"), input.first_price is not UNSET)
    if input.first_price is not UNSET:
        offer.first_price = _first_price(offer, input.first_price)
    for name, prefix in _PERIODS.items():
        period = getattr(input, name)
        if period is not UNSET:
            setattr(offer, f"{prefix}_count", period.count)
            setattr(offer, f"{prefix}_unit", period.unit.value)
    if input.issues_per_period is not UNSET:
        offer.issues_per_period = input.issues_per_period


def _set_price(offer: Offer, price: Money, first_given: bool) -> None:
    if offer.first_price is not None and offer.currency != price.currency and not first_given:
        raise Refused(
            UserErrorCode.PRICE_INVALID,
            f"It is in {offer.currency}: give it anew, or take it away with null.",
            "first_price",
        )
    offer.price, offer.currency = price.amount, price.currency


def _first_price(offer: Offer, given: MoneyInput | None) -> Decimal | None:
    if given is None:
        return None
    first = given.money("first_price")
    if first.currency != offer.currency:
        raise Refused(
            UserErrorCode.PRICE_INVALID,
            "Its currency is not that of the price.",
            "first_price",
            "currency",
        )
    return first.amount


def check_terms(offer: Offer, product: Product) -> None:
    """See that an offer's price and terms do not contradict each other.

    Raises:
        Refused: PRICE_INVALID, TERMS_INVALID, or INVALID for issues of what is not printed.
    """
    if offer.first_price is not None and offer.first_price > offer.price:
        raise Refused(
            UserErrorCode.PRICE_INVALID,
            "The first period can't cost more than the others.",
            "first_price",
        )
    try:
        terms = Terms.stated(offer)
    except ValueError as error:
        raise Refused(
            UserErrorCode.TERMS_INVALID, "The term and the accounting period need a length.", "term"
        ) from error
    if not terms.in_whole_periods:
        raise Refused(
            UserErrorCode.TERMS_INVALID,
            "The term is no whole number of accounting periods.",
            "accounting_period",
        )
    if _length(terms.notice) > _length(terms.term):
        raise Refused(UserErrorCode.TERMS_INVALID, "The notice is longer than the term.", "notice")
    if offer.issues_per_period is not None and product.publication_id is None:
        raise Refused(
            UserErrorCode.INVALID, "Nothing of the product is printed.", "issues_per_period"
        )


def terms_changed(columns: Iterable[str]) -> list[str]:
    """The fields of inputs whose columns changed and stay as they are once an offer was sold."""
    names = [_field(column) for column in columns if column not in _FREE_TO_CHANGE]
    return list(dict.fromkeys(names))


def _field(column: str) -> str:
    prefix = column.removesuffix("_count").removesuffix("_unit")
    return _FIELDS.get(prefix, column)


def _length(period: Period) -> Fraction:
    """How many days a length of time has on average; months and weeks can't be compared else."""
    return period.days + period.months * _DAYS_OF_A_MONTH
