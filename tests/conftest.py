"""Fixtures for all tests: an own database and bucket for each, cloned in a moment."""

import asyncio
import base64
import gc
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx2
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from app.settings import Settings
from app.storage import Storage
from tests.asgi import client_of, lifespan
from tests.postgres_proxy import PostgresProxy
from tests.publisher import Publisher
from tests.services import TEMPLATE, Owner, Services

Entered = TypeVar("Entered")

_owner = pytest.StashKey[Owner]()

# What the shell has set for a server of its own is none of the tests' business.
for variable in list(os.environ):
    if variable.startswith("ABOKONTO_") or variable == "PORT":
        del os.environ[variable]


# What is imported and collected lasts until the end, and looking for garbage in it takes a third
# of the time that it takes to make.
gc.disable()


LONGEST = (
    "tests/test_killed_checkouts.py",
    "tests/test_killed.py",
    "tests/test_run.py",
    "tests/billing/test_life_of_a_subscription.py",
    "tests/billing/test_ten_years.py",
    "tests/commands/test_renewing.py",
    "tests/server/test_memory.py",
    "tests/schema/test_comparison.py",
    "tests/actions/test_nasties.py",
)
"""They come first: one that is long would let the other processes wait for it at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first; the others keep their order."""
    items.sort(key=lambda item: item.nodeid.partition("::")[0] not in LONGEST)


def pytest_collection_finish() -> None:
    """Collect garbage again, though never in what is there by now."""
    gc.freeze()
    gc.enable()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tables of who may what be written anew."""
    parser.addoption("--write-matrix", action="store_true", help="write tests/matrix/*.txt anew")


def pytest_configure(config: pytest.Config) -> None:
    """Get ready to start services, in the process that outlives all workers."""
    if not hasattr(config, "workerinput"):
        config.stash[_owner] = Owner()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where to ask for services."""
    node.workerinput["services"] = node.config.stash[_owner].address


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the services."""
    if owner := config.stash.get(_owner, None):
        owner.stop()


@dataclass(frozen=True)
class Database:
    """One test's own database."""

    name: str
    superuser_url: str
    owner_database_url: str
    database_url: str


@pytest.fixture(scope="session")
def services(request: pytest.FixtureRequest) -> Services:
    """The shared services; each starts when it is first asked for."""
    config = request.config
    if hasattr(config, "workerinput"):
        return Services(config.workerinput["services"])
    return Services(config.stash[_owner].address)


@asynccontextmanager
async def cloned(services: Services, template: str = TEMPLATE) -> AsyncIterator[Database]:
    """A copy of a database, the migrated empty one by default, for as long as the block runs."""
    cluster, name = services.cluster, f"test_{uuid.uuid4().hex}"
    administration = await asyncpg.connect(cluster.superuser_url())
    await administration.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER abokonto_owner")
    yield Database(
        name,
        cluster.superuser_url(name),
        cluster.owner_url(name),
        cluster.application_url(name),
    )
    await administration.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await administration.close()


@pytest.fixture
async def database(services: Services) -> AsyncIterator[Database]:
    """A migrated, empty database that only this test uses."""
    async with cloned(services) as database:
        yield database


@contextmanager
def in_a_loop_of_its_own(entered: AbstractAsyncContextManager[Entered]) -> Iterator[Entered]:
    """Enter what several tests share: each of them has its own loop, which ends with it."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        yield runner.run(stack.enter_async_context(entered))
        runner.run(stack.aclose())


@pytest.fixture(scope="session")
async def shared_database(services: Services) -> AsyncIterator[Database]:
    """One database for all tests of this process that found a publisher of their own in it.

    What a publisher holds, nobody else sees, so such tests are as independent as tenants are; and
    cloning a database takes longer than most of them.
    """
    async with cloned(services) as database:
        owner = await asyncpg.connect(database.owner_database_url)
        # Files are told apart by tenants, and databases of their own have the first numbers.
        await owner.execute("ALTER TABLE tenant ALTER COLUMN id RESTART WITH 1000000")
        await owner.close()
        yield database


@pytest.fixture(scope="session")
async def shared_owner(shared_database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection to it of the role that owns the tables, for one test after the other."""
    connection = await asyncpg.connect(shared_database.owner_database_url)
    yield connection
    await connection.close()


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


@pytest.fixture
async def statements(database: Database) -> AsyncIterator[PostgresProxy]:
    """A proxy that the application of this test reaches its database through.

    It counts statements, and it can be stopped and started like a database that goes down.
    """
    proxy = PostgresProxy(database.database_url)
    await proxy.start()
    yield proxy
    await proxy.stop()


@pytest.fixture(scope="session")
def storage_settings(services: Services, worker_id: str) -> dict[str, str]:
    """The bucket of this test process. A test tells its files from others' by random keys."""
    return bucket_settings(services, f"abokonto-{worker_id}")


def bucket_settings(services: Services, name: str) -> dict[str, str]:
    """How a new bucket is reached."""
    settings = {
        "s3_endpoint_url": services.store.url,
        "s3_bucket": name,
        "s3_access_key_id": services.store.keys.access_key_id,
        "s3_secret_access_key": services.store.keys.secret_access_key,
    }
    asyncio.run(Storage(Settings.model_validate(settings)).ensure_bucket())
    return settings


@pytest.fixture
def settings(
    request: pytest.FixtureRequest,
    database: Database,
    storage_settings: dict[str, str],
    tmp_path: Path,
) -> Settings:
    """A configuration that leaves nothing to embedded services."""
    configured = settings_of(database, storage_settings, tmp_path / "var")
    if "statements" in request.fixturenames:
        url = SecretStr(request.getfixturevalue("statements").url)
        return configured.model_copy(update={"database_url": url})
    return configured


def settings_of(database: Database, storage_settings: dict[str, str], var: Path) -> Settings:
    """A configuration with a database, a bucket and keys."""
    return Settings.model_validate(
        {
            **storage_settings,
            "var_directory": var,
            "log_level": "warning",
            # Tests of jobs have workers of their own.
            "jobs": False,
            "database_url": database.database_url,
            "owner_database_url": database.owner_database_url,
            "encryption_keys": "test:" + base64.b64encode(b"encrypts" * 4).decode(),
            "lookup_key": base64.b64encode(b"looks-up" * 4).decode(),
        }
    )


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[Starlette]:
    """The application, started up."""
    from app.main import create_app

    application = create_app(settings)
    async with lifespan(application):
        yield application


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the application, without a token."""
    async with client_of(app) as client:
        yield client


@pytest.fixture
async def publisher(owner: asyncpg.Connection, client: httpx2.AsyncClient) -> Publisher:
    """A publisher with a token that may everything, and no customers yet."""
    return await Publisher.found(owner, client)
