"""Access tokens: opaque random strings that say by their prefix whom they are for."""

import hashlib
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


def make_token(kind: TokenKind) -> str:
    """A new token with 256 bits of entropy.

    The prefix lets secret scanners and people recognise one that leaked.
    """
    return make_secret(_PREFIXES[kind])


def make_secret(prefix: str) -> str:
    """The same for what else is told once and kept as its hash."""
    return prefix + secrets.token_urlsafe(_BYTES)


def hash_token(token: str) -> bytes:
    """What is stored of a token.

    A plain SHA-256 is enough, and fast: nobody can try 2^256 tokens, as they could passwords.
    """
    return hashlib.sha256(token.encode()).digest()
