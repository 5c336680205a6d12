"""Where a request comes from, as its connection and its headers tell."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from starlette.requests import cookie_parser
from starlette.types import Scope

from app.auth.cookies import DEVICE, PREFLIGHT_HEADERS, SESSION, cookie_name
from app.context import Client
from app.server.http import header

_PREFLIGHT_NAMES = tuple(name.lower().encode() for name in PREFLIGHT_HEADERS)

_LONGEST_COOKIES = 8_192
_LONGEST_AGENT = 500


def client_of(scope: Scope) -> Client:
    """Where a request comes from."""
    authorization = header(scope, b"authorization")
    agent = header(scope, b"user-agent")
    secure = scope.get("scheme") in {"https", "wss"}
    cookies = _cookies(scope)
    peer = scope.get("client")
    return Client(
        authorization=authorization,
        address=_address(peer[0]) if peer else None,
        user_agent=agent and _printable(agent),
        secure=secure,
        preflight=has_preflight(scope),
        session=cookies.get(cookie_name(SESSION, secure=secure)),
        device=cookies.get(cookie_name(DEVICE, secure=secure)),
    )


def has_preflight(scope: Scope) -> bool:
    """Whether a request has a header that pages of other origins have to ask for."""
    return any(header(scope, name) for name in _PREFLIGHT_NAMES)


def _cookies(scope: Scope) -> dict[str, str]:
    text = header(scope, b"cookie")
    if text is None or len(text) > _LONGEST_COOKIES:
        return {}
    return cookie_parser(text)


@lru_cache(10_000)
def _address(text: str) -> str | None:
    """An address as PostgreSQL takes it; IPv4 in IPv6's clothes as what it is."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)[:_LONGEST_AGENT]
