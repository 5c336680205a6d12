"""graphql-transport-ws: what clients may send, who may connect, and where it has an end."""

import asyncio
import json
import socket as sockets
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from app import models
from app.schema.node import encode_id
from app.server import protocol, websocket
from app.settings import Settings
from tests.publisher import Publisher
from tests.server.subscriptions.client import (
    Server,
    Socket,
    asked,
    bearer,
    connected,
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Small limits, and front ends elsewhere."""
    update = {
        "max_body_bytes": 20_000,
        "max_subscriptions_per_socket": 2,
        "cors_origins": ("https://front.example.org",),
        "public_url": "https://account.example.org",
    }
    return settings.model_copy(update=update)


@pytest.fixture
async def export(publisher: Publisher) -> int:
    customer = await publisher.customer()
    return await publisher.make(models.Export, customer_id=customer, status="RUNNING", percent=7)


@pytest.fixture
async def socket(server: Server, publisher: Publisher) -> AsyncIterator[Socket]:
    """A WebSocket of somebody known."""
    async with connected(server) as socket:
        await socket.begin(publisher.token)
        yield socket


@pytest.fixture
async def stranger(server: Server) -> AsyncIterator[Socket]:
    """A WebSocket of somebody who has not said yet who they are."""
    async with connected(server) as socket:
        yield socket


HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
PING = b"\x89\xfd\0\0\0\0" + b"x" * 125
"""A ping as long as can be, masked with nothing; its pong is as long."""

INIT = {"type": "connection_init"}
MESSAGES: dict[str, tuple[Any, int]] = {
    "no JSON": ("{", 4400),
    "a list": ("[]", 4400),
    "a number": ("1", 4400),
    "without type": ("{}", 4400),
    "a type that is no text": ({"type": ["ping"]}, 4400),
    "an unknown type": ({"type": "x" * 500}, 4400),
    "not UTF-16": ('{"type": "\\ud800"}', 4400),
    "bytes": (b'{"type": "ping"}', 4400),
    "nested": ("[" * 15_000, 4400),
    "too large": ({"type": "ping", "payload": "x" * 20_000}, 1009),
}
OF_THE_KNOWN: dict[str, tuple[Any, int]] = {
    **MESSAGES,
    "a second beginning": (INIT, 4429),
    "no id": ({"type": "subscribe", "payload": {"query": "x"}}, 4400),
    "an empty id": ({"type": "subscribe", "id": "", "payload": {"query": "x"}}, 4400),
    "a long id": ({"type": "subscribe", "id": "ü" * 101, "payload": {"query": "x"}}, 4400),
    "an id that is no text": ({"type": "subscribe", "id": {}, "payload": {"query": "x"}}, 4400),
    "no payload": ({"type": "subscribe", "id": "1"}, 4400),
    "no query": ({"type": "subscribe", "id": "1", "payload": {}}, 4400),
    "a query that is no text": ({"type": "subscribe", "id": "1", "payload": {"query": 1}}, 4400),
    "no variables": (
        {"type": "subscribe", "id": "1", "payload": {"query": "x", "variables": 1}},
        4400,
    ),
    "nothing to complete": ({"type": "complete"}, 4400),
}
OF_STRANGERS: dict[str, tuple[Any, int]] = {
    **MESSAGES,
    "a subscription": ({"type": "subscribe", "id": "1", "payload": {"query": "x"}}, 4401),
    "no token": (INIT, 4401),
    "an unknown token": ({**INIT, "payload": bearer("abo_partner_x")}, 4401),
    "no bearer": ({**INIT, "payload": {"Authorization": "Basic x"}}, 4401),
    "a token that is no text": ({**INIT, "payload": {"Authorization": 1}}, 4400),
    "a payload that is no object": ({**INIT, "payload": []}, 4400),
}


async def closing(socket: Socket, message: Any) -> int:
    """How the server closes upon a message."""
    sent = json.dumps(message) if isinstance(message, dict) else message
    await socket.connection.send(sent)
    return await socket.closed()


async def test_a_wrong_message_ends_it(server: Server, publisher: Publisher) -> None:
    ended = {}
    for name, (message, _) in OF_THE_KNOWN.items():
        async with connected(server) as socket:
            await socket.begin(publisher.token)
            ended[name] = await closing(socket, message)
    assert ended == {name: code for name, (_, code) in OF_THE_KNOWN.items()}


async def test_a_stranger_gets_nowhere(server: Server) -> None:
    ended = {}
    for name, (message, _) in OF_STRANGERS.items():
        async with connected(server) as socket:
            ended[name] = await closing(socket, message)
    assert ended == {name: code for name, (_, code) in OF_STRANGERS.items()}


async def test_an_id_is_for_one_subscription_at_a_time(socket: Socket, export: int) -> None:
    await socket.subscribe("1", asked(export))
    assert await socket.next() is not None
    await socket.send("complete", id="1")
    await socket.subscribe("1", asked(export))
    assert await socket.next() is not None
    await socket.subscribe("1", asked(export))
    assert await socket.closed() == 4409


async def test_what_is_completed_is_not_sent_any_more(
    socket: Socket, publisher: Publisher, export: int
) -> None:
    for key in ("1", "2"):
        await socket.subscribe(key, asked(export))
        assert await socket.next(key) is not None
    await socket.send("complete", id="1")
    await socket.send("complete", id="unknown")
    await socket.send("ping")
    assert await socket.receive() == {"type": "pong"}
    await publisher.owner.execute(
        "UPDATE data_export SET status = 'FAILED' WHERE tenant_id = $1", publisher.tenant_id
    )
    assert (await socket.next("2"))["data"]["exportChanged"]["status"] == "FAILED"
    assert await socket.next("2") is None
    await socket.send("ping")
    assert await socket.receive() == {"type": "pong"}


async def test_a_socket_has_only_so_many(socket: Socket, export: int) -> None:
    for key in ("1", "2"):
        await socket.subscribe(key, asked(export))
        assert await socket.next(key) is not None
    await socket.subscribe("3", asked(export))
    assert await socket.refusal("3") == ["RATE_LIMITED"]


async def test_only_subscriptions_are_answered(socket: Socket, publisher: Publisher) -> None:
    customer = await publisher.customer()
    block = (
        'mutation ($id: ID!) { blockCustomer(input: {customerId: $id, reason: "x"})'
        " { userErrors { code } } }"
    )
    for query in ("{ __typename }", block):
        variables = {"id": encode_id("Customer", customer)} if query == block else None
        await socket.subscribe("1", {"query": query, "variables": variables})
        assert await socket.refusal() == ["BAD_REQUEST"]
    blocked = "SELECT login_blocked_at FROM customer WHERE tenant_id = $1 AND id = $2"
    assert await publisher.owner.fetchval(blocked, publisher.tenant_id, customer) is None


async def test_pings_are_answered_before_anybody_is_known(stranger: Socket) -> None:
    await stranger.send("ping", payload={"x": 1})
    assert await stranger.receive() == {"type": "pong"}
    await stranger.send("pong")
    await stranger.send("ping")
    assert await stranger.receive() == {"type": "pong"}


async def test_whoever_says_nothing_is_closed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "INIT_SECONDS", 0.1)
    async with connected(server) as socket:
        assert await socket.closed() == 4408


async def test_the_protocol_must_be_ours(server: Server) -> None:
    async with connected(server, protocol="graphql-ws") as socket:
        assert socket.connection.subprotocol is None
        assert await socket.closed() == 4406


async def test_a_program_can_send_its_token_with_the_handshake(
    server: Server, publisher: Publisher, export: int
) -> None:
    async with connected(server, additional_headers=bearer(publisher.token)) as socket:
        await socket.begin(None)
        await socket.subscribe("1", asked(export))
        assert await socket.next() is not None


async def test_pages_of_other_origins_may_not_connect(server: Server) -> None:
    for origin in ("https://evil.example.org", "http://127.0.0.1:1", "null"):
        with pytest.raises(InvalidStatus) as refused:
            async with connected(server, origin=origin):
                pass
        assert refused.value.response.status_code == 403


async def test_pages_of_front_ends_connect_by_their_token(
    server: Server, publisher: Publisher
) -> None:
    async with connected(server, origin="https://front.example.org") as socket:
        await socket.begin(publisher.token)


async def test_cookies_count_for_pages_of_ours_alone(server: Server, publisher: Publisher) -> None:
    headers = {"Cookie": f"__Host-abokonto_session={publisher.token}"}
    for origin in ("https://account.example.org", f"https://{server.host}"):
        async with connected(server, origin=origin, additional_headers=headers) as socket:
            await socket.begin(None)
    for other in ("https://front.example.org", None):
        async with connected(server, origin=other, additional_headers=headers) as socket:
            assert await closing(socket, INIT) == 4403
    # Over HTTPS, as the public address says we are, pages come by HTTPS.
    with pytest.raises(InvalidStatus):
        async with connected(server, origin=f"http://{server.host}", additional_headers=headers):
            pass


async def test_a_program_shows_that_it_is_no_page(server: Server, publisher: Publisher) -> None:
    headers = {
        "Cookie": f"__Host-abokonto_session={publisher.token}",
        "GraphQL-Require-Preflight": "1",
    }
    async with connected(server, additional_headers=headers) as socket:
        await socket.begin(None)


async def test_it_ends_with_the_token(socket: Socket, publisher: Publisher, export: int) -> None:
    await publisher.owner.execute(
        "UPDATE access_token SET revoked_at = now() WHERE tenant_id = $1", publisher.tenant_id
    )
    await socket.subscribe("1", asked(export))
    assert await socket.refusal() == ["UNAUTHENTICATED"]


async def test_whoever_takes_nothing_is_given_up(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "STALLED_SECONDS", 0.5)
    monkeypatch.setattr(websocket, "INIT_SECONDS", 60)
    host, _, port = server.host.partition(":")
    with sockets.socket() as client:
        client.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        client.connect((host, int(port)))
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, HANDSHAKE)
        assert (await loop.sock_recv(client, 4096)).startswith(b"HTTP/1.1 101 ")
        sent, is_over = 0, False
        # What both ends of a connection hold is less.
        while not is_over and sent < 30_000_000:
            try:
                async with asyncio.timeout(15):
                    await loop.sock_sendall(client, PING * 500)
            except ConnectionError:
                is_over = True
            sent += 500 * len(PING)
    assert is_over
