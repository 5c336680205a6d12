"""Days and moments of the demonstration."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from app.models.base import PeriodUnit


def add(day: date, count: int, unit: PeriodUnit) -> date:
    """The day so many units later; the 31st becomes the last day of a shorter month."""
    if unit is PeriodUnit.DAY:
        return day + timedelta(days=count)
    if unit is PeriodUnit.WEEK:
        return day + timedelta(weeks=count)
    months = day.year * 12 + day.month - 1 + count * (12 if unit is PeriodUnit.YEAR else 1)
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def at_work(rng: Random, day: date) -> datetime:
    """A moment of a day at which somebody is in the office."""
    return datetime.combine(day, time(7), UTC) + timedelta(seconds=rng.randrange(9 * 3600))


def at_any_time(rng: Random, first: datetime, last: datetime) -> datetime:
    """A moment between two others."""
    seconds = (last - first).total_seconds()
    return first + timedelta(seconds=int(rng.random() * seconds))
