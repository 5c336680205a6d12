"""The report on goodwill: how much was given away, by whom, why, and of what kind."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

import strawberry
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    DateTime,
    Select,
    SQLColumnExpression,
    Text,
    bindparam,
    cast,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.context import RequestContext
from app.domain.periods import ONE_DAY
from app.errors import ApiError, ErrorCode
from app.models import Goodwill, Tenant
from app.models.goodwill import GoodwillKind, GoodwillReason
from app.resolvers.fields import part
from app.resolvers.reads import Row
from app.resolvers.sql import constant, known_caller, tenant
from app.schema.common import Money
from app.schema.enums import described
from app.schema.node import Actor

LONGEST_REPORT = timedelta(days=3660)


class GoodwillGrouping(StrEnum):
    """What the rows of the report are about."""

    AGENT = "AGENT"
    REASON = "REASON"
    KIND = "KIND"
    MONTH = "MONTH"


described(
    GoodwillGrouping,
    "What each row of the report is about.",
    {
        "AGENT": "Whoever gave it: a member of staff, or a partner's program.",
        "REASON": "Why it was given.",
        "KIND": "What was given.",
        "MONTH": "In which calendar month it was given.",
    },
)


@strawberry.type(description="The gifts of one agent, reason, kind or month.")
class GoodwillReportRow:
    """What was given, under the key that `groupBy` names; the other keys are null."""

    agent: Actor | None = part("Who gave it, under their latest name.")
    reason_kind: GoodwillReason | None = part("Why it was given.")
    kind: GoodwillKind | None = part("What was given.")
    month: date | None = part("The first day of the month it was given in.")
    count: int = part("How many gifts.")
    values: list[Money] = part("What they would have cost, in each currency.")


@strawberry.type(description="What was given away in some days, by days of the tenant's time zone.")
class GoodwillReport:
    """The rows, and what they add up to."""

    rows: list[GoodwillReportRow] = part(
        "What was given: by month in their order, else the most gifts first."
    )
    count: int = part("How many gifts there were.")
    values: list[Money] = part("What all of them would have cost, in each currency.")


async def read_goodwill_report(
    context: RequestContext, since: date, until: date, group_by: GoodwillGrouping
) -> Row:
    """The report on the gifts of some days, both included, in one statement.

    Raises:
        ApiError: BAD_REQUEST for days in the wrong order, or more than ten years of them.
    """
    if not since <= until < date.max:
        raise ApiError(ErrorCode.BAD_REQUEST, "`until` is not before `from`, and is a day.")
    if until - since > LONGEST_REPORT:
        raise ApiError(ErrorCode.BAD_REQUEST, "A report is on at most ten years.")
    statement = context.statements.get(("goodwill report", group_by), lambda: _report(group_by))
    days = {"since": since, "following": until + ONE_DAY}
    values = {"tenant": context.principal.tenant_id, **days}
    return _assembled(group_by, await context.reading.fetch(statement, values))


def _report(group_by: GoodwillGrouping) -> Select[Any]:
    """A row for each key and currency."""
    zone = Tenant.time_zone
    key = _KEYS[group_by]
    keys: list[Any] = [column.label(f"key{place}") for place, column in enumerate(key)]
    by_time = aggregate_order_by(Goodwill.actor_name, Goodwill.created_at.desc())
    return (
        select(
            *keys,
            func.array_agg(by_time, type_=ARRAY(Text))[1].label("name"),
            Goodwill.currency,
            func.count().label("count"),
            func.sum(Goodwill.value).label("value"),
        )
        .select_from(known_caller())
        .join(Tenant, Tenant.id == tenant())
        .join(Goodwill, Goodwill.tenant_id == tenant())
        .where(
            Goodwill.created_at >= func.timezone(zone, cast(_day("since"), DateTime)),
            Goodwill.created_at < func.timezone(zone, cast(_day("following"), DateTime)),
        )
        .group_by(*key, Goodwill.currency)
    )


def _day(name: str) -> ColumnElement[date]:
    return bindparam(name, type_=Date)


_MONTH = cast(
    func.date_trunc(constant("month"), func.timezone(Tenant.time_zone, Goodwill.created_at)), Date
)
_KEYS: Mapping[GoodwillGrouping, tuple[SQLColumnExpression[Any], ...]] = {
    GoodwillGrouping.AGENT: (Goodwill.actor_kind, Goodwill.actor_id),
    GoodwillGrouping.REASON: (Goodwill.reason_kind,),
    GoodwillGrouping.KIND: (Goodwill.kind,),
    GoodwillGrouping.MONTH: (_MONTH,),
}


def _assembled(group_by: GoodwillGrouping, found: Sequence[Any]) -> Row:
    """The report, from a row for each key and currency."""
    width = len(_KEYS[group_by])
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for row in found:
        groups.setdefault(tuple(row)[:width], []).append(row)
    rows = [_row(group_by, key, members) for key, members in groups.items()]
    if group_by is GoodwillGrouping.MONTH:
        rows.sort(key=lambda row: row["month"])
    else:
        rows.sort(key=lambda row: (-row["count"], str(row)))
    return {"rows": rows, **_sums(found)}


def _row(group_by: GoodwillGrouping, key: tuple[Any, ...], members: Sequence[Any]) -> Row:
    row: Row = {"agent": None, "reason_kind": None, "kind": None, "month": None}
    if group_by is GoodwillGrouping.AGENT:
        row["agent"] = {"kind": key[0], "name": members[0]["name"]}
    elif group_by is GoodwillGrouping.MONTH:
        row["month"] = key[0].isoformat()
    else:
        row["kind" if group_by is GoodwillGrouping.KIND else "reason_kind"] = key[0]
    return {**row, **_sums(members)}


def _sums(members: Sequence[Any]) -> Row:
    """How many gifts there were, and what they were worth in each currency."""
    values: dict[str, Decimal] = {}
    for member in members:
        values[member["currency"]] = values.get(member["currency"], Decimal(0)) + member["value"]
    return {
        "count": sum(member["count"] for member in members),
        "values": [
            {"amount": str(amount), "currency": currency}
            for currency, amount in sorted(values.items())
        ],
    }
