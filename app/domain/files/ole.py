"""The Office formats up to 2003: streams in a file system of their own."""

import struct
import zlib
from collections.abc import Callable, Iterator

import olefile

from app.domain.files.archive import MOST_UNPACKED_BYTES
from app.domain.files.hidden import refuse_in_document
from app.domain.files.kinds import Kind
from app.domain.files.refusals import disguised, not_allowed

_MACROS = frozenset({"macros", "_vba_project_cur", "_vba_project", "vba", "_vba_project_exe"})
_ENCRYPTED = frozenset({"encryptedpackage", "encryptioninfo", "encryptedsummary"})
_PACKAGES = frozenset({"\x01ole10native", "package"})
_FREE = 0xFFFFFFFF


def check_ole(content: bytes, kind: Kind) -> None:
    """Check that a document is what its kind says, and holds no program.

    Raises:
        FileRefused: when it is not. What the parser raises means the same.
    """
    with _opened(content) as ole:
        _refuse_active(ole)
        _CHECKS[kind.extension](ole)
        _refuse_trailing(content, ole)
    refuse_in_document(content)


def _opened(content: bytes) -> olefile.OleFileIO:
    if not content.startswith(olefile.MAGIC):
        raise disguised("it isn't a document of the old kind")
    return olefile.OleFileIO(content, raise_defects=olefile.DEFECT_INCORRECT)


def _refuse_active(ole: olefile.OleFileIO) -> None:
    names = {part.lower() for path in ole.listdir(storages=True) for part in path}
    if names & _ENCRYPTED:
        raise not_allowed("Encrypted documents")
    if names & _MACROS:
        raise not_allowed("Documents with macros")
    if names & _PACKAGES:
        raise not_allowed("Documents with other files in them")


def _refuse_trailing(content: bytes, ole: olefile.OleFileIO) -> None:
    """What lies behind the last sector in use is not of the document."""
    used = max(number for number, following in enumerate(ole.fat) if following != _FREE)
    end = (used + 2) * ole.sector_size
    if end > len(content):
        raise disguised("it ends too early")
    if content[end:].strip(b"\0"):
        raise disguised("something follows its end")


def _stream(ole: olefile.OleFileIO, *names: str) -> bytes:
    for name in names:
        if ole.exists(name) and ole.get_type(name) == olefile.STGTY_STREAM:
            with ole.openstream(name) as stream:
                content: bytes = stream.read()
            return content
    raise disguised("it has no document in it")


def _check_doc(ole: olefile.OleFileIO) -> None:
    head = _stream(ole, "WordDocument")
    identifier, flags = struct.unpack_from("<H8xH", head)
    if identifier not in {0xA5EC, 0xA5DC}:
        raise disguised("it has no document in it")
    if flags & 0x0100:
        raise not_allowed("Encrypted documents")
    _stream(ole, "1Table" if flags & 0x0200 else "0Table")


def _check_xls(ole: olefile.OleFileIO) -> None:
    """The records before the first sheet say whether it is encrypted and of what the sheets are."""
    records = _cells(_stream(ole, "Workbook", "Book"))
    if next(records)[0] != 0x0809:
        raise disguised("it has no document in it")
    for kind, content in records:
        if kind == 0x002F:
            raise not_allowed("Encrypted documents")
        # Sheets are tables or charts, or else macros and their modules.
        if kind == 0x0085 and content[5] not in {0, 2}:
            raise not_allowed("Documents with macros")
        if kind == 0x000A:
            return
    raise disguised("it ends too early")


def _cells(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(content):
        kind, length = struct.unpack_from("<HH", content, at)
        yield kind, content[at + 4 : at + 4 + length]
        at += 4 + length


def _check_ppt(ole: olefile.OleFileIO) -> None:
    (token,) = struct.unpack_from("<12xI", _stream(ole, "Current User"))
    if token == 0xF3D1C4DF:
        raise not_allowed("Encrypted documents")
    kinds = set()
    for kind, instance, content in _slides(_stream(ole, "PowerPoint Document")):
        kinds.add(kind)
        if kind == 0x0FEE or (kind == 0x0400 and any(content[4:8])):
            raise not_allowed("Documents with macros or controls")
        if kind == 0x1011:
            _check_stored(content, packed=instance == 1)
    if 0x03E8 not in kinds:
        raise disguised("it has no document in it")


def _slides(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """All records: what kind, which one of it, and what it holds; some hold records again."""
    waiting = [content]
    while waiting:
        content, at = waiting.pop(), 0
        while at + 8 <= len(content):
            version, kind, length = struct.unpack_from("<HHI", content, at)
            inner = content[at + 8 : at + 8 + length]
            if len(inner) < length:
                raise disguised("it is damaged")
            if version & 0xF == 0xF:
                waiting.append(inner)
                inner = b""
            yield kind, version >> 4, inner
            at += 8 + length


def _check_stored(content: bytes, *, packed: bool) -> None:
    """Check what is stored in slides, like a chart: a file system again, mostly packed."""
    if packed:
        inflating = zlib.decompressobj()
        content = inflating.decompress(content[4:], MOST_UNPACKED_BYTES)
        if inflating.unconsumed_tail:
            raise not_allowed("Documents that unpack to so many bytes")
    with _opened(content) as ole:
        _refuse_active(ole)


_CHECKS: dict[str, Callable[[olefile.OleFileIO], None]] = {
    "doc": _check_doc,
    "xls": _check_xls,
    "ppt": _check_ppt,
}
