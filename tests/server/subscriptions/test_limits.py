"""Subscriptions have an end: in number, in time, and with the server."""

import asyncio

import httpx2
import pytest

from app.auth.permissions import Permission
from app.settings import Settings
from tests.publisher import Publisher
from tests.server.subscriptions.client import (
    asked,
    at,
    bearer,
    client_of,
    codes,
    connected,
    running,
    served,
    shown,
    streamed,
)


async def test_a_server_that_ends_waits_for_no_subscription(
    publisher: Publisher, settings: Settings
) -> None:
    export = await running(publisher)
    async with served(settings) as server, client_of(server) as client, connected(server) as socket:
        await socket.begin(publisher.token)
        await socket.subscribe("1", asked(export))
        assert await socket.next() == shown(0)
        async with streamed(at(publisher, client), asked(export)) as stream:
            assert await stream.next() == shown(0)
            async with asyncio.timeout(5):
                await server.stop()
            # There is no `complete`, so that clients ask again.
            with pytest.raises(StopAsyncIteration):
                await stream.next()
        assert await socket.closed() == 1012


async def test_a_subscription_lives_only_so_long(publisher: Publisher, settings: Settings) -> None:
    export = await running(publisher)
    short = settings.model_copy(update={"subscription_seconds": 0.5})
    async with served(short) as server, client_of(server) as client, connected(server) as socket:
        await socket.begin(publisher.token)
        await socket.subscribe("1", asked(export))
        async with streamed(at(publisher, client), asked(export)) as stream:
            assert await stream.next() == shown(0)
            with pytest.raises(StopAsyncIteration):
                await stream.next()
        assert await socket.closed() == 1012


async def test_a_token_has_only_so_many(publisher: Publisher, settings: Settings) -> None:
    export = await running(publisher)
    few = settings.model_copy(update={"max_subscriptions_per_token": 1})
    async with served(few) as server, client_of(server) as client, connected(server) as socket:
        there = at(publisher, client)
        await socket.begin(publisher.token)
        async with streamed(there, asked(export)) as stream:
            await stream.next()
            await socket.subscribe("1", asked(export))
            assert await socket.refusal() == ["RATE_LIMITED"]
            answer = await _answer(there, export)
            assert (answer.status_code, codes(answer.json())) == (429, ["RATE_LIMITED"])
        # Whoever leaves makes room.
        async with asyncio.timeout(5):
            while True:
                async with streamed(there, asked(export)) as stream:
                    if (await stream.next()) == shown(0):
                        break


async def test_a_worker_has_only_so_many(publisher: Publisher, settings: Settings) -> None:
    export = await running(publisher)
    few = settings.model_copy(update={"max_subscriptions": 1})
    async with served(few) as server, client_of(server) as client:
        there = at(publisher, client)
        other = await publisher.issue_token(Permission.EXPORT_READ)
        async with streamed(there, asked(export)) as stream, connected(server) as socket:
            await stream.next()
            await socket.begin(other)
            await socket.subscribe("1", asked(export))
            assert await socket.refusal() == ["UNAVAILABLE"]
            answer = await _answer(there, export, other)
            assert (answer.status_code, codes(answer.json())) == (503, ["UNAVAILABLE"])
            async with connected(server) as one_too_many:
                assert await one_too_many.closed() == 1013


async def test_nobody_unknown_takes_a_place(publisher: Publisher, settings: Settings) -> None:
    few = settings.model_copy(update={"max_subscriptions": 1})
    async with served(few) as server, connected(server), connected(server) as socket:
        await socket.begin(publisher.token)
        async with connected(server) as one_too_many:
            assert await one_too_many.closed() == 1013


async def _answer(publisher: Publisher, export: int, token: str | None = None) -> httpx2.Response:
    """What comes in place of events."""
    headers = {**bearer(token or publisher.token), "Accept": "text/event-stream"}
    return await publisher.client.post("/graphql", json=asked(export), headers=headers)
