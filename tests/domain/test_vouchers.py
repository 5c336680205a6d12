"""What vouchers take off, to the cent."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.money import CurrencyMismatch, Money
from app.domain.tax import TaxedAmount, TaxTotals
from app.domain.vouchers import (
    AmountOff,
    FreeFirstPeriod,
    MinimumNotReached,
    PercentOff,
    Voucher,
    discounts,
)
from app.models import Voucher as VoucherRow
from tests.domain.strategies import always, cents, percents, prices

TEN_PERCENT = PercentOff(Decimal(10))


@pytest.mark.parametrize(
    ("day", "valid"),
    [("2026-02-28", False), ("2026-03-01", True), ("2026-03-31", True), ("2026-04-01", False)],
)
def test_a_voucher_is_valid_on_its_days(day: str, valid: bool) -> None:
    march = Voucher(TEN_PERCENT, valid_from=date(2026, 3, 1), valid_until=date(2026, 3, 31))
    assert march.valid_on(date.fromisoformat(day)) is valid
    assert Voucher(TEN_PERCENT).valid_on(date.fromisoformat(day))


@pytest.mark.parametrize("percent", ["0", "-5", "100.01"])
def test_a_voucher_takes_off_something_and_not_more_than_all(percent: str) -> None:
    with pytest.raises(ValueError, match="percent"):
        PercentOff(Decimal(percent))


def test_a_voucher_of_nothing_is_none() -> None:
    for amount in (Money.zero("EUR"), Money.of("-1.00")):
        with pytest.raises(ValueError, match="nothing"):
            AmountOff(amount)


def test_a_voucher_is_read_from_the_row_that_states_it() -> None:
    first = date(2026, 3, 1)
    percent = VoucherRow(kind="PERCENT", percent=Decimal("10.00"), valid_from=first)
    amount = VoucherRow(
        kind="AMOUNT", amount=Decimal("5.00"), currency="EUR", valid_from=first, valid_until=first
    )
    assert Voucher.stated(percent) == Voucher(TEN_PERCENT, valid_from=first)
    assert Voucher.stated(amount) == Voucher(
        AmountOff(Money.of("5.00")), valid_from=first, valid_until=first
    )
    with pytest.raises(ValueError, match="lacks"):
        Voucher.stated(VoucherRow(kind="AMOUNT", amount=Decimal("5.00"), valid_from=first))


def test_a_minimum_is_asked_for_all_lines_together() -> None:
    voucher = Voucher(TEN_PERCENT, minimum=Money.of("50.00"))
    assert discounts(voucher, [Money.of("20.00"), Money.of("30.00")]) == (
        Money.of("2.00"),
        Money.of("3.00"),
    )
    with pytest.raises(MinimumNotReached) as raised:
        discounts(voucher, [Money.of("20.00"), Money.of("29.99")])
    assert raised.value.missing == Money.of("0.01")
    with pytest.raises(MinimumNotReached):
        discounts(voucher, [])


def test_without_lines_nothing_is_taken_off() -> None:
    assert discounts(Voucher(AmountOff(Money.of("5.00"))), []) == ()


def test_lines_of_another_currency_or_below_zero_are_refused() -> None:
    with pytest.raises(CurrencyMismatch):
        discounts(Voucher(AmountOff(Money.of("5.00", "CHF"))), [Money.of("20.00")])
    with pytest.raises(CurrencyMismatch):
        discounts(Voucher(TEN_PERCENT), [Money.of("20.00"), Money.of("20.00", "CHF")])
    with pytest.raises(ValueError, match="negative"):
        discounts(Voucher(TEN_PERCENT), [Money.of("-20.00")])


vouchers = st.one_of(
    st.builds(PercentOff, st.integers(1, 10000).map(lambda hundredths: Decimal(hundredths) / 100)),
    st.builds(AmountOff, st.integers(1, 10**6).map(cents)),
    st.just(FreeFirstPeriod()),
).map(Voucher)
lines = st.lists(prices(10**5), min_size=1, max_size=10)


@always
@given(vouchers, lines)
def test_a_discount_adds_up_and_leaves_no_line_below_zero(
    voucher: Voucher, prices: list[Money]
) -> None:
    total = Money.total(prices, "EUR")
    off = discounts(voucher, prices)
    assert all(Money.zero("EUR") <= cut <= price for cut, price in zip(off, prices, strict=True))
    match voucher.discount:
        case PercentOff(percent):
            assert Money.total(off, "EUR") == total.share(percent, 100)
        case AmountOff(amount):
            assert Money.total(off, "EUR") == min(amount, total)
        case FreeFirstPeriod():
            assert list(off) == prices


@always
@given(vouchers, lines, st.data())
def test_each_rate_bears_its_share(
    voucher: Voucher, prices: list[Money], data: st.DataObject
) -> None:
    rates = [Decimal(data.draw(percents)) for _ in prices]
    off = discounts(voucher, prices)
    total, taken = Money.total(prices, "EUR"), Money.total(off, "EUR")
    totals = TaxTotals.of(
        (
            TaxedAmount.from_gross(price - cut, rate)
            for price, cut, rate in zip(prices, off, rates, strict=True)
        ),
        "EUR",
    )
    assert totals.gross == total - taken
    for sums in totals.rates:
        of_rate = [price for price, rate in zip(prices, rates, strict=True) if rate == sums.percent]
        before = Money.total(of_rate, "EUR")
        if total:
            exact = Fraction(taken.amount) * Fraction(before.amount) / Fraction(total.amount)
            apart = Fraction((before - sums.gross).amount) - exact
            assert abs(apart) < Fraction(len(of_rate), 100)
