"""When a subscription can end, by its terms and by the law."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType, SimpleNamespace

from app.context import CallerContext
from app.domain.terms import Contract, Terms, under_consumer_law
from app.models.subscription import SubscriptionStatus
from app.resolvers.reads import Row, SqlExpression
from app.schema.dates import today

_COLUMNS = (
    "term_count",
    "term_unit",
    "accounting_count",
    "accounting_unit",
    "notice_count",
    "notice_unit",
    "starts_on",
    "ordered_on",
    "consumer",
    "cancelled_for",
    "status",
)


def _column(name: str) -> SqlExpression:
    return lambda t: t[name]


REQUIRED: Mapping[str, SqlExpression] = MappingProxyType(
    {name: _column(name) for name in _COLUMNS} | {"today": today}
)
"""What both fields are computed from."""


def earliest_end(_context: CallerContext, row: Row) -> str | None:
    """The last day of a subscription that is cancelled today; null where it can't be any more."""
    days = _days(row)
    return None if days is None else days[0].isoformat()


def last_cancellation_day(_context: CallerContext, row: Row) -> str | None:
    """The last day on which a cancellation lets it end with `earliest_end`."""
    days = _days(row)
    return None if days is None else days[1].isoformat()


def _days(row: Row) -> tuple[date, date] | None:
    """The earliest end, and the last day to cancel for it."""
    day = _today(row)
    if day is None:
        return None
    try:
        contract = _contract(row)
        end = contract.ends_when_cancelled(day)
        return end, contract.last_cancellation_day(end)
    except (ValueError, OverflowError):
        # The calendar ends before the contract does.
        return None


def _today(row: Row) -> date | None:
    """The day it is; None where a subscription is cancelled or has ended."""
    begun = row["_starts_on"] <= row["_today"]
    over = row["_status"] == SubscriptionStatus.INACTIVE and begun
    if row["_cancelled_for"] is not None or over:
        return None
    return date.fromisoformat(row["_today"])


def _contract(row: Row) -> Contract:
    stated = Terms.stated(SimpleNamespace(**{name: row[f"_{name}"] for name in _COLUMNS[:6]}))
    ordered_on = date.fromisoformat(row["_ordered_on"])
    terms = under_consumer_law(stated, ordered_on) if row["_consumer"] else stated
    return Contract(date.fromisoformat(row["_starts_on"]), terms)
