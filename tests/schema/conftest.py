"""Fixtures of the schema's tests, each of which founds publishers of its own."""

from collections.abc import AsyncIterator

import asyncpg
import httpx2
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from app.settings import Settings
from tests.applications import Applications, lent_connection, running_applications
from tests.asgi import client_of
from tests.conftest import Database
from tests.schema.compared import Compared


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The database in which these tests found their publishers, side by side."""
    return shared_database


@pytest.fixture
async def owner(shared_owner: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the role that owns the tables."""
    async with lent_connection(shared_owner) as connection:
        yield connection


@pytest.fixture(scope="session")
async def applications() -> AsyncIterator[Applications]:
    """The applications that these tests share."""
    from app.main import create_app

    async with running_applications(create_app) as applications:
        yield applications


@pytest.fixture
async def app(
    settings: Settings, applications: Applications, request: pytest.FixtureRequest
) -> AsyncIterator[Starlette]:
    """The application, started up."""
    async with applications.lent(settings, request) as application:
        yield application


@pytest.fixture
async def oracle(
    settings: Settings,
    database: Database,
    applications: Applications,
    request: pytest.FixtureRequest,
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an application that answers everything through graphql-core."""
    update = {"compiled_reads": False, "database_url": SecretStr(database.database_url)}
    through = settings.model_copy(update=update)
    async with applications.lent(through, request) as application, client_of(application) as client:
        yield client


@pytest.fixture
async def publisher(
    owner: asyncpg.Connection, client: httpx2.AsyncClient, oracle: httpx2.AsyncClient
) -> Compared:
    """A publisher with a token that may everything, and no customers yet."""
    return await _found(owner, client, oracle)


@pytest.fixture
async def competitor(
    owner: asyncpg.Connection, client: httpx2.AsyncClient, oracle: httpx2.AsyncClient
) -> Compared:
    """Another publisher in the same database."""
    return await _found(owner, client, oracle)


async def _found(
    owner: asyncpg.Connection, client: httpx2.AsyncClient, oracle: httpx2.AsyncClient
) -> Compared:
    publisher = await Compared.found(owner, client)
    assert isinstance(publisher, Compared)
    publisher.oracle = oracle
    return publisher
