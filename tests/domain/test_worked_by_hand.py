"""Cases of money and time that were worked out by hand, each with its arithmetic.

The first three are the golden cases; all others were reckoned on paper before they were run.
"""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.domain.billing import change_price, prorate, prorate_until
from app.domain.direct_debits import announced_by, collected_on, submitted_by
from app.domain.issues import value_of_issues
from app.domain.money import Money
from app.domain.periods import Period, Span
from app.domain.tax import BundlePart, TaxedAmount, TaxTotals, split_bundle
from app.domain.terms import Contract, Terms, under_consumer_law
from app.domain.vouchers import AmountOff, FreeFirstPeriod, PercentOff, Voucher, discounts

DAY, WEEK, MONTH, YEAR = (Period(1, unit) for unit in ("DAY", "WEEK", "MONTH", "YEAR"))


def eur(amount: str) -> Money:
    return Money.of(amount)


def span(first: str, last: str) -> Span:
    return Span(date.fromisoformat(first), date.fromisoformat(last))


def day(text: str) -> date:
    return date.fromisoformat(text)


def used(price: str, period: Span, until: str) -> str:
    """The used part and the refund of a period that ends early."""
    proration = prorate_until(eur(price), period, day(until))
    return f"{proration.used.amount} + {proration.refund.amount}"


def taxed(line: TaxedAmount) -> str:
    """Net and tax of a line."""
    return f"{line.net.amount} + {line.tax.amount}"


def gross(price: str, percent: str) -> str:
    return taxed(TaxedAmount.from_gross(eur(price), Decimal(percent)))


def bundle(price: str, *parts: tuple[str, str]) -> list[str]:
    """Net and tax of a bundle's parts, given as rate and weight."""
    weighed = [BundlePart(Decimal(percent), Decimal(weight)) for percent, weight in parts]
    return [taxed(line) for line in split_bundle(eur(price), weighed)]


def off(discount: Any, *amounts: str) -> list[str]:
    """What a voucher takes off lines."""
    return [str(cut.amount) for cut in discounts(Voucher(discount), [eur(a) for a in amounts])]


def change(old: str, new: str, period: Span, on: str) -> str:
    """Credit, charge and balance of another price within a period."""
    found = change_price(eur(old), eur(new), period, day(on))
    return f"{found.charge.amount} - {found.credit.amount} = {found.balance.amount}"


def contract(
    first: str, term: Period, notice: Period, renewal: Period | None, accounting: Period = MONTH
) -> Contract:
    return Contract(day(first), Terms(term, accounting, notice, renewal))


def billed(made: Contract, until: str) -> list[str]:
    """The first days of the accounting periods."""
    return [str(period.starts_on) for period in made.accounting_periods(day(until))]


def three_lines() -> str:
    totals = TaxTotals.of(3 * [TaxedAmount.from_gross(eur("1.00"), Decimal(7))], "EUR")
    return f"{totals.net.amount} + {totals.tax.amount} = {totals.gross.amount}"


def discounted_bundle() -> list[str]:
    (cut,) = discounts(Voucher(PercentOff(Decimal(20))), [eur("99.00")])
    rest = eur("99.00") - cut
    return bundle(str(rest.amount), ("7.00", "70.00"), ("19.00", "30.00"))


def three_months_of(made_on: str) -> Contract:
    terms = Terms(YEAR, YEAR, Period(3, "MONTH"), YEAR)
    return Contract(day("2022-03-01"), under_consumer_law(terms, day(made_on)))


MARCH, APRIL = span("2026-03-01", "2026-03-31"), span("2026-04-01", "2026-04-30")
OCTOBER = span("2026-10-01", "2026-10-31")
CHRISTMAS = contract("2021-12-23", MONTH, DAY, MONTH)

