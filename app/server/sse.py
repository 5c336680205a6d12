"""Subscriptions as server-sent events: GraphQL over SSE, in its mode of distinct connections.

Each response comes as an event `next`, and `complete` at the end. A stream that ends without
`complete` was interrupted: its client may ask for it again.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus

import orjson
from graphql import GraphQLFormattedError
from starlette.types import Receive, Send

from app.server.answers import Answer, RequestRefused
from app.server.faults import answer_for
from app.server.http import EVENT_STREAM, ClientDisconnected
from app.server.streams import Events, Interrupted
from app.server.watch import Watch

_COMPLETE = b"event: complete\ndata: \n\n"
_NOTHING_NEW = b":\n\n"
"""A comment, by which proxies and clients see that somebody is still there."""

_HEADERS = [
    (b"content-type", f"{EVENT_STREAM}; charset=utf-8".encode()),
    (b"cache-control", b"no-store"),
    # nginx would wait for the end.
    (b"x-accel-buffering", b"no"),
]


def as_events(answer: Answer) -> Answer:
    """A whole response as a stream of one event, for clients that take nothing else.

    It is 200 also where the request was wrong: a browser's EventSource shows no other one.
    """
    return answer._replace(status=HTTPStatus.OK, body=_next(answer.body) + _COMPLETE)


async def send_events(
    opened: AbstractAsyncContextManager[Events], receive: Receive, send: Send, seconds: float
) -> None:
    """Send a subscription, for as long as it and its client last and no longer than some time.

    Raises:
        ApiError, RequestRefused: when it can't be begun; nothing was sent then.
        ClientDisconnected: when the client went away.
    """
    begun = False
    last = b""
    try:
        with Watch(receive, after=0):
            async with opened as events:
                await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
                begun = True
                await _send_all(events, send, seconds)
        last = _COMPLETE
    except Interrupted:
        pass
    except RequestRefused as refused:
        if not begun:
            raise
        last = _errors(refused.errors)
    except ClientDisconnected:
        raise
    except Exception as error:
        if not begun:
            raise
        last = _errors([answer_for(error)])
    await send({"type": "http.response.body", "body": last})


async def _send_all(events: Events, send: Send, seconds: float) -> None:
    """Send each event as it comes.

    Raises:
        Interrupted: when the time is over.
    """
    life = asyncio.timeout(seconds)
    try:
        async with life:
            async for payload in events:
                body = _NOTHING_NEW if payload is None else _next(payload)
                await send({"type": "http.response.body", "body": body, "more_body": True})
    except TimeoutError:
        if not life.expired():
            raise
        raise Interrupted from None


def _errors(errors: Sequence[GraphQLFormattedError]) -> bytes:
    return _next(orjson.dumps({"errors": errors})) + _COMPLETE


def _next(payload: bytes) -> bytes:
    """A response as an event; line ends stand between its values only, and would end the event."""
    return b"event: next\ndata: " + payload.replace(b"\n", b" ") + b"\n\n"
