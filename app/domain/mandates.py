"""SEPA mandates: how they are named, and how long they last."""

import re
from datetime import date

from app.domain.periods import Period

LAPSES_AFTER_YEARS = 3
"""So long after the last debit that was presented, or else after the signature, a mandate must not
be used any more (SEPA Core Direct Debit rulebook, EPC016-06)."""

LONGEST_REFERENCE = 35

_REFERENCE = re.compile(r"[A-Za-z0-9+?/:().,' -]+")


def lapses_on(signed_on: date, last_used_on: date | None = None) -> date:
    """The first day on which a mandate can't be used any more.

    A debit that came back counts as one: it was presented.
    """
    since = max(signed_on, last_used_on or signed_on)
    return Period(LAPSES_AFTER_YEARS, "YEAR").after(since)


def reference_fault(reference: str) -> str | None:
    """What is wrong with a mandate's reference; None where banks take it.

    They take the letters of SEPA messages and no slashes at the ends or in a row (EPC230-15).
    """
    if not _REFERENCE.fullmatch(reference):
        return "Banks take only letters without accents, digits, spaces and + ? / - : ( ) . , '"
    if reference.startswith("/") or reference.endswith("/") or "//" in reference:
        return "A slash may stand neither at an end nor beside another one."
    return None