CASES: list[tuple[str, Any, Any]] = [
    # 235.20 x 303 / 364 = 71,265.60 / 364 = 195.7846...
    ("golden: a year", prorate(eur("235.20"), 303, 364).used, eur("195.78")),
    # 90.00 x 30 / 181 = 2,700 / 181 = 14.9171...
    ("golden: half a year", prorate(eur("90.00"), 30, 181).used, eur("14.92")),
    # 23 December to 22 January, one day's notice: the 21st, because the 22nd is that day.
    ("golden: notice", CHRISTMAS.last_cancellation_day(day("2022-01-22")), day("2022-01-21")),
    # --- Refunds. Of first and last day only one counts.
    # 366 - 1 = 365 days; to 29 February 31 + 29 - 1 = 59; 365.00 x 59 / 365 = 59.00.
    (
        "refund, leap year",
        used("365.00", span("2024-01-01", "2024-12-31"), "2024-02-29"),
        "59.00 + 306.00",
    ),
    # 365 - 1 = 364 days; to 30 June 181 - 1 = 180; 120 x 180 / 364 = 59.3406...
    (
        "refund, common year",
        used("120.00", span("2023-01-01", "2023-12-31"), "2023-06-30"),
        "59.34 + 60.66",
    ),
    # Clocks go forward on 29 March: 30 days all the same, 29 used; 44.90 x 29 / 30 = 43.4033...
    ("refund, a day of 23 hours", used("44.90", MARCH, "2026-03-30"), "43.40 + 1.50"),
    # Clocks go back on 25 October: 30 days, 24 used; 44.90 x 24 / 30 = 35.92.
    ("refund, a day of 25 hours", used("44.90", OCTOBER, "2026-10-25"), "35.92 + 8.98"),
    # 0.05 x 1 / 2 = 0.025, half a cent goes up; 0.05 - 0.03 = 0.02.
    (
        "refund, half a cent",
        used("0.05", span("2026-04-01", "2026-04-03"), "2026-04-02"),
        "0.03 + 0.02",
    ),
    # 29 days, 15 before the 16th. Old: 24.90 x 15 / 29 = 12.8793 -> 12.88, rest 12.02.
    # New: 44.90 x 15 / 29 = 23.2241 -> 23.22, rest 21.68. 21.68 - 12.02 = 9.66.
    ("upgrade", change("24.90", "44.90", APRIL, "2026-04-16"), "21.68 - 12.02 = 9.66"),
    # The same the other way round.
    ("downgrade", change("44.90", "24.90", APRIL, "2026-04-16"), "12.02 - 21.68 = -9.66"),
    # On its first day the whole period is at the new price.
    ("upgrade, first day", change("24.90", "44.90", APRIL, "2026-04-01"), "44.90 - 24.90 = 20.00"),
    # --- Tax.
    # 44.90 / 1.07 = 41.9626...; 44.90 - 41.96 = 2.94.
    ("7 percent", gross("44.90", "7.00"), "41.96 + 2.94"),
    # 29.90 / 1.19 = 25.1260...; 29.90 - 25.13 = 4.77.
    ("19 percent", gross("29.90", "19.00"), "25.13 + 4.77"),
    # 44.90 / 1.05 = 42.7619...; 44.90 - 42.76 = 2.14.
    ("5 percent, second half of 2020", gross("44.90", "5.00"), "42.76 + 2.14"),
    # 29.90 / 1.16 = 25.7758...; 29.90 - 25.78 = 4.12.
    ("16 percent, second half of 2020", gross("29.90", "16.00"), "25.78 + 4.12"),
    # 0.50 x 7 / 100 = 0.035, half a cent goes up.
    ("net", taxed(TaxedAmount.from_net(eur("0.50"), Decimal(7))), "0.50 + 0.04"),
    # 1.00 / 1.07 = 0.9345... three times: 2.79, where 3.00 / 1.07 would be 2.80.
    ("totals are sums of rounded lines", three_lines(), "2.79 + 0.21 = 3.00"),
    # Alone 82.80 and 29.90, together 112.70. 9,900 x 82.80 / 112.70 = 7,273.47 cents,
    # 9,900 x 29.90 / 112.70 = 2,626.53: the larger remainder gets the cent, 72.73 and 26.27.
    # 72.73 / 1.07 = 67.9719...; 26.27 / 1.19 = 22.0756...
    (
        "bundle, by what its parts cost alone",
        bundle("99.00", ("7.00", "82.80"), ("19.00", "29.90")),
        ["67.97 + 4.76", "22.08 + 4.19"],
    ),
    # A cent has no halves: the first part gets it. 0.01 / 1.07 = 0.0093...
    (
        "bundle of a cent",
        bundle("0.01", ("7.00", "50.00"), ("19.00", "50.00")),
        ["0.01 + 0.00", "0.00 + 0.00"],
    ),
    # 99.00 - 19.80 = 79.20; 70 % = 55.44, 30 % = 23.76.
    # 55.44 / 1.07 = 51.8130...; 23.76 / 1.19 = 19.9663...
    ("bundle, 20 percent off", discounted_bundle(), ["51.81 + 3.63", "19.97 + 3.79"]),
    # --- Vouchers.
    # 44.90 + 29.90 = 74.80, a tenth is 7.48; 748 x 44.90 / 74.80 = 449 cents, 299 remain.
    ("10 percent", off(PercentOff(Decimal(10)), "44.90", "29.90"), ["4.49", "2.99"]),
    # 5.50 x 15 % = 0.825 -> 0.83; 83 x 3.00 / 5.50 = 45.27, 83 x 2.50 / 5.50 = 37.73.
    ("15 percent", off(PercentOff(Decimal(15)), "3.00", "2.50"), ["0.45", "0.38"]),
    # 1,000 / 3 = 333.33 cents each; equal remainders, so the first gets the cent.
    (
        "10 euros",
        off(AmountOff(eur("10.00")), "19.99", "19.99", "19.99"),
        ["3.34", "3.33", "3.33"],
    ),
    # 50.00 is more than 38.50, and no line goes below zero.
    ("50 euros off 38.50", off(AmountOff(eur("50.00")), "38.50"), ["38.50"]),
    ("a free first period", off(FreeFirstPeriod(), "44.90", "29.90"), ["44.90", "29.90"]),
    # --- Terms.
    # From the 31st: where a month has none, its last day, and the 31st again after it.
    (
        "month ends",
        billed(contract("2024-01-31", MONTH, DAY, MONTH), "2024-06-30"),
        ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31", "2024-06-30"],
    ),
    # 2024 and 2028 are leap years.
    (
        "leap years",
        billed(contract("2024-02-29", YEAR, DAY, YEAR, YEAR), "2028-12-31"),
        ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"],
    ),
    # Weeks know no months: 26 March + 7 = 2 April, over the day of 23 hours.
    (
        "weeks",
        billed(contract("2026-03-26", WEEK, DAY, WEEK, WEEK), "2026-04-09"),
        ["2026-03-26", "2026-04-02", "2026-04-09"],
    ),
    # Three months before 31 December: 30 September + 3 months = 30 December, 1 October + 3
    # months = 1 January.
    (
        "three months' notice",
        contract("2023-01-01", YEAR, Period(3, "MONTH"), YEAR).last_cancellation_day(
            day("2023-12-31")
        ),
        day("2023-09-30"),
    ),
    # 31 January + a month = 28 February, the last day of the term.
    (
        "a month's notice in February",
        contract("2024-03-01", YEAR, MONTH, YEAR).last_cancellation_day(day("2025-02-28")),
        day("2025-01-31"),
    ),
    # 30 June - 42 days = 19 May.
    (
        "six weeks' notice",
        contract("2023-07-01", YEAR, Period(6, "WEEK"), YEAR).last_cancellation_day(
            day("2024-06-30")
        ),
        day("2024-05-19"),
    ),
    # A day late: another term of a month, to 22 February.
    ("a day late", CHRISTMAS.ends_when_cancelled(day("2022-01-22")), day("2022-02-22")),
    # Made before March 2022: 15 February + 3 months is beyond 28 February 2023, so a year more.
    (
        "an older contract",
        three_months_of("2022-02-28").ends_when_cancelled(day("2023-02-15")),
        day("2024-02-29"),
    ),
    # Made since: 15 February + a month = 15 March, whatever was agreed.
    (
        "a fair consumer contract",
        three_months_of("2022-03-01").ends_when_cancelled(day("2023-02-15")),
        day("2023-03-15"),
    ),
    # --- Issues and debits.
    # 82.80 / 12 x 3 = 6.90 x 3.
    ("three issues of twelve", value_of_issues(eur("82.80"), 12, 3), eur("20.70")),
    # 38.50 x 2 / 13 = 77 / 13 = 5.9230...
    ("two issues of thirteen", value_of_issues(eur("38.50"), 13, 2), eur("5.92")),
    # Good Friday 3 April 2026, then the weekend and Easter Monday: Tuesday the 7th.
    ("debit at Easter", collected_on(day("2026-04-03"), day("2026-03-01")), day("2026-04-07")),
    # The business day before Tuesday the 7th is Maundy Thursday.
    ("handed in before Easter", submitted_by(day("2026-04-07")), day("2026-04-02")),
    # 7 April - 14 days = 24 March.
    ("announced", announced_by(day("2026-04-07")), day("2026-03-24")),
    # 20 December + 14 days = 3 January 2027, a Sunday: Monday the 4th.
    ("announced late", collected_on(day("2027-01-01"), day("2026-12-20")), day("2027-01-04")),
]


@pytest.mark.parametrize(
    ("found", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_it_is_as_worked_by_hand(found: Any, expected: Any) -> None:
    assert found == expected


def test_there_are_the_golden_cases_and_twenty_more() -> None:
    assert len({name for name, _, _ in CASES}) == len(CASES) >= 23
