"""The part of HTTP that the endpoint needs, straight on ASGI."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

import orjson
from starlette.types import Receive, Scope, Send

from app.errors import ApiError, ErrorCode

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"

Headers = list[tuple[bytes, bytes]]


class HttpError(ApiError):
    """A request that isn't GraphQL over HTTP: its status doesn't depend on the media type."""

    def __init__(
        self,
        status: HTTPStatus,
        message: str,
        headers: Mapping[str, str] | None = None,
        code: ErrorCode = ErrorCode.BAD_REQUEST,
    ) -> None:
        super().__init__(code, message)
        self.status = status
        self.headers = dict(headers or {})


class ClientDisconnected(Exception):  # noqa: N818  It is an event, not an error.
    """Nobody waits for the answer any more."""


def header(scope: Scope, name: bytes) -> str | None:
    """A request header's value; several of the same name are joined as HTTP says."""
    values = [value for key, value in scope["headers"] if key == name]
    return b", ".join(values).decode("latin-1") if values else None


async def read_body(scope: Scope, receive: Receive, most: int) -> bytes:
    """The request's body, which is refused before more than `most` bytes of it are held."""
    length = header(scope, b"content-length")
    if length is not None and length.isdecimal() and int(length) > most:
        raise too_large(most)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > most:
            raise too_large(most)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def too_large(most: int) -> HttpError:
    """The rest of the body won't be read, so the connection can't be used again."""
    return HttpError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The body is larger than the {most} bytes allowed.",
        {"Connection": "close"},
    )


async def send_response(
    send: Send,
    status: int,
    media_type: str,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    cookies: Iterable[str] = (),
) -> None:
    """Send a whole response; `cookies` are the values of its `Set-Cookie` headers."""
    fields: Headers = [
        (b"content-type", f"{media_type}; charset=utf-8".encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    for name, value in (headers or {}).items():
        fields.append((name.lower().encode(), value.encode()))
    fields += [(b"set-cookie", cookie.encode()) for cookie in cookies]
    await send({"type": "http.response.start", "status": int(status), "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def send_json(send: Send, status: int, content: object) -> None:
    """Send an object as JSON."""
    await send_response(send, status, JSON, orjson.dumps(content))


def accepted(accept: str | None) -> str | None:
    """The media type to answer with, or none when the client takes neither of ours.

    The higher quality wins, then the one named first; a wildcard means JSON. What else the
    client lists doesn't matter: text/event-stream is for subscriptions, wherever it stands, and for
    clients that take nothing else.
    """
    if accept is None or not accept.strip():
        return JSON
    best: str | None = None
    best_quality = 0.0
    for part in accept.split(","):
        name, *parameters = part.split(";")
        media_type = _OURS.get(name.strip().lower())
        quality = _quality(parameters)
        if media_type is not None and quality > best_quality:
            best, best_quality = media_type, quality
    return best


def accepts_events(accept: str | None) -> bool:
    """Whether the client names the media type of server-sent events; no wildcard means it."""
    return any(
        name.strip().lower() == EVENT_STREAM and _quality(parameters) > 0
        for name, *parameters in (part.split(";") for part in (accept or "").split(","))
    )


_OURS = {
    JSON: JSON,
    GRAPHQL_RESPONSE: GRAPHQL_RESPONSE,
    "application/*": JSON,
    "*/*": JSON,
}


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
