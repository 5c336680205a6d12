"""Which pages may open a WebSocket, for which browsers ask nobody beforehand."""

from urllib.parse import urlsplit

from starlette.types import Scope

from app.server.http import header
from app.settings import Settings


def is_own_origin(scope: Scope, settings: Settings) -> bool:
    """Whether the page that connects stands on this server, as its browser says.

    Only such a page's cookies count. Over HTTPS its page must have come by HTTPS as well.
    """
    origin = urlsplit(header(scope, b"origin") or "")
    if origin.scheme not in {"http", "https"}:
        return False
    public = urlsplit(settings.public_url or "")
    secure = scope.get("scheme") == "wss" or public.scheme == "https"
    own = {(header(scope, b"host") or "").lower(), public.netloc.lower()} - {""}
    return origin.netloc.lower() in own and (origin.scheme == "https" or not secure)


def may_connect(scope: Scope, settings: Settings) -> bool:
    """Whether whoever connects is no page, or one of an origin that may ask us otherwise, too."""
    origin = header(scope, b"origin")
    if origin is None or is_own_origin(scope, settings):
        return True
    return "*" in settings.cors_origins or origin in settings.cors_origins
