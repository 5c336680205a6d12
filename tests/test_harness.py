"""The fixtures that all tests stand on."""

from pathlib import Path

import asyncpg
import pytest

from app.settings import Settings
from app.storage import Storage
from tests.conftest import LONGEST, Database
from tests.postgres_proxy import PostgresProxy


def _url(settings: Settings) -> str:
    assert settings.database_url
    return settings.database_url.get_secret_value()


async def test_statements_are_counted_without_transaction_control(
    settings: Settings, statements: PostgresProxy
) -> None:
    connection = await asyncpg.connect(_url(settings))
    with statements.counting() as counted:
        async with connection.transaction(readonly=True):
            await connection.fetch("SELECT $1::int", 1)
            await connection.fetch("SELECT $1::int", 2)
            await connection.execute("SELECT 3")
            statement = await connection.prepare("SELECT 4")
            await statement.fetch()
    await connection.close()
    assert counted == ["SELECT $1::int", "SELECT $1::int", "SELECT 3", "SELECT 4"]
    assert any(statement.startswith("BEGIN") for statement in statements.executed)


async def test_a_database_can_go_down_and_come_back(
    settings: Settings, statements: PostgresProxy
) -> None:
    connection = await asyncpg.connect(_url(settings))
    await statements.stop()
    with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
        await connection.fetch("SELECT 1")
    with pytest.raises(OSError, match="Connect"):
        await asyncpg.connect(_url(settings))
    await statements.start()
    connection = await asyncpg.connect(_url(settings))
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()


@pytest.mark.parametrize("turn", range(3))
async def test_every_test_has_a_database_of_its_own(database: Database, turn: int) -> None:
    connection = await asyncpg.connect(database.owner_database_url)
    await connection.execute("CREATE TABLE mark (turn integer)")
    await connection.execute("INSERT INTO mark VALUES ($1)", turn)
    rows = await connection.fetch("SELECT turn FROM mark")
    assert [row["turn"] for row in rows] == [turn]
    await connection.close()


@pytest.mark.parametrize("path", LONGEST)
def test_what_comes_first_is_there(path: str) -> None:
    assert (Path(__file__).parents[1] / path).is_file()


async def test_the_application_role_is_weak(database: Database) -> None:
    connection = await asyncpg.connect(database.database_url)
    role = await connection.fetchrow(
        "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles "
        "WHERE rolname = current_user"
    )
    assert role is not None
    assert not any(role.values())
    await connection.close()


async def test_the_bucket_takes_files(settings: Settings) -> None:
    storage = Storage(settings)
    await storage.put("harness", b"a file", "text/plain")
    await storage.check()
    await storage.delete("harness")
