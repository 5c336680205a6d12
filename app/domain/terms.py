"""Terms of contracts: how long they bind, when they are billed, when and by when they end.

A contract is made of its first day and its terms. All its dates are counted from that first day,
so that none drifts: one that begins on 31 January is billed on 28 February and on 31 March.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from app.domain.periods import ONE_DAY, Period, Span

FAIR_CONSUMER_CONTRACTS_SINCE = date(2022, 3, 1)
"""Contracts with consumers made since then fall under BGB § 309 Nr. 9 as it is now (Art. 229 § 60
EGBGB: older ones keep what was agreed)."""

LONGEST_CONSUMER_TERM = Period(2, "YEAR")
LONGEST_CONSUMER_NOTICE = Period(1, "MONTH")

_DAYS_OF_SHORTEST_MONTH = 28
_DAYS_OF_SHORTEST_TWO_YEARS = 730


class StatedTerms(Protocol):
    """Whatever states terms, as the rows of offers and subscriptions do."""

    @property
    def term_count(self) -> int:
        """How many units the first term has."""

    @property
    def term_unit(self) -> str:
        """The unit of the first term."""

    @property
    def accounting_count(self) -> int:
        """How many units an accounting period has."""

    @property
    def accounting_unit(self) -> str:
        """The unit of an accounting period."""

    @property
    def notice_count(self) -> int:
        """How many units of notice are to be given."""

    @property
    def notice_unit(self) -> str:
        """The unit of the notice."""


@dataclass(frozen=True, slots=True)
class Terms:
    """For how long a contract binds, how it is billed, and how it can be ended.

    After the first term it is renewed by `renewal` again and again; with None it then runs for an
    indefinite time and ends on any day, with the notice. No notice is longer than
    `longest_notice`, where the law sets one.

    Raises:
        ValueError: A term or accounting period has no length.
    """

    term: Period
    accounting: Period
    notice: Period
    renewal: Period | None
    longest_notice: Period | None = None

    def __post_init__(self) -> None:
        for period in (self.term, self.accounting, self.renewal):
            if period is not None and not period.count:
                raise ValueError("A term or accounting period has to have a length.")

    @classmethod
    def stated(cls, row: StatedTerms, renewal: Period | None = None) -> "Terms":
        """The terms of an offer or subscription; without a renewal it is by the same term."""
        term = Period(row.term_count, row.term_unit)
        return cls(
            term=term,
            accounting=Period(row.accounting_count, row.accounting_unit),
            notice=Period(row.notice_count, row.notice_unit),
            renewal=renewal or term,
        )

    @property
    def in_whole_periods(self) -> bool:
        """Whether each term is a whole number of accounting periods, so that none is cut short."""
        terms = (self.term, self.renewal or self.term)
        return all(self.accounting.divides(term) for term in terms)

    def given(self, received_on: date) -> date:
        """The first day with which a contract can end when notice is received on a day.

        The day of receipt does not count (BGB § 187 (1)), the last day does (§ 188): notice of a
        day that is received on the 21st ends a contract with the 22nd.
        """
        agreed = self.notice.after(received_on)
        if self.longest_notice is None:
            return agreed
        return min(agreed, self.longest_notice.after(received_on))


def under_consumer_law(terms: Terms, made_on: date) -> Terms:
    """The terms that bind a consumer, by the day on which the contract was made.

    Since 2022-03-01 it runs for an indefinite time after its first term, and a notice is no
    longer than a month, before the end of the first term neither (BGB § 309 Nr. 9 b and c). What
    was made before keeps its own terms (Art. 229 § 60 EGBGB). For contracts with companies the
    rule does not hold (BGB § 310 (1)): don't ask for them.
    """
    if made_on < FAIR_CONSUMER_CONTRACTS_SINCE:
        return terms
    return replace(terms, renewal=None, longest_notice=LONGEST_CONSUMER_NOTICE)


def consumer_law_faults(terms: Terms) -> list[str]:
    """What in an offer's terms no consumer could be bound to, in sentences (BGB § 309 Nr. 9).

    A renewal is not looked at, because `under_consumer_law` puts another in its place.
    """
    faults = []
    if terms.term.months > LONGEST_CONSUMER_TERM.months or (
        terms.term.days > _DAYS_OF_SHORTEST_TWO_YEARS
    ):
        faults.append("A consumer can be bound for two years at most.")
    if terms.notice.months > LONGEST_CONSUMER_NOTICE.months or (
        terms.notice.days > _DAYS_OF_SHORTEST_MONTH
    ):
        faults.append("The notice can be a month at most, and a month may have 28 days.")
    return faults


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract's first day and its terms: everything that the calendar follows from.

    A term or accounting period ends with the day before the one that bears the number of its
    first day (BGB § 188 (2)). In a month that has no such number, the next one begins with the
    month's last day, as direct debits and cards are billed.
    """

    starts_on: date
    terms: Terms

    def term(self, number: int) -> Span | None:
        """The first term (0) or a renewal (1, 2, ...).

        None for renewals of a contract that runs for an indefinite time after its first term.
        """
        if number and self.terms.renewal is None:
            return None
        return Span(self._term_start(number), self._term_start(number + 1) - ONE_DAY)

    def term_on(self, day: date) -> Span | None:
        """The term that runs on a day; before the contract starts, the first one.

        None when it runs for an indefinite time then.
        """
        return self.term(self._term_number(day))

    def ends_when_cancelled(self, received_on: date) -> date:
        """The last day of a contract whose cancellation is received on a day, as early as it can.

        The end of the first term or of a later one for which the notice is still long enough; in
        an indefinite time, the first day for which it is.
        """
        earliest = self.terms.given(received_on)
        term = self.term_on(earliest)
        return earliest if term is None else term.ends_on

    def last_cancellation_day(self, ends_on: date) -> date:
        """The last day on which a cancellation may be received that ends a contract with a day.

        A term from 23 December to 22 January with notice of a day: 21 January. With notice of a
        month, 31 January is in time for the end of February, whatever its length (§ 188 (3) BGB).
        """
        day = self.terms.notice.after(ends_on, -1)
        # Up to three days before a month's end are in time as well; by law, even more can be.
        while self.terms.given(day + ONE_DAY) <= ends_on:
            day += ONE_DAY
        return day

    def accounting_period(self, number: int) -> Span:
        """The accounting period with a number; 0 is the first."""
        period = self.terms.accounting
        following = period.after(self.starts_on, number + 1)
        return Span(period.after(self.starts_on, number), following - ONE_DAY)

    def accounting_number(self, day: date) -> int:
        """The number of the accounting period that a day is in; negative before the contract."""
        return self.terms.accounting.whole_times(self.starts_on, day)

    def accounting_period_on(self, day: date) -> Span:
        """The accounting period that a day is in."""
        return self.accounting_period(self.accounting_number(day))

    def accounting_periods(self, until: date, ends_on: date | None = None) -> Iterator[Span]:
        """The accounting periods that begin by a day, from the first on.

        Where the contract ends, the last one is cut short.
        """
        number = 0
        while (span := self.accounting_period(number)).starts_on <= min(until, ends_on or until):
            yield span.until(ends_on)
            number += 1

    def next_billing_day(self, day: date) -> date:
        """The first day after a day on which an accounting period begins; its first at the least.

        A free period moves it on: ask again with the day that this gave.
        """
        following = self.accounting_period(self.accounting_number(day) + 1)
        return max(self.starts_on, following.starts_on)

    def _term_start(self, number: int) -> date:
        """The first day of a term, counted from the contract's first day where both have months."""
        term, renewal = self.terms.term, self.terms.renewal
        if not number:
            return self.starts_on
        if number == 1 or renewal is None:
            return term.after(self.starts_on)
        if term.months and renewal.months:
            months = term.months + renewal.months * (number - 1)
            return Period(months, "MONTH").after(self.starts_on)
        return renewal.after(term.after(self.starts_on), number - 1)

    def _term_number(self, day: date) -> int:
        """The number of the term that a day is in."""
        first_renewal = self._term_start(1)
        if day < first_renewal:
            return 0
        if self.terms.renewal is None:
            return 1
        # Counted from the first renewal, whose day may be the last of a shorter month.
        number = 1 + self.terms.renewal.whole_times(first_renewal, day)
        return number if self._term_start(number) <= day else number - 1
