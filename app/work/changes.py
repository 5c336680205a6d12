"""What an action changed, as the history keeps it.

`before` and `after` are objects. The columns of the record that the action was about stand in them
by their names; those of other records below `"Address:17"`, which is a type and a key. Columns
that hold personal data stand, in the same arrangement, below `"personal"`: anonymising an entry is
dropping that key. What is encrypted or secret is in no history at all.

    {"login_blocked_at": "2026-11-22T09:30:00+00:00", "personal": {"login_blocked_reason": "..."}}
"""

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Column, LargeBinary, inspect
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.base import Json, Record, TenantRow, Versioned

PERSONAL = "personal"

_KEPT_BY_US = frozenset(
    {"customer_id"}
    | set(Record.__annotations__)
    | set(TenantRow.__annotations__)
    | set(Versioned.__annotations__)
)
"""Columns that are the same in every entry, or that the entry itself says."""


class Changes:
    """Gathers, before each flush, what the session is about to write."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._before: dict[TenantRow, dict[str, Any]] = {}
        self._after: dict[TenantRow, dict[str, Any]] = {}

    def gather(self) -> list[TenantRow]:
        """Note what changed since the last time, and give the rows that did."""
        for row in self._session.new:
            values = {name: value for name, value in _values(row) if value is not None}
            self._after.setdefault(row, {}).update(values)
        for row in self._session.deleted:
            self.lose(row)
        changed = [row for row in self._session.dirty if self._session.is_modified(row)]
        for row in changed:
            self._gather_changed(row)
        return changed

    def lose(self, row: TenantRow) -> None:
        """Note what a row held that is removed by something else than the session."""
        values = {name: value for name, value in _values(row) if value is not None}
        self._before[row] = values | self._before.get(row, {})
        self._after.pop(row, None)

    def pending(self, row: TenantRow) -> list[str]:
        """The columns of a row that have another value than the database."""
        state = inspect(row)
        return [
            column.key
            for column in _shown(type(row))
            if state.attrs[column.key].history.has_changes()
        ]

    def _gather_changed(self, row: TenantRow) -> None:
        state = inspect(row)
        for name in self.pending(row):
            deleted = state.attrs[name].history.deleted
            if row not in self._after or row in self._before:
                self._before.setdefault(row, {}).setdefault(name, deleted[0] if deleted else None)
            self._after.setdefault(row, {})[name] = getattr(row, name)

    def before_and_after(
        self, about: TenantRow, among: Collection[TenantRow] | None = None
    ) -> tuple[Json | None, Json | None]:
        """The two objects of a history entry about a record, with those of all that changed, or
        of some."""
        return _entry(about, _some(self._before, among)), _entry(about, _some(self._after, among))


def _some(
    rows: dict[TenantRow, dict[str, Any]], among: Collection[TenantRow] | None
) -> dict[TenantRow, dict[str, Any]]:
    if among is None:
        return rows
    return {row: rows[row] for row in among if row in rows}


def _entry(about: TenantRow, rows: dict[TenantRow, dict[str, Any]]) -> Json | None:
    entry: Json = {}
    personal: Json = {}
    for row, values in rows.items():
        known = _personal(type(row))
        parts = (
            (entry, {name: plain(v) for name, v in values.items() if name not in known}),
            (personal, {name: plain(v) for name, v in values.items() if name in known}),
        )
        for place, part in parts:
            if part and row is about:
                place.update(part)
            elif part:
                place[f"{type(row).__name__}:{row.id}"] = part
    if personal:
        entry[PERSONAL] = personal
    return entry or None


def _values(row: TenantRow) -> Iterator[tuple[str, Any]]:
    loaded = inspect(row).dict
    for column in _shown(type(row)):
        if column.key in loaded:
            yield column.key, loaded[column.key]


@cache
def _shown(model: type[TenantRow]) -> tuple[Column[Any], ...]:
    """The columns that a history entry shows."""
    return tuple(_shown_of(model))


@cache
def _personal(model: type[TenantRow]) -> frozenset[str]:
    """The names of those of them that hold personal data."""
    return frozenset(column.key for column in _shown(model) if column.info.get("personal"))


def _shown_of(model: type[TenantRow]) -> Iterator[Column[Any]]:
    for column in model.__table__.columns:
        if not isinstance(column, Column):
            continue
        hidden = column.info.get("encrypted") or column.info.get("secret")
        binary = isinstance(column.type, LargeBinary | BYTEA)
        if column.key not in _KEPT_BY_US and not (hidden or binary or column.computed):
            yield column


def impersonal(entry: Json | None) -> Json | None:
    """What is left of one of the two objects without what is personal in it."""
    left = {name: value for name, value in (entry or {}).items() if name != PERSONAL}
    return left or None


def plain(value: Any) -> Any:
    """A value as JSON holds it: decimals as strings, times in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | dict | list):
        return value
    return str(value)
