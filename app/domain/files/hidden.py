"""Other formats inside a file: what would make it two things at once, depending on who reads."""

import struct

from app.domain.files.refusals import disguised

_PROGRAMS = (
    b"__halt_compiler",
    b"this program cannot be run in dos mode",
    b"\x7felf\x02\x01\x01",
    b"rar!\x1a\x07",
    b"7z\xbc\xaf\x27\x1c",
)
_PAGES = (b"<script", b"<html", b"<!doctype", b"<svg", b"<?php", b"<iframe", b"<hta:")
_PDF = b"%pdf-"
_TAR = (257, b"ustar")
_ISO = (32_769, b"CD001")

_END_OF_ARCHIVE = struct.Struct("<4s4H2LH")
_END_MARK = b"PK\x05\x06"
_ENTRY_MARK = b"PK\x01\x02"
_LONGEST_COMMENT = 65_535
_START = 1_024
"""How far into a file readers of PDF and of web pages look for its beginning."""


def refuse_in_image(content: bytes) -> None:
    """Refuse an image that holds a program, a web page, a PDF or an archive.

    Pixels are compressed, so that marks of this length don't come about by chance, and no camera
    or editor writes them into what else an image holds.
    """
    lowered = content.lower()
    if any(mark in lowered for mark in (*_PROGRAMS, *_PAGES, _PDF)):
        raise disguised("there is something else in it")
    _refuse_containers(content)


def refuse_in_document(content: bytes) -> None:
    """Refuse a document that is also an archive or a program, or begins like a web page.

    Text may be about web pages, so these are looked for only where they would take effect.
    """
    lowered = content.lower()
    if any(mark in lowered for mark in _PROGRAMS):
        raise disguised("there is something else in it")
    if any(mark in lowered[:_START] for mark in _PAGES):
        raise disguised("there is something else in it")
    _refuse_containers(content)


def _refuse_containers(content: bytes) -> None:
    for at, mark in (_TAR, _ISO):
        if content[at : at + len(mark)] == mark:
            raise disguised("it is an archive as well")
    if _is_archive(content):
        raise disguised("it is an archive as well")


def _is_archive(content: bytes) -> bool:
    """Whether a ZIP ends in here, as its readers find out: from behind."""
    at = len(content)
    first = len(content) - _LONGEST_COMMENT - _END_OF_ARCHIVE.size
    while (at := content.rfind(_END_MARK, max(0, first), at)) >= 0:
        if len(content) - at >= _END_OF_ARCHIVE.size:
            found = _END_OF_ARCHIVE.unpack_from(content, at)
            start = at - found[5]
            if start >= 0 and content[start : start + 4] == _ENTRY_MARK:
                return True
    return False
