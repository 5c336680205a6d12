"""Vouchers: what they take off the lines of an order.

How often a voucher may be used, and for which offers, is for the caller to say: this only reckons.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from app.domain.money import Money


@dataclass(frozen=True, slots=True)
class PercentOff:
    """So many percent of the price.

    Raises:
        ValueError: They are not more than 0 and at most 100.
    """

    percent: Decimal

    def __post_init__(self) -> None:
        if not 0 < self.percent <= 100:
            raise ValueError("A voucher is of more than 0 and at most 100 percent.")


@dataclass(frozen=True, slots=True)
class AmountOff:
    """An amount, or the price where that is less.

    Raises:
        ValueError: The amount is not more than nothing.
    """

    amount: Money

    def __post_init__(self) -> None:
        if self.amount.amount <= 0:
            raise ValueError("A voucher is of more than nothing.")


@dataclass(frozen=True, slots=True)
class FreeFirstPeriod:
    """The whole price of the first accounting period."""


Discount = PercentOff | AmountOff | FreeFirstPeriod


class StatedVoucher(Protocol):
    """Whatever states a voucher, as the rows of vouchers do."""

    @property
    def kind(self) -> str:
        """PERCENT or AMOUNT."""

    @property
    def percent(self) -> Decimal | None:
        """How many percent, where it is of that kind."""

    @property
    def amount(self) -> Decimal | None:
        """What amount, where it is of that kind."""

    @property
    def currency(self) -> str | None:
        """Of what currency the amount is."""

    @property
    def valid_from(self) -> date:
        """The first day on which it can be used."""

    @property
    def valid_until(self) -> date | None:
        """The last day on which it can be used."""


@dataclass(frozen=True, slots=True)
class Voucher:
    """A discount, and from what sum on and on which days it is given, the last included."""

    discount: Discount
    minimum: Money | None = None
    valid_from: date | None = None
    valid_until: date | None = None

    @classmethod
    def stated(cls, row: StatedVoucher) -> "Voucher":
        """The voucher of a row.

        Raises:
            ValueError: The row lacks what its kind needs.
        """
        discount: Discount
        if row.kind == "PERCENT" and row.percent is not None:
            discount = PercentOff(row.percent)
        elif row.kind == "AMOUNT" and row.amount is not None and row.currency is not None:
            discount = AmountOff(Money(row.amount, row.currency))
        else:
            raise ValueError("The voucher lacks what its kind needs.")
        return cls(discount, valid_from=row.valid_from, valid_until=row.valid_until)

    def valid_on(self, day: date) -> bool:
        """Whether it can be used on a day."""
        return (self.valid_from or date.min) <= day <= (self.valid_until or date.max)


class MinimumNotReached(ValueError):  # noqa: N818  It is said of an order.
    """The order is too small for the voucher; `missing` is what it lacks."""

    def __init__(self, missing: Money) -> None:
        super().__init__(f"The order is {missing.amount} {missing.currency} too small.")
        self.missing = missing


def discounts(voucher: Voucher, prices: Sequence[Money]) -> tuple[Money, ...]:
    """What a voucher takes off each line that it is good for, in their order.

    The lines are prices including tax, of the first accounting period; a bundle may be one line,
    or one for each of its tax rates. The discount is worked out for all lines together, rounded
    once, and distributed in proportion to their prices, so that it lowers what is taxed at each
    rate alike (UStG § 17 (1)), adds up exactly, and leaves no line below zero.

    Raises:
        MinimumNotReached: The lines together cost less than the voucher asks for.
        CurrencyMismatch: The voucher or a line is of another currency.
        ValueError: A price is negative.
    """
    if not prices:
        if voucher.minimum is not None:
            raise MinimumNotReached(voucher.minimum)
        return ()
    if any(price.amount < 0 for price in prices):
        raise ValueError("A price can't be negative.")
    total = Money.total(prices, prices[0].currency)
    if voucher.minimum is not None and total < voucher.minimum:
        raise MinimumNotReached(voucher.minimum - total)
    return _off(voucher.discount, total).distribute([price.amount for price in prices])


def _off(discount: Discount, total: Money) -> Money:
    match discount:
        case PercentOff(percent):
            return total.share(percent, 100)
        case AmountOff(amount):
            return min(amount, total)
        case FreeFirstPeriod():
            return total
