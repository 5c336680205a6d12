"""Rows on their way into the database: collected per table, written by COPY."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, cast

import asyncpg
from sqlalchemy import ARRAY, Boolean, Column, DefaultClause, Integer, Table

from app import models
from app.models.base import Base, TenantRow

_TABLES = Base.metadata.sorted_tables
"""Every table after those that its foreign keys name."""


def as_json(value: dict[str, Any]) -> str:
    """A value for a JSON column, as COPY takes it."""
    return json.dumps(value, ensure_ascii=False)


def _default(column: Column[Any]) -> Any:
    """What the database would put into a column that is left out."""
    if not isinstance(column.server_default, DefaultClause):
        return None
    text = str(column.server_default.arg)
    if isinstance(column.type, Boolean):
        return text == "true"
    if isinstance(column.type, Integer):
        return int(text)
    if isinstance(column.type, ARRAY):
        return []
    return None if "(" in text else text


class Rows:
    """The rows of one table and the ids that they may use."""

    def __init__(self, table: Table, tenant_id: int) -> None:
        self.table = table
        self.name = table.name
        columns = [column for column in table.columns if column.computed is None]
        self.columns = [column.name for column in columns]
        self._template = {column.name: _default(column) for column in columns}
        self._template["tenant_id"] = tenant_id
        self.records: list[dict[str, Any]] = []
        self.next_id = 1
        self.last_id = 0

    def add(self, values: dict[str, Any]) -> int:
        """Add a row; what is not given is as the database would make it."""
        key = self.next_id
        if key > self.last_id:
            raise ValueError(f"More rows of {self.name} than ids were reserved for.")
        self.next_id = key + 1
        record = {**self._template, **values, "id": key}
        if len(record) != len(self._template):
            unknown = ", ".join(record.keys() - self._template.keys())
            raise KeyError(f"{self.name} has no column {unknown}.")
        self.records.append(record)
        return key


class Batch:
    """Rows of one tenant that belong into one transaction."""

    def __init__(self, tenant_id: int) -> None:
        self.tenant_id = tenant_id
        self._rows = {
            mapper.class_: Rows(cast("Table", mapper.local_table), tenant_id)
            for mapper in Base.registry.mappers
            if issubclass(mapper.class_, TenantRow)
        }

    def add(self, model: type[TenantRow], **values: Any) -> int:
        """Add a row and return its id."""
        return self._rows[model].add(values)

    def records(self, model: type[TenantRow]) -> list[dict[str, Any]]:
        """The rows of a table so far, as they will be written."""
        return self._rows[model].records

    def records_of(self, customer_id: int) -> Iterator[tuple[Table, dict[str, Any]]]:
        """The customer's own row and all that carry the customer's id, each with its table."""
        for rows in self._all():
            key = "id" if rows.name == models.Customer.__tablename__ else "customer_id"
            for record in rows.records:
                if record.get(key) == customer_id:
                    yield rows.table, record

    async def reserve(self, connection: asyncpg.Connection, count: int) -> None:
        """See that every table has ids for `count` rows.

        The ids come from the tables' own sequences, moved forward in one step, so that the
        application never hands out one of them again. Should another tenant's writer take one
        in between, nothing collides: keys are unique per tenant.
        """
        short = {rows.name: count - (rows.last_id - rows.next_id + 1) for rows in self._all()}
        needed = {name: number for name, number in short.items() if number > 0}
        found = await connection.fetch(
            "SELECT name, setval(sequence, nextval(sequence) + number - 1) AS last_id, number"
            " FROM (SELECT name, number, pg_get_serial_sequence(name, 'id')::regclass AS sequence"
            "   FROM unnest($1::text[], $2::bigint[]) AS needed (name, number)) AS sequences",
            list(needed),
            list(needed.values()),
        )
        reserved = {
            row["name"]: (row["last_id"] - row["number"] + 1, row["last_id"]) for row in found
        }
        for rows in self._all():
            if rows.name in reserved:
                first, last = reserved[rows.name]
                # A range that continues the last one leaves no gap.
                rows.next_id = first if first != rows.last_id + 1 else rows.next_id
                rows.last_id = last

    def take(self) -> "dict[str, tuple[list[str], list[dict[str, Any]]]]":
        """Hand over all rows, by table and in the order that foreign keys ask for."""
        by_name = {rows.name: rows for rows in self._all() if rows.records}
        taken = {}
        for table in _TABLES:
            if rows := by_name.get(table.name):
                taken[rows.name] = (rows.columns, rows.records)
                rows.records = []
        return taken

    def _all(self) -> Iterable[Rows]:
        return self._rows.values()


async def write(
    connection: asyncpg.Connection,
    taken: "dict[str, tuple[list[str], list[dict[str, Any]]]]",
) -> int:
    """Write rows by COPY, table by table, and return how many they were."""
    written = 0
    for name, (columns, records) in taken.items():
        await connection.copy_records_to_table(
            name, records=map(tuple, map(dict.values, records)), columns=columns
        )
        written += len(records)
    return written


def number_invoices(batch: Batch, counters: dict[int, int]) -> None:
    """Number a batch's invoices without gaps per year, by the day of issue."""
    invoices = batch.records(models.Invoice)
    for invoice in sorted(invoices, key=lambda row: (row["issued_on"], row["id"])):
        year = invoice["issued_on"].year
        counters[year] = counters.get(year, 0) + 1
        invoice["number"] = f"RE-{year}-{counters[year]:07}"
