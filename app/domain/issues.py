"""Issues: what a subscription that is counted in issues entitles to, and which ones those are."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from app.domain.money import Money
from app.domain.periods import Span


class Published(Protocol):
    """Whatever is published on a day, as the rows of issues are."""

    @property
    def publishing_on(self) -> date:
        """The day it is published."""

    @property
    def closing_on(self) -> date:
        """The last day whose orders are part of the print run."""


Issue = TypeVar("Issue", bound=Published)


class PlannedKind(StrEnum):
    """Why an issue is delivered: as paid for, or as a gift."""

    REGULAR = "REGULAR"
    FREE = "FREE"


@dataclass(frozen=True, slots=True)
class PlannedDelivery(Generic[Issue]):
    """An issue that a subscription is to get."""

    issue: Issue
    kind: PlannedKind


@dataclass(frozen=True, slots=True)
class IssueCounts:
    """How many issues a subscription entitles to, and how many of them were delivered.

    `entitled` are those paid for, `free` those given away, `delivered` those of both kinds that
    were sent, and `free_delivered` the free ones among them. Redeliveries count nowhere: they
    repeat a delivery.

    Raises:
        ValueError: A count is negative, or more was delivered than there was to deliver.
    """

    entitled: int
    delivered: int
    free: int
    free_delivered: int = 0

    def __post_init__(self) -> None:
        if min(self.entitled, self.delivered, self.free, self.free_delivered) < 0:
            raise ValueError("A count can't be negative.")
        if min(self.open_regular, self.open_free, self.delivered - self.free_delivered) < 0:
            raise ValueError("More was delivered than there was to deliver.")

    @property
    def open(self) -> int:
        """How many are still to be delivered."""
        return self.entitled + self.free - self.delivered

    @property
    def open_regular(self) -> int:
        """How many of those paid for are still to be delivered."""
        return self.entitled - (self.delivered - self.free_delivered)

    @property
    def open_free(self) -> int:
        """How many of those given away are still to be delivered."""
        return self.free - self.free_delivered

    def entitle(self, count: int) -> "IssueCounts":
        """The counts after another accounting period of so many issues."""
        return replace(self, entitled=self.entitled + _added(count))

    def give(self, count: int) -> "IssueCounts":
        """The counts after so many free issues, which can never be taken back."""
        return replace(self, free=self.free + _added(count))

    def deliver(self) -> tuple["IssueCounts", PlannedKind]:
        """The counts after the next delivery, and its kind: free ones come after regular ones.

        Raises:
            ValueError: No issue is open.
        """
        if self.open_regular:
            return replace(self, delivered=self.delivered + 1), PlannedKind.REGULAR
        if not self.open_free:
            raise ValueError("No issue is open.")
        after = replace(self, delivered=self.delivered + 1, free_delivered=self.free_delivered + 1)
        return after, PlannedKind.FREE


def issues_within(issues: Iterable[Issue], period: Span, ordered_on: date) -> list[Issue]:
    """The issues that a period counted in time entitles to, in the order of publishing.

    These are all that are published in it and whose closing date the order was in time for.
    """
    return _by_day(
        issue
        for issue in issues
        if issue.publishing_on in period and issue.closing_on >= ordered_on
    )


def plan_deliveries(
    issues: Iterable[Issue],
    counts: IssueCounts,
    starts_on: date,
    ordered_on: date,
    delivered_on: Collection[date] = (),
) -> list[PlannedDelivery[Issue]]:
    """The open issues of a subscription: which ones they will be, regular ones before free ones.

    They are the next ones that are published since the subscription starts and whose closing date
    the order was in time for, without those published on the days of deliveries that there are.
    Where fewer are known than are open, the rest is planned when more are.
    """
    due = [
        issue
        for issue in _by_day(issues)
        if issue.publishing_on >= starts_on
        and issue.closing_on >= ordered_on
        and issue.publishing_on not in delivered_on
    ]
    kinds = [PlannedKind.REGULAR] * counts.open_regular + [PlannedKind.FREE] * counts.open_free
    return [PlannedDelivery(issue, kind) for issue, kind in zip(due, kinds, strict=False)]


def value_of_issues(price: Money, issues_per_period: int, count: int) -> Money:
    """What so many issues would have cost, at the price of a period of issues.

    Raises:
        ValueError: The period has no issues, or the count is negative.
    """
    if issues_per_period < 1:
        raise ValueError("A period without issues gives them no price.")
    return price.share(_added(count), issues_per_period)


def _by_day(issues: Iterable[Issue]) -> list[Issue]:
    return sorted(issues, key=lambda issue: issue.publishing_on)


def _added(count: int) -> int:
    if count < 0:
        raise ValueError("Issues are never taken back.")
    return count
