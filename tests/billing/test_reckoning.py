"""What an order costs and when it renews, worked out by hand and for orders made up at random."""

from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.billing.reckoning import Off, Ordered, ReckonedLine, Reckoning, reckon
from app.billing.selling import Sold
from app.billing.taxes import Taxation
from app.domain.money import Money
from app.domain.tax import TaxedAmount, TaxRate, TaxRates, TaxTotals
from app.domain.vouchers import AmountOff, PercentOff, Voucher
from app.models import Offer

LAW = TaxRates(
    [
        TaxRate("DE", "STANDARD", Decimal(19), date(2007, 1, 1), date(2020, 6, 30)),
        TaxRate("DE", "STANDARD", Decimal(16), date(2020, 7, 1), date(2020, 12, 31)),
        TaxRate("DE", "STANDARD", Decimal(19), date(2021, 1, 1)),
        TaxRate("DE", "REDUCED", Decimal(7), date(2007, 1, 1)),
        TaxRate("AT", "STANDARD", Decimal(20), date(2016, 1, 1)),
    ]
)
TAXATION = Taxation(LAW, "DE")
SPLIT = {"REDUCED": Decimal(70), "STANDARD": Decimal(30)}
FULL = {"STANDARD": Decimal(100)}


def sold(key: int = 1, shares: Any = FULL, **values: Any) -> Sold:
    """An offer of 10.00 a month, that can be ended with the month."""
    row = {
        "id": key,
        "price": Decimal("10.00"),
        "first_price": None,
        "currency": "EUR",
        "term_count": 1,
        "term_unit": "MONTH",
        "accounting_count": 1,
        "accounting_unit": "MONTH",
        "notice_count": 2,
        "notice_unit": "WEEK",
        **values,
    }
    return Sold(Offer(**row), SimpleNamespace(retired_at=None), shares, ())  # type: ignore[arg-type]  # Enough of one.


def one(starts_on: date, *, consumer: bool = True, **values: Any) -> ReckonedLine:
    """The only line of an order that was placed on its first day."""
    line = Ordered(sold(**values), 1, starts_on, "DE")
    return reckon([line], TAXATION, starts_on, consumer=consumer).lines[0]


YEAR: dict[str, Any] = {"term_count": 1, "term_unit": "YEAR"}
QUARTER: dict[str, Any] = {"accounting_count": 3, "accounting_unit": "MONTH"}
WEEKS: dict[str, Any] = {
    "term_count": 4,
    "term_unit": "WEEK",
    "accounting_count": 4,
    "accounting_unit": "WEEK",
}
DATES = [
    # The first day; what differs; the first period's last day, the next billing day, the term's
    # last day, and the last day on which it can be cancelled to end then.
    # Mid-month: 14 days' notice of the 14th is given on the 31st at the latest.
    ("2026-01-15", {}, "2026-02-14", "2026-02-15", "2026-02-14", "2026-01-31"),
    # From the 31st: February has none, so the next one begins on its last day.
    ("2026-01-31", {}, "2026-02-27", "2026-02-28", "2026-02-27", "2026-02-13"),
    # In a leap year that is the 29th.
    ("2028-01-31", {}, "2028-02-28", "2028-02-29", "2028-02-28", "2028-02-14"),
    # From 29 February, a year ends with the 27th, since the next one begins on the 28th.
    ("2028-02-29", YEAR, "2028-03-28", "2028-03-29", "2029-02-27", "2029-02-13"),
    # From the 30th of a month of 31 days into February and beyond.
    ("2026-12-30", QUARTER | YEAR, "2027-03-29", "2027-03-30", "2027-12-29", "2027-12-15"),
    # Clocks go forward on 29 March 2026: four weeks have 28 days all the same.
    ("2026-03-28", WEEKS, "2026-04-24", "2026-04-25", "2026-04-24", "2026-04-10"),
    # Clocks go back on 25 October 2026.
    ("2026-10-25", WEEKS, "2026-11-21", "2026-11-22", "2026-11-21", "2026-11-07"),
    # A month over a change of the year.
    ("2026-12-31", {}, "2027-01-30", "2027-01-31", "2027-01-30", "2027-01-16"),
]


