"""Changes are told by the tables that are followed, and nothing is told of what is in them."""

import asyncio
import re

import asyncpg
from strawberry.schema.schema_converter import GraphQLCoreConverter

from app import models
from app.migrations.changes import FOLLOWED
from app.resolvers.reads import Followed, record_of
from app.schema.root import schema
from app.server.changes import CHANNEL, RecordKey
from tests.publisher import Publisher


def followed_tables() -> set[str]:
    """The tables of what subscriptions follow."""
    root = schema._schema.subscription_type
    assert root is not None
    tables = set()
    for field in root.fields.values():
        declared = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
        assert isinstance(declared.read, Followed)
        type_ = getattr(field.type, "of_type", field.type)
        origin = type_.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].origin
        record = record_of(origin)
        assert record is not None
        tables.add(record.model.__tablename__)
    return tables


async def test_the_tables_that_are_followed_tell_of_changes(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        "SELECT tgrelid::regclass::text AS name FROM pg_trigger WHERE tgname = 'tell_of_change'"
    )
    assert {row["name"] for row in rows} == {*FOLLOWED} >= followed_tables()


async def test_a_change_is_told_by_its_key_once_it_is_committed(
    owner: asyncpg.Connection, application: asyncpg.Connection, publisher: Publisher
) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    await application.add_listener(CHANNEL, lambda *given: told.put_nowait(given[-1]))
    customer = await publisher.customer()
    export = await publisher.make(models.Export, customer_id=customer, status="RUNNING")
    change = "UPDATE data_export SET error = $1 WHERE tenant_id = $2"
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute(change, "lost", publisher.tenant_id)
    await transaction.rollback()
    async with owner.transaction():
        for text in ("Erika", "Muster"):
            await owner.execute(change, text, publisher.tenant_id)
    async with asyncio.timeout(10):
        payload = await told.get()
    assert payload == f"{publisher.tenant_id} data_export {export}"
    assert re.fullmatch(r"\d+ \w+ \d+", payload)
    assert RecordKey.of(payload) == (publisher.tenant_id, "data_export", export)
    assert told.empty()
