"""Money: exact amounts of a currency, rounded once and never lost on the way.

Amounts are decimals, never floats, and always whole multiples of the currency's minor unit
(ISO 4217), so that sums need no rounding. What has to be rounded on its way there, as a share of
a price, is worked out in fractions and rounded once, by `Money.rounded`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache, total_ordering

MOST_DECIMALS = 2
"""What the tables keep; currencies with more decimals can't be used."""

LARGEST_AMOUNT = Decimal("999999999999.99")
"""What the tables keep: twelve digits before the point."""

_TWO_DECIMALS = frozenset(
    ("AFN", "ALL", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK", "RSD", "SOS", "SYP", "YER")
)
"""Currencies that have two decimals by ISO 4217, and none in the CLDR, which says what is used."""


class CurrencyMismatch(ValueError):  # noqa: N818  It is said of the amounts.
    """Amounts of different currencies were to be added or compared."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} and {other} can't be added or compared.")


@lru_cache
def decimals(currency: str) -> int:
    """How many decimals a currency has (the exponent of its minor unit in ISO 4217).

    Raises:
        ValueError: There is no such currency, or it has more decimals than can be kept.
    """
    # Its tables take a while to load.
    from babel.core import get_global
    from babel.numbers import get_currency_precision

    if currency not in get_global("all_currencies"):
        raise ValueError(f"{currency!r} is no currency of ISO 4217.")
    count = 2 if currency in _TWO_DECIMALS else get_currency_precision(currency)
    if count > MOST_DECIMALS:
        raise ValueError(f"{currency} has {count} decimals; only {MOST_DECIMALS} can be kept.")
    return count


def half_up(value: Fraction) -> int:
    """The nearest whole number; of two that are equally near, the one further from zero."""
    nearest = (2 * abs(value.numerator) + value.denominator) // (2 * value.denominator)
    return nearest if value >= 0 else -nearest


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount of a currency. Amounts of different currencies never meet.

    It is made of an amount that the currency has coins for; `Money.rounded` takes any.

    Raises:
        TypeError: The amount is no Decimal.
        ValueError: It has more decimals than the currency, is too large to be kept, or the
            currency is unknown.
    """

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal):
            raise TypeError(f"Money is made of a Decimal, not of {type(self.amount).__name__}.")
        if not self.amount.is_finite() or abs(self.amount) > LARGEST_AMOUNT:
            raise ValueError(f"{self.amount} is too large.")
        numerator, denominator = self.amount.as_integer_ratio()
        minor, rest = divmod(numerator * 10 ** decimals(self.currency), denominator)
        if rest:
            raise ValueError(f"{self.amount} is no whole number of {self.currency}'s minor units.")
        # Written with the currency's decimals, so that equal amounts read the same.
        object.__setattr__(self, "amount", _from_minor(minor, self.currency))

    @classmethod
    def of(cls, amount: str, currency: str = "EUR") -> "Money":
        """An amount as it is written in code and tests: `Money.of("195.78")`."""
        return cls(Decimal(amount), currency)

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Nothing, in a currency."""
        return cls(Decimal(0), currency)

    @classmethod
    def rounded(cls, value: Decimal | Fraction | int, currency: str) -> "Money":
        """An amount rounded half up to the currency's minor unit, from its exact value.

        Half a unit is rounded away from zero, as trade does it (DIN 1333), so that what cancels
        an amount is its exact opposite.
        """
        if isinstance(value, float):
            raise TypeError("A float is never an exact amount.")
        minor = half_up(Fraction(value) * 10 ** decimals(currency))
        return cls(_from_minor(minor, currency), currency)

    @classmethod
    def total(cls, amounts: Iterable["Money"], currency: str) -> "Money":
        """The sum of amounts, which are all of the currency; there may be none."""
        total = cls.zero(currency)
        for amount in amounts:
            total += amount
        return total

    def __add__(self, other: "Money") -> "Money":
        self._match(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._match(other)
        return Money(self.amount - other.amount, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __mul__(self, count: int) -> "Money":
        if not isinstance(count, int):
            return NotImplemented
        return Money(self.amount * count, self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._match(other)
        return self.amount < other.amount

    def __bool__(self) -> bool:
        """Whether it is any money at all."""
        return bool(self.amount)

    def share(self, part: Decimal | Fraction | int, whole: Decimal | Fraction | int) -> "Money":
        """The amount times a fraction, rounded half up once."""
        exact = Fraction(self.amount) * Fraction(part) / Fraction(whole)
        return Money.rounded(exact, self.currency)

    def distribute(self, weights: Sequence[Decimal | int]) -> tuple["Money", ...]:
        """Parts in proportion to weights, which add up to the amount exactly.

        Each part is rounded towards zero, and the minor units that are left over go to the parts
        with the largest remainders, the earlier of equal ones (Hare-Niemeyer). No part is larger
        than its weight as long as the amount is not larger than all weights together.

        Raises:
            ValueError: A weight is negative, or all are zero while the amount is not.
        """
        exact = [Fraction(weight) for weight in weights]
        whole = sum(exact, Fraction(0))
        if any(weight < 0 for weight in exact):
            raise ValueError("A weight can't be negative.")
        if not whole:
            if self:
                raise ValueError("There is nothing to distribute the amount over.")
            return tuple(Money.zero(self.currency) for _ in exact)
        minor = _to_minor(abs(self.amount), self.currency)
        quotas = [minor * weight / whole for weight in exact]
        parts = [int(quota) for quota in quotas]
        by_remainder = sorted(range(len(parts)), key=lambda index: parts[index] - quotas[index])
        for index in by_remainder[: minor - sum(parts)]:
            parts[index] += 1
        sign = -1 if self.amount < 0 else 1
        return tuple(
            Money(_from_minor(sign * part, self.currency), self.currency) for part in parts
        )

    def format(self, locale: str) -> str:
        """The amount as people of a locale write it: `1.234,50 €` for `de`."""
        # Its tables take a while to load.
        from babel.numbers import format_currency

        # The pattern has two decimals where the CLDR counts fewer than ISO 4217.
        usual = self.currency not in _TWO_DECIMALS
        return format_currency(self.amount, self.currency, locale=locale, currency_digits=usual)

    def _match(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(self.currency, other.currency)


def _to_minor(amount: Decimal, currency: str) -> int:
    return int(Fraction(amount) * 10 ** decimals(currency))


def _from_minor(minor: int, currency: str) -> Decimal:
    """An amount of so many minor units, whatever precision decimals have around here."""
    return Decimal(f"{minor}E-{decimals(currency)}")
