from datetime import date

import pytest

from app.domain.mandates import lapses_on, reference_fault


@pytest.mark.parametrize(
    ("signed_on", "last_used_on", "day"),
    [
        (date(2023, 11, 22), None, date(2026, 11, 22)),
        (date(2019, 1, 1), date(2025, 6, 30), date(2028, 6, 30)),
        (date(2024, 2, 29), None, date(2027, 2, 28)),
        # Whoever took a mandate over noted its last use before its new signature.
        (date(2024, 5, 1), date(2020, 1, 1), date(2027, 5, 1)),
    ],
)
def test_a_mandate_lasts_36_months_beyond_its_last_use(
    signed_on: date, last_used_on: date | None, day: date
) -> None:
    assert lapses_on(signed_on, last_used_on) == day


@pytest.mark.parametrize("reference", ["1", "M-10001", "A+b?c/d-e:f(g).h,i'j k", "x" * 35])
def test_banks_take_the_letters_of_sepa(reference: str) -> None:
    assert reference_fault(reference) is None


@pytest.mark.parametrize("reference", ["", "Ä", "M_1", "M&1", "M\n1", "/M", "M/", "M//1"])
def test_banks_take_nothing_else(reference: str) -> None:
    assert reference_fault(reference) is not None
