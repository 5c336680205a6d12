"""Retention: how long the law has a business keep its records."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from app.domain.periods import ONE_DAY


class RecordKind(StrEnum):
    """What is kept, as AO § 147 (1) sorts it."""

    BOOK = "BOOK"
    INVOICE = "INVOICE"
    LETTER = "LETTER"


@dataclass(frozen=True, slots=True)
class RetentionYears:
    """How many years each kind of record is kept; the defaults are German law.

    Books and annual accounts ten, invoices and other vouchers eight since 2025 (AO § 147 (3),
    UStG § 14b (1)), letters of trade six (AO § 147 (3), HGB § 257 (4)).

    Raises:
        ValueError: A number is negative.
    """

    books: int = 10
    invoices: int = 8
    letters: int = 6

    def __post_init__(self) -> None:
        if min(self.books, self.invoices, self.letters) < 0:
            raise ValueError("A number of years can't be negative.")

    def of(self, kind: RecordKind) -> int:
        """The years of a kind."""
        match kind:
            case RecordKind.BOOK:
                return self.books
            case RecordKind.INVOICE:
                return self.invoices
            case RecordKind.LETTER:
                return self.letters


def kept_until(made_on: date, kind: RecordKind, years: RetentionYears) -> date:
    """The last day on which a record has to be kept.

    The years begin with the end of the calendar year in which it was made (AO § 147 (4), UStG
    § 14b (1)). An audit or a tax that is still open can make it longer (AO § 147 (3)): who knows
    of one has to hold the record back.
    """
    return date(made_on.year + years.of(kind), 12, 31)


def erasable_from(made_on: date, kind: RecordKind, years: RetentionYears) -> date:
    """The first day on which a record may be erased."""
    return kept_until(made_on, kind, years) + ONE_DAY
