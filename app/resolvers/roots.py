"""How the fields of an operation itself are answered: each says its SQL, and what becomes of it."""

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import Any

import asyncpg
import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    ScalarSelect,
    Text,
    bindparam,
    cast,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.auth.permissions import Permission
from app.context import forbidden
from app.errors import ApiError, ErrorCode
from app.resolvers.finished import FinishedJson
from app.resolvers.gaps import Gaps, Path, chosen
from app.resolvers.inquiries import inquiry_parameters, inquiry_row
from app.resolvers.outline import Root
from app.resolvers.reads import Inquired, Inquiry, Key, OfCaller
from app.resolvers.selection import Selected, Shape
from app.resolvers.sql import json_row, tenant

Target = Key | list[Key | ApiError] | Inquired | None
"""What the arguments of a root field name: one record, several, or none in particular."""


class RootAnswer:
    """Answers one root field; this one answers `__typename`."""

    def __init__(self, number: int, root: Root) -> None:
        self.root = root
        self._number = number

    @property
    def structure(self) -> Hashable:
        """What the SQL of its columns depends on, besides pages and targets."""
        return None

    def columns(self, json: FinishedJson, target: Target) -> Sequence[ColumnElement[Any]]:
        """The columns that the statement has for this field."""
        del json, target
        return ()

    def parameters(self, target: Target) -> Mapping[str, Any]:
        """The values of the parameters in these columns."""
        del target
        return {}

    def value(self, row: asyncpg.Record, target: Target, gaps: Gaps) -> Any:
        """The field's value: finished JSON as an `orjson.Fragment`, or what orjson can write."""
        del row, target, gaps
        return self.root.parent

    @property
    def _path(self) -> Path:
        return (self.root.key,)

    def _found(self, row: asyncpg.Record, shape: Shape, message: str, gaps: Gaps) -> Any:
        """What the field's column holds, or null and an error when that is nothing."""
        text = row[f"r{self._number}"]
        if text is None:
            self._missing(gaps, message, self._path)
        return finished(shape, text, self._path, gaps)

    def _missing(self, gaps: Gaps, message: str, path: Path) -> None:
        error = ApiError(ErrorCode.NOT_FOUND, message)
        gaps.fail(error, tuple(self.root.nodes), path)


class RefusedAnswer(RootAnswer):
    """Answers a field that the caller may not see."""

    def __init__(self, number: int, root: Root, permission: Permission) -> None:
        super().__init__(number, root)
        self._permission = permission

    def value(self, row: asyncpg.Record, target: Target, gaps: Gaps) -> Any:
        """Null, and an error."""
        del row, target
        gaps.fail(forbidden(self._permission), tuple(self.root.nodes), self._path)


class CallerAnswer(RootAnswer):
    """Answers with who asks."""

    def __init__(self, number: int, root: Root, read: OfCaller, shape: Shape) -> None:
        super().__init__(number, root)
        self._read = read
        self._shape = shape

    def value(self, row: asyncpg.Record, target: Target, gaps: Gaps) -> Any:
        """What the statement told of the caller."""
        del row, target
        return chosen(self._read.compute(gaps.context.principal), self._shape)


class ListAnswer(RootAnswer):
    """Answers with a page of one of the tenant's lists."""

    def __init__(self, number: int, root: Root, selected: Selected, shape: Shape) -> None:
        super().__init__(number, root)
        self._selected = selected
        self._shape = shape

    @property
    def structure(self) -> Hashable:
        """The connection's, with the number of its place."""
        return self._selected.structure

    def columns(self, json: FinishedJson, target: Target) -> Sequence[ColumnElement[Any]]:
        """The connection."""
        del target
        connection = json.connection(self._selected, self._shape, None)
        return [cast(connection, Text).label(f"r{self._number}")]

    def value(self, row: asyncpg.Record, target: Target, gaps: Gaps) -> Any:
        """The connection as it came, or with its gaps filled."""
        del target
        return finished(self._shape, row[f"r{self._number}"], self._path, gaps)


class RecordAnswer(RootAnswer):
    """Answers with the record that the arguments name."""

    def __init__(self, number: int, root: Root, shape: Shape, missing: str) -> None:
        super().__init__(number, root)
        self._shape = shape
        self._message = missing

    @property
    def structure(self) -> Hashable:
        """The record's."""
        return self._shape.structure

    def columns(self, json: FinishedJson, target: Target) -> Sequence[ColumnElement[Any]]:
        """The record, found by its key."""
        assert isinstance(target, Key)  # noqa: S101  Such a field has one.
        table = json.tables.next(target.record.model)
        wanted = table.c[target.column or "id"]
        record = record_json(json, self._shape, wanted, self._parameter(wanted.type))
        return [cast(record, Text).label(f"r{self._number}")]

    def _parameter(self, type_: Any) -> ColumnElement[Any]:
        return bindparam(f"k{self._number}", type_=type_)

    def parameters(self, target: Target) -> Mapping[str, Any]:
        """The key."""
        assert isinstance(target, Key)  # noqa: S101  Such a field has one.
        return {f"k{self._number}": target.value}

    def value(self, row: asyncpg.Record, target: Target, gaps: Gaps) -> Any:
        """The record, or null and an error when there is none."""
        del target
        return self._found(row, self._shape, self._message, gaps)


