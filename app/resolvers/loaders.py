"""One loader per request gathers everything asked for in a tick into one SQL statement.

Requests of the same kind (the same tab with the same arguments, of many customers) become one
part of the statement, and parts of different kinds are joined by UNION ALL.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import orjson
from aiodataloader import DataLoader
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Text,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)

from app.database import Reading
from app.resolvers.fields import RecordType
from app.resolvers.pages import Page, matching, page_rows, page_total
from app.resolvers.selection import PageShape, Shape
from app.resolvers.sql import json_rows, row_columns, table_of, whole_row


@dataclass(frozen=True)
class RowRead:
    """A record by its key."""

    shape: Shape
    record: RecordType
    key: int

    @property
    def kind(self) -> Hashable:
        """Reads of one kind are answered together."""
        return self.shape


@dataclass(frozen=True)
class UniqueRead:
    """A record by a column that is unique in its tenant."""

    shape: Shape
    record: RecordType
    column: str
    value: str

    @property
    def kind(self) -> Hashable:
        """Each is a part of its own."""
        return self


@dataclass(frozen=True)
class PageRead:
    """A page of a connection, below the record with the key `parent` or of the whole tenant."""

    page: Page
    shape: PageShape
    parent: int | None

    @property
    def kind(self) -> Hashable:
        """The same page of the same tab; the root has no parents to gather."""
        return (self.page, self.shape, self.parent is None)


Read = RowRead | UniqueRead | PageRead


class RecordLoader(DataLoader[Read, Any]):
    """Loads records and pages; None where there is no such record."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self._reading = reading

    def load(self, key: Read) -> Any:
        """Ask for a record or a page.

        A load whose caller was cancelled leaves a cancelled future in the cache of the library;
        it is forgotten here, so that the next load does not inherit the cancellation.
        """
        known = self._cache.get(key)
        if known is not None and known.cancelled():
            self.clear(key)
        return super().load(key)

    async def batch_load_fn(self, keys: list[Read]) -> list[Any]:
        """Answer all reads of a tick with one statement."""
        kinds: dict[Hashable, list[int]] = {}
        for place, read in enumerate(keys):
            kinds.setdefault(read.kind, []).append(place)
        groups = list(kinds.values())
        tenant_id = self._reading.principal.tenant_id
        parts = [
            _part(number, [keys[place] for place in places], tenant_id)
            for number, places in enumerate(groups)
        ]
        statement = parts[0] if len(parts) == 1 else union_all(*parts)
        answers: list[Any] = [None] * len(keys)
        for number, ordinal, text in await self._reading.fetch(statement):
            answers[groups[number][ordinal - 1]] = orjson.loads(text)
        return answers


def _part(number: int, reads: list[Any], tenant_id: int) -> Select[int, int, str]:
    """The statement's part for reads of one kind: (part, ordinal of the read, JSON)."""
    first: Read = reads[0]
    if isinstance(first, RowRead):
        return _rows_by_key(number, first, [read.key for read in reads], tenant_id)
    if isinstance(first, UniqueRead):
        return _row_by_value(number, first, tenant_id)
    return _pages(number, first, [read.parent for read in reads], tenant_id)


def _answer(
    number: int, ordinal: ColumnElement[int], json: ColumnElement[Any]
) -> Select[int, int, str]:
    return select(
        literal(number, Integer).label("part"),
        cast(ordinal, Integer).label("ordinal"),
        cast(json, Text).label("value"),
    )


def _keys(keys: list[int]) -> Any:
    """The keys as a table with their ordinal numbers, from 1."""
    array = literal(keys, ARRAY(BigInteger))
    return func.unnest(array).table_valued("key", with_ordinality="ordinal", name="keys")


def _rows_by_key(
    number: int, read: RowRead, keys: list[int], tenant_id: int
) -> Select[int, int, str]:
    wanted = _keys(keys).render_derived()
    table = table_of(read.record.model)
    row = (
        select(*row_columns(read.shape, table.c))
        .where(table.c.tenant_id == tenant_id, table.c.id == wanted.c.key)
        .correlate_except(table)
        .lateral()
    )
    answer = _answer(number, wanted.c.ordinal, func.row_to_json(whole_row(row)))
    return answer.select_from(wanted.join(row, true()))


def _row_by_value(number: int, read: UniqueRead, tenant_id: int) -> Select[int, int, str]:
    table = table_of(read.record.model)
    row = (
        select(*row_columns(read.shape, table.c))
        .where(
            table.c.tenant_id == tenant_id,
            table.c[read.column] == read.value,
        )
        .limit(1)
        .subquery()
    )
    answer = _answer(number, literal(1), func.row_to_json(whole_row(row)))
    return answer.select_from(row)


def _pages(
    number: int, read: PageRead, parents: list[int | None], tenant_id: int
) -> Select[int, int, str]:
    table = table_of(read.page.record.model)
    scope = matching(read.page, tenant_id, table.c)
    if read.parent is None:
        return _answer(number, literal(1), _page_json(read, table, scope))
    wanted = _keys([parent for parent in parents if parent is not None]).render_derived()
    scope &= or_(*(table.c[key] == wanted.c.key for key in read.page.tab.foreign_keys))
    answer = _answer(number, wanted.c.ordinal, _page_json(read, table, scope))
    return answer.select_from(wanted)


def _page_json(read: PageRead, table: Any, scope: ColumnElement[bool]) -> ColumnElement[Any]:
    rows: ColumnElement[Any] = null()
    if read.shape.row is not None:
        page = page_rows(read.page, read.shape.row, table, scope)
        rows = json_rows(page.correlate_except(table).subquery())
    total = page_total(read.page, table, scope) if read.shape.total else null()
    return func.json_build_object("rows", rows, "total", total)
