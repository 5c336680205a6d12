"""Connections to a test's database, as each of the two roles."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.conftest import Database


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the role that owns the tables."""
    connection = await asyncpg.connect(database.owner_database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def application(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the role that the application runs as, with no tenant set."""
    connection = await asyncpg.connect(database.database_url)
    yield connection
    await connection.close()
