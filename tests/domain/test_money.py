"""Money is exact, of one currency, and rounded once."""

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.money import CurrencyMismatch, Money, decimals
from tests.domain.strategies import always, cents

weights = st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any)


@pytest.mark.parametrize("amount", [0.1, 1, "1.00", None])
def test_nothing_but_a_decimal_is_money(amount: Any) -> None:
    with pytest.raises(TypeError):
        Money(amount, "EUR")


def test_a_float_is_never_rounded_to_money() -> None:
    inexact: Any = 0.1
    with pytest.raises(TypeError):
        Money.rounded(inexact, "EUR")
    with pytest.raises(TypeError):
        Money.of("1.00") * inexact


@pytest.mark.parametrize("amount", ["0.001", "NaN", "Infinity", "1000000000000.00", "-1E12"])
def test_what_the_tables_can_not_keep_is_no_money(amount: str) -> None:
    with pytest.raises(ValueError, match=r"EUR|large"):
        Money.of(amount)


def test_the_largest_amount_is_money() -> None:
    assert Money.of("999999999999.99").amount == Decimal("999999999999.99")


@pytest.mark.parametrize(
    ("currency", "count"), [("EUR", 2), ("CHF", 2), ("JPY", 0), ("HUF", 2), ("RSD", 2)]
)
def test_a_currency_has_the_decimals_of_iso_4217(currency: str, count: int) -> None:
    assert decimals(currency) == count


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "ZZZ", "KWD", "CLF"])
def test_a_currency_that_is_none_or_has_more_decimals_is_refused(currency: str) -> None:
    with pytest.raises(ValueError, match=r"is no currency|decimals"):
        Money.zero(currency)


def test_a_whole_currency_has_no_hundredths() -> None:
    assert str(Money.of("1200.00", "JPY").amount) == "1200"
    with pytest.raises(ValueError, match="JPY"):
        Money.of("1200.50", "JPY")


def test_equal_amounts_read_the_same() -> None:
    assert Money.of("7") == Money.of("7.00")
    assert str(Money.of("7").amount) == "7.00"
    assert hash(Money.of("7")) == hash(Money.of("7.00"))


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [
        ("0.005", "0.01"),
        ("0.0049999999999999999999999999999999999", "0.00"),
        ("2.675", "2.68"),
        ("-2.675", "-2.68"),
        ("-0.004", "0.00"),
    ],
)
def test_half_a_cent_is_rounded_away_from_zero(exact: str, rounded: str) -> None:
    assert Money.rounded(Decimal(exact), "EUR") == Money.of(rounded)


def test_no_precision_around_it_changes_a_share() -> None:
    with localcontext(prec=6):
        assert Money.of("235.20").share(303, 364) == Money.of("195.78")
        assert Money.of("123456789.00").share(1, 3) == Money.of("41152263.00")


def test_currencies_never_meet() -> None:
    euro, franc = Money.of("1.00"), Money.of("1.00", "CHF")
    assert euro != franc
    for together in (
        lambda: euro + franc,
        lambda: euro - franc,
        lambda: euro < franc,
        lambda: euro >= franc,
        lambda: Money.total([euro, franc], "EUR"),
    ):
        with pytest.raises(CurrencyMismatch):
            together()


def test_amounts_are_added_compared_and_multiplied() -> None:
    one, two = Money.of("1.10"), Money.of("2.20")
    assert one + one == two == one * 2
    assert two - one == one
    assert one < two <= two
    assert two > one >= one
    assert -one == Money.of("-1.10")
    assert bool(one)
    assert not Money.zero("EUR")
    assert Money.total([], "EUR") == Money.zero("EUR")


@pytest.mark.parametrize(
    ("money", "locale", "text"),
    [
        (Money.of("1234.50"), "de", "1.234,50\xa0€"),
        (Money.of("1234.50"), "en", "€1,234.50"),
        (Money.of("12.50", "RSD"), "de", "12,50\xa0RSD"),
        (Money.of("1200", "JPY"), "de", "1.200\xa0¥"),
    ],
)
def test_it_is_written_as_people_write_it(money: Money, locale: str, text: str) -> None:
    assert money.format(locale) == text


def test_nothing_can_be_distributed_over_nothing() -> None:
    for parts in ([], [0, 0], [1, -1]):
        with pytest.raises(ValueError, match=r"weight|nothing"):
            Money.of("1.00").distribute(parts)
    assert Money.zero("EUR").distribute([0, 0]) == (Money.zero("EUR"), Money.zero("EUR"))


@always
@given(st.integers(-(10**9), 10**9), weights)
def test_distributed_parts_add_up_and_stay_near_their_share(minor: int, parts: list[int]) -> None:
    money = cents(minor)
    shares = money.distribute(parts)
    assert Money.total(shares, "EUR") == money
    for share, weight in zip(shares, parts, strict=True):
        exact = Fraction(money.amount) * weight / sum(parts)
        assert abs(Fraction(share.amount) - exact) < Fraction(1, 100)
        assert bool(weight) or not share


@always
@given(weights, st.data())
def test_no_part_is_larger_than_its_weight(parts: list[int], data: st.DataObject) -> None:
    amount = cents(data.draw(st.integers(0, sum(parts))))
    shares = amount.distribute([cents(part).amount for part in parts])
    assert all(share <= cents(part) for share, part in zip(shares, parts, strict=True))


@always
@given(st.integers(-(10**9), 10**9), st.integers(0, 10**4), st.integers(1, 10**4))
def test_a_share_is_the_nearest_amount(minor: int, part: int, whole: int) -> None:
    share = cents(minor).share(part, whole)
    exact = Fraction(minor, 100) * part / whole
    assert abs(Fraction(share.amount) - exact) <= Fraction(1, 200)
    assert -cents(minor).share(part, whole) == (-cents(minor)).share(part, whole)
