"""Keyset paging, one implementation for every connection.

A page is found by comparing (order value, id) with the cursor's, never by counting rows: the
last page costs what the first one does, and rows that come or go meanwhile neither repeat nor
hide another.
"""

import hashlib
import re
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Numeric,
    Select,
    Text,
    bindparam,
    cast,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.sql.selectable import Alias
from strawberry.types.base import StrawberryOptional

from app.domain import opaque
from app.errors import ApiError, ErrorCode
from app.models.base import TenantRow
from app.resolvers.conditions import Condition, all_of, operand_type
from app.resolvers.fields import ReadField
from app.resolvers.reads import Columns, RecordType, Tab
from app.resolvers.sql import (
    CURSOR,
    constant,
    encoded,
    tenant,
    value_of,
)

DEFAULT_SIZE = 20
LARGEST_SIZE = 100
_FORMS = {
    Numeric: re.compile(r"Infinity|-?\d{1,40}(\.\d{1,40})?", re.ASCII),
    Integer: re.compile(r"-?\d{1,9}", re.ASCII),
    BigInteger: re.compile(r"-?\d{1,18}", re.ASCII),
}
"""What a cursor may hold of numbers: what ours do, and what PostgreSQL can read."""
_TEXT = re.compile(r"[^\0]*")


@dataclass(frozen=True)
class Order:
    """The field that rows are sorted by; the id breaks ties in the same direction."""

    model: type[TenantRow]
    field: ReadField
    descending: bool


@dataclass(frozen=True)
class Position:
    """The place a cursor points at: an order value as text, and the row's id."""

    value: str
    id: int


@dataclass(frozen=True)
class Page:
    """What a client wants of a connection, checked."""

    record: RecordType
    tab: Tab
    order: Order
    conditions: tuple[Condition, ...]
    terms: tuple[str, ...]
    sources: tuple[int, ...]
    size: int
    backward: bool
    position: Position | None
    fingerprint: str

    @property
    def whole(self) -> bool:
        """Whether nothing is filtered or searched."""
        return not self.conditions and not self.terms

    @property
    def structure(self) -> Hashable:
        """What the SQL depends on: everything but the values."""
        return (
            self.tab,
            self.order,
            tuple(condition.structure for condition in self.conditions),
            bool(self.terms),
            self.backward,
            self.position is not None,
        )

    def parameters(self, prefix: str) -> dict[str, Any]:
        """The values, by the names that the SQL gives its parameters."""
        values: dict[str, Any] = {
            f"{prefix}size": self.size,
            f"{prefix}limit": self.size + 1,
            f"{prefix}fingerprint": self.fingerprint,
        }
        if self.position is not None:
            values[f"{prefix}position"] = self.position.value
            values[f"{prefix}position_id"] = self.position.id
        for number, condition in enumerate(self.conditions):
            values[f"{prefix}where{number}"] = condition.value
        if self.terms:
            values[f"{prefix}terms"] = list(self.terms)
            values[f"{prefix}sources"] = list(self.sources)
        return values


def page_size(first: int | None, last: int | None, after: str | None, before: str | None) -> int:
    """The number of rows asked for, from whichever end.

    Raises:
        ApiError: BAD_REQUEST when the arguments contradict each other or are out of range.
    """
    if first is not None and last is not None:
        raise ApiError(ErrorCode.BAD_REQUEST, "Give `first` or `last`, not both.")
    if after is not None and before is not None:
        raise ApiError(ErrorCode.BAD_REQUEST, "Give `after` or `before`, not both.")
    if (last is not None and after is not None) or (first is not None and before is not None):
        raise ApiError(
            ErrorCode.BAD_REQUEST, "`after` goes with `first`, and `before` with `last`."
        )
    name, size = ("last", last) if last is not None else ("first", first)
    if size is None:
        return DEFAULT_SIZE
    if not 1 <= size <= LARGEST_SIZE:
        raise ApiError(
            ErrorCode.BAD_REQUEST, f"`{name}` is {size}; it must be from 1 to {LARGEST_SIZE}."
        )
    return size


def fingerprint(
    record: RecordType,
    order: Order,
    conditions: tuple[Condition, ...],
    terms: tuple[str, ...],
) -> str:
    """Eight characters that tie a cursor to its list, order and filter."""
    parts = [record.name, order.field.python_name, str(order.descending), *terms]
    parts += sorted(
        f"{condition.field.python_name} {condition.operator} {condition.operand!r}"
        for condition in conditions
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]


def position_of(cursor: str, order: Order, wanted: str) -> Position:
    """Read a cursor; `wanted` is the fingerprint of the list, order and filter at hand.

    Raises:
        ApiError: BAD_REQUEST when it is malformed or made for another order or filter.
    """
    try:
        made_for, key, value = opaque.decode(cursor).split(":", 2)
        position = Position(value=_checked_value(order, value), id=opaque.key(key))
    except (ValueError, OverflowError, KeyError) as error:
        raise ApiError(ErrorCode.BAD_REQUEST, "That is not a cursor of this API.") from error
    if made_for != wanted:
        raise ApiError(
            ErrorCode.BAD_REQUEST,
            "That cursor was made for another list, `orderBy`, `where` or `search`.",
        )
    return position


