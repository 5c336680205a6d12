from datetime import date

import pytest

from app.demo.days import add
from app.models.base import PeriodUnit


@pytest.mark.parametrize(
    ("day", "count", "unit", "expected"),
    [
        (date(2024, 1, 31), 1, PeriodUnit.MONTH, date(2024, 2, 29)),
        (date(2024, 1, 31), 2, PeriodUnit.MONTH, date(2024, 3, 31)),
        (date(2024, 11, 30), 3, PeriodUnit.MONTH, date(2025, 2, 28)),
        (date(2024, 2, 29), 1, PeriodUnit.YEAR, date(2025, 2, 28)),
        (date(2024, 12, 30), 2, PeriodUnit.WEEK, date(2025, 1, 13)),
        (date(2024, 12, 31), 1, PeriodUnit.DAY, date(2025, 1, 1)),
    ],
)
def test_periods_are_added_as_calendars_do(
    day: date, count: int, unit: PeriodUnit, expected: date
) -> None:
    assert add(day, count, unit) == expected
