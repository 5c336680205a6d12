"""Subscriptions over WebSocket: the protocol graphql-transport-ws.

Queries and mutations are left to HTTP, which has all their limits. The messages are those of
https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. Strawberry's handler is not used:
it fails on messages of unexpected forms, executes mutations as well, and knows neither when a token
ends nor what the documents' limits are.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import orjson
from graphql import OperationType
from starlette.types import Receive, Scope, Send

from app.context import Client
from app.errors import ApiError, ErrorCode
from app.server.answers import RequestRefused
from app.server.clients import client_of, has_preflight
from app.server.documents import Operation
from app.server.faults import answer_for
from app.server.http import ClientDisconnected, HttpError
from app.server.operations import Operations
from app.server.origins import is_own_origin, may_connect
from app.server.requests import GraphQLRequest, parameters
from app.server.streams import Interrupted, Streams
from app.server.transport_ws import (
    BAD_MESSAGE,
    BAD_PROTOCOL,
    FORBIDDEN,
    INIT_TIMEOUT,
    PROTOCOL,
    RESTART,
    SUBSCRIBER_EXISTS,
    TOO_MANY_INITS,
    TRY_LATER,
    UNAUTHORIZED,
    Closed,
    id_of,
    message_of,
)
from app.settings import Settings

INIT_SECONDS = 10.0
"""How long the first message may take."""

_BY_HTTP = "Queries and mutations are answered over HTTP; a WebSocket is for subscriptions."
_TOO_MANY = "There are too many subscriptions over this WebSocket: at most {} are allowed."


class WebSocketEndpoint:
    """An ASGI application that speaks graphql-transport-ws."""

    def __init__(self, operations: Operations, streams: Streams, settings: Settings) -> None:
        self._operations = operations
        self._streams = streams
        self._settings = settings
        self._known: set[Socket] = set()
        """Those of callers who have shown who they are. Nobody unknown takes a place, or they could
        take all of them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket."""
        await receive()
        if not may_connect(scope, self._settings):
            # Before the handshake is done, this answers 403.
            await send({"type": "websocket.close"})
            return
        spoken = PROTOCOL in scope.get("subprotocols", ())
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL if spoken else None})
        socket = Socket(self._operations, self._streams, self._settings, receive, send, self._admit)
        try:
            if not spoken:
                raise Closed(BAD_PROTOCOL, "Subprotocol not acceptable")
            self._expect_room()
            await socket.serve(self._client(scope))
        except Closed as closed:
            scope.setdefault("state", {})["closed"] = closed.code
            await socket.close(closed.code, closed.reason)
        except ClientDisconnected:
            pass
        finally:
            self._known.discard(socket)
            await socket.cancel_all()

    def _expect_room(self) -> None:
        if len(self._known) >= self._settings.max_subscriptions:
            raise Closed(TRY_LATER, "Try again later")

    def _admit(self, socket: "Socket") -> None:
        """Give a place to a WebSocket whose caller is known.

        Raises:
            Closed: when there is none.
        """
        self._expect_room()
        self._known.add(socket)

    def _client(self, scope: Scope) -> Client:
        """Where it comes from; a page of ours needs no header, which it could not send."""
        preflight = has_preflight(scope) or is_own_origin(scope, self._settings)
        return replace(client_of(scope), preflight=preflight)


class Socket:
    """One WebSocket, from its acceptance on."""

    def __init__(
        self,
        operations: Operations,
        streams: Streams,
        settings: Settings,
        receive: Receive,
        send: Send,
        admit: "Callable[[Socket], None]",
    ) -> None:
        self._admit = admit
        self._operations = operations
        self._streams = streams
        self._settings = settings
        self._receive = receive
        self._send_message = send
        self._client: Client | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._is_closed = False

    async def serve(self, client: Client) -> None:
        """Take messages until the client leaves.

        Raises:
            Closed: when we end it.
            ClientDisconnected: when the client did.
        """
        life = asyncio.timeout(INIT_SECONDS)
        try:
            async with life:
                while self._client is None:
                    await self._begin(await self._message(), client)
                deadline = asyncio.get_running_loop().time() + self._settings.subscription_seconds
                life.reschedule(deadline)
                while True:
                    await self._take(await self._message(), self._client)
        except TimeoutError:
            if not life.expired():
                raise
            if self._client is None:
                raise Closed(INIT_TIMEOUT, "Connection initialisation timeout") from None
            raise Closed(RESTART, "Connect again") from None

    async def close(self, code: int, reason: str) -> None:
        """Close the WebSocket, unless that was done."""
        if not self._is_closed:
            self._is_closed = True
            with suppress(OSError):
                await self._send_message(
                    {"type": "websocket.close", "code": code, "reason": reason}
                )

    async def cancel_all(self) -> None:
        """End all subscriptions."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _message(self) -> dict[str, Any]:
        return message_of(await self._receive(), self._settings.max_body_bytes)

    async def _begin(self, message: dict[str, Any], client: Client) -> None:
        """Take a message of somebody who has not said yet who they are."""
        match message["type"]:
            case "connection_init":
                await self._authenticate(message, client)
            case "subscribe":
                raise Closed(UNAUTHORIZED, "Unauthorized")
            case _:
                await self._take_other(message)

    async def _take(self, message: dict[str, Any], client: Client) -> None:
        """Take a message of somebody known."""
        match message["type"]:
            case "connection_init":
                raise Closed(TOO_MANY_INITS, "Too many initialisation requests")
            case "subscribe":
                await self._subscribe(message, client)
            case _:
                await self._take_other(message)

    async def _take_other(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "ping":
                await self._send({"type": "pong"})
            case "pong":
                pass
            case "complete":
                task = self._running.pop(id_of(message), None)
                if task is not None:
                    task.cancel()
                    await asyncio.wait([task])
            case _:
                raise Closed(BAD_MESSAGE, "The message's type is unknown")

    async def _authenticate(self, message: dict[str, Any], client: Client) -> None:
        payload = message.get("payload")
        if not isinstance(payload, dict | None):
            raise Closed(BAD_MESSAGE, "Invalid connection_init payload")
        given = next((v for k, v in (payload or {}).items() if k.lower() == "authorization"), None)
        if given is not None:
            if not isinstance(given, str):
                raise Closed(BAD_MESSAGE, "Authorization must be a string")
            client = replace(client, authorization=given)
        try:
            await self._operations.in_time(self._operations.authenticate(client))
        except HttpError as error:
            raise Closed(FORBIDDEN, "Forbidden") from error
        except Exception as error:
            code = answer_for(error)["extensions"]["code"]
            if code == ErrorCode.UNAUTHENTICATED.value:
                raise Closed(UNAUTHORIZED, "Unauthorized") from error
            raise Closed(TRY_LATER, "Try again later") from error
        self._admit(self)
        self._client = client
        await self._send({"type": "connection_ack"})

    async def _subscribe(self, message: dict[str, Any], client: Client) -> None:
        key = id_of(message)
        if key in self._running:
            raise Closed(SUBSCRIBER_EXISTS, f"Subscriber for {key} already exists")
        try:
            request = parameters(message.get("payload"))
        except HttpError as error:
            raise Closed(BAD_MESSAGE, error.message) from error
        most = self._settings.max_subscriptions_per_socket
        if len(self._running) >= most:
            refusal = ApiError(ErrorCode.RATE_LIMITED, _TOO_MANY.format(most))
            await self._send({"type": "error", "id": key, "payload": [refusal.formatted]})
            return
        self._running[key] = asyncio.create_task(self._stream(key, request, client))

    async def _stream(self, id: str, request: GraphQLRequest, client: Client) -> None:
        """Send one subscription from its beginning to its end."""
        last: dict[str, Any] = {"type": "complete", "id": id}
        try:
            operation = await self._operations.in_time(self._operation(request, client))
            async with self._streams.open(client, operation, request) as events:
                async for payload in events:
                    if payload is not None:
                        await self._send(
                            {"type": "next", "id": id, "payload": orjson.Fragment(payload)}
                        )
        except Interrupted:
            # The client's other subscriptions end as well; it connects again.
            await self.close(RESTART, "Connect again")
        except ClientDisconnected:
            self._is_closed = True
        except RequestRefused as refused:
            last["type"], last["payload"] = "error", refused.errors
        except Exception as error:  # noqa: BLE001  Whatever it is, the client is told.
            last["type"], last["payload"] = "error", [answer_for(error)]
        self._running.pop(id, None)
        with suppress(ClientDisconnected):
            await self._send(last)

    async def _operation(self, request: GraphQLRequest, client: Client) -> Operation:
        document = await self._operations.document(client, request.query)
        if document.errors:
            raise RequestRefused(document.errors)
        operation = document.operation(request.operation_name)
        if operation.kind is not OperationType.SUBSCRIPTION:
            raise ApiError(ErrorCode.BAD_REQUEST, _BY_HTTP)
        return operation

    async def _send(self, message: dict[str, Any]) -> None:
        """Send a message, once the client has taken enough of those before."""
        if self._is_closed:
            raise ClientDisconnected
        text = orjson.dumps(message).decode()
        try:
            await self._send_message({"type": "websocket.send", "text": text})
        except OSError as error:
            # This is what servers raise then, by ASGI.
            raise ClientDisconnected from error
