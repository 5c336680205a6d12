"""Recovery codes: each stands in once for a second factor that was lost.

They have 80 random bits and are kept as keyed hashes, so that a copy of the database alone is
worth nothing. That none is used twice is the database's to see to, by one UPDATE.
"""

import base64
import secrets

from app.encryption import Keyring

COUNT = 10

_BYTES = 10
_GROUP = 4
_LENGTH = _BYTES * 8 // 5


def new_codes() -> list[str]:
    """Ten codes, as people write them down: `XXXX-XXXX-XXXX-XXXX`."""
    return [_grouped(base64.b32encode(secrets.token_bytes(_BYTES)).decode()) for _ in range(COUNT)]


def hash_code(keyring: Keyring, holder: str, code: str) -> bytes | None:
    """What is kept of a code of somebody's, as `staff:7`; None for what can't be one.

    Case, blanks and hyphens do not matter.
    """
    plain = "".join(code.split()).replace("-", "").upper()
    if len(plain) != _LENGTH or not plain.isascii():
        return None
    return keyring.lookup_hash(f"recovery code:{holder}:{plain}")


def _grouped(code: str) -> str:
    return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))
