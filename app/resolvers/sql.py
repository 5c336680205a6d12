"""The words that statements are made of, and the formats that the GraphQL scalars promise."""

from collections import Counter
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    LargeBinary,
    Numeric,
    ScalarSelect,
    Select,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.sql.selectable import Alias, TableValuedAlias

from app.models.base import TenantRow
from app.resolvers.fields import ReadField
from app.resolvers.reads import Column, Columns, Embedded, Expression

KEY = "_id"
"""The row's own key, for reading what hangs below it; it has no GraphQL field."""

CURSOR = "_cursor"

_ROWS = "the rows"
"""The name of queries whose rows become JSON. It has a blank, since clients name the columns: where
one has the name of its query, PostgreSQL takes `row_to_json(name)` to mean the column."""


@cache
def table_of(model: type[TenantRow], number: int = 0) -> Alias:
    """The model's table under a name of its own, so that it can appear more than once.

    Its columns are made once for each number. `Tables` gives a number out once in a statement;
    the first is left to expressions, in which no table appears below itself.
    """
    del number  # It is the cache that tells one from another.
    alias = model.__table__.alias()
    if not isinstance(alias, Alias):  # pragma: no cover  Only tables are mapped.
        raise TypeError(f"{model.__name__} is not mapped to a table")
    return alias


class Tables:
    """The tables of one statement, each time under another name."""

    def __init__(self) -> None:
        self._given = Counter[type[TenantRow]]()

    def next(self, model: type[TenantRow]) -> Alias:
        """The model's table under a name that the statement has not used yet."""
        self._given[model] += 1
        return table_of(model, self._given[model])


def tenant() -> ColumnElement[int]:
    """The tenant that a statement reads for: each has a relation `caller` that knows it."""
    return literal_column("caller.tenant_id", Integer)


def known_caller() -> FromClause:
    """The relation `caller` of a statement whose tenant is known beforehand, as a parameter."""
    return select(bindparam("tenant", type_=Integer).label("tenant_id")).subquery("caller")


def authenticated_caller() -> TableValuedAlias:
    """The relation `caller` of a statement that authenticates by itself.

    Everything depends on the tenant that it gives, so nothing is read before it has set the tenant
    for row-level security. Who gave an unknown token gets no row at all.
    """
    token, client = bindparam("token_hash", type_=LargeBinary), bindparam("client", type_=INET)
    return func.abokonto.authenticate(token, client).table_valued(
        column("kind", Text),
        column("token_id", BigInteger),
        column("tenant_id", Integer),
        column("staff_id", BigInteger),
        column("customer_id", BigInteger),
        column("name", Text),
        column("permissions", ARRAY(Text)),
        name="caller",
    )


def constant(text: str) -> ColumnElement[str]:
    """A text that stands in the statement itself, being the same for every request.

    Raises:
        ValueError: when it holds what would have to be escaped; names never do.
    """
    if "'" in text or "\\" in text:
        raise ValueError(text)
    return literal_column(f"'{text}'", Text)


def encoded(text: ColumnElement[str]) -> ColumnElement[str]:
    """Base64 for URLs, without padding and line ends: the form of ids and cursors."""
    base64 = func.encode(func.convert_to(text, constant("UTF8")), constant("base64"))
    return func.translate(base64, constant("+/=\n"), constant("-_"))


def encoded_id(text: ColumnElement[str]) -> ColumnElement[str]:
    """The same for a type's name and a number, which give no character to replace."""
    base64 = func.encode(func.convert_to(text, constant("UTF8")), constant("base64"))
    return func.rtrim(base64, constant("="))


def json_value(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """A value as JSON shows it: decimals as strings, everything else in PostgreSQL's form.

    That form is ISO 8601 with the offset for timestamps (RFC 3339; the session runs in UTC).
    """
    return cast(value, Text) if isinstance(value.type, Numeric) else value


def value_of(field: ReadField, t: Columns) -> ColumnElement[Any]:
    """The SQL of a column or expression field, as PostgreSQL compares and sorts it."""
    if isinstance(field.read, Column):
        return t[field.read.name or field.python_name]
    if isinstance(field.read, Expression):
        return field.read.sql(t)
    if isinstance(field.read, Embedded) and field.read.compared_by is not None:
        return t[field.read.compared_by]
    raise TypeError(f"{field.python_name} is nothing that can be compared.")


def whole_row(source: FromClause) -> ColumnElement[Any]:
    """The row of a subquery as one composite value."""
    return source.table_valued()  # type: ignore[attr-defined, no-any-return]  # Every alias has it.


def row_of(row: Select[Any]) -> ScalarSelect[Any]:
    """The one row of a query, as a value that becomes an object where JSON is made of it.

    That is faster than `json_build_object`, which looks up how to write each value each time.
    """
    source = row.subquery(_ROWS)
    return select(whole_row(source)).select_from(source).scalar_subquery()


def json_row(row: Select[Any]) -> ScalarSelect[Any]:
    """The one row of a query as a JSON object, or null."""
    source = row.subquery(_ROWS)
    return select(func.row_to_json(whole_row(source))).select_from(source).scalar_subquery()


def json_rows(rows: Select[Any]) -> ScalarSelect[Any]:
    """The rows of an ordered query as a JSON array, empty when there are none."""
    source = rows.subquery(_ROWS)
    array = func.coalesce(func.json_agg(whole_row(source)), func.json_build_array())
    return select(array).select_from(source).scalar_subquery()
