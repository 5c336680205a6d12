"""The process that parses files: nothing is lost with it, and little can be done from it.

It gets no environment, so it knows no password and no key; it may take so much memory and time,
and write no file. What it reads and answers is described by `app/files/sandbox.py`. A parser that
crashes takes it along, and the next file gets another.
"""

import contextlib
import json
import os
import resource
import signal
import sys
from dataclasses import asdict
from typing import BinaryIO

from app.domain.files.checks import check
from app.domain.files.refusals import FileRefused
from app.domain.files.thumbnails import thumbnail
from app.files.frames import LENGTHS, READY

MOST_MEMORY_BYTES = 1_000_000_000
"""Of address space. The largest image takes up to 700 MB while it is decoded and drawn small."""

_MOST_OPEN_FILES = 64


def main() -> None:
    """Answer until there are no more files."""
    seconds = float(sys.argv[1])
    incoming, outgoing = _channels()
    _load_parsers()
    _limit()
    outgoing.write(READY)
    outgoing.flush()
    while lengths := incoming.read(LENGTHS.size):
        name_length, content_length = LENGTHS.unpack(lengths)
        name = incoming.read(name_length).decode()
        content = incoming.read(content_length)
        # The other side ends this process in time; this is for when it is gone itself.
        signal.setitimer(signal.ITIMER_REAL, seconds)
        found, picture = _answer(content, name)
        signal.setitimer(signal.ITIMER_REAL, 0)
        outgoing.write(LENGTHS.pack(len(found), len(picture)) + found + picture)
        outgoing.flush()


def _channels() -> tuple[BinaryIO, BinaryIO]:
    """Both pipes; what libraries print goes nowhere, and not between answers."""
    incoming = os.fdopen(os.dup(0), "rb")
    outgoing = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    return incoming, outgoing


def _load_parsers() -> None:
    """Import all that is large before the first file comes."""
    import pypdfium2  # noqa: F401
    from PIL import Image

    from app.domain.files import images, odf, ole, ooxml, pdf  # noqa: F401

    Image.init()


def _limit() -> None:
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: _MOST_OPEN_FILES,
    }
    if sys.platform == "linux":
        # Others don't know this limit, or not how much their own libraries take.
        limits[resource.RLIMIT_AS] = MOST_MEMORY_BYTES
    for limit, most in limits.items():
        resource.setrlimit(limit, (most, most))


def _answer(content: bytes, name: str) -> tuple[bytes, bytes]:
    try:
        checked = check(content, name)
    except FileRefused as refused:
        return _json(refused={"code": refused.code, "message": refused.message}), b""
    picture = None
    with contextlib.suppress(Exception):
        # A file that can't be drawn is still the file that it says it is.
        picture = thumbnail(content, checked)
    return _json(checked=asdict(checked)), picture or b""


def _json(**found: object) -> bytes:
    return json.dumps(found).encode()


if __name__ == "__main__":
    main()
