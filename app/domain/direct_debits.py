"""SEPA direct debits: on which days they can be drawn, and in what sequence (EPC016-06).

Banks settle on the business days of TARGET, which has six closing days of its own and none of a
country's (ECB, long-term calendar for TARGET closing days, since 2002 until further notice).
"""

from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache

from dateutil.easter import easter

from app.domain.periods import ONE_DAY

PRE_NOTIFICATION_DAYS = 14
"""So many calendar days before a debit the payer has to be told of it, unless another time is
agreed with them (EPC016-06 on pre-notification)."""

PRESENTATION_BUSINESS_DAYS = 1
"""So many business days before it is due, a debit of any sequence reaches the payer's bank."""

EARLIEST_PRESENTATION_DAYS = 14
"""So many calendar days before it is due, banks take a debit at the earliest."""

_SATURDAY = 5


class SequenceType(StrEnum):
    """What a debit is among those of its mandate (`SeqTp` of pain.008)."""

    FRST = "FRST"
    RCUR = "RCUR"
    FNAL = "FNAL"
    OOFF = "OOFF"


def sequence_type(
    *, recurrent: bool, presented_before: bool = False, last: bool = False
) -> SequenceType:
    """The sequence type of a debit under a mandate that is recurrent, or for one debit only.

    Debits that a bank rejected before settlement don't count as presented, those that were
    returned do. Since 2016 no FRST has to come before another type, so that a first debit that is
    the last one as well is FNAL.

    Raises:
        ValueError: A mandate for one debit was used already.
    """
    if not recurrent:
        if presented_before:
            raise ValueError("A mandate for one debit can't be used again.")
        return SequenceType.OOFF
    if last:
        return SequenceType.FNAL
    return SequenceType.RCUR if presented_before else SequenceType.FRST


def is_business_day(day: date) -> bool:
    """Whether TARGET is open: not on weekends and on its six closing days."""
    return day.weekday() < _SATURDAY and day not in _closing_days(day.year)


def business_day_from(day: date) -> date:
    """The first business day from a day on, that day included."""
    while not is_business_day(day):
        day += ONE_DAY
    return day


def business_days_before(day: date, count: int) -> date:
    """The business day that is so many of them before a day."""
    while count:
        day -= ONE_DAY
        count -= is_business_day(day)
    return day


def collected_on(due_on: date, announced_on: date, days: int = PRE_NOTIFICATION_DAYS) -> date:
    """The day on which a debit is drawn: when it is due, announced for so long, and banks work."""
    return business_day_from(max(due_on, announced_on + timedelta(days=days)))


def announced_by(collected_on: date, days: int = PRE_NOTIFICATION_DAYS) -> date:
    """The last day on which a payer can be told of a debit on a day."""
    return collected_on - timedelta(days=days)


def submitted_by(collected_on: date, business_days: int = PRESENTATION_BUSINESS_DAYS) -> date:
    """The last business day on which the bank takes a debit for a day; it may ask for more."""
    return business_days_before(collected_on, business_days)


def earliest_collection(today: date) -> date:
    """The first day for which the bank still takes a debit that is presented today."""
    day = business_day_from(today + ONE_DAY)
    while submitted_by(day) < today:
        day = business_day_from(day + ONE_DAY)
    return day


@lru_cache(maxsize=64)
def _closing_days(year: int) -> frozenset[date]:
    # The holidays of all the world, which a library knows, would take 45 MiB of each worker for
    # these six days; the tests ask it.
    easter_sunday: date = easter(year)
    return frozenset(
        (
            date(year, 1, 1),
            easter_sunday - timedelta(days=2),
            easter_sunday + ONE_DAY,
            date(year, 5, 1),
            date(year, 12, 25),
            date(year, 12, 26),
        )
    )
