"""One log line for each request, and the headers that every answer carries."""

import time
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.exports.links import PATH as EXPORTS

log = structlog.get_logger("abokonto.requests")

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)

_QUIET_PATHS = frozenset({"/healthz", "/readyz"})


class AccessLog:
    """Writes what was asked, by whom, how it ended and how long it took.

    The operation's name is the client's own word for it; its text and variables may hold
    personal data and are left out.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and note how it ended."""
        if scope["type"] == "websocket":
            await self._log_websocket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", ()))
                names = {name for name, _ in headers}
                message["headers"] = headers + [
                    (name, value) for name, value in SECURITY_HEADERS if name not in names
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            if scope["path"] not in _QUIET_PATHS:
                milliseconds = round((time.perf_counter() - started) * 1000, 1)
                log.info(
                    "request",
                    method=scope["method"],
                    path=_path(scope["path"]),
                    status=status,
                    ms=milliseconds,
                    **_of_operation(scope.get("state", {})),
                )

    async def _log_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a WebSocket on and note its end; what is asked for over it is logged apart."""
        started = time.perf_counter()
        try:
            await self._app(scope, receive, send)
        finally:
            log.info(
                "websocket",
                path=_path(scope["path"]),
                closed=scope.get("state", {}).get("closed"),
                seconds=round(time.perf_counter() - started, 1),
            )


def _path(path: str) -> str:
    """A path without what lets whoever reads the log do what it was made for."""
    return EXPORTS if path.startswith(EXPORTS) else path[:200]


def _of_operation(note: dict[str, Any]) -> dict[str, Any]:
    operation, principal = note.get("operation"), note.get("principal")
    found: dict[str, Any] = {}
    if operation is not None:
        found["operation"] = (operation.name or "")[:100]
        found["kind"] = operation.kind.value
    if principal is not None:
        found["principal"] = f"{principal.kind}:{principal.token_id}"
        found["tenant"] = principal.tenant_id
    return found
