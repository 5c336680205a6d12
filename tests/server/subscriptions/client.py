"""A real server in the test's own process, and clients that subscribe by either way."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import httpx2
import uvicorn
from websockets.asyncio.client import ClientConnection, connect

from app import models
from app.commands.serving import server_configuration
from app.main import create_app
from app.schema.node import encode_id
from app.settings import Settings
from tests.publisher import Publisher

PROTOCOL = "graphql-transport-ws"
FOLLOW = "subscription ($id: ID!) { exportChanged(id: $id) { status percent } }"
SECONDS = 20
"""How long a test waits for anything at most."""


class Server:
    """A server, and where it is."""

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self.host = f"127.0.0.1:{listener.getsockname()[1]}"
        self.url = f"http://{self.host}"
        self._uvicorn = uvicorn.Server(server_configuration(create_app(settings)))
        self._task = asyncio.create_task(self._uvicorn.serve([listener]))

    async def started(self) -> None:
        """Wait until it answers."""
        while not self._uvicorn.started:
            assert not self._task.done()
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """End it as SIGTERM does, and wait until it has."""
        self._uvicorn.should_exit = True
        await self._task

    @property
    def open_connections(self) -> int:
        """How many connections it has."""
        return len(self._uvicorn.server_state.connections)


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[Server]:
    """The whole application behind a real server, with the protocols that it is served by."""
    server = Server(settings, socket.create_server(("127.0.0.1", 0)))
    await server.started()
    try:
        yield server
    finally:
        await server.stop()


def asked(export: int, query: str = FOLLOW) -> dict[str, Any]:
    """The parameters of a subscription that follows an export."""
    return {"query": query, "variables": {"id": encode_id("Export", export)}}


def bearer(token: str) -> dict[str, str]:
    """The header that says who asks."""
    return {"Authorization": f"Bearer {token}"}


class Stream:
    """A subscription as server-sent events."""

    def __init__(self, source: AsyncIterator[Any]) -> None:
        self._source = source

    async def next(self) -> Any:
        """The next response, or None when it is complete."""
        async with asyncio.timeout(SECONDS):
            event = await anext(self._source)
        if event.event == "complete":
            return None
        assert event.event == "next"
        return json.loads(event.data)

    async def rest(self) -> list[Any]:
        """All responses that are still to come."""
        found = []
        while (response := await self.next()) is not None:
            found.append(response)
        return found


@asynccontextmanager
async def streamed(
    publisher: Publisher, content: dict[str, Any], token: str | None = None, **headers: str
) -> AsyncIterator[Stream]:
    """Subscribe by server-sent events."""
    given = {**bearer(token or publisher.token), **headers}
    async with publisher.client.sse(
        "/graphql", method="POST", json=content, headers=given
    ) as source:
        yield Stream(aiter(source))


class Socket:
    """A WebSocket that speaks graphql-transport-ws."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, type: str, **rest: Any) -> None:
        """Send a message."""
        await self.connection.send(json.dumps({"type": type, **rest}))

    async def receive(self) -> dict[str, Any]:
        """The next message."""
        async with asyncio.timeout(SECONDS):
            message: dict[str, Any] = json.loads(await self.connection.recv())
        return message

    async def begin(self, token: str | None) -> None:
        """Say who we are, by a token or else by what came with the handshake."""
        payload = bearer(token) if token else None
        await self.send("connection_init", payload=payload)
        assert await self.receive() == {"type": "connection_ack"}

    async def subscribe(self, id: str, content: dict[str, Any]) -> None:
        """Begin a subscription."""
        await self.send("subscribe", id=id, payload=content)

    async def next(self, id: str = "1") -> Any:
        """The next response of a subscription, or None when it is complete."""
        message = await self.receive()
        assert message["id"] == id
        if message["type"] == "complete":
            return None
        assert message["type"] == "next", message
        return message["payload"]

    async def refusal(self, id: str = "1") -> list[str]:
        """The codes of the errors that end a subscription."""
        message = await self.receive()
        assert (message["type"], message["id"]) == ("error", id), message
        return [error["extensions"]["code"] for error in message["payload"]]

    async def closed(self) -> int:
        """The code with which the server closes."""
        async with asyncio.timeout(SECONDS):
            await self.connection.wait_closed()
        code = self.connection.close_code
        assert code is not None
        return code


@asynccontextmanager
async def connected(
    server: Server, *, protocol: str = PROTOCOL, **options: Any
) -> AsyncIterator[Socket]:
    """Open a WebSocket."""
    url = f"ws://{server.host}/graphql"
    subprotocols: Any = [protocol]
    async with connect(url, subprotocols=subprotocols, proxy=None, **options) as connection:
        yield Socket(connection)


def client_of(server: Server) -> httpx2.AsyncClient:
    """A client of a server; use it as a context manager."""
    return httpx2.AsyncClient(base_url=server.url, timeout=SECONDS)


class Followed(Protocol):
    """A subscription, whichever way it is sent."""

    async def next(self) -> Any:
        """The next response, or None when it is complete."""
        ...


class OverSocket:
    """A subscription over a WebSocket of its own."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket

    async def next(self) -> Any:
        """The next response, or None when it is complete."""
        message = await self._socket.receive()
        if message["type"] == "error":
            return {"errors": message["payload"]}
        return message.get("payload")


Follow = Callable[..., AbstractAsyncContextManager[Followed]]
"""Follows an export: a publisher, a key, and perhaps a token and a query."""


async def running(publisher: Publisher, **values: Any) -> int:
    """An export that is being made."""
    customer = await publisher.customer()
    return await publisher.make(
        models.Export, customer_id=customer, **{"status": "RUNNING", "percent": 0, **values}
    )


async def progress(publisher: Publisher, export: int, percent: int, **values: str) -> None:
    """Let an export be so far."""
    status = values.get("status", "RUNNING")
    await publisher.owner.execute(
        "UPDATE data_export SET percent = $1, status = $2 WHERE tenant_id = $3 AND id = $4",
        percent,
        status,
        publisher.tenant_id,
        export,
    )


def shown(percent: int, status: str = "RUNNING") -> dict[str, Any]:
    """The response with an export."""
    return {"data": {"exportChanged": {"status": status, "percent": percent}}}


def codes(response: dict[str, Any]) -> list[str]:
    """The codes of a response that holds nothing else."""
    assert "data" not in response
    return [error["extensions"]["code"] for error in response["errors"]]


def at(publisher: Publisher, client: httpx2.AsyncClient) -> Publisher:
    """The same publisher at another server."""
    there = Publisher(publisher.owner, client, publisher.tenant_id)
    there.token = publisher.token
    return there
