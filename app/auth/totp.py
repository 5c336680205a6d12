"""Codes of authenticator apps (RFC 6238): 30 seconds a step, six digits, SHA-1, 160-bit secrets.

Which step a code belongs to is decided here; that no step is used twice is the database's to see
to, by one UPDATE that raises the last step used.
"""

from datetime import datetime
from hmac import compare_digest
from io import BytesIO

import pyotp
import segno

STEP_SECONDS = 30
DIGITS = 6

_SECRET_CHARACTERS = 32
"""Base32 has five bits a character, so these are the 160 bits that RFC 4226 recommends."""

_STEPS_BACK = 1
"""Clocks differ, and typing takes a moment; RFC 6238 allows for one step."""


def new_secret() -> str:
    """A secret in base32, as authenticator apps take it."""
    return pyotp.random_base32(_SECRET_CHARACTERS)


def step_of(secret: str, code: str, at: datetime) -> int | None:
    """The step that a code belongs to: the one at this time or the one before; None for neither."""
    code = "".join(code.split())
    if len(code) != DIGITS or not (code.isascii() and code.isdecimal()):
        return None
    generator = pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS)
    now = int(at.timestamp()) // STEP_SECONDS
    # Each is compared, so that the time does not tell which one it was.
    matching = [
        step
        for step in range(now - _STEPS_BACK, now + 1)
        if compare_digest(generator.generate_otp(step), code)
    ]
    return matching[-1] if matching else None


def provisioning_uri(secret: str, *, account: str, issuer: str) -> str:
    """The `otpauth:` address that sets up an authenticator app."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS).provisioning_uri(
        name=account, issuer_name=issuer
    )


def qr_code(uri: str) -> str:
    """An address as a QR code, in a whole SVG document."""
    document = BytesIO()
    segno.make(uri, error="m", micro=False).save(
        document, kind="svg", xmldecl=False, scale=4, border=4, dark="#000", light="#fff"
    )
    return document.getvalue().decode().strip()
