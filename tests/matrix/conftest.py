"""A publisher and another one, which all callers of a module share."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx2
import pytest
import pytest_asyncio

from tests.asgi import client_of, lifespan
from tests.conftest import cloned, settings_of
from tests.matrix.account import full_account
from tests.matrix.callers import Place
from tests.matrix.table import Table
from tests.publisher import Publisher
from tests.services import Services

Compare = Callable[[str, str, Mapping[str, str]], None]


@dataclass(frozen=True)
class House:
    """An application with a database of its own, and a connection of those who own that."""

    owner: asyncpg.Connection
    client: httpx2.AsyncClient

    async def place(self) -> Place:
        """Where callers are, of whom nobody is known yet."""
        publisher, competitor, elsewhere = [
            await Publisher.found(self.owner, self.client) for _ in range(3)
        ]
        return Place(publisher, competitor, elsewhere, customer=0)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def house(
    services: Services, storage_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """What all of these tests share."""
    from app.main import create_app

    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(cloned(services))
        var = tmp_path_factory.mktemp("matrix")
        # A sweep of deleted files would be a change that no caller made.
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("app.work.sweep._FIRST_SECONDS", 3600)
        application = create_app(settings_of(database, storage_settings, var))
        await stack.enter_async_context(lifespan(application))
        client = await stack.enter_async_context(client_of(application))
        owner = await asyncpg.connect(database.owner_database_url)
        stack.push_async_callback(owner.close)
        yield House(owner, client)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def account(house: House) -> Place:
    """An account with a value in every column, for whoever only reads."""
    place = await house.place()
    place.customer = await full_account(place.publisher)
    return place


def committed(name: str) -> Table:
    """A table, as it is committed."""
    return Table(Path(__file__).with_name(f"{name}.txt"))


@pytest.fixture
def compare(request: pytest.FixtureRequest) -> Compare:
    """Compares what a caller got with the committed table, or writes it there."""
    writes = request.config.getoption("--write-matrix")

    def compared(name: str, caller: str, found: Mapping[str, str]) -> None:
        table = committed(name)
        if writes:
            table.write(caller, found)
        differences = table.differences(caller, found)
        assert not differences, "\n".join([*differences, "To take it over: `make matrix`."])

    return compared
