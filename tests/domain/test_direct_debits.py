"""On which days debits are drawn, and in what sequence."""

from datetime import date, timedelta

import pytest
from holidays import financial_holidays
from hypothesis import given

from app.domain.direct_debits import (
    PRE_NOTIFICATION_DAYS,
    SequenceType,
    announced_by,
    business_day_from,
    collected_on,
    earliest_collection,
    is_business_day,
    sequence_type,
    submitted_by,
)
from tests.domain.strategies import always, days


@pytest.mark.parametrize(
    ("day", "open_"),
    [
        ("2026-01-01", False),
        ("2026-04-03", False),
        ("2026-04-06", False),
        ("2026-05-01", False),
        ("2026-12-25", False),
        ("2026-11-21", False),
        ("2026-11-22", False),
        # Holidays of Germany, on which banks settle all the same.
        ("2026-05-14", True),
        ("2022-10-03", True),
        ("2027-01-06", True),
        # Whit Monday is a working day of TARGET, and so is the 31st of December.
        ("2026-05-25", True),
        ("2026-12-31", True),
    ],
)
def test_banks_settle_on_the_days_of_target(day: str, open_: bool) -> None:
    assert is_business_day(date.fromisoformat(day)) is open_


def test_target_closes_when_the_central_bank_says() -> None:
    # What the library says of years to come changes with the central bank's calendar.
    closed = financial_holidays("XECB", years=range(2002, 2060))
    assert len(closed) == 6 * 58
    days = (date(2002, 1, 1) + timedelta(days=number) for number in range(365 * 58))
    assert [
        day for day in days if is_business_day(day) is (day.weekday() > 4 or day in closed)
    ] == []


def test_other_notice_can_be_agreed() -> None:
    assert collected_on(date(2026, 11, 24), date(2026, 11, 23), days=1) == date(2026, 11, 24)
    assert announced_by(date(2026, 11, 24), days=1) == date(2026, 11, 23)
    assert submitted_by(date(2026, 11, 24), business_days=3) == date(2026, 11, 19)


@pytest.mark.parametrize(
    ("recurrent", "presented_before", "last", "type_"),
    [
        (True, False, False, SequenceType.FRST),
        (True, True, False, SequenceType.RCUR),
        (True, True, True, SequenceType.FNAL),
        (True, False, True, SequenceType.FNAL),
        (False, False, True, SequenceType.OOFF),
        (False, False, False, SequenceType.OOFF),
    ],
)
def test_the_sequence_follows_the_mandate(
    recurrent: bool, presented_before: bool, last: bool, type_: SequenceType
) -> None:
    found = sequence_type(recurrent=recurrent, presented_before=presented_before, last=last)
    assert found is type_


def test_a_mandate_for_one_debit_is_used_once() -> None:
    with pytest.raises(ValueError, match="again"):
        sequence_type(recurrent=False, presented_before=True)


@always
@given(days, days)
def test_a_debit_is_announced_in_time_and_drawn_when_banks_work(due: date, told: date) -> None:
    day = collected_on(due, told)
    assert day >= due
    assert announced_by(day) >= told
    assert is_business_day(day)
    assert is_business_day(submitted_by(day))
    assert submitted_by(day) < day
    # No later than it has to be: from Maundy Thursday on, banks rest for four days in a row.
    assert day - max(due, told + timedelta(days=PRE_NOTIFICATION_DAYS)) <= timedelta(days=4)
    assert business_day_from(day) == day


@pytest.mark.parametrize(
    ("today", "day"),
    [
        ("2026-11-23", "2026-11-24"),
        # Friday for Monday; on Saturday and Sunday Monday's debits should be there already.
        ("2026-11-27", "2026-11-30"),
        ("2026-11-28", "2026-12-01"),
        ("2026-11-29", "2026-12-01"),
        # The last business day before Christmas, which falls on a Friday.
        ("2026-12-24", "2026-12-28"),
    ],
)
def test_the_bank_takes_no_debit_for_a_day_that_is_too_near(today: str, day: str) -> None:
    assert earliest_collection(date.fromisoformat(today)) == date.fromisoformat(day)


@given(days)
def test_the_earliest_day_is_the_first_that_can_be_met(today: date) -> None:
    day = earliest_collection(today)
    assert is_business_day(day)
    assert submitted_by(day) >= today
    assert all(
        submitted_by(before) < today
        for before in (day - timedelta(days=back) for back in range(1, 8))
        if is_business_day(before)
    )
