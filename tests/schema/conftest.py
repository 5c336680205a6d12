"""Fixtures of the schema's tests, each of which founds publishers of its own."""

import asyncpg
import httpx2
import pytest

from tests.conftest import Database
from tests.publisher import Publisher


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The database in which these tests found their publishers, side by side."""
    return shared_database


@pytest.fixture
async def competitor(owner: asyncpg.Connection, client: httpx2.AsyncClient) -> Publisher:
    """Another publisher in the same database."""
    return await Publisher.found(owner, client)
