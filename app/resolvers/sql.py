"""SQL that builds a record as JSON, in the very formats that the GraphQL scalars promise."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Numeric,
    Select,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    null,
    select,
)
from sqlalchemy.sql.selectable import Alias

from app.models.base import TenantRow
from app.resolvers.fields import (
    Column,
    Columns,
    Embedded,
    Expression,
    GlobalId,
    Many,
    One,
    Python,
    ReadField,
)
from app.resolvers.selection import Shape

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


def row_columns(shape: Shape, t: Columns) -> list[ColumnElement[Any]]:
    """The columns of a row of the wanted shape, labelled as its fields are named in Python."""
    columns: list[ColumnElement[Any]] = [t.id.label(KEY)]
    for field, below in shape.fields:
        if isinstance(field.read, Python):
            columns += [t[name].label(f"_{name}") for name in field.read.requires]
        elif field.read is not None:
            columns.append(_field_json(shape, field, below, t).label(field.python_name))
    return _distinct(columns)


def _distinct(columns: list[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    """The columns with each label once: two Python fields may need the same column."""
    return list({column.key: column for column in columns}.values())


def _field_json(
    shape: Shape, field: ReadField, below: Shape | None, t: Columns
) -> ColumnElement[Any]:
    read = field.read
    if isinstance(read, GlobalId):
        if shape.record is None:
            raise TypeError("Only a record has an id.")
        return encoded(constant(f"{shape.record.name}:").concat(cast(t.id, Text)))
    if isinstance(read, Embedded) and below is not None:
        return _embedded_json(read, below, t)
    if isinstance(read, One) and below is not None:
        return _one_json(read, below, t)
    if isinstance(read, Many) and below is not None:
        return _many_json(read, below, t)
    return json_value(value_of(field, t))


def _embedded_json(read: Embedded, below: Shape, t: Columns) -> ColumnElement[Any]:
    pairs: list[Any] = []
    for field, deeper in below.fields:
        value: ColumnElement[Any]
        if read.document is not None:
            value = t[read.document].op("->>")(constant(field.python_name))
        elif read.columns is not None:
            value = json_value(t[read.columns[field.python_name]])
        else:
            value = _field_json(below, field, deeper, t)
        pairs += [constant(field.python_name), value]
    built = func.json_build_object(*pairs)
    if read.null_when_null is not None:
        return case((t[read.null_when_null].is_(None), null()), else_=built)
    if read.null_unless is not None:
        return case((t[read.null_unless], built), else_=null())
    return built


def _one_json(read: One, below: Shape, t: Columns) -> ColumnElement[Any]:
    target, row = _target(below)
    if read.inverse:
        row = row.where(target.c.tenant_id == t.tenant_id, target.c[read.foreign_key] == t.id)
        row = row.order_by(target.c.id.desc()).limit(1)
    else:
        row = row.where(target.c.tenant_id == t.tenant_id, target.c.id == t[read.foreign_key])
    inner = row.correlate_except(target).subquery()
    return select(func.row_to_json(whole_row(inner))).select_from(inner).scalar_subquery()


def _many_json(read: Many, below: Shape, t: Columns) -> ColumnElement[Any]:
    target, row = _target(below)
    if read.through is None:
        row = row.where(target.c.tenant_id == t.tenant_id, target.c[read.foreign_key] == t.id)
        row = row.order_by(target.c[read.order], target.c.id)
        return json_rows(row.correlate_except(target).subquery())
    between = table_of(read.through)
    row = row.where(
        between.c.tenant_id == t.tenant_id,
        between.c[read.foreign_key] == t.id,
        target.c.tenant_id == between.c.tenant_id,
        target.c.id == between.c[read.through_key],
    ).order_by(between.c[read.order])
    return json_rows(row.correlate_except(target, between).subquery())


def _target(below: Shape) -> tuple[Alias, Select[Any]]:
    if below.record is None:
        raise TypeError("A link leads to a record.")
    target = table_of(below.record.model)
    return target, select(*row_columns(below, target.c)).select_from(target)


def whole_row(source: FromClause) -> ColumnElement[Any]:
    """The row of a subquery as one composite value."""
    return source.table_valued()  # type: ignore[attr-defined, no-any-return]  # Every alias has it.


def json_rows(source: FromClause) -> ColumnElement[Any]:
    """The rows of an ordered subquery as a JSON array, empty when there are none."""
    rows = func.coalesce(func.json_agg(whole_row(source)), func.json_build_array())
    return select(rows).select_from(source).scalar_subquery()
