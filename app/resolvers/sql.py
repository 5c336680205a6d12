"""The words that statements are made of, and the formats that the GraphQL scalars promise."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Numeric,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.sql.selectable import Alias

from app.models.base import TenantRow
from app.resolvers.fields import ReadField
from app.resolvers.reads import Column, Columns, Embedded, Expression

KEY = "_id"
"""The row's own key, for reading what hangs below it; it has no GraphQL field."""

CURSOR = "_cursor"


def table_of(model: type[TenantRow]) -> Alias:
    """The model's table under a name of its own, so that it can appear more than once."""
    alias = model.__table__.alias()
    if not isinstance(alias, Alias):  # pragma: no cover  Only tables are mapped.
        raise TypeError(f"{model.__name__} is not mapped to a table")
    return alias


def tenant() -> ColumnElement[int]:
    """The tenant that a statement reads for: a parameter, the same throughout the statement."""
    return bindparam("tenant", type_=Integer)


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


def json_rows(source: FromClause) -> ColumnElement[Any]:
    """The rows of an ordered subquery as a JSON array, empty when there are none."""
    rows = func.coalesce(func.json_agg(whole_row(source)), func.json_build_array())
    return select(rows).select_from(source).scalar_subquery()
