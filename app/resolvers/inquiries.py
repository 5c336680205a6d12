"""Inquiries: what SQL tells of a record that the arguments of a root field name."""

from collections.abc import Callable
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, Text, bindparam, cast, select, true
from sqlalchemy.sql.selectable import Alias

from app.context import RequestContext
from app.errors import ApiError, ErrorCode
from app.resolvers.reads import Columns, Inquired, Inquiry, Row
from app.resolvers.sql import json_row, known_caller, table_of, tenant


def inquiry_row(
    read: Inquiry,
    asked: Inquired,
    table: Alias,
    prefix: str,
    columns: Callable[[Columns], list[ColumnElement[Any]]],
) -> Select[Any]:
    """Columns of the one row that answers, or of none where there is no such record."""

    def parameter(name: str) -> ColumnElement[Any]:
        return bindparam(f"{prefix}_{name}")

    found = read.sql(table.c, parameter).lateral()
    wanted = table.c[asked.key.column or "id"]
    return (
        select(*columns(found.c))
        .select_from(table.join(found, true()))
        .where(table.c.tenant_id == tenant(), wanted == bindparam(prefix, type_=wanted.type))
    )


def inquiry_parameters(asked: Inquired, prefix: str) -> dict[str, Any]:
    """The values of its parameters."""
    values = {f"{prefix}_{name}": value for name, value in asked.values.items()}
    return {prefix: asked.key.value, **values}


async def read_inquiry(context: RequestContext, read: Inquiry, asked: Inquired) -> Row:
    """The whole answer as a row for graphql-core.

    Raises:
        ApiError: NOT_FOUND when there is no such record.
    """

    def build() -> Select[Any]:
        table = table_of(asked.key.record.model)
        row = inquiry_row(read, asked, table, "key", list)
        return select(cast(json_row(row), Text)).select_from(known_caller())

    structure = (read, asked.key.record, asked.key.column)
    parameters = {"tenant": context.principal.tenant_id, **inquiry_parameters(asked, "key")}
    statement = context.statements.get(structure, build)
    ((text,),) = await context.reading.fetch(statement, parameters)
    if text is None:
        raise ApiError(ErrorCode.NOT_FOUND, read.missing)
    row: Row = orjson.loads(text)
    return row
