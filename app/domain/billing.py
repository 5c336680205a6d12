"""Billing: what part of a price was used when a period ends early or its price changes.

Days are counted with only one of the first and the last: a period from 1 January to 31 December
has 364 of them, and by 30 October 302 of them are used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from app.domain.money import CurrencyMismatch, Money
from app.domain.periods import Span


@dataclass(frozen=True, slots=True)
class Proration:
    """A price, the part of it that was used, and the rest; both parts are the price exactly."""

    price: Money
    used: Money
    refund: Money
    used_days: int
    total_days: int


@dataclass(frozen=True, slots=True)
class PriceChange:
    """What changing an offer within a period gives back and costs.

    `credit` is the unused part of the old price, `charge` what the rest of the period costs at
    the new one.
    """

    credit: Money
    charge: Money

    @property
    def balance(self) -> Money:
        """What is to be paid; negative where money is owed to the customer, as in a downgrade."""
        return self.charge - self.credit


def counted_days(first: date, last: date) -> int:
    """The days between two days, of which only one counts."""
    return (last - first).days


def prorate(price: Money, used_days: int, total_days: int) -> Proration:
    """Divide a price by days: 235.20 over 364 days, of which 303 are used, is 195.78 used.

    The used part is rounded, and the refund is the rest of the price; it is never negative, and
    never more than the price. A period in which no day counts is used as soon as it begins.

    Raises:
        ValueError: The price or the number of all days is negative.
    """
    if price.amount < 0 or total_days < 0:
        raise ValueError("Neither a price nor a number of days can be negative.")
    if not total_days:
        return Proration(price, price, Money.zero(price.currency), 0, 0)
    days = min(max(used_days, 0), total_days)
    used = price.share(days, total_days)
    return Proration(price, used, price - used, days, total_days)


def prorate_until(price: Money, period: Span, day: date) -> Proration:
    """Divide the price of a period that ends early: with this day instead of its own last."""
    if day < period.starts_on:
        # It never began, not even where none of its days counts.
        total = counted_days(period.starts_on, period.ends_on)
        return Proration(price, Money.zero(price.currency), price, 0, total)
    used = counted_days(period.starts_on, day)
    return prorate(price, used, counted_days(period.starts_on, period.ends_on))


def divide(price: Money, period: Span, days: Sequence[date]) -> tuple[Money, ...]:
    """Divide the price of a period at some of its days; the parts add up to it exactly.

    Each part is the difference of what was used by its end and by its beginning, so that no
    rounding adds up either.

    Raises:
        ValueError: The days are not in their order, or not in the period.
    """
    bounds = (period.starts_on, *days, period.ends_on)
    if any(later < earlier for earlier, later in pairwise(bounds)):
        raise ValueError("A period is divided at days that it has, one after the other.")
    used = [Money.zero(price.currency)]
    used += [prorate_until(price, period, day).used for day in days]
    used.append(price)
    return tuple(later - earlier for earlier, later in pairwise(used))


def change_price(old: Money, new: Money, period: Span, changed_on: date) -> PriceChange:
    """What an upgrade or downgrade within a period gives back and costs.

    The period stays as it is. The day of the change counts for the new price, and the old one is
    given back by as many days as the new one is charged for.

    Raises:
        ValueError: The day is not in the period.
        CurrencyMismatch: The prices are of different currencies.
    """
    if old.currency != new.currency:
        raise CurrencyMismatch(old.currency, new.currency)
    if changed_on not in period:
        raise ValueError("A price changes within a period, on one of its days.")
    if counted_days(period.starts_on, period.ends_on) == 0:
        return PriceChange(old, new)
    return PriceChange(
        credit=prorate_until(old, period, changed_on).refund,
        charge=prorate_until(new, period, changed_on).refund,
    )
