"""The messages of graphql-transport-ws, and why a WebSocket is closed.

See https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from app.server.http import ClientDisconnected

PROTOCOL = "graphql-transport-ws"

LONGEST_ID = 100
LONGEST_REASON = 120
"""In bytes, of which the frame that closes a WebSocket holds 123."""

# Clients connect again after the last two, and not after others but FORBIDDEN.
BAD_MESSAGE = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
BAD_PROTOCOL = 4406
INIT_TIMEOUT = 4408
SUBSCRIBER_EXISTS = 4409
TOO_MANY_INITS = 4429
TOO_LARGE = 1009
RESTART = 1012
TRY_LATER = 1013


class Closed(Exception):  # noqa: N818  It is an event, not an error.
    """The WebSocket is to be closed, with a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        reason = reason.encode()[:LONGEST_REASON].decode(errors="ignore")
        super().__init__(reason)
        self.code, self.reason = code, reason


def message_of(event: Mapping[str, Any], most_bytes: int) -> dict[str, Any]:
    """The message in an event of ASGI, whose `type` is a text.

    Raises:
        ClientDisconnected: when the client has gone.
        Closed: when it is no message.
    """
    if event["type"] == "websocket.disconnect":
        raise ClientDisconnected
    text = event.get("text")
    if text is None:
        raise Closed(BAD_MESSAGE, "Messages are texts")
    if len(text) > most_bytes:
        raise Closed(TOO_LARGE, "The message is too large")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Closed(BAD_MESSAGE, "The message isn't valid JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise Closed(BAD_MESSAGE, "The message must be an object with a type")
    return message


def id_of(message: Mapping[str, Any]) -> str:
    """The id of the subscription that a message is about.

    Raises:
        Closed: when it is none.
    """
    key = message.get("id")
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_ID:
        raise Closed(BAD_MESSAGE, f"`id` must be a text of at most {LONGEST_ID} characters")
    return key
