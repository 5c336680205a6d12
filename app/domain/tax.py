"""Value-added tax: what rate applies on a day, and how amounts are taken apart by it.

Prices include tax, as consumers are told them (PAngV § 3). Tax is worked out line by line and
frozen with the line; totals are sums of rounded lines, per rate.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

from app.domain.money import Money
from app.domain.periods import Span


class StatedRate(Protocol):
    """Whatever states a rate, as a row of the table of tax rates does."""

    @property
    def country(self) -> str:
        """ISO 3166-1 alpha-2, as `DE`."""

    @property
    def tax_class(self) -> str:
        """STANDARD, REDUCED or ZERO."""

    @property
    def percent(self) -> Decimal:
        """The rate, as 7.00."""

    @property
    def valid_from(self) -> date:
        """The first day it applies."""

    @property
    def valid_until(self) -> date | None:
        """The last day it applies; None while it has no end."""


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A rate and the days it applies, the last included."""

    country: str
    tax_class: str
    percent: Decimal
    valid_from: date
    valid_until: date | None = None


class NoTaxRate(LookupError):  # noqa: N818  It is said of the table.
    """The table has no rate for a country, class and day."""


class TaxRates:
    """The rates of all countries, by class and day: a rate is a fact of a day.

    German print and, since 2019-12-18, e-publications are REDUCED (§ 12 (2) Nr. 1 and 14 UStG);
    in the second half of 2020 the rates were 16 and 5 percent (§ 28 (1) and (2) UStG).
    """

    def __init__(self, rates: Iterable[StatedRate]) -> None:
        self._rates: dict[tuple[str, str], list[StatedRate]] = defaultdict(list)
        for rate in sorted(rates, key=lambda rate: rate.valid_from):
            known = self._rates[rate.country, rate.tax_class]
            if known and (known[-1].valid_until or date.max) >= rate.valid_from:
                raise ValueError(
                    f"{rate.country} has two rates {rate.tax_class} on {rate.valid_from}."
                )
            known.append(rate)

    def percent(self, country: str, tax_class: str, day: date) -> Decimal:
        """The rate that a country asks for a class of goods on a day, which `performed_on` names.

        Raises:
            NoTaxRate: The table has none.
        """
        for rate in self._rates.get((country, tax_class), ()):
            if rate.valid_from <= day <= (rate.valid_until or date.max):
                return rate.percent
        raise NoTaxRate(f"There is no rate {tax_class} of {country} on {day}.")


def performed_on(service: Span) -> date:
    """The day whose rate applies to what is owed for a period: its last.

    A subscription is performed in parts, one accounting period each, and a part counts as
    performed when it ends, whenever it is invoiced or paid (§ 13 (1) Nr. 1 a and § 27 (1) UStG).
    """
    return service.ends_on


@dataclass(frozen=True, slots=True)
class TaxedAmount:
    """An amount with the tax in it, rounded and never touched again.

    Raises:
        ValueError: Net and tax are not the gross amount, or the rate is none.
    """

    net: Money
    tax: Money
    gross: Money
    percent: Decimal

    def __post_init__(self) -> None:
        if self.net + self.tax != self.gross:
            raise ValueError("Net and tax don't add up to the gross amount.")
        if not 0 <= self.percent <= 100:
            raise ValueError(f"{self.percent} percent is no tax rate.")

    @classmethod
    def from_gross(cls, gross: Money, percent: Decimal) -> "TaxedAmount":
        """Take the tax out of an amount that includes it."""
        net = gross.share(100, 100 + Fraction(percent))
        return cls(net, gross - net, gross, percent)

    @classmethod
    def from_net(cls, net: Money, percent: Decimal) -> "TaxedAmount":
        """Add the tax to an amount without it."""
        tax = net.share(percent, 100)
        return cls(net, tax, net + tax, percent)

    def __neg__(self) -> "TaxedAmount":
        """What cancels it, to the cent."""
        return TaxedAmount(-self.net, -self.tax, -self.gross, self.percent)


@dataclass(frozen=True, slots=True)
class BundlePart:
    """A part of a bundle: its rate, and what it weighs in the price.

    The weight is what the part costs on its own, or how many percent of the price it is.
    """

    percent: Decimal
    weight: Decimal


def split_bundle(gross: Money, parts: Sequence[BundlePart]) -> tuple[TaxedAmount, ...]:
    """Divide the price of a bundle between its parts, in their order, so that they add up exactly.

    The law has the price of a bundle divided by what its parts cost alone, where they are sold
    alone (UStAE 10.1 (11)), as of a magazine at 7 percent and a club's card at 19.
    """
    shares = gross.distribute([part.weight for part in parts])
    return tuple(
        TaxedAmount.from_gross(share, part.percent)
        for share, part in zip(shares, parts, strict=True)
    )


def tax_price(
    gross: Money, shares: Mapping[str, Decimal], rates: TaxRates, country: str, day: date
) -> tuple[TaxedAmount, ...]:
    """A price as a line for each tax class in it, in the order of the classes' names.

    `shares` says how much of the price is of which class, in percent or any other measure; what
    is of one class only has one share, of whatever size. `day` is that of `performed_on`.

    Raises:
        NoTaxRate: The country has no rate for a class on the day.
    """
    parts = [
        BundlePart(rates.percent(country, tax_class, day), shares[tax_class])
        for tax_class in sorted(shares)
    ]
    return split_bundle(gross, parts)


@dataclass(frozen=True, slots=True)
class TaxTotals:
    """The sums of a document: in all, and per rate from the lowest to the highest.

    They are sums of lines that were rounded, so the tax of a rate may differ from the rate times
    its net sum, by half a minor unit for each line at most. EN 16931 (BR-CO-17) allows for that.
    """

    net: Money
    tax: Money
    gross: Money
    rates: tuple[TaxedAmount, ...]

    @classmethod
    def of(cls, lines: Iterable[TaxedAmount], currency: str) -> "TaxTotals":
        """Add up the lines of a document, of which there may be none."""
        by_rate: dict[Decimal, list[TaxedAmount]] = defaultdict(list)
        for line in lines:
            by_rate[line.percent].append(line)
        rates = tuple(_sum(by_rate[percent], percent, currency) for percent in sorted(by_rate))
        return cls(
            Money.total((rate.net for rate in rates), currency),
            Money.total((rate.tax for rate in rates), currency),
            Money.total((rate.gross for rate in rates), currency),
            rates,
        )


def _sum(lines: Sequence[TaxedAmount], percent: Decimal, currency: str) -> TaxedAmount:
    return TaxedAmount(
        Money.total((line.net for line in lines), currency),
        Money.total((line.tax for line in lines), currency),
        Money.total((line.gross for line in lines), currency),
        percent,
    )
