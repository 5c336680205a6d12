"""Fixtures of the actions' tests, each of which founds publishers of its own."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from functools import partial

import asyncpg
import httpx2
import pytest
from starlette.applications import Starlette

from app.schema.node import encode_id
from app.settings import Settings
from app.storage import Storage
from tests.actions.unchanged import Everything
from tests.applications import Applications, lent_connection, running_applications
from tests.conftest import Database, bucket_settings
from tests.publisher import Publisher
from tests.services import Services


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The database in which these tests found their publishers, side by side."""
    return shared_database


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A configuration with little patience for locks."""
    return settings.model_copy(update={"lock_timeout_seconds": 1.0})


class Clock:
    """The database's clock, and how far ahead of it the actions of a test are, or when."""

    ahead = timedelta(0)
    at: datetime | None = None

    def __call__(self, now: datetime) -> datetime:
        """The time it is for actions."""
        return self.at or now + self.ahead


@pytest.fixture(scope="session")
def shared_clock() -> Clock:
    """The clock of the applications that these tests share."""
    return Clock()


@pytest.fixture
def clock(shared_clock: Clock) -> Iterator[Clock]:
    """The clock of actions; `clock.ahead = timedelta(days=1)` makes it tomorrow."""
    yield shared_clock
    shared_clock.ahead, shared_clock.at = Clock.ahead, Clock.at


@pytest.fixture
async def owner(shared_owner: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the role that owns the tables."""
    async with lent_connection(shared_owner) as connection:
        yield connection


@pytest.fixture(scope="session")
async def applications(shared_clock: Clock) -> AsyncIterator[Applications]:
    """The applications that these tests share."""
    from app.main import create_app

    async with running_applications(partial(create_app, clock=shared_clock)) as applications:
        yield applications


@pytest.fixture
async def app(
    settings: Settings,
    applications: Applications,
    clock: Clock,  # noqa: ARG001  It is the shared one, which a module may have set.
    request: pytest.FixtureRequest,
) -> AsyncIterator[Starlette]:
    """The application, started up."""
    async with applications.lent(settings, request) as application:
        yield application


@pytest.fixture(scope="session")
def storage_settings(services: Services, worker_id: str) -> dict[str, str]:
    """A bucket that only these tests put files in: they list all of it, and read all of it."""
    return bucket_settings(services, f"abokonto-actions-{worker_id}")


@pytest.fixture(scope="session")
def bucket(storage_settings: dict[str, str]) -> Storage:
    """The bucket of this test process, by a client that all its tests share."""
    return Storage(Settings.model_validate(storage_settings))


@pytest.fixture
async def competitor(owner: asyncpg.Connection, client: httpx2.AsyncClient) -> Publisher:
    """Another publisher in the same database."""
    return await Publisher.found(owner, client)


@pytest.fixture
async def customer(publisher: Publisher) -> str:
    """The opaque id of a customer whose account is as empty as can be."""
    return encode_id("Customer", await publisher.customer())


@pytest.fixture
async def everything(
    publisher: Publisher, bucket: Storage, owner: asyncpg.Connection
) -> Everything:
    """All that the publisher holds; `async with everything.unchanged():` guards it."""
    return Everything(owner, publisher.tenant_id, bucket)