@pytest.mark.parametrize(("starts", "terms", "ends", "bills", "bound", "last"), DATES)
def test_days_follow_from_the_first_one(
    starts: str, terms: dict[str, Any], ends: str, bills: str, bound: str, last: str
) -> None:
    line = one(date.fromisoformat(starts), **terms)
    found = (
        line.period.ends_on,
        line.next_billing_on,
        line.term_ends_on,
        line.last_cancellation_day,
    )
    assert [day.isoformat() for day in found] == [ends, bills, bound, last]


def test_no_consumer_is_bound_by_more_than_a_months_notice() -> None:
    starts = date(2026, 1, 1)
    long: dict[str, Any] = {**YEAR, "notice_count": 3, "notice_unit": "MONTH"}
    assert one(starts, **long).last_cancellation_day == date(2026, 11, 30)
    assert one(starts, consumer=False, **long).last_cancellation_day == date(2026, 9, 30)


def test_the_rate_is_that_of_the_periods_last_day() -> None:
    # 10.00 / 1.16 = 8.6207; the period from 15 June to 14 July 2020 is performed in July.
    [amount] = one(date(2020, 6, 15)).amounts
    assert (amount.percent, amount.net) == (Decimal(16), Money.of("8.62"))
    [amount] = one(date(2020, 5, 15)).amounts
    assert (amount.percent, amount.net) == (Decimal(19), Money.of("8.40"))


def test_countries_without_rates_are_taxed_as_at_home() -> None:
    lines = [Ordered(sold(), 1, date(2026, 1, 1), country) for country in ("AT", "FR")]
    reckoned = reckon(lines, TAXATION, date(2026, 1, 1), consumer=True)
    assert [line.amounts[0].percent for line in reckoned.lines] == [Decimal(20), Decimal(19)]


def test_the_token_says_nothing_of_days() -> None:
    tokens = {
        reckon([Ordered(sold(), 1, day, "DE")], TAXATION, day, consumer=True).token
        for day in (date(2026, 1, 1), date(2026, 1, 2))
    }
    assert len(tokens) == 1


_PRICES = st.decimals(0, 5000, places=2)


@st.composite
def _lines(draw: st.DrawFn) -> list[Ordered]:
    count = draw(st.integers(1, 6))
    lines = []
    for key in range(count):
        price = draw(_PRICES)
        first = draw(st.none() | st.decimals(0, price, places=2))
        offer = sold(key, draw(st.sampled_from([SPLIT, FULL])), price=price, first_price=first)
        starts_on = date(2026, 1, 1) + timedelta(days=draw(st.integers(0, 1000)))
        country = draw(st.sampled_from(["DE", "AT", "FR"]))
        lines.append(Ordered(offer, draw(st.integers(1, 10_000)), starts_on, country))
    return lines


_VOUCHERS = st.one_of(
    st.decimals("0.01", 100, places=2).map(PercentOff),
    st.decimals("0.01", 9999, places=2).map(lambda amount: AmountOff(Money(amount, "EUR"))),
)
_OFF = st.none() | st.builds(
    Off, st.builds(Voucher, _VOUCHERS), st.none() | st.sets(st.integers(0, 5))
)


@given(_lines(), _OFF, st.booleans())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_all_that_is_paid_adds_up(lines: list[Ordered], off: Off | None, consumer: bool) -> None:
    reckoned = reckon(lines, TAXATION, date(2026, 1, 1), consumer=consumer, off=off)
    for line in reckoned.lines:
        assert Money.total((amount.gross for amount in line.amounts), "EUR") == line.gross
        assert Money.zero("EUR") <= line.discount <= line.first <= line.regular
        if off is not None and not off.good_for(line.ordered.sold.offer.id):
            assert not line.discount
    assert Money.total((line.gross for line in reckoned.lines), "EUR") == reckoned.total
    _check_rates(reckoned)


def _check_rates(reckoned: Reckoning) -> None:
    amounts: list[TaxedAmount] = [amount for line in reckoned.lines for amount in line.amounts]
    totals: TaxTotals = reckoned.totals
    assert totals.net + totals.tax == totals.gross
    assert [rate.percent for rate in totals.rates] == sorted({a.percent for a in amounts})
    for rate in totals.rates:
        own = [amount for amount in amounts if amount.percent == rate.percent]
        assert rate.gross == Money.total((amount.gross for amount in own), "EUR")
        assert rate.tax == Money.total((amount.tax for amount in own), "EUR")
