"""Days and moments of the demonstration."""

from datetime import UTC, date, datetime, time, timedelta
from random import Random


def at_work(rng: Random, day: date) -> datetime:
    """A moment of a day at which somebody is in the office."""
    return datetime.combine(day, time(7), UTC) + timedelta(seconds=rng.randrange(9 * 3600))


def at_any_time(rng: Random, first: datetime, last: datetime) -> datetime:
    """A moment between two others."""
    seconds = (last - first).total_seconds()
    return first + timedelta(seconds=int(rng.random() * seconds))
