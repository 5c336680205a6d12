"""What tests of subscriptions share: a real server, publishers at it, and both ways to follow."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncpg
import pytest

from app.settings import Settings
from tests.conftest import Database
from tests.publisher import Publisher
from tests.server.subscriptions.client import (
    FOLLOW,
    Follow,
    Followed,
    OverSocket,
    Server,
    asked,
    client_of,
    connected,
    served,
    streamed,
)


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The database in which these tests found their publishers, side by side."""
    return shared_database


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A configuration in which a token is looked up often."""
    return settings.model_copy(update={"subscription_check_seconds": 0.2})


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[Server]:
    """The application behind a real server."""
    async with served(settings) as server:
        yield server


@pytest.fixture
async def publisher(owner: asyncpg.Connection, server: Server) -> AsyncIterator[Publisher]:
    """A publisher with a token that may everything, at that server."""
    async with client_of(server) as client:
        yield await Publisher.found(owner, client)


@pytest.fixture(params=["sse", "websocket"])
def follow(request: pytest.FixtureRequest, server: Server) -> Follow:
    """Both ways to follow an export."""

    @asynccontextmanager
    async def over_socket(
        publisher: Publisher, export: int, token: str | None = None, query: str = FOLLOW
    ) -> AsyncIterator[Followed]:
        async with connected(server) as socket:
            await socket.begin(token or publisher.token)
            await socket.subscribe("1", asked(export, query))
            yield OverSocket(socket)

    def as_events(
        publisher: Publisher, export: int, token: str | None = None, query: str = FOLLOW
    ) -> AbstractAsyncContextManager[Followed]:
        return streamed(publisher, asked(export, query), token)

    return as_events if request.param == "sse" else over_socket
