"""Files that lie encrypted in the object store, written and read a chunk at a time.

A file has a key of its own, which stands before it, encrypted by the keyring:

    length of the encrypted key (2 bytes) · encrypted key · chunks

A chunk is up to 64 KiB, encrypted with AES-256-GCM. Its nonce is its number and whether it is the
last one, so that none can be left out, added, moved or taken from the end without it being noticed.
The file's place is authenticated along with its key, so that no file can stand for another one.
"""

import base64
import io
import secrets
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.encryption import EncryptionError, Keyring

CHUNK_BYTES = 64 * 1024

_TAG_BYTES = 16
_LENGTH_BYTES = 2
_BROKEN = "The file is not what was written."


def export_place(tenant_id: int, export_id: int) -> str:
    """The place of an export's package."""
    return f"data_export.package {tenant_id} {export_id}"


class Sealing(io.RawIOBase):
    """Encrypts what is written to it into another file, until it is finished."""

    def __init__(self, target: BinaryIO, keyring: Keyring, place: str) -> None:
        key = secrets.token_bytes(32)
        self._cipher = AESGCM(key)
        self._target = target
        self._number = 0
        self._waiting = bytearray()
        self._digest = sha256()
        self.size = 0
        """How many bytes were written to it."""
        wrapped = keyring.encrypt(base64.b64encode(key).decode(), place)
        target.write(len(wrapped).to_bytes(_LENGTH_BYTES) + wrapped)

    def writable(self) -> bool:
        """It can be written, and nothing else."""
        return True

    def write(self, data: bytes, /) -> int:  # type: ignore[override]  # Nobody hands it an array.
        """Take the next bytes. The last chunk stays until it is known to be the last."""
        self._waiting += data
        self._digest.update(data)
        self.size += len(data)
        while len(self._waiting) > CHUNK_BYTES:
            self._encrypt(bytes(self._waiting[:CHUNK_BYTES]), last=False)
            del self._waiting[:CHUNK_BYTES]
        return len(data)

    @property
    def sha256(self) -> str:
        """The SHA-256 of what was written to it, in hexadecimal."""
        return self._digest.hexdigest()

    def finish(self) -> None:
        """Write the last chunk, without which nobody takes the file for a whole one."""
        self._encrypt(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _encrypt(self, chunk: bytes, *, last: bool) -> None:
        self._target.write(self._cipher.encrypt(_nonce(self._number, last=last), chunk, None))
        self._number += 1


async def unsealed(
    stored: AsyncIterator[bytes], keyring: Keyring, place: str
) -> AsyncIterator[bytes]:
    """What was written to a file, of the bytes that are stored, a chunk at a time.

    Nothing is given of a chunk that was changed.

    Raises:
        EncryptionError: The file is of another place, was changed, or has no end.
    """
    buffer = bytearray()
    cipher: AESGCM | None = None
    number = 0
    async for data in stored:
        buffer += data
        if cipher is None:
            cipher = _cipher(buffer, keyring, place)
        if cipher is None:
            continue
        for chunk in _whole(buffer):
            yield _decrypted(cipher, chunk, number, last=False)
            number += 1
    if cipher is None:
        raise EncryptionError(_BROKEN)
    yield _decrypted(cipher, bytes(buffer), number, last=True)


def _cipher(buffer: bytearray, keyring: Keyring, place: str) -> AESGCM | None:
    """What decrypts a file, once enough of it is there to know."""
    end = _LENGTH_BYTES + int.from_bytes(buffer[:_LENGTH_BYTES])
    if len(buffer) < max(end, _LENGTH_BYTES):
        return None
    wrapped = bytes(buffer[_LENGTH_BYTES:end])
    del buffer[:end]
    return AESGCM(base64.b64decode(keyring.decrypt(wrapped, place)))


def _whole(buffer: bytearray) -> Iterator[bytes]:
    """The chunks that can't be the last one, taken from what has come."""
    size = CHUNK_BYTES + _TAG_BYTES
    while len(buffer) > size:
        chunk = bytes(buffer[:size])
        del buffer[:size]
        yield chunk


def _decrypted(cipher: AESGCM, chunk: bytes, number: int, *, last: bool) -> bytes:
    try:
        return cipher.decrypt(_nonce(number, last=last), chunk, None)
    except (InvalidTag, ValueError) as error:
        raise EncryptionError(_BROKEN) from error


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11) + bytes((last,))
