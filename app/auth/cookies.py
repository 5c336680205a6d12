"""The cookies of browsers: a session's token, and a token by which a browser is known again.

Scripts can't read them. A page of another origin can make a browser send them along, but can't send
a header of its own without asking first, which is refused: so whatever a cookie signs in needs one.
"""

PREFLIGHT_HEADERS = ("GraphQL-Require-Preflight", "Apollo-Require-Preflight")
"""One of these must be there where a browser could be made to send a request."""

SESSION = "abokonto_session"
DEVICE = "abokonto_device"

DEVICE_SECONDS = 180 * 24 * 3600
"""How long a browser is known again."""

NEEDS_PREFLIGHT = f"Requests that a cookie signs in need the header {PREFLIGHT_HEADERS[0]}: 1."


def cookie_name(name: str, *, secure: bool) -> str:
    """A cookie's name; over HTTPS one that no other host, and nobody without HTTPS, can set."""
    return f"__Host-{name}" if secure else name


def cookie(name: str, value: str, seconds: int, *, secure: bool) -> str:
    """The `Set-Cookie` header that makes a browser keep a cookie, or drop it after no seconds."""
    parts = [
        f"{cookie_name(name, secure=secure)}={value}",
        "Path=/",
        f"Max-Age={seconds}",
        "HttpOnly",
        "SameSite=Lax",
    ]
    return "; ".join([*parts, "Secure"] if secure else parts)
