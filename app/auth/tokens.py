"""Access tokens: opaque random strings that say by their prefix whom they are for."""

import hashlib
import re
import secrets

from app.models.access_token import TokenKind

_BYTES = 32
_PREFIXES = {
    TokenKind.STAFF: "abo_staff_",
    TokenKind.PARTNER: "abo_partner_",
    TokenKind.CUSTOMER: "abo_customer_",
}
DEVICE = "abo_device_"
INVITATION = "abo_invitation_"

_OUR_DEVICE = re.compile(DEVICE + r"[\w-]{43}", re.ASCII)


def make_token(kind: TokenKind) -> str:
    """A new token with 256 bits of entropy.

    The prefix lets secret scanners and people recognise one that leaked.
    """
    return make_secret(_PREFIXES[kind])


def make_secret(prefix: str) -> str:
    """The same for what else is told once and kept as its hash."""
    return prefix + secrets.token_urlsafe(_BYTES)


def device_token(given: str | None) -> str:
    """The token that a device keeps: its own, where it is one of ours, or else a new one.

    Others' own words could be guessed: whoever does so would be taken for the device.
    """
    return given if given and _OUR_DEVICE.fullmatch(given) else make_secret(DEVICE)


def hash_token(token: str) -> bytes:
    """What is stored of a token.

    A plain SHA-256 is enough, and fast: nobody can try 2^256 tokens, as they could passwords.
    """
    return hashlib.sha256(token.encode()).digest()
