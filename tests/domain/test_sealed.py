"""Sealed files: what was written comes back, and nothing else ever does."""

import io
from collections.abc import AsyncIterator

import pytest

from app.domain.files.sealed import CHUNK_BYTES, Sealing, unsealed
from app.encryption import EncryptionError
from tests.rows import KEYRING

PLACE = "data_export.package 1 1"
CHUNK = CHUNK_BYTES + 16


def sealed(content: bytes, place: str = PLACE) -> bytes:
    """A sealed file, written in pieces of odd sizes."""
    target = io.BytesIO()
    sealing = Sealing(target, KEYRING, place)
    for start in range(0, len(content), 50_001):
        sealing.write(content[start : start + 50_001])
    sealing.finish()
    assert sealing.size == len(content)
    return target.getvalue()


async def opened(stored: bytes, place: str = PLACE, piece: int = 70_003) -> bytes:
    """What a sealed file holds, read in pieces of odd sizes."""

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(stored), piece):
            yield stored[start : start + piece]

    return b"".join([data async for data in unsealed(pieces(), KEYRING, place)])


@pytest.mark.parametrize(
    "size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 200_000]
)
@pytest.mark.parametrize("piece", [7_001, 70_003, 10**6])
async def test_what_was_written_comes_back(size: int, piece: int) -> None:
    content = bytes(number % 251 for number in range(size))
    stored = sealed(content)
    assert await opened(stored, piece=piece) == content
    assert content[:100] not in stored or size < 100


async def test_it_comes_back_byte_by_byte() -> None:
    assert await opened(sealed(b"content"), piece=1) == b"content"


async def test_two_files_have_keys_of_their_own() -> None:
    assert sealed(b"content")[-20:] != sealed(b"content")[-20:]


async def test_a_file_of_another_place_is_refused() -> None:
    with pytest.raises(EncryptionError):
        await opened(sealed(b"content"), "data_export.package 1 2")


def _head(stored: bytes, content: bytes) -> int:
    """How long what stands before the chunks is."""
    chunks = max(1, -(-len(content) // CHUNK_BYTES))
    return len(stored) - len(content) - 16 * chunks


@pytest.mark.parametrize(
    "change",
    [
        "a bit",
        "the last byte",
        "the last chunk",
        "the last two",
        "swapped",
        "twice",
        "more",
        "everything",
    ],
)
async def test_a_file_that_was_changed_is_refused(change: str) -> None:
    content = bytes(3 * CHUNK_BYTES)
    stored = sealed(content)
    head = _head(stored, content)
    first, second = stored[head : head + CHUNK], stored[head + CHUNK : head + 2 * CHUNK]
    third = stored[head + 2 * CHUNK :]
    changed = {
        "a bit": stored[: head + 9] + bytes((stored[head + 9] ^ 1,)) + stored[head + 10 :],
        "the last byte": stored[:-1],
        "the last chunk": stored[:-CHUNK],
        "the last two": stored[: -2 * CHUNK],
        "swapped": stored[:head] + second + first + third,
        "twice": stored[:head] + first + first + second + third,
        "more": stored + b"x",
        "everything": b"",
    }[change]
    with pytest.raises(EncryptionError):
        await opened(changed)