def order_value(order: Order, t: Columns) -> ColumnElement[Any]:
    """What rows are sorted by, never null: null counts as infinitely late or large, or as ''."""
    value = value_of(order.field, t)
    if not isinstance(order.field.type, StrawberryOptional):
        return value
    if isinstance(value.type, DateTime | Date):
        return func.coalesce(value, cast(literal("infinity"), value.type), type_=value.type)
    if isinstance(value.type, Numeric | Integer):
        infinite = cast(literal("Infinity"), Numeric)
        return func.coalesce(cast(value, Numeric), infinite, type_=Numeric())
    if isinstance(value.type, Boolean):
        return func.coalesce(value, False)
    return func.coalesce(value, "")


def _checked_value(order: Order, text: str) -> str:
    """A cursor's order value in a form that PostgreSQL reads; cursors can be forged.

    Raises:
        ValueError: (or its like) when the text is no value of the order's type.
    """
    type_ = order_value(order, order.model.__table__.c).type
    if isinstance(type_, DateTime) and text != "infinity":
        # PostgreSQL takes fewer offsets than Python does, so it gets all of them as UTC.
        return datetime.fromisoformat(text).astimezone(UTC).isoformat()
    if isinstance(type_, Date) and text != "infinity":
        return date.fromisoformat(text).isoformat()
    if isinstance(type_, Boolean):
        return {"true": "true", "false": "false"}[text]
    form = _FORMS.get(type(type_), _TEXT)
    if form.fullmatch(text) is None:
        raise ValueError(text)
    return text


def matching(page: Page, t: Columns, prefix: str) -> ColumnElement[bool]:
    """Which of the tenant's rows belong to the list, on whatever page."""
    matches = (t.tenant_id == tenant()) & all_of(page.conditions, t, prefix)
    if page.tab.only is not None:
        matches &= page.tab.only(t)
    if page.terms and page.tab.search is not None:
        terms = bindparam(f"{prefix}terms", type_=ARRAY(Text))
        sources = bindparam(f"{prefix}sources", type_=ARRAY(Integer))
        matches &= page.tab.search.condition(t, terms, sources)
    return matches


def page_rows(
    page: Page,
    columns: list[ColumnElement[Any]],
    table: Alias,
    scope: ColumnElement[bool],
    prefix: str,
    *,
    limit: str = "limit",
) -> Select[Any]:
    """Columns of the rows of one page, in the direction it is read: backward ones come reversed.

    `limit` is the name of the parameter that bounds them: the page's "size", or "limit", which is
    one more and so tells whether there is another page.
    """
    t = table.c
    value = order_value(page.order, t)
    descending = page.order.descending != page.backward
    rows = select(*columns).select_from(table).where(scope)
    order = [value.desc(), t.id.desc()] if descending else [value.asc(), t.id.asc()]
    if page.position is not None:
        here = tuple_(value, t.id)
        there = tuple_(
            cast(bindparam(f"{prefix}position", type_=Text), operand_type(value)),
            bindparam(f"{prefix}position_id", type_=BigInteger),
        )
        rows = rows.where(here < there if descending else here > there)
    bound = bindparam(f"{prefix}{limit}", type_=Integer)
    return rows.order_by(*order).limit(bound)


def page_cursor(page: Page, t: Columns, prefix: str) -> ColumnElement[str]:
    """The place of a row, as `position_of` reads it."""
    return cursor_of(t.id, order_value(page.order, t), prefix)


def cursor_of(
    key: ColumnElement[Any], value: ColumnElement[Any], prefix: str
) -> ColumnElement[str]:
    """The place of the row with a key and an order value."""
    separator = constant(":")
    made_for = bindparam(f"{prefix}fingerprint", type_=Text)
    parts = made_for.concat(separator).concat(cast(key, Text)).concat(separator)
    return encoded(parts.concat(cast(value, Text)))


def page_total(page: Page, table: Alias, scope: ColumnElement[bool]) -> ColumnElement[int]:
    """How many rows the whole list has."""
    if page.whole and page.tab.total is not None:
        return page.tab.total()
    counted = select(func.count()).select_from(table).where(scope).correlate_except(table)
    return counted.scalar_subquery()


def page_result(page: Page, loaded: dict[str, Any]) -> dict[str, Any]:
    """A connection as GraphQL reads it: nodes, edges, page info, total."""
    rows: list[dict[str, Any]] = loaded["rows"] or []
    more = len(rows) > page.size
    rows = rows[: page.size]
    if page.backward:
        rows.reverse()
    cursors = [row.get(CURSOR) for row in rows]
    return {
        "nodes": rows,
        "edges": [
            {"cursor": cursor, "node": row} for cursor, row in zip(cursors, rows, strict=True)
        ],
        "page_info": {
            "has_next_page": page.position is not None if page.backward else more,
            "has_previous_page": more if page.backward else page.position is not None,
            "start_cursor": cursors[0] if cursors else None,
            "end_cursor": cursors[-1] if cursors else None,
        },
        "total_count": loaded["total"],
    }
