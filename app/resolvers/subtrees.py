"""Finished JSON for one record below a field that graphql-core answers, such as a payload's."""

from typing import Any

import orjson
from graphql import GraphQLError, GraphQLResolveInfo
from sqlalchemy import BigInteger, Text, bindparam, cast, select
from strawberry.types.info import Info

from app.context import RequestContext
from app.resolvers.finished import FinishedJson, page_parameters
from app.resolvers.gaps import Gaps
from app.resolvers.loaders import RowRead
from app.resolvers.outline import NotCompiled, Outliner
from app.resolvers.pages import Page
from app.resolvers.reads import RecordType
from app.resolvers.roots import finished, record_json
from app.resolvers.selection import Place, Shape, arguments_of
from app.resolvers.sql import known_caller


async def read_record(info: Info, record: RecordType, key: int) -> Any:
    """A record for the field at hand: finished JSON, or a row for graphql-core to go on from.

    It is null where there is no such record. In finished JSON, what went wrong below the field
    is added to the errors of the request.
    """
    context: RequestContext = info.context
    raw: GraphQLResolveInfo[Any] = info._raw_info  # noqa: SLF001  Strawberry offers no other way.
    if context.settings.compiled_reads:
        try:
            shape, pages = _selected(info, raw, context, record)
        except (NotCompiled, GraphQLError):
            # graphql-core reports what is wrong at the field that it is wrong with.
            pass
        else:
            return await _finished(context, raw, shape, pages, record, key)
    row: dict[str, Any] | None = await context.loader.load(
        RowRead(context.selections.row(raw, record.name), record, key)
    )
    return row


def _selected(
    info: Info, raw: GraphQLResolveInfo[Any], context: RequestContext, record: RecordType
) -> tuple[Shape, dict[Place, Page]]:
    """What is selected below the field, and which pages of the lists in it.

    Raises:
        NotCompiled: Some of it has to be answered by graphql-core.
        GraphQLError: An argument is wrong.
    """
    variables, caller = raw.variable_values, context.caller
    outliner = Outliner(raw.schema, raw.fragments, variables.coerced, caller.permissions)
    shape = outliner.record(record.name, raw.field_nodes)
    schema = info.schema
    pages = {
        place: place.field.page(caller, arguments_of(schema, place, variables))
        for place in outliner.places
    }
    for place in outliner.refused:
        arguments_of(schema, place, variables)
    return shape, pages


async def _finished(
    context: RequestContext,
    raw: GraphQLResolveInfo[Any],
    shape: Shape,
    pages: dict[Place, Page],
    record: RecordType,
    key: int,
) -> orjson.Fragment | None:
    def build() -> Any:
        json = FinishedJson(pages)
        table = json.tables.next(record.model)
        answer = record_json(json, shape, table.c.id, bindparam("key", type_=BigInteger))
        return select(cast(answer, Text)).select_from(known_caller())

    structure = ("record", shape.structure, *(page.structure for page in pages.values()))
    parameters = {"tenant": context.principal.tenant_id, "key": key} | page_parameters(pages)
    statement = context.statements.get(structure, build)
    ((text,),) = await context.reading.fetch(statement, parameters)
    gaps = Gaps(context)
    value = finished(shape, text, tuple(raw.path.as_list()), gaps)
    await gaps.finish()
    context.errors += gaps.errors
    return None if value is None else orjson.Fragment(orjson.dumps(value))
