"""Opaque texts: what clients hand back and should not read, such as ids and cursors."""

import base64

LARGEST_KEY = 2**63 - 1
"""The largest key that a row can have."""


def encode(text: str) -> str:
    """Base64 for URLs without padding; PostgreSQL makes the same of ids and cursors."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(opaque: str) -> str:
    """The text in an opaque one.

    Raises:
        ValueError: when it is none.
    """
    padded = opaque + "=" * (-len(opaque) % 4)
    return base64.b64decode(padded, altchars=b"-_", validate=True).decode()


def key(text: str) -> int:
    """The key of a row, as it stands in an opaque text.

    Raises:
        ValueError: when no row can have it.
    """
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= LARGEST_KEY):
        raise ValueError(text)
    return int(text)
