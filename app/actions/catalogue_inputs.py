"""What inputs about the catalogue have in common: money, lengths of time, and days."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast

import strawberry

from app.domain.money import Money, decimals
from app.domain.periods import Period
from app.errors import Refusal, Refused, UserErrorCode
from app.models import Offer, Voucher
from app.models.base import PeriodUnit
from app.scalars import CurrencyCode
from app.work.inputs import checked_text, given
from app.work.unit import Work

LARGEST_COUNT = 1200
_ONE_DAY = timedelta(days=1)


def whole(least: int, most: int) -> Callable[[int], int]:
    """A check that a number is not less and not more."""

    def check(value: int) -> int:
        if not least <= value <= most:
            raise Refused(UserErrorCode.INVALID, f"This takes a number from {least} to {most:,}.")
        return value

    return check


def currency_code(value: str) -> str | None:
    """A check that a currency is one whose amounts can be kept."""
    kept = checked_text(value, 3)
    if kept is not None:
        try:
            decimals(kept)
        except ValueError as error:
            raise Refused(
                UserErrorCode.INVALID,
                "This is no currency of ISO 4217 with at most two decimals, such as `EUR`.",
            ) from error
    return kept


@strawberry.input(description="An amount of money.")
class MoneyInput:
    """An exact amount and its currency."""

    amount: Decimal = given('The amount, such as `"44.90"`.')
    currency: CurrencyCode = given("Its currency (ISO 4217).", check=currency_code)

    def money(self, *field: str) -> Money:
        """The amount as money, which is at least nothing.

        Raises:
            Refused: PRICE_INVALID, when the currency has no such amount.
        """
        try:
            money = Money(self.amount, self.currency)
        except ValueError as error:
            raise Refused(UserErrorCode.PRICE_INVALID, str(error), *field, "amount") from error
        if money.amount < 0:
            raise Refused(UserErrorCode.PRICE_INVALID, "This can't be negative.", *field, "amount")
        return money


@strawberry.input(description="A length of time, as contracts state it.")
class PeriodInput:
    """So many days, weeks, months or years."""

    count: int = given(f"How many, up to {LARGEST_COUNT:,}.", check=whole(0, LARGEST_COUNT))
    unit: PeriodUnit = given("Of what.")

    @property
    def period(self) -> Period:
        """The length of time."""
        return Period(self.count, self.unit.value)


def refuse_null(values: dict[str, Any], *never_null: str) -> None:
    """See that a change removes nothing that has to be there.

    Raises:
        Refused: REQUIRED, for each field that is null.
    """
    missing = [name for name in never_null if values.get(name, "") is None]
    if missing:
        raise Refused.because(
            Refusal(UserErrorCode.REQUIRED, "This can't be removed.", (name,)) for name in missing
        )


def check_days(valid_from: date, valid_until: date | None) -> None:
    """See that a period ends no earlier than it begins.

    Raises:
        Refused: PERIOD_INVALID.
    """
    if valid_until is not None and valid_until < valid_from:
        raise Refused(UserErrorCode.PERIOD_INVALID, f"It begins on {valid_from}.", "valid_until")


async def end(work: Work, ended: Offer | Voucher, last: date | None) -> None:
    """End an offer or a voucher on a day, today where none is given; never later than it ends.

    Raises:
        Refused: PERIOD_INVALID.
    """
    last = last or await work.today()
    await check_end(work, last)
    check_days(ended.valid_from, last)
    if ended.valid_until is not None and ended.valid_until < last:
        raise Refused(
            UserErrorCode.PERIOD_INVALID, f"It ends on {ended.valid_until}.", "valid_until"
        )
    ended.valid_until = last


async def check_end(work: Work, valid_until: date | None) -> None:
    """See that a new last day changes nothing about days that are over.

    Yesterday is the earliest, which ends something at once.

    Raises:
        Refused: PERIOD_INVALID.
    """
    if valid_until is not None and valid_until < await work.today() - _ONE_DAY:
        raise Refused(
            UserErrorCode.PERIOD_INVALID,
            "Days that are over can't be taken away: the last day is yesterday or later.",
            "valid_until",
        )


async def refresh_shared(work: Work, row: Any) -> None:
    """Read a record anew and see that nobody changes it before this action is over.

    Others may do the same at the same time.
    """
    await work.session.refresh(row, with_for_update=cast(Any, {"read": True}))
