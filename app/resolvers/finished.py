"""Finished JSON: records and whole connections as the client asked for them.

What comes out of the database is sent as it is, so every key, null and order of fields is made
here the way graphql-core would make it. Where Python has to answer there is a gap, which
`app.resolvers.gaps` fills.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    bindparam,
    false,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql.selectable import Alias

from app.resolvers.pages import (
    Page,
    cursor_of,
    matching,
    order_value,
    page_cursor,
    page_rows,
    page_total,
)
from app.resolvers.reads import Columns, Python
from app.resolvers.rows import RowJson
from app.resolvers.selection import Place, Selected, Shape
from app.resolvers.sql import constant, json_row, json_rows


def page_parameters(pages: Mapping[Place, Page]) -> dict[str, Any]:
    """The values of the parameters of all pages in a statement."""
    values: dict[str, Any] = {}
    for place, page in pages.items():
        values |= page.parameters(_prefix(place))
    return values


def _prefix(place: Place) -> str:
    """What the names of a page's parameters begin with."""
    return f"l{place.number}_"


class FinishedJson(RowJson):
    """Builds finished JSON; `pages` says what each place in the document wants of its list."""

    def __init__(self, pages: Mapping[Place, Page]) -> None:
        super().__init__()
        self._pages = pages

    def connection(
        self, selected: Selected, below: Shape, parent: ColumnElement[Any] | None
    ) -> ColumnElement[Any]:
        """A connection: the rows that point at `parent`, or all of the tenant's."""
        if selected.place is None:
            raise TypeError(f"{selected.key} was asked for nowhere.")
        page, prefix = self._pages[selected.place], _prefix(selected.place)
        table = self.tables.next(page.record.model)
        scope = matching(page, table.c, prefix)
        if parent is not None:
            scope &= or_(*(table.c[key] == parent for key in page.tab.foreign_keys))
        listing = _Listing(self, page, prefix, table, scope)
        pairs: list[Any] = []
        for part in below.fields:
            pairs += [constant(part.key), listing.part(part, below)]
        return func.json_build_object(*pairs)

    def _columns(
        self, shape: Shape, selected: Selected, t: Columns
    ) -> dict[str, ColumnElement[Any]]:
        return {selected.key: self._value(shape, selected, t)}

    def _value(self, shape: Shape, selected: Selected, t: Columns) -> ColumnElement[Any]:
        read = selected.field.read if selected.field is not None else None
        if selected.refused is not None:
            return null()
        if isinstance(read, Python):
            # What the value is computed from stands in its place until it is.
            required = read.columns(t).items()
            return func.json_build_object(
                *(part for name, value in required for part in (constant(name), value))
            )
        return super()._value(shape, selected, t)

    def _connection(self, selected: Selected, below: Shape, t: Columns) -> ColumnElement[Any]:
        return self.connection(selected, below, t.id)


class _Listing:
    """One list, of which a client asks for nodes, edges, page information and the total.

    Each is a subquery of its own: they read the same few entries of the same index.
    """

    def __init__(
        self,
        json: FinishedJson,
        page: Page,
        prefix: str,
        table: Alias,
        scope: ColumnElement[bool],
    ) -> None:
        self._json = json
        self._page = page
        self._prefix = prefix
        self._table = table
        self._scope = scope

    def part(self, selected: Selected, connection: Shape) -> ColumnElement[Any]:
        """The value of a connection's field."""
        if selected.field is None:
            return constant(connection.type_name)
        name, below = selected.field.python_name, selected.below
        if below is None:
            return page_total(self._page, self._table, self._scope)
        if name == "page_info":
            return self._page_info(below)
        if name == "nodes":
            return self._rows(self._json.columns(below, self._table.c))
        return self._rows([self._edge(part, below).label(part.key) for part in below.fields])

    def _edge(self, selected: Selected, edge: Shape) -> ColumnElement[Any]:
        """The value of an edge's field."""
        if selected.field is None:
            return constant(edge.type_name)
        if selected.below is None:
            return page_cursor(self._page, self._table.c, self._prefix)
        return self._object(self._json.columns(selected.below, self._table.c))

    def _object(self, columns: list[ColumnElement[Any]]) -> ColumnElement[Any]:
        """Columns of the listed table as one JSON object."""
        return json_row(select(*columns).correlate(self._table))

    def _rows(self, columns: list[ColumnElement[Any]]) -> ColumnElement[Any]:
        """The page's rows as a JSON array, in the list's order whichever way they are read."""
        t = self._table.c
        if not self._page.backward:
            return json_rows(self._select(columns, "size"))
        keys = [order_value(self._page.order, t).label("value"), t.id.label("key")]
        read = self._select([self._object(columns).label("item"), *keys], "size").subquery()
        descending = self._page.order.descending
        order = [key.desc() if descending else key.asc() for key in (read.c.value, read.c.key)]
        items = func.json_agg(aggregate_order_by(read.c.item, *order))
        array = func.coalesce(items, func.json_build_array())
        return select(array).select_from(read).scalar_subquery()

    def _page_info(self, below: Shape) -> ColumnElement[Any]:
        """The page's ends, and whether there is more, from the cursors of its rows and one more.

        Read backward, the first cursor is that of the page's last row.
        """
        t = self._table.c
        value = order_value(self._page.order, t)
        read = self._select([t.id.label("key"), value.label("value")], "limit").subquery()
        # Only the ends are made into cursors, which costs more than finding them.
        keys = func.array_agg(read.c.key, type_=ARRAY(BigInteger)).label("keys")
        places = func.array_agg(read.c.value, type_=ARRAY(value.type)).label("places")
        found = select(keys, places).select_from(read).subquery()
        size = bindparam(f"{self._prefix}size", type_=Integer)
        count = func.coalesce(func.cardinality(found.c["keys"]), literal_column("0"))
        last = func.least(count, size, type_=Integer)
        near, far = (
            cursor_of(found.c["keys"][end], found.c.places[end], self._prefix)
            for end in (literal_column("1", Integer), last)
        )
        more, beyond = count > size, true() if self._page.position is not None else false()
        backward = self._page.backward
        values: dict[str, ColumnElement[Any]] = {
            "has_next_page": beyond if backward else more,
            "has_previous_page": more if backward else beyond,
            "start_cursor": far if backward else near,
            "end_cursor": near if backward else far,
        }
        return select(_object_of(below, values)).select_from(found).scalar_subquery()

    def _select(self, columns: list[ColumnElement[Any]], limit: str) -> Select[Any]:
        rows = page_rows(self._page, columns, self._table, self._scope, self._prefix, limit=limit)
        return rows.correlate_except(self._table)


def _object_of(shape: Shape, values: Mapping[str, ColumnElement[Any]]) -> ColumnElement[Any]:
    """A JSON object of values that are named as its fields are in Python."""
    pairs: list[Any] = []
    for part in shape.fields:
        value = values[part.field.python_name] if part.field else constant(shape.type_name)
        pairs += [constant(part.key), value]
    return func.json_build_object(*pairs)
