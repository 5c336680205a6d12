"""The connections that reads share: lent to one at a time, and never lost."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from pydantic import SecretStr

import app.database
from app.database import Database
from app.errors import ApiError, ErrorCode
from app.settings import Settings
from tests.postgres_proxy import PostgresProxy

MOST = 2


@pytest.fixture
async def reader(settings: Settings) -> AsyncIterator[Database]:
    """The database with two connections, opened."""
    database = Database(settings.model_copy(update={"database_pool_size": MOST}))
    database.open()
    yield database
    await database.close()


async def _backend(reader: Database) -> int:
    """The process of PostgreSQL that answers on the connection lent next."""
    async with reader.connection() as connection:
        found: int = await connection.fetchval("SELECT pg_backend_pid()")
        return found


async def _both_backends(reader: Database) -> set[int]:
    async with reader.connection() as connection:
        first: int = await connection.fetchval("SELECT pg_backend_pid()")
        return {first, await _backend(reader)}


async def test_one_after_the_other_use_the_same_connection(reader: Database) -> None:
    assert len({await _backend(reader) for _ in range(3)}) == 1


async def test_at_once_each_has_a_connection_and_the_others_wait(reader: Database) -> None:
    asked = 3 * MOST
    await _both_backends(reader)
    lent: set[asyncpg.Connection] = set()
    most = 0

    async def borrow() -> int:
        nonlocal most
        async with reader.connection() as connection:
            assert connection not in lent
            lent.add(connection)
            most = max(most, len(lent))
            backend: int = await connection.fetchval("SELECT pg_backend_pid()")
            lent.remove(connection)
            return backend

    assert len(set(await asyncio.gather(*(borrow() for _ in range(asked))))) == MOST
    assert most == MOST


async def test_nobody_waits_for_ever(reader: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.database, "_WAIT_SECONDS", 0.01)
    async with reader.connection(), reader.connection():
        with pytest.raises(ApiError) as caught:
            await _backend(reader)
    assert caught.value.extensions == {"code": ErrorCode.UNAVAILABLE.value}
    assert len(await _both_backends(reader)) == MOST


async def test_a_cancelled_statement_ends_and_its_connection_stays(reader: Database) -> None:
    sleeps = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND pid = $1"
    async with reader.connection() as watching:
        backend = await _backend(reader)

        async def sleep() -> None:
            async with reader.connection() as connection:
                await connection.execute("SELECT pg_sleep(600)")

        sleeping = asyncio.create_task(sleep())
        async with asyncio.timeout(10):
            while not await watching.fetchval(sleeps, backend):  # noqa: ASYNC110  It tells nobody.
                await asyncio.sleep(0.01)
        sleeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sleeping
        assert await _backend(reader) == backend
        assert await watching.fetchval(sleeps, backend) == 0


async def test_a_connection_left_in_a_transaction_is_not_lent_again(reader: Database) -> None:
    async with reader.connection() as connection:
        backend = await connection.fetchval("SELECT pg_backend_pid()")
        await connection.execute("BEGIN")
    backends = await _both_backends(reader)
    assert len(backends) == MOST
    assert backend not in backends


async def test_a_connection_that_idled_long_is_replaced(
    reader: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = await _backend(reader)
    monkeypatch.setattr(app.database, "_LONGEST_IDLE_SECONDS", 0)
    assert await _backend(reader) != backend


async def test_a_failed_connection_takes_no_place(
    settings: Settings, statements: PostgresProxy
) -> None:
    update = {"database_url": SecretStr(statements.url), "database_pool_size": MOST}
    reader = Database(settings.model_copy(update=update))
    reader.open()
    await statements.stop()
    for _ in range(MOST + 1):
        with pytest.raises(OSError, match="Connect"):
            await _backend(reader)
    await statements.start()
    assert len(await _both_backends(reader)) == MOST
    await reader.close()


async def test_a_connection_that_broke_is_replaced(reader: Database) -> None:
    async with reader.connection() as connection:
        backend = await connection.fetchval("SELECT pg_backend_pid()")
        async with reader.connection() as other, asyncio.timeout(10):
            await other.execute("SELECT pg_terminate_backend($1)", backend)
            while not connection.is_closed():  # noqa: ASYNC110  It tells nobody.
                await asyncio.sleep(0.01)
    assert backend not in await _both_backends(reader)
