"""Fixtures of the schema's tests: publishers with accounts."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx2
import pytest

from tests.conftest import Database
from tests.publisher import Publisher


@pytest.fixture
async def owner(database: Database) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A connection as the role that owns the tables."""
    connection = await asyncpg.connect(database.owner_database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def publisher(owner: "asyncpg.Connection[Any]", client: httpx2.AsyncClient) -> Publisher:
    """A publisher with a token that may everything, and no customers yet."""
    return await Publisher.found(owner, client)


@pytest.fixture
async def competitor(owner: "asyncpg.Connection[Any]", client: httpx2.AsyncClient) -> Publisher:
    """Another publisher in the same database."""
    return await Publisher.found(owner, client)
