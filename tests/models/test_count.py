"""The number of customers is exact, in every snapshot and however many write at once."""

import asyncio

import asyncpg

from tests.conftest import Database
from tests.rows import insert

_COUNTED = "SELECT coalesce(sum(count), 0)::int FROM customer_count WHERE tenant_id = $1"
_ACTUAL = "SELECT count(*)::int FROM customer WHERE tenant_id = $1"


async def test_it_counts_each_tenants_own(owner: asyncpg.Connection) -> None:
    here, elsewhere = await insert(owner, "tenant"), await insert(owner, "tenant")
    first = await insert(owner, "customer", tenant_id=here)
    await insert(owner, "customer", tenant_id=here)
    await insert(owner, "customer", tenant_id=elsewhere)
    assert await owner.fetchval(_COUNTED, here) == 2
    await owner.execute("DELETE FROM customer WHERE id = $1", first)
    assert await owner.fetchval(_COUNTED, here) == 1
    assert await owner.fetchval(_COUNTED, elsewhere) == 1


async def test_what_is_rolled_back_is_not_counted(owner: asyncpg.Connection) -> None:
    tenant = await insert(owner, "tenant")
    transaction = owner.transaction()
    await transaction.start()
    await insert(owner, "customer", tenant_id=tenant)
    assert await owner.fetchval(_COUNTED, tenant) == 1
    await transaction.rollback()
    assert await owner.fetchval(_COUNTED, tenant) == 0


async def test_a_snapshot_never_disagrees_with_itself_while_others_write(
    database: Database, owner: asyncpg.Connection
) -> None:
    tenant = await insert(owner, "tenant")
    writers = [await asyncpg.connect(database.owner_database_url) for _ in range(4)]

    async def write(connection: asyncpg.Connection) -> None:
        for _ in range(10):
            async with connection.transaction():
                kept = await insert(connection, "customer", tenant_id=tenant)
                gone = await insert(connection, "customer", tenant_id=tenant)
                assert kept != gone
                await connection.execute("DELETE FROM customer WHERE id = $1", gone)

    async def read() -> None:
        while not all(task.done() for task in tasks):
            async with owner.transaction(isolation="repeatable_read", readonly=True):
                counted = await owner.fetchval(_COUNTED, tenant)
                assert counted == await owner.fetchval(_ACTUAL, tenant)

    tasks = [asyncio.create_task(write(connection)) for connection in writers]
    await asyncio.gather(read(), *tasks)
    assert await owner.fetchval(_COUNTED, tenant) == await owner.fetchval(_ACTUAL, tenant) == 40
    for connection in writers:
        await connection.close()


async def test_writers_do_not_wait_for_each_other(
    database: Database, owner: asyncpg.Connection
) -> None:
    """Two open transactions of different slots both insert, and neither times out."""
    tenant = await insert(owner, "tenant")
    connections: dict[int, asyncpg.Connection] = {}
    while len(connections) < 2:
        connection = await asyncpg.connect(database.owner_database_url)
        connections[await connection.fetchval("SELECT pg_backend_pid() % 16")] = connection
    for connection in connections.values():
        await connection.execute("SET lock_timeout = '2s'; BEGIN")
        await insert(connection, "customer", tenant_id=tenant)
    for connection in connections.values():
        await connection.execute("COMMIT")
        await connection.close()
    assert await owner.fetchval(_COUNTED, tenant) == 2
