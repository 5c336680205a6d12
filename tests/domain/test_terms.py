"""When contracts are billed, when they end, and by when they can be cancelled."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.periods import ONE_DAY, Period, Span, join
from app.domain.terms import (
    Contract,
    Terms,
    consumer_law_faults,
    under_consumer_law,
)
from app.models import Offer
from tests.domain.strategies import always, anchors, days, notices, periods

MONTH, YEAR, NO_NOTICE = Period(1, "MONTH"), Period(1, "YEAR"), Period(0, "DAY")


def contract(
    first: str,
    term: Period = MONTH,
    notice: Period = NO_NOTICE,
    renewal: Period | None = MONTH,
    accounting: Period = MONTH,
) -> Contract:
    return Contract(date.fromisoformat(first), Terms(term, accounting, notice, renewal))


def span(first: str, last: str) -> Span:
    return Span(date.fromisoformat(first), date.fromisoformat(last))


def test_terms_are_read_from_the_row_that_states_them() -> None:
    offer = Offer(
        term_count=1,
        term_unit="YEAR",
        accounting_count=3,
        accounting_unit="MONTH",
        notice_count=2,
        notice_unit="WEEK",
    )
    assert Terms.stated(offer) == Terms(YEAR, Period(3, "MONTH"), Period(2, "WEEK"), YEAR)
    assert Terms.stated(offer, MONTH).renewal == MONTH


def test_a_term_without_length_is_none() -> None:
    with pytest.raises(ValueError, match="length"):
        Terms(MONTH, NO_NOTICE, NO_NOTICE, None)
    with pytest.raises(ValueError, match="length"):
        Terms(MONTH, MONTH, NO_NOTICE, NO_NOTICE)


def test_terms_say_whether_they_are_whole_accounting_periods() -> None:
    assert Terms(YEAR, Period(3, "MONTH"), NO_NOTICE, YEAR).in_whole_periods
    assert not Terms(Period(2, "WEEK"), MONTH, NO_NOTICE, MONTH).in_whole_periods
    assert not Terms(YEAR, Period(3, "MONTH"), NO_NOTICE, MONTH).in_whole_periods


def test_renewals_are_counted_from_the_first_day_of_the_contract() -> None:
    made = contract("2023-01-31")
    assert [made.term(number) for number in range(3)] == [
        span("2023-01-31", "2023-02-27"),
        span("2023-02-28", "2023-03-30"),
        span("2023-03-31", "2023-04-29"),
    ]
    assert made.term_on(date(2023, 3, 29)) == made.term(1)
    assert made.term_on(date(2023, 3, 31)) == made.term(2)


def test_a_trial_in_weeks_is_followed_by_months_from_its_end() -> None:
    made = contract("2023-01-17", term=Period(2, "WEEK"))
    assert made.term(0) == span("2023-01-17", "2023-01-30")
    assert made.term(1) == span("2023-01-31", "2023-02-27")
    assert made.term(2) == span("2023-02-28", "2023-03-30")


def test_after_the_first_term_a_contract_can_run_for_an_indefinite_time() -> None:
    made = contract("2023-01-01", term=YEAR, renewal=None)
    assert made.term_on(date(2023, 12, 31)) == span("2023-01-01", "2023-12-31")
    assert made.term_on(date(2022, 12, 31)) == span("2023-01-01", "2023-12-31")
    assert made.term_on(date(2024, 1, 1)) is None


def test_accounting_periods_end_with_the_contract() -> None:
    made = contract("2023-01-31")
    assert list(made.accounting_periods(date(2023, 12, 31), date(2023, 3, 15))) == [
        span("2023-01-31", "2023-02-27"),
        span("2023-02-28", "2023-03-15"),
    ]
    assert list(made.accounting_periods(date(2023, 1, 30))) == []


@pytest.mark.parametrize(
    ("day", "billing"),
    [
        ("2022-11-05", "2023-01-31"),
        ("2023-01-30", "2023-01-31"),
        ("2023-01-31", "2023-02-28"),
        ("2023-02-27", "2023-02-28"),
        ("2023-02-28", "2023-03-31"),
    ],
)
def test_the_next_billing_day_is_the_next_first_day(day: str, billing: str) -> None:
    made = contract("2023-01-31")
    assert made.next_billing_day(date.fromisoformat(day)) == date.fromisoformat(billing)


def test_consumer_law_changes_contracts_that_were_made_under_it() -> None:
    terms = Terms(YEAR, YEAR, Period(3, "MONTH"), YEAR)
    assert under_consumer_law(terms, date(2022, 2, 28)) == terms
    now = under_consumer_law(terms, date(2022, 3, 1))
    assert (now.renewal, now.longest_notice) == (None, MONTH)
    assert (now.term, now.notice) == (terms.term, terms.notice)


def test_an_older_contract_is_renewed_by_its_own_terms() -> None:
    terms = Terms(YEAR, YEAR, Period(3, "MONTH"), YEAR)
    old = Contract(date(2022, 3, 1), under_consumer_law(terms, date(2022, 2, 28)))
    new = Contract(date(2022, 3, 1), under_consumer_law(terms, date(2022, 3, 1)))
    # Three months from 15 February 2023 are too late for the end of the month.
    assert old.ends_when_cancelled(date(2023, 2, 15)) == date(2024, 2, 29)
    # A month reaches beyond the first term, and ends the contract wherever that is.
    assert new.ends_when_cancelled(date(2023, 2, 15)) == date(2023, 3, 15)
    assert new.last_cancellation_day(date(2023, 2, 28)) == date(2023, 1, 31)


@pytest.mark.parametrize(
    ("term", "notice", "faults"),
    [
        (Period(2, "YEAR"), MONTH, 0),
        (Period(24, "MONTH"), Period(4, "WEEK"), 0),
        (Period(730, "DAY"), Period(28, "DAY"), 0),
        (Period(25, "MONTH"), MONTH, 1),
        (Period(731, "DAY"), MONTH, 1),
        (Period(3, "YEAR"), Period(6, "WEEK"), 2),
        (YEAR, Period(29, "DAY"), 1),
        (YEAR, Period(2, "MONTH"), 1),
    ],
)
def test_terms_that_bind_no_consumer_are_told(term: Period, notice: Period, faults: int) -> None:
    assert len(consumer_law_faults(Terms(term, MONTH, notice, None))) == faults


terms = st.builds(Terms, periods, periods, notices, st.none() | periods)
contracts = st.builds(Contract, anchors, terms | st.builds(under_consumer_law, terms, days))


@always
@given(contracts, st.integers(0, 30))
def test_accounting_periods_join_without_gap_or_drift(made: Contract, count: int) -> None:
    joined = join(made.accounting_period(number) for number in range(count + 1))
    assert joined == Span(made.starts_on, made.accounting_period(count).ends_on)
    for day in (made.accounting_period(count).starts_on, made.accounting_period(count).ends_on):
        assert made.accounting_number(day) == count


@always
@given(contracts, st.integers(0, 1500))
def test_a_contract_that_ends_is_billed_for_all_of_its_days(made: Contract, length: int) -> None:
    ends_on = made.starts_on + timedelta(days=length)
    billed = join(made.accounting_periods(ends_on + timedelta(days=99), ends_on))
    assert billed == Span(made.starts_on, ends_on)


@always
@given(contracts, st.integers(1, 8))
def test_terms_follow_each_other(made: Contract, count: int) -> None:
    found = [made.term(number) for number in range(count)]
    for one, other in pairwise(found):
        assert one is not None
        if made.terms.renewal is None:
            assert other is None
            break
        assert other is not None
        assert other.starts_on == one.ends_on + ONE_DAY
        assert made.term_on(other.starts_on) == made.term_on(other.ends_on) == other


@always
@given(contracts, st.integers(-50, 1500))
def test_a_cancellation_ends_the_contract_as_early_as_the_notice_lets_it(
    made: Contract, after: int
) -> None:
    received_on = made.starts_on + timedelta(days=after)
    ends_on = made.ends_when_cancelled(received_on)
    last = made.last_cancellation_day(ends_on)
    assert received_on <= last
    assert made.terms.given(last) <= ends_on < made.terms.given(last + ONE_DAY)
    # Whoever cancels later is never out earlier, and by the last day still as early.
    assert made.ends_when_cancelled(received_on + ONE_DAY) >= ends_on
    assert made.ends_when_cancelled(last) == ends_on
    assert made.ends_when_cancelled(last + ONE_DAY) > ends_on
    term = made.term_on(ends_on)
    assert term is None or term.ends_on == ends_on


@always
@given(contracts, st.integers(-50, 1500))
def test_billing_days_follow_each_other(made: Contract, after: int) -> None:
    day = made.starts_on + timedelta(days=after)
    billing = made.next_billing_day(day)
    assert billing > day
    assert made.accounting_period_on(billing).starts_on == billing
    assert after < 0 or made.accounting_period_on(day).ends_on == billing - ONE_DAY
