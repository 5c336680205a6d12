"""Fixtures of the tests of signing in, each of which founds tenants and people of its own."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx2
import pytest

from tests.asgi import client_of
from tests.auth.people import Person, employ
from tests.publisher import Publisher


@pytest.fixture
async def erika(owner: asyncpg.Connection, publisher: Publisher) -> Person:
    """An agent of the publisher."""
    return await employ(owner, publisher.tenant_id, role="agent")


@pytest.fixture
async def elsewhere(app: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the application at another address."""
    transport = httpx2.ASGITransport(app, client=("203.0.113.9", 4711))
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


@pytest.fixture
async def browser(app: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """A client by HTTPS, which keeps cookies."""
    async with client_of(app) as client:
        client.base_url = httpx2.URL("https://testserver")
        yield client


@pytest.fixture(autouse=True)
async def _no_tries_of_others(owner: asyncpg.Connection) -> None:
    """Begin with no tries: all tests come from one address, and share its 50 free ones."""
    await owner.execute("DELETE FROM throttle")
