"""Which issues a subscription entitles to, and what is still to come."""

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.issues import (
    IssueCounts,
    PlannedKind,
    issues_within,
    plan_deliveries,
    value_of_issues,
)
from app.domain.money import Money
from app.domain.periods import Span
from app.models.delivery import DeliveryKind
from tests.domain.strategies import always

REGULAR, FREE = PlannedKind.REGULAR, PlannedKind.FREE


@dataclass(frozen=True)
class Printed:
    publishing_on: date
    closing_on: date


def weekly(count: int, first: date = date(2026, 1, 1)) -> list[Printed]:
    """So many issues, a week apart, each closed ten days before; the last one first."""
    days = (first + timedelta(weeks=number) for number in range(count))
    return [Printed(day, day - timedelta(days=10)) for day in days][::-1]


def test_kinds_are_those_of_deliveries() -> None:
    assert {kind.value for kind in PlannedKind} < {kind.value for kind in DeliveryKind}


def test_free_issues_come_after_the_regular_ones() -> None:
    counts = IssueCounts(entitled=2, delivered=1, free=0).give(2)
    kinds = []
    while counts.open:
        counts, kind = counts.deliver()
        kinds.append(kind)
    assert kinds == [REGULAR, FREE, FREE]
    with pytest.raises(ValueError, match="open"):
        counts.deliver()


def test_what_was_free_stays_free_when_the_subscription_goes_on() -> None:
    counts = IssueCounts(entitled=12, delivered=13, free=1, free_delivered=1).entitle(12)
    assert (counts.open, counts.open_regular, counts.open_free) == (12, 12, 0)


@pytest.mark.parametrize(
    "counts", [(-1, 0, 0, 0), (1, 2, 0, 0), (1, 2, 1, 0), (2, 1, 1, 2), (5, 0, 1, 1), (0, 0, -1, 0)]
)
def test_counts_that_can_not_be_are_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"negative|More"):
        IssueCounts(*counts)


def test_issues_are_never_taken_back() -> None:
    counts = IssueCounts(12, 0, 3)
    for take in (counts.give, counts.entitle):
        with pytest.raises(ValueError, match="taken back"):
            take(-1)


def test_a_period_in_time_entitles_to_what_is_published_in_it() -> None:
    # Thursdays 1, 8, 15, 22 and 29 January and 5 February; the first closed on 22 December.
    january = Span(date(2026, 1, 1), date(2026, 1, 31))
    in_time = issues_within(weekly(6), january, ordered_on=date(2025, 12, 22))
    assert [issue.publishing_on.day for issue in in_time] == [1, 8, 15, 22, 29]
    too_late = issues_within(weekly(6), january, ordered_on=date(2025, 12, 23))
    assert [issue.publishing_on.day for issue in too_late] == [8, 15, 22, 29]


def test_a_subscription_in_issues_gets_the_next_ones() -> None:
    counts = IssueCounts(entitled=4, delivered=1, free=1)
    planned = plan_deliveries(
        weekly(9),
        counts,
        starts_on=date(2026, 1, 8),
        ordered_on=date(2026, 1, 6),
        delivered_on={date(2026, 1, 22)},
    )
    # The issue of the 15th was closed on the 5th, and that of the 22nd is delivered already.
    assert [(delivery.issue.publishing_on, delivery.kind) for delivery in planned] == [
        (date(2026, 1, 29), REGULAR),
        (date(2026, 2, 5), REGULAR),
        (date(2026, 2, 12), REGULAR),
        (date(2026, 2, 19), FREE),
    ]


def test_issues_have_the_price_of_their_period() -> None:
    with pytest.raises(ValueError, match="without issues"):
        value_of_issues(Money.of("82.80"), 0, 1)
    with pytest.raises(ValueError, match="taken back"):
        value_of_issues(Money.of("82.80"), 12, -1)


@always
@given(st.lists(st.sampled_from(("entitle", "give", "deliver")), max_size=60))
def test_every_issue_is_delivered_once(steps: list[str]) -> None:
    counts = IssueCounts(0, 0, 0)
    sent = {REGULAR: 0, FREE: 0}
    for step in steps:
        if step == "entitle":
            counts = counts.entitle(3)
        elif step == "give":
            counts = counts.give(1)
        elif counts.open:
            regular_open = counts.open_regular
            counts, kind = counts.deliver()
            sent[kind] += 1
            assert (kind is REGULAR) == bool(regular_open)
    assert sent[REGULAR] + counts.open_regular == counts.entitled
    assert sent[FREE] + counts.open_free == counts.free
    assert counts.open == counts.open_regular + counts.open_free


@always
@given(st.integers(0, 12), st.integers(0, 6), st.integers(0, 20))
def test_no_more_is_planned_than_is_open_and_known(entitled: int, free: int, known: int) -> None:
    counts = IssueCounts(entitled, 0, free)
    planned = plan_deliveries(weekly(known), counts, date(2026, 1, 1), date(2025, 12, 1))
    days = [delivery.issue.publishing_on for delivery in planned]
    assert len(planned) == min(known, counts.open)
    assert days == sorted(set(days))
    kinds = [delivery.kind for delivery in planned]
    assert kinds == sorted(kinds, key=(REGULAR, FREE).index)
