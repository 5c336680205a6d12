"""Records as JSON: the columns of a row, its embedded objects, and what it links to."""

from typing import Any

from sqlalchemy import ColumnElement, Select, Text, case, cast, null, select
from sqlalchemy.sql.selectable import Alias

from app.resolvers.reads import Columns, Embedded, GlobalId, Many, One, Python, Tab
from app.resolvers.selection import Selected, Shape
from app.resolvers.sql import (
    KEY,
    Tables,
    constant,
    encoded_id,
    json_row,
    json_rows,
    json_value,
    row_of,
    tenant,
    value_of,
)


class RowJson:
    """Builds the JSON of records in PostgreSQL.

    As it stands it builds rows for graphql-core, which go on from there; `FinishedJson` builds
    what is sent. Each statement has a builder of its own.
    """

    def __init__(self) -> None:
        self.tables = Tables()

    def columns(self, shape: Shape, t: Columns) -> list[ColumnElement[Any]]:
        """The columns of a row of the wanted shape, labelled by the keys of its fields."""
        columns: dict[str, ColumnElement[Any]] = {KEY: t.id} if shape.keyed else {}
        for selected in shape.fields:
            columns |= self._columns(shape, selected, t)
        return [column.label(key) for key, column in columns.items()]

    def _columns(
        self, shape: Shape, selected: Selected, t: Columns
    ) -> dict[str, ColumnElement[Any]]:
        """What stands in the row for one field: its value, or what Python computes it from."""
        read = selected.field.read if selected.field is not None else None
        if isinstance(read, Python):
            return read.columns(t)
        return {selected.key: self._value(shape, selected, t)}

    def _value(self, shape: Shape, selected: Selected, t: Columns) -> ColumnElement[Any]:
        if selected.field is None:
            return constant(shape.type_name)
        read = selected.field.read
        if isinstance(read, GlobalId):
            if shape.record is None:
                raise TypeError("Only a record has an id.")
            return encoded_id(constant(f"{shape.record.name}:").concat(cast(t.id, Text)))
        if selected.below is not None:
            return self._object(read, selected, selected.below, t)
        return json_value(value_of(selected.field, t))

    def _object(
        self, read: object, selected: Selected, below: Shape, t: Columns
    ) -> ColumnElement[Any]:
        if isinstance(read, Embedded):
            return self._embedded(read, below, t)
        if isinstance(read, One):
            return self._one(read, below, t)
        if isinstance(read, Many):
            return self._many(read, below, t)
        if isinstance(read, Tab):
            return self._connection(selected, below, t)
        raise TypeError(f"{selected.key} is no object that can be read.")

    def _connection(self, selected: Selected, _below: Shape, _t: Columns) -> ColumnElement[Any]:
        """A tab, which rows for graphql-core leave to be loaded on their own."""
        raise TypeError(f"{selected.key} is loaded on its own.")

    def _embedded(self, read: Embedded, below: Shape, t: Columns) -> ColumnElement[Any]:
        columns = []
        for selected in below.fields:
            value: ColumnElement[Any]
            if selected.field is None:
                value = constant(below.type_name)
            elif selected.refused is not None:
                value = null()
            elif read.document is not None:
                value = t[read.document].op("->>")(constant(selected.field.python_name))
            elif read.columns is not None:
                source = read.columns[selected.field.python_name]
                value = json_value(t[source] if isinstance(source, str) else source(t))
            else:
                value = self._value(below, selected, t)
            columns.append(value.label(selected.key))
        built = row_of(select(*columns).correlate(t.id.table))
        if read.null_when_null is not None:
            return case((t[read.null_when_null].is_(None), null()), else_=built)
        if read.null_unless is not None:
            return case((t[read.null_unless], built), else_=null())
        return built

    def _one(self, read: One, below: Shape, t: Columns) -> ColumnElement[Any]:
        target, row = self._target(below)
        if read.inverse:
            row = row.where(target.c.tenant_id == tenant(), target.c[read.foreign_key] == t.id)
            row = row.order_by(target.c.id.desc()).limit(1)
        else:
            row = row.where(target.c.tenant_id == tenant(), target.c.id == t[read.foreign_key])
        return json_row(row.correlate_except(target))

    def _many(self, read: Many, below: Shape, t: Columns) -> ColumnElement[Any]:
        target, row = self._target(below)
        if read.through is None:
            row = row.where(target.c.tenant_id == tenant(), target.c[read.foreign_key] == t.id)
            row = row.order_by(target.c[read.order], target.c.id)
            return json_rows(row.correlate_except(target))
        between = self.tables.next(read.through)
        row = row.where(
            between.c.tenant_id == tenant(),
            between.c[read.foreign_key] == t.id,
            target.c.tenant_id == tenant(),
            target.c.id == between.c[read.through_key],
        ).order_by(between.c[read.order])
        return json_rows(row.correlate_except(target, between))

    def _target(self, below: Shape) -> tuple[Alias, Select[Any]]:
        if below.record is None:
            raise TypeError("A link leads to a record.")
        target = self.tables.next(below.record.model)
        return target, select(*self.columns(below, target.c)).select_from(target)
