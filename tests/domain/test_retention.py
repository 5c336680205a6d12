"""How long records are kept."""

from datetime import date

import pytest

from app.domain.retention import RecordKind, RetentionYears, erasable_from, kept_until

LAW = RetentionYears()


@pytest.mark.parametrize(
    ("kind", "made_on", "until"),
    [
        (RecordKind.INVOICE, "2025-01-01", "2033-12-31"),
        (RecordKind.INVOICE, "2025-12-31", "2033-12-31"),
        (RecordKind.INVOICE, "2026-01-01", "2034-12-31"),
        (RecordKind.BOOK, "2025-02-28", "2035-12-31"),
        (RecordKind.LETTER, "2024-02-29", "2030-12-31"),
    ],
)
def test_years_begin_with_the_end_of_the_calendar_year(
    kind: RecordKind, made_on: str, until: str
) -> None:
    assert kept_until(date.fromisoformat(made_on), kind, LAW) == date.fromisoformat(until)


def test_what_was_kept_for_its_years_may_be_erased_on_new_years_day() -> None:
    assert erasable_from(date(2025, 6, 1), RecordKind.INVOICE, LAW) == date(2034, 1, 1)


def test_years_are_configured() -> None:
    swiss = RetentionYears(books=10, invoices=10, letters=10)
    assert kept_until(date(2025, 6, 1), RecordKind.LETTER, swiss) == date(2035, 12, 31)
    with pytest.raises(ValueError, match="negative"):
        RetentionYears(letters=-1)
