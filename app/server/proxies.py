"""What is known of the way by which requests come, besides what proxies say that are trusted."""

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from app.server.http import header

log = structlog.get_logger("abokonto.proxies")

_SECURE = {"http": "https", "websocket": "wss"}


class UntrustedProxies:
    """Warns once where requests have come by a proxy that is not believed.

    All clients then have the proxy's address: whoever guesses passwords slows down everybody, and
    cookies are not kept for HTTPS. Anybody can send such a header, so it is no more than a hint.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._told = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if not self._told and scope["type"] == "http" and header(scope, b"x-forwarded-for"):
            self._told = True
            log.warning(
                "proxy_not_trusted",
                message="Requests have X-Forwarded-For and no proxy is trusted. Behind a proxy, "
                "set ABOKONTO_TRUSTED_PROXIES, or all clients count as one.",
            )
        await self._app(scope, receive, send)


class ByHttps:
    """Takes each request for one by HTTPS, where that is how browsers know us.

    Whatever a proxy in between says or leaves out, cookies are then kept for HTTPS alone.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] in _SECURE:
            scope["scheme"] = _SECURE[scope["type"]]
        await self._app(scope, receive, send)