class InquiryAnswer(RootAnswer):
    """Answers with what SQL tells of the record that the arguments name."""

    def __init__(self, number: int, root: Root, read: Inquiry, shape: Shape) -> None:
        super().__init__(number, root)
        self._read = read
        self._shape = shape

    @property
    def structure(self) -> Hashable:
        """The object's, and what is asked."""
        return (self._read, self._shape.structure)

    def columns(self, json: FinishedJson, target: Target) -> Sequence[ColumnElement[Any]]:
        """The object."""
        assert isinstance(target, Inquired)  # noqa: S101  Such a field has one.
        table = json.tables.next(target.key.record.model)
        row = inquiry_row(
            self._read, target, table, f"k{self._number}", partial(json.columns, self._shape)
        )
        return [cast(json_row(row), Text).label(f"r{self._number}")]

    def parameters(self, target: Target) -> Mapping[str, Any]:
        """The key, and the values from the arguments."""
        assert isinstance(target, Inquired)  # noqa: S101  Such a field has one.
        return inquiry_parameters(target, f"k{self._number}")

    def value(self, row: asyncpg.Record, target: Target, gaps: Gaps) -> Any:
        """The object, or null and an error when there is no such record."""
        del target
        return self._found(row, self._shape, self._read.missing, gaps)


class RecordsAnswer(RootAnswer):
    """Answers with the records that the arguments name, of whatever types, in their order."""

    def __init__(
        self, number: int, root: Root, selected: Mapping[str, Selected], missing: str
    ) -> None:
        super().__init__(number, root)
        self._selected = selected
        self._message = missing

    @property
    def structure(self) -> Hashable:
        """That of each type."""
        return tuple(selected.structure for selected in self._selected.values())

    def columns(self, json: FinishedJson, target: Target) -> Sequence[ColumnElement[Any]]:
        """For each type the records in the order of their keys, with null for what is not there."""
        columns = []
        for name, keys in self._by_type(target).items():
            shape = self._selected[name].below
            if shape is None:
                continue
            table = json.tables.next(keys[0].record.model)
            array = bindparam(f"k{self._number}_{name}", type_=ARRAY(BigInteger))
            wanted = func.unnest(array).table_valued("key", with_ordinality="ordinal", name="keys")
            wanted = wanted.render_derived()
            record = record_json(json, shape, table.c.id, wanted.c.key)
            records = func.json_agg(aggregate_order_by(record, wanted.c.ordinal))
            answer = select(records).select_from(wanted).scalar_subquery()
            columns.append(cast(answer, Text).label(f"r{self._number}_{name}"))
        return columns

    def parameters(self, target: Target) -> Mapping[str, Any]:
        """The keys of each type."""
        return {
            f"k{self._number}_{name}": [key.value for key in keys]
            for name, keys in self._by_type(target).items()
            if self._selected[name].below is not None
        }

    def value(self, row: asyncpg.Record, target: Target, gaps: Gaps) -> Any:
        """The records in the order of the ids, each missing one as null with an error."""
        found = {
            name: iter(orjson.loads(row[f"r{self._number}_{name}"]))
            for name in self._by_type(target)
            if self._selected[name].below is not None
        }
        values: list[Any] = []
        assert isinstance(target, list)  # noqa: S101  Such a field has them.
        for number, key in enumerate(target):
            path: Path = (*self._path, number)
            values.append(self._item(found, key, path, gaps))
        return values

    def _item(self, found: Mapping[str, Any], key: Key | ApiError, path: Path, gaps: Gaps) -> Any:
        if isinstance(key, ApiError):
            gaps.fail(key, tuple(self.root.nodes), path)
            return None
        selected = self._selected[key.record.name]
        if selected.refused is not None:
            gaps.fail(forbidden(selected.refused), tuple(self.root.nodes), path)
        if selected.below is None:
            return None
        value = next(found[key.record.name])
        if value is None:
            self._missing(gaps, self._message, path)
        gaps.fill(selected.below, value, path)
        return value

    def _by_type(self, target: Target) -> dict[str, list[Key]]:
        assert isinstance(target, list)  # noqa: S101  Such a field has them.
        keys: dict[str, list[Key]] = {}
        for key in target:
            if isinstance(key, Key):
                keys.setdefault(key.record.name, []).append(key)
        return keys


def finished(shape: Shape, text: str | None, path: Path, gaps: Gaps) -> Any:
    """JSON from the database, which is read only where it has gaps."""
    if text is None:
        return None
    if not shape.with_gaps:
        return orjson.Fragment(text)
    value = orjson.loads(text)
    gaps.fill(shape, value, path)
    return value


def record_json(
    json: FinishedJson, shape: Shape, column: ColumnElement[Any], value: ColumnElement[Any]
) -> ScalarSelect[Any]:
    """The record whose column has a value, as JSON."""
    table = column.table
    row = select(*json.columns(shape, table.c)).where(
        table.c.tenant_id == tenant(), column == value
    )
    return json_row(row.correlate_except(table))
