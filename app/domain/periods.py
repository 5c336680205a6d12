"""Lengths of time as contracts state them, spans of days, and the days of a time zone.

A day is a date of the calendar where the tenant is at home, and all reckoning is done in days:
nothing here adds hours to a midnight, which some days in some zones don't have.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)

_DAYS = {"DAY": 1, "WEEK": 7}
_MONTHS = {"MONTH": 1, "YEAR": 12}


def local_day(moment: datetime, time_zone: str) -> date:
    """The day that it is at a moment, in a time zone such as `Europe/Berlin`.

    Raises:
        ValueError: The moment has no offset, so that nobody knows when it was.
    """
    if moment.tzinfo is None:
        raise ValueError("A moment needs an offset.")
    return moment.astimezone(ZoneInfo(time_zone)).date()


def begins_at(day: date, time_zone: str) -> datetime:
    """The moment at which a day begins in a time zone, in UTC.

    Days have 23 or 25 hours where clocks are changed, and where that is done at midnight they
    begin at one o'clock; so the end of a day is the beginning of the next, never 24 hours later.
    """
    return datetime.combine(day, time.min, ZoneInfo(time_zone)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """A length of time: so many of a unit, which is DAY, WEEK, MONTH or YEAR, as it is stored.

    Raises:
        ValueError: The count is negative, or the unit is another one.
    """

    count: int
    unit: str

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("A length of time can't be negative.")
        if self.unit not in _DAYS and self.unit not in _MONTHS:
            raise ValueError(f"{self.unit!r} is no unit of time.")

    @property
    def months(self) -> int:
        """How many months it has; 0 where it is counted in days or weeks."""
        return self.count * _MONTHS.get(self.unit, 0)

    @property
    def days(self) -> int:
        """How many days it has; 0 where it is counted in months or years."""
        return self.count * _DAYS.get(self.unit, 0)

    def after(self, anchor: date, times: int = 1) -> date:
        """The day so many times this length after an anchor; `times` may be negative.

        The 31st becomes the last day of a shorter month (BGB § 188 (3)), and the 29th of February
        the 28th. Each day is counted from the anchor, so that the 31st comes back afterwards:
        31 January, 28 February, 31 March.
        """
        if self.unit in _DAYS:
            return anchor + timedelta(days=self.days * times)
        return _add_months(anchor, self.months * times)

    def whole_times(self, anchor: date, day: date) -> int:
        """How often it fits in whole between an anchor and a day; negative before the anchor.

        Raises:
            ValueError: It has no length.
        """
        if not self.count:
            raise ValueError("What has no length fits in any number of times.")
        if self.unit in _DAYS:
            return (day - anchor).days // self.days
        apart = (day.year - anchor.year) * 12 + day.month - anchor.month
        times = apart // self.months
        return times if self.after(anchor, times) <= day else times - 1

    def divides(self, other: "Period") -> bool:
        """Whether the other one is a whole number of these, wherever on the calendar."""
        if (self.unit in _DAYS) != (other.unit in _DAYS) or not self.count:
            return False
        return other.days % self.days == 0 if self.days else other.months % self.months == 0


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Days in a row, the first and the last included, as accounting periods are stored.

    Raises:
        ValueError: It ends before it begins.
    """

    starts_on: date
    ends_on: date

    def __post_init__(self) -> None:
        if self.ends_on < self.starts_on:
            raise ValueError("It ends before it begins.")

    @property
    def length(self) -> int:
        """How many days it has."""
        return (self.ends_on - self.starts_on).days + 1

    def __contains__(self, day: date) -> bool:
        return self.starts_on <= day <= self.ends_on

    def __iter__(self) -> Iterator[date]:
        """Its days, one after the other."""
        return (self.starts_on + timedelta(days=number) for number in range(self.length))

    def split(self, day: date) -> tuple["Span", "Span"]:
        """What is before a day, and what begins with it.

        Raises:
            ValueError: The day is not in it, or is its first: one of the two would have no day.
        """
        if day not in self or day == self.starts_on:
            raise ValueError("A span is split at one of its later days.")
        return Span(self.starts_on, day - ONE_DAY), Span(day, self.ends_on)

    def until(self, day: date | None) -> "Span":
        """The same span, ending with a day where that is earlier."""
        return self if day is None or day >= self.ends_on else Span(self.starts_on, day)


def join(spans: Iterable[Span]) -> Span:
    """The span that others make together, in their order.

    Raises:
        ValueError: There are none, or one does not begin on the day after the one before.
    """
    whole: Span | None = None
    for span in spans:
        if whole is not None and span.starts_on != whole.ends_on + ONE_DAY:
            raise ValueError("There is a gap between the spans, or they overlap.")
        whole = Span(whole.starts_on if whole else span.starts_on, span.ends_on)
    if whole is None:
        raise ValueError("No spans make no span.")
    return whole


def _add_months(anchor: date, months: int) -> date:
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    return date(year, month + 1, min(anchor.day, monthrange(year, month + 1)[1]))
