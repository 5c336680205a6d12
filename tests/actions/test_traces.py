"""The search for traces is not blind: whatever a mark is packed or written in, it is found."""

import base64
import gzip
import io
import json
import zlib
from collections.abc import Callable

import pikepdf
import pytest

from tests.actions.traces import Places
from tests.files.genuine import written
from tests.files.zips import packed, word

MARK = "ABCDEF000017"
_TEXT = f"Liebe Frau {MARK}!".encode()


def _with_stream() -> bytes:
    document = pikepdf.new()
    document.add_blank_page()
    document.pages[0].Contents = document.make_stream(b"(" + _TEXT + b") Tj")
    return written(document, compress_streams=True, recompress_flate=True)


def _with_title() -> bytes:
    document = pikepdf.new()
    document.add_blank_page()
    # A letter that makes it UTF-16.
    document.docinfo["/Title"] = f"\N{SNOWMAN} {MARK}"
    return written(document, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def _with_attachment() -> bytes:
    document = pikepdf.new()
    document.add_blank_page()
    document.attachments["factur-x.xml"] = b"<Name>" + _TEXT + b"</Name>"
    return written(document)


def _escaped() -> bytes:
    return "".join(f"\\u{ord(letter):04x}" for letter in MARK).encode()


WRITTEN: dict[str, Callable[[], bytes]] = {
    "plain": lambda: _TEXT,
    "small letters": _TEXT.lower,
    "a document of Word": lambda: packed(word(document=_TEXT)),
    "an archive in an archive": lambda: packed({"a.zip": packed({"b.txt": _TEXT})}),
    "the name of a member": lambda: packed({f"{MARK}.txt": b""}),
    "a PDF's page": _with_stream,
    "a PDF's title": _with_title,
    "a PDF's attachment": _with_attachment,
    "gzip": lambda: gzip.compress(_TEXT),
    "zlib": lambda: zlib.compress(_TEXT),
    "UTF-16": lambda: _TEXT.decode().encode("utf-16"),
    "UTF-16, the other way round": lambda: _TEXT.decode().encode("utf-16-be"),
    "hexadecimal": lambda: json.dumps(_TEXT.hex()).encode(),
    "bytes of the database": lambda: json.dumps(f"\\x{zlib.compress(_TEXT).hex()}").encode(),
    "JSON's escapes": _escaped,
    "base64": lambda: base64.b64encode(_TEXT),
    "base64 behind one more": lambda: base64.b64encode(b"x" + _TEXT),
    "base64 behind two more": lambda: base64.b64encode(b"xy" + _TEXT),
    "base64 for addresses": lambda: b"/exports/" + base64.urlsafe_b64encode(b"\xff\xfe" + _TEXT),
    "base64 in an archive": lambda: packed({"a.eml": base64.b64encode(_TEXT)}),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_a_mark_is_found_however_it_is_written(way: str) -> None:
    places = Places()
    places.add("here", WRITTEN[way]())
    places.add("there", b"Nothing.")
    assert places.holding([MARK.lower(), "abcdef000018"]) == {MARK.lower(): {"here"}}


def test_where_there_is_none_none_is_found() -> None:
    places = Places()
    places.add("here", io.BytesIO(_TEXT).getvalue().replace(MARK.encode(), b"Muster"))
    assert places.holding([MARK.lower()]) == {}
