"""Encrypted values in the database: IBANs, TOTP secrets and the like.

A `Keyring` is made from the settings and handed to whoever writes or reads such a value: actions,
jobs and the demo data. It is no column type of SQLAlchemy, because such a type would need the keys
in a global, and neither way of moving rows goes through it: reads are finished JSON, and seeding
is COPY. What a column holds is bytes:

    version (1 byte) · length of the key's id (1 byte) · key's id · nonce (12 bytes) · ciphertext

The place (`bank_account.iban`) is authenticated along with it, so that a value moved to another
column is refused.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.orm import InstrumentedAttribute

from app.settings import Settings

_VERSION = 1
_NONCE_BYTES = 12
_KEY_BYTES = 32


class EncryptionError(Exception):
    """Keys are missing or malformed, or a value was not encrypted with them for this place."""


class Keyring:
    """The keys of this installation: the first encrypts, all decrypt, one makes lookup hashes.

    To rotate, put a new key first and keep the old ones until every value is encrypted anew.
    """

    def __init__(self, keys: Mapping[str, bytes], lookup_key: bytes) -> None:
        if not keys:
            raise EncryptionError("There is no encryption key.")
        if any(len(key) != _KEY_BYTES for key in (*keys.values(), lookup_key)):
            raise EncryptionError(f"Keys have {_KEY_BYTES} bytes.")
        if any(not 1 <= len(name.encode()) <= 255 for name in keys):
            raise EncryptionError("The id of a key has 1 to 255 bytes.")
        self._current = next(iter(keys))
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}
        self._lookup_key = lookup_key

    @classmethod
    def from_settings(cls, settings: Settings) -> "Keyring":
        """The keys that are configured.

        Raises:
            EncryptionError: A key is missing or malformed.
        """
        if settings.encryption_keys is None or settings.lookup_key is None:
            raise EncryptionError("The encryption keys and the lookup key are not configured.")
        keys: dict[str, bytes] = {}
        for pair in settings.encryption_keys.get_secret_value().split(","):
            name, _, key = pair.strip().partition(":")
            if name in keys:
                raise EncryptionError(f"There are two encryption keys with the id {name}.")
            keys[name] = _decoded(key)
        return cls(keys, _decoded(settings.lookup_key.get_secret_value()))

    def encrypt(self, value: str, place: "str | InstrumentedAttribute[bytes | None]") -> bytes:
        """Encrypt a text for a column, as `BankAccount.iban` or `"bank_account.iban"`."""
        name = self._current.encode()
        header = bytes((_VERSION, len(name))) + name
        nonce = secrets.token_bytes(_NONCE_BYTES)
        context = header + _place(place).encode()
        return header + nonce + self._ciphers[self._current].encrypt(nonce, value.encode(), context)

    def decrypt(self, stored: bytes, place: "str | InstrumentedAttribute[bytes | None]") -> str:
        """The text that was encrypted for a column.

        Raises:
            EncryptionError: The key is unknown, or the bytes were not made by it for this column.
        """
        name_end = 2 + stored[1] if len(stored) > 1 else 0
        nonce_end = name_end + _NONCE_BYTES
        if len(stored) <= nonce_end or stored[0] != _VERSION:
            raise EncryptionError("This is no encrypted value.")
        cipher = self._ciphers.get(stored[2:name_end].decode(errors="replace"))
        if cipher is None:
            raise EncryptionError("The key that this value was encrypted with is not configured.")
        context = stored[:name_end] + _place(place).encode()
        try:
            plain = cipher.decrypt(stored[name_end:nonce_end], stored[nonce_end:], context)
        except InvalidTag as error:
            raise EncryptionError("The value was not encrypted for this column.") from error
        return plain.decode()

    def is_current(self, stored: bytes) -> bool:
        """Whether a value was encrypted with the first key, and so needs no rotation."""
        name = self._current.encode()
        return stored.startswith(bytes((_VERSION, len(name))) + name)

    def lookup_hash(self, value: str) -> bytes:
        """A keyed hash by which an encrypted value is found again, and not guessed.

        There are few enough IBANs to try them all against a plain hash.
        """
        return hmac.digest(self._lookup_key, value.encode(), hashlib.sha256)

    def seal(self, text: str) -> bytes:
        """A seal under a text, which nobody can make without the keys.

        Its key is made from that of the lookup hashes, by another function than they are, so that
        no lookup hash is ever a seal, or the key of one.
        """
        key = hmac.digest(self._lookup_key, b"history seal", hashlib.sha512)
        return hmac.digest(key, text.encode(), hashlib.sha256)


def _place(place: "str | InstrumentedAttribute[bytes | None]") -> str:
    if isinstance(place, str):
        return place
    return f"{place.class_.__tablename__}.{place.key}"


def _decoded(key: str) -> bytes:
    try:
        return base64.b64decode(key.strip(), validate=True)
    except binascii.Error as error:
        raise EncryptionError("Keys are written in base64.") from error
