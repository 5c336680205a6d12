"""One loader per request gathers everything asked for in a tick into one SQL statement.

Requests of the same kind (the same tab with the same arguments, of many customers) become one
part of the statement, and parts of different kinds are joined by UNION ALL. Values are parameters,
so a document's statements are built once and then serve every customer.
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
    Executable,
    Integer,
    Select,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.sql.selectable import Alias

from app.database import Reading
from app.resolvers.pages import Page, matching, page_cursor, page_rows, page_total
from app.resolvers.reads import RecordType
from app.resolvers.rows import RowJson
from app.resolvers.selection import PageShape, Shape
from app.resolvers.sql import CURSOR, constant, json_rows, known_caller, tenant, whole_row
from app.resolvers.statements import StatementCache


@dataclass(frozen=True)
class RowRead:
    """A record by its key."""

    shape: Shape
    record: RecordType
    key: int

    @property
    def kind(self) -> Hashable:
        """Reads of one kind are answered together, by one part of the statement."""
        return self.shape

    @property
    def structure(self) -> Hashable:
        """What the SQL of the part depends on."""
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

    @property
    def structure(self) -> Hashable:
        """What the SQL of the part depends on."""
        return (self.shape, self.column)


@dataclass(frozen=True)
class PageRead:
    """A page of a connection, below the record with the key `parent` or of the whole tenant."""

    page: Page
    shape: PageShape
    parent: int | None

    @property
    def kind(self) -> Hashable:
        """The same page of the same tab of many parents; the root has none to gather."""
        return (self.page, self.shape, self.parent is None)

    @property
    def structure(self) -> Hashable:
        """What the SQL of the part depends on."""
        return (self.page.structure, self.shape, self.parent is None)


Read = RowRead | UniqueRead | PageRead


class RecordLoader(DataLoader[Read, Any]):
    """Loads records and pages; None where there is no such record."""

    def __init__(self, reading: Reading, statements: StatementCache) -> None:
        super().__init__()
        self._reading = reading
        self._statements = statements

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
        firsts = [keys[places[0]] for places in groups]
        structure = tuple(read.structure for read in firsts)
        statement = self._statements.get(structure, lambda: _statement(firsts))
        parameters: dict[str, Any] = {"tenant": self._reading.principal.tenant_id}
        for number, places in enumerate(groups):
            parameters |= _parameters(_prefix(number), [keys[place] for place in places])
        answers: list[Any] = [None] * len(keys)
        for number, ordinal, text in await self._reading.fetch(statement, parameters):
            answers[groups[number][ordinal - 1]] = orjson.loads(text)
        return answers


def _prefix(number: int) -> str:
    """What the names of a part's parameters begin with."""
    return f"p{number}_"


def _parameters(prefix: str, reads: list[Any]) -> dict[str, Any]:
    """The values of a part's parameters."""
    first: Read = reads[0]
    if isinstance(first, RowRead):
        return {f"{prefix}keys": [read.key for read in reads]}
    if isinstance(first, UniqueRead):
        return {f"{prefix}value": first.value}
    values = first.page.parameters(prefix)
    if first.parent is not None:
        values[f"{prefix}keys"] = [read.parent for read in reads]
    return values


def _statement(reads: list[Read]) -> Executable:
    """The statement that answers one read of each kind, and with its parameters all of them."""
    json = RowJson()
    parts = [_part(json, number, read) for number, read in enumerate(reads)]
    return parts[0] if len(parts) == 1 else union_all(*parts)


def _part(json: RowJson, number: int, read: Read) -> Select[int, int, str]:
    """The statement's part for reads of one kind: (part, ordinal of the read, JSON)."""
    if isinstance(read, RowRead):
        return _rows_by_key(json, number, read)
    if isinstance(read, UniqueRead):
        return _row_by_value(json, number, read)
    return _pages(json, number, read)


def _answer(
    number: int, ordinal: ColumnElement[int], json: ColumnElement[Any]
) -> Select[int, int, str]:
    return select(
        literal_column(str(number), Integer).label("part"),
        cast(ordinal, Integer).label("ordinal"),
        cast(json, Text).label("value"),
    ).select_from(known_caller())


def _keys(number: int) -> Any:
    """The keys as a table with their ordinal numbers, from 1."""
    array = bindparam(f"{_prefix(number)}keys", type_=ARRAY(BigInteger))
    keys = func.unnest(array).table_valued("key", with_ordinality="ordinal", name="keys")
    return keys.render_derived()


def _rows_by_key(json: RowJson, number: int, read: RowRead) -> Select[int, int, str]:
    wanted = _keys(number)
    table = json.tables.next(read.record.model)
    row = (
        select(*json.columns(read.shape, table.c))
        .where(table.c.tenant_id == tenant(), table.c.id == wanted.c.key)
        .correlate_except(table)
        .lateral()
    )
    answer = _answer(number, wanted.c.ordinal, func.row_to_json(whole_row(row)))
    return answer.select_from(wanted.join(row, true()))


def _row_by_value(json: RowJson, number: int, read: UniqueRead) -> Select[int, int, str]:
    table = json.tables.next(read.record.model)
    column = table.c[read.column]
    row = (
        select(*json.columns(read.shape, table.c))
        .where(
            table.c.tenant_id == tenant(),
            column == bindparam(f"{_prefix(number)}value", type_=column.type),
        )
        .lateral()
    )
    answer = _answer(number, literal_column("1"), func.row_to_json(whole_row(row)))
    return answer.select_from(row)


def _pages(json: RowJson, number: int, read: PageRead) -> Select[int, int, str]:
    table = json.tables.next(read.page.record.model)
    scope = matching(read.page, table.c, _prefix(number))
    if read.parent is None:
        return _answer(number, literal_column("1"), _page_json(json, number, read, table, scope))
    wanted = _keys(number)
    scope &= or_(*(table.c[key] == wanted.c.key for key in read.page.tab.foreign_keys))
    answer = _answer(number, wanted.c.ordinal, _page_json(json, number, read, table, scope))
    return answer.select_from(wanted)


def _page_json(
    json: RowJson, number: int, read: PageRead, table: Alias, scope: ColumnElement[bool]
) -> ColumnElement[Any]:
    rows: ColumnElement[Any] = null()
    if read.shape.row is not None:
        columns = json.columns(read.shape.row, table.c)
        if read.shape.cursors:
            columns.append(page_cursor(read.page, table.c, _prefix(number)).label(CURSOR))
        page = page_rows(read.page, columns, table, scope, _prefix(number))
        rows = json_rows(page.correlate_except(table))
    total = page_total(read.page, table, scope) if read.shape.total else null()
    return func.json_build_object(constant("rows"), rows, constant("total"), total)
