"""Applications that tests share, since starting one takes longer than most of them do."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import pytest
from starlette.applications import Starlette

from app.settings import Settings
from app.work import sweep
from tests.asgi import lifespan

Make = Callable[[Settings], Starlette]


class Applications:
    """Running applications, one for each configuration that a test asked for."""

    def __init__(self, make: Make, stack: AsyncExitStack) -> None:
        self._make = make
        self._stack = stack
        self._known: list[tuple[dict[str, Any], Starlette]] = []

    async def get(self, settings: Settings) -> Starlette:
        """The one with a configuration, started at the first time."""
        # A test's own folder means nothing to an application that has a database and a bucket.
        wanted = settings.model_dump(exclude={"var_directory"})
        for known, application in self._known:
            if known == wanted:
                return application
        application = self._make(settings)
        await self._stack.enter_async_context(lifespan(application))
        self._known.append((wanted, application))
        return application

    @asynccontextmanager
    async def lent(
        self, settings: Settings, request: pytest.FixtureRequest
    ) -> AsyncIterator[Starlette]:
        """An application for a test.

        Where the test has patched something, what the application keeps may come of that, and
        where it counts statements, they depend on what is kept: then it gets one of its own, as it
        does where it has a database of its own.
        """
        names = set(request.fixturenames)
        if "shared_database" in names and names.isdisjoint({"monkeypatch", "statements"}):
            yield await self.get(settings)
        else:
            application = self._make(settings)
            async with lifespan(application):
                yield application


@asynccontextmanager
async def running_applications(make: Make) -> AsyncIterator[Applications]:
    """Applications that run until the block ends."""
    with pytest.MonkeyPatch.context() as patch:
        # They live long enough to sweep in the middle of a test that looks at what is swept.
        patch.setattr(sweep, "_FIRST_SECONDS", 86_400)
        async with AsyncExitStack() as stack:
            yield Applications(make, stack)


@asynccontextmanager
async def lent_connection(connection: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """A connection for a test, which gives it back as it was."""
    yield connection
    await connection.reset()
