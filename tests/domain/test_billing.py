"""What of a price was used, and what changing it costs."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.billing import change_price, divide, prorate, prorate_until
from app.domain.money import CurrencyMismatch, Money
from app.domain.periods import ONE_DAY, Span
from tests.domain.strategies import always, prices, spans

APRIL = Span(date(2026, 4, 1), date(2026, 4, 30))


def test_only_one_of_first_and_last_day_counts() -> None:
    proration = prorate_until(
        Money.of("235.20"), Span(date(2022, 1, 1), date(2022, 12, 31)), date(2022, 10, 31)
    )
    assert (proration.used_days, proration.total_days) == (303, 364)
    assert proration.used == Money.of("195.78")


def test_a_refund_is_neither_negative_nor_more_than_the_price() -> None:
    price = Money.of("30.00")
    assert prorate(price, 31, 30).refund == Money.zero("EUR")
    assert prorate(price, -1, 30).refund == price
    assert prorate_until(price, APRIL, date(2026, 5, 9)).refund == Money.zero("EUR")
    assert prorate_until(price, APRIL, date(2026, 3, 31)).refund == price


def test_a_single_day_is_used_when_it_begins() -> None:
    price, day = Money.of("3.50"), Span(date(2026, 4, 1), date(2026, 4, 1))
    assert prorate_until(price, day, day.starts_on).used == price
    assert prorate_until(price, day, day.starts_on - ONE_DAY).refund == price
    change = change_price(price, Money.of("5.00"), day, day.starts_on)
    assert change.balance == Money.of("1.50")


def test_what_is_negative_is_not_divided() -> None:
    with pytest.raises(ValueError, match="negative"):
        prorate(Money.of("-1.00"), 1, 2)
    with pytest.raises(ValueError, match="negative"):
        prorate(Money.of("1.00"), 0, -2)


def test_a_period_is_divided_at_its_own_days_in_order() -> None:
    for cuts in ([date(2026, 5, 1)], [date(2026, 4, 9), date(2026, 4, 8)], [date(2026, 3, 31)]):
        with pytest.raises(ValueError, match="divided"):
            divide(Money.of("1.00"), APRIL, cuts)


def test_a_price_changes_within_the_period_and_the_currency() -> None:
    with pytest.raises(ValueError, match="within"):
        change_price(Money.of("1.00"), Money.of("2.00"), APRIL, date(2026, 5, 1))
    with pytest.raises(CurrencyMismatch):
        change_price(Money.of("1.00"), Money.of("2.00", "CHF"), APRIL, date(2026, 4, 1))


@always
@given(prices(), spans, st.data())
def test_parts_add_up_to_the_whole(price: Money, span: Span, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, span.length - 1), max_size=6)))
    parts = divide(price, span, [span.starts_on + timedelta(days=cut) for cut in cuts])
    assert Money.total(parts, "EUR") == price
    assert all(part.amount >= 0 for part in parts)


@always
@given(prices(), spans, st.integers(-3, 803))
def test_used_and_refund_are_the_price_and_grow_with_the_days(
    price: Money, span: Span, after: int
) -> None:
    day = span.starts_on + timedelta(days=after)
    proration = prorate_until(price, span, day)
    assert proration.used + proration.refund == price
    assert Money.zero("EUR") <= proration.used <= price
    assert prorate_until(price, span, day + ONE_DAY).used >= proration.used
    assert day < span.ends_on or proration.used == price


@always
@given(prices(), prices(), spans, st.data())
def test_an_upgrade_and_its_reversal_cost_nothing(
    old: Money, new: Money, span: Span, data: st.DataObject
) -> None:
    day = span.starts_on + timedelta(days=data.draw(st.integers(0, span.length - 1)))
    there = change_price(old, new, span, day)
    back = change_price(new, old, span, day)
    assert there.balance == -back.balance
    assert not change_price(old, old, span, day).balance
    if new >= old:
        assert there.balance.amount >= 0
