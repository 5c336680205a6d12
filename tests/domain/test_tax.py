"""Rates are facts of a day, and totals are sums of rounded lines."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.money import CurrencyMismatch, Money
from app.domain.periods import Span
from app.domain.tax import (
    BundlePart,
    NoTaxRate,
    TaxedAmount,
    TaxRate,
    TaxRates,
    TaxTotals,
    performed_on,
    split_bundle,
    tax_price,
)
from tests.domain.strategies import always, percents, prices


def rate(percent: str, first: str, last: str | None = None, kind: str = "STANDARD") -> TaxRate:
    until = date.fromisoformat(last) if last else None
    return TaxRate("DE", kind, Decimal(percent), date.fromisoformat(first), until)


RATES = TaxRates(
    [
        rate("19.00", "2021-01-01"),
        rate("19.00", "2007-01-01", "2020-06-30"),
        rate("16.00", "2020-07-01", "2020-12-31"),
        rate("7.00", "1983-07-01", "2020-06-30", "REDUCED"),
        rate("5.00", "2020-07-01", "2020-12-31", "REDUCED"),
        rate("7.00", "2021-01-01", None, "REDUCED"),
    ]
)
SEVEN, NINETEEN = Decimal("7.00"), Decimal("19.00")


@pytest.mark.parametrize(
    ("day", "standard", "reduced"),
    [
        ("2020-06-30", "19.00", "7.00"),
        ("2020-07-01", "16.00", "5.00"),
        ("2020-12-31", "16.00", "5.00"),
        ("2021-01-01", "19.00", "7.00"),
        ("2026-11-22", "19.00", "7.00"),
    ],
)
def test_a_rate_is_a_fact_of_a_day(day: str, standard: str, reduced: str) -> None:
    on = date.fromisoformat(day)
    assert RATES.percent("DE", "STANDARD", on) == Decimal(standard)
    assert RATES.percent("DE", "REDUCED", on) == Decimal(reduced)


@pytest.mark.parametrize(
    ("country", "kind", "day"),
    [
        ("AT", "STANDARD", "2026-01-01"),
        ("DE", "ZERO", "2026-01-01"),
        ("DE", "STANDARD", "2006-12-31"),
    ],
)
def test_no_rate_is_made_up(country: str, kind: str, day: str) -> None:
    with pytest.raises(NoTaxRate):
        RATES.percent(country, kind, date.fromisoformat(day))


def test_a_day_never_has_two_rates() -> None:
    with pytest.raises(ValueError, match="2021-01-01"):
        TaxRates([rate("19.00", "2007-01-01"), rate("16.00", "2021-01-01")])
    with pytest.raises(ValueError, match="2020-12-31"):
        TaxRates([rate("19.00", "2007-01-01", "2020-12-31"), rate("16.00", "2020-12-31")])


def test_a_period_is_taxed_at_the_rate_of_its_last_day() -> None:
    # A month that began under the lowered rate and ends in the new year.
    day = performed_on(Span(date(2020, 12, 15), date(2021, 1, 14)))
    assert RATES.percent("DE", "REDUCED", day) == SEVEN


def test_a_price_is_taxed_by_the_classes_in_it() -> None:
    shares = {"STANDARD": Decimal("30.00"), "REDUCED": Decimal("70.00")}
    # 69.30 at 5 percent is 66.00 and 3.30; 29.70 at 16 percent is 25.60 and 4.10.
    lines = tax_price(Money.of("99.00"), shares, RATES, "DE", date(2020, 12, 31))
    assert [(str(line.percent), str(line.net.amount), str(line.tax.amount)) for line in lines] == [
        ("5.00", "66.00", "3.30"),
        ("16.00", "25.60", "4.10"),
    ]
    one = tax_price(Money.of("1.07"), {"REDUCED": Decimal(1)}, RATES, "DE", date(2026, 1, 1))
    assert one == (TaxedAmount.from_gross(Money.of("1.07"), SEVEN),)
    with pytest.raises(NoTaxRate):
        tax_price(Money.of("1.00"), shares, RATES, "AT", date(2026, 1, 1))


def test_amounts_that_do_not_add_up_are_none() -> None:
    with pytest.raises(ValueError, match="add up"):
        TaxedAmount(Money.of("1.00"), Money.of("0.07"), Money.of("1.08"), SEVEN)
    with pytest.raises(ValueError, match="rate"):
        TaxedAmount.from_gross(Money.of("1.00"), Decimal("100.01"))


def test_totals_are_of_one_currency() -> None:
    line = TaxedAmount.from_gross(Money.of("1.00", "CHF"), SEVEN)
    with pytest.raises(CurrencyMismatch):
        TaxTotals.of([line], "EUR")


def test_a_document_without_lines_is_of_nothing() -> None:
    nothing = Money.zero("EUR")
    assert TaxTotals.of([], "EUR") == TaxTotals(nothing, nothing, nothing, ())


def test_rates_are_listed_from_the_lowest() -> None:
    lines = [
        TaxedAmount.from_gross(Money.of("1.00"), NINETEEN),
        TaxedAmount.from_gross(Money.of("1.00"), Decimal(7)),
        TaxedAmount.from_gross(Money.of("1.00"), SEVEN),
    ]
    assert [sums.percent for sums in TaxTotals.of(lines, "EUR").rates] == [SEVEN, NINETEEN]


taxed = st.builds(TaxedAmount.from_gross, prices(), percents.map(Decimal)) | st.builds(
    TaxedAmount.from_net, prices(), percents.map(Decimal)
)


@always
@given(taxed)
def test_tax_is_right_to_half_a_cent(line: TaxedAmount) -> None:
    assert line.net + line.tax == line.gross
    exact = Fraction(line.net.amount) * Fraction(line.percent) / 100
    # Of a net amount that was rounded by half a cent, the tax has its own share of that to bear.
    bound = Fraction(1, 200) * (1 + Fraction(line.percent) / 100)
    assert abs(Fraction(line.tax.amount) - exact) <= bound


@always
@given(st.lists(taxed, max_size=8))
def test_totals_are_the_sums_of_their_lines(lines: list[TaxedAmount]) -> None:
    totals = TaxTotals.of(lines, "EUR")
    assert totals.net + totals.tax == totals.gross
    assert totals.gross == Money.total((line.gross for line in lines), "EUR")
    assert totals.tax == Money.total((sums.tax for sums in totals.rates), "EUR")
    assert len({sums.percent for sums in totals.rates}) == len(totals.rates)
    for sums in totals.rates:
        of_rate = [line for line in lines if line.percent == sums.percent]
        assert sums.net == Money.total((line.net for line in of_rate), "EUR")


@always
@given(st.lists(taxed, max_size=6))
def test_a_cancellation_takes_back_every_cent(lines: list[TaxedAmount]) -> None:
    nothing = Money.zero("EUR")
    totals = TaxTotals.of([*lines, *(-line for line in lines)], "EUR")
    assert (totals.net, totals.tax, totals.gross) == (nothing, nothing, nothing)


@always
@given(
    prices(),
    st.lists(
        st.builds(BundlePart, percents.map(Decimal), st.integers(1, 10**6).map(Decimal)),
        min_size=1,
        max_size=4,
    ),
)
def test_the_parts_of_a_bundle_add_up(price: Money, parts: list[BundlePart]) -> None:
    lines = split_bundle(price, parts)
    assert [line.percent for line in lines] == [part.percent for part in parts]
    assert TaxTotals.of(lines, "EUR").gross == price
