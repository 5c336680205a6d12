"""Reckoning with days: month ends, leap years, spans and the clocks that are changed."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.periods import ONE_DAY, Period, Span, begins_at, join, local_day
from app.models.base import PeriodUnit
from tests.domain.strategies import always, anchors, days, periods, spans

ZONES = ("Europe/Berlin", "America/Sao_Paulo", "Africa/Cairo", "Pacific/Apia", "UTC")


@pytest.mark.parametrize(
    ("anchor", "count", "unit", "times", "day"),
    [
        ("2023-01-31", 1, "MONTH", 1, "2023-02-28"),
        ("2023-01-31", 1, "MONTH", 2, "2023-03-31"),
        ("2024-01-31", 1, "MONTH", 1, "2024-02-29"),
        ("2023-01-31", 1, "MONTH", -2, "2022-11-30"),
        ("2023-10-31", 3, "MONTH", 1, "2024-01-31"),
        ("2024-02-29", 1, "YEAR", 1, "2025-02-28"),
        ("2024-02-29", 1, "YEAR", 4, "2028-02-29"),
        ("2023-12-31", 2, "WEEK", 1, "2024-01-14"),
        ("2026-03-28", 1, "DAY", 2, "2026-03-30"),
        ("2024-11-30", 3, "MONTH", 1, "2025-02-28"),
        ("2023-12-01", 1, "MONTH", 1, "2024-01-01"),
        ("2023-01-31", 0, "MONTH", 5, "2023-01-31"),
    ],
)
def test_days_are_counted_from_their_anchor(
    anchor: str, count: int, unit: str, times: int, day: str
) -> None:
    start = date.fromisoformat(anchor)
    assert Period(count, unit).after(start, times) == date.fromisoformat(day)


@pytest.mark.parametrize("unit", PeriodUnit)
def test_all_units_that_are_stored_are_known(unit: PeriodUnit) -> None:
    assert Period(1, unit) == Period(1, unit.value)
    assert Period(1, unit).after(date(2023, 1, 1)) > date(2023, 1, 1)


def test_a_period_is_of_a_known_unit_and_not_negative() -> None:
    with pytest.raises(ValueError, match="unit"):
        Period(1, "HOUR")
    with pytest.raises(ValueError, match="negative"):
        Period(-1, "DAY")
    with pytest.raises(ValueError, match="length"):
        Period(0, "DAY").whole_times(date(2023, 1, 1), date(2023, 1, 2))


@pytest.mark.parametrize(
    ("part", "whole", "divides"),
    [
        (Period(1, "MONTH"), Period(1, "YEAR"), True),
        (Period(3, "MONTH"), Period(1, "YEAR"), True),
        (Period(5, "MONTH"), Period(1, "YEAR"), False),
        (Period(1, "YEAR"), Period(6, "MONTH"), False),
        (Period(1, "WEEK"), Period(28, "DAY"), True),
        (Period(1, "WEEK"), Period(1, "MONTH"), False),
        (Period(1, "MONTH"), Period(28, "DAY"), False),
        (Period(0, "DAY"), Period(28, "DAY"), False),
    ],
)
def test_one_period_divides_another(part: Period, whole: Period, divides: bool) -> None:
    assert part.divides(whole) is divides


def test_a_span_has_both_of_its_days() -> None:
    span = Span(date(2024, 2, 28), date(2024, 3, 1))
    assert span.length == 3
    assert list(span) == [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]
    assert date(2024, 3, 1) in span
    assert date(2024, 3, 2) not in span
    with pytest.raises(ValueError, match="before"):
        Span(date(2024, 3, 2), date(2024, 3, 1))


def test_a_span_ends_early_or_as_it_did() -> None:
    span = Span(date(2024, 1, 1), date(2024, 1, 31))
    assert span.until(date(2024, 1, 15)) == Span(date(2024, 1, 1), date(2024, 1, 15))
    assert span.until(date(2024, 2, 15)) == span
    assert span.until(None) == span


def test_spans_with_gaps_or_overlaps_are_not_joined() -> None:
    first = Span(date(2024, 1, 1), date(2024, 1, 31))
    for other in (first, Span(date(2024, 2, 2), date(2024, 2, 3))):
        with pytest.raises(ValueError, match="gap"):
            join([first, other])
    with pytest.raises(ValueError, match="No spans"):
        join([])


@pytest.mark.parametrize(
    ("moment", "zone", "day"),
    [
        # The clocks are put forward at 01:00 UTC on 29 March, and back on 25 October.
        ("2026-03-28T22:59:59+00:00", "Europe/Berlin", "2026-03-28"),
        ("2026-03-28T23:00:00+00:00", "Europe/Berlin", "2026-03-29"),
        ("2026-03-29T21:59:59+00:00", "Europe/Berlin", "2026-03-29"),
        ("2026-03-29T22:00:00+00:00", "Europe/Berlin", "2026-03-30"),
        ("2026-10-25T22:59:59+00:00", "Europe/Berlin", "2026-10-25"),
        ("2026-10-25T23:00:00+00:00", "Europe/Berlin", "2026-10-26"),
        ("2026-12-31T23:30:00+01:00", "Pacific/Auckland", "2027-01-01"),
    ],
)
def test_a_day_is_that_of_the_time_zone(moment: str, zone: str, day: str) -> None:
    assert local_day(datetime.fromisoformat(moment), zone) == date.fromisoformat(day)


def test_a_moment_without_an_offset_has_no_day() -> None:
    with pytest.raises(ValueError, match="offset"):
        local_day(datetime(2026, 1, 1), "Europe/Berlin")  # noqa: DTZ001  Such a one is refused.


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25)]
)
def test_a_day_is_as_long_as_its_clock_says(day: str, hours: int) -> None:
    start = date.fromisoformat(day)
    length = begins_at(start + ONE_DAY, "Europe/Berlin") - begins_at(start, "Europe/Berlin")
    assert length == timedelta(hours=hours)


def test_a_day_without_midnight_begins_when_the_clock_goes_on() -> None:
    # In São Paulo, clocks went from 24:00 on 3 November 2018 to 01:00 on the 4th.
    begin = begins_at(date(2018, 11, 4), "America/Sao_Paulo")
    assert begin == datetime(2018, 11, 4, 3, tzinfo=UTC)
    assert begin.astimezone(timezone(timedelta(hours=-2))).hour == 1


@always
@given(st.dates(date(2012, 1, 1), date(2037, 12, 31)), st.sampled_from(ZONES))
def test_a_day_begins_where_it_begins(day: date, zone: str) -> None:
    begin = begins_at(day, zone)
    assert local_day(begin, zone) == day
    assert local_day(begin - timedelta(seconds=1), zone) == day - ONE_DAY


@always
@given(anchors, periods, st.integers(0, 60))
def test_nothing_drifts(anchor: date, period: Period, times: int) -> None:
    day = period.after(anchor, times)
    assert period.after(anchor, times + 1) > day
    if period.months:
        assert day.day == min(anchor.day, _last(day))


@always
@given(anchors, periods, days)
def test_whole_times_are_as_many_as_fit(anchor: date, period: Period, day: date) -> None:
    times = period.whole_times(anchor, day)
    assert period.after(anchor, times) <= day < period.after(anchor, times + 1)


@always
@given(anchors, anchors, periods)
def test_later_days_stay_later(one: date, other: date, period: Period) -> None:
    earlier, later = sorted((one, other))
    assert period.after(earlier) <= period.after(later)


@always
@given(spans, st.data())
def test_what_is_split_can_be_joined(span: Span, data: st.DataObject) -> None:
    if span.length == 1:
        with pytest.raises(ValueError, match="later"):
            span.split(span.starts_on)
        return
    cuts = sorted(data.draw(st.sets(st.integers(1, span.length - 1), min_size=1, max_size=5)))
    parts, rest = [], span
    for cut in cuts:
        before, rest = rest.split(span.starts_on + timedelta(days=cut))
        parts.append(before)
    parts.append(rest)
    assert join(parts) == span
    assert sum(part.length for part in parts) == span.length


def _last(day: date) -> int:
    return ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - ONE_DAY).day
