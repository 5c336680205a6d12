"""Why debits come back, and until when they may."""

from datetime import date

import pytest

from app.domain.sepa_returns import REASONS, contestable_until, refundable_until


def test_the_codes_of_the_product_are_known() -> None:
    known = {"AC01", "AC04", "AC06", "AM04", "MD06", "MD07", "MS02", "MS03"}
    assert known < REASONS.keys()
    assert {code for code in REASONS if REASONS[code].ends_mandate} == {
        "AC01",
        "AC04",
        "AG01",
        "MD01",
        "MD07",
    }


@pytest.mark.parametrize(
    ("collected_on", "refundable", "contestable"),
    [
        # 56 days later; 13 months later, on the month's last day where it has no such one.
        (date(2026, 12, 7), date(2027, 2, 1), date(2028, 1, 7)),
        (date(2027, 1, 31), date(2027, 3, 28), date(2028, 2, 29)),
        (date(2027, 1, 29), date(2027, 3, 26), date(2028, 2, 29)),
    ],
)
def test_the_rights_of_payers_end(collected_on: date, refundable: date, contestable: date) -> None:
    assert refundable_until(collected_on) == refundable
    assert contestable_until(collected_on) == contestable
