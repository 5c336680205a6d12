"""ZIP archives, of which the newer Office formats are made, read without any tolerance.

Programs disagree about archives with something before, between or behind their entries, or with
two directories: what one shows, another does not see. So each byte has to belong to an entry.
"""

import struct
import zipfile
import zlib
from io import BytesIO

from app.domain.files.refusals import disguised, not_allowed

MOST_ENTRIES = 2_000
MOST_UNPACKED_BYTES = 40_000_000

_LOCAL = struct.Struct("<4s5H3L2H")
_END = struct.Struct("<4s4H2LH")
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_HAS_DESCRIPTOR = 0x8
_UTF8 = 0x800
_DESCRIPTOR_SIZES = frozenset({12, 16, 20, 24})
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


def read_archive(content: bytes) -> dict[str, bytes]:
    """Unpack an archive: its entries by their names, in the order in which they are stored.

    Raises:
        FileRefused: when it is damaged, encrypted, too large, or holds anything but its entries.
    """
    mark, *_, directory_size, directory_start, comment = _END.unpack(content[-_END.size :])
    if (
        mark != b"PK\x05\x06"
        or comment
        or directory_start + directory_size + _END.size != len(content)
    ):
        raise disguised("it isn't a plain archive")
    with zipfile.ZipFile(BytesIO(content)) as archive:
        entries = sorted(archive.infolist(), key=lambda entry: entry.header_offset)
    _check_entries(entries)
    ends = [*(entry.header_offset for entry in entries[1:]), directory_start]
    at = 0
    unpacked: dict[str, bytes] = {}
    for entry, end in zip(entries, ends, strict=True):
        if entry.header_offset != at:
            raise disguised("something stands between its entries")
        unpacked[entry.filename] = _read(content, entry, end)
        at = end
    return unpacked


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if not entries or len(entries) > MOST_ENTRIES:
        raise disguised("it has no entries, or too many")
    if sum(entry.file_size for entry in entries) > MOST_UNPACKED_BYTES:
        raise not_allowed("Documents that unpack to so many bytes")
    if len({entry.filename.lower() for entry in entries}) < len(entries):
        raise disguised("it has two entries of one name")
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED:
            raise not_allowed("Encrypted documents")
        if entry.compress_type not in _METHODS:
            raise disguised("it is packed in an unusual way")
        if _leads_elsewhere(entry.orig_filename):
            raise disguised("it has names that lead elsewhere")


def _leads_elsewhere(name: str) -> bool:
    steps = name.removesuffix("/").split("/")
    return (
        not all(steps)
        or not {".", ".."}.isdisjoint(steps)
        or "\\" in name
        or not name.isprintable()
    )


def _read(content: bytes, entry: zipfile.ZipInfo, end: int) -> bytes:
    """One entry's content; its own header has to say what the directory says."""
    header = _LOCAL.unpack_from(content, entry.header_offset)
    flags, method, name_size, extra_size = header[2], header[3], header[9], header[10]
    name_start = entry.header_offset + _LOCAL.size
    name = content[name_start : name_start + name_size]
    if (
        header[0] != b"PK\x03\x04"
        or flags != entry.flag_bits
        or method != entry.compress_type
        or name.decode("utf-8" if flags & _UTF8 else "cp437") != entry.orig_filename
    ):
        raise disguised("its directory isn't true")
    start = name_start + name_size + extra_size
    stop = start + entry.compress_size
    sizes = _DESCRIPTOR_SIZES if flags & _HAS_DESCRIPTOR else {0}
    if end - stop not in sizes:
        raise disguised("something stands between its entries")
    unpacked = _unpacked(content[start:stop], entry)
    if len(unpacked) != entry.file_size or zlib.crc32(unpacked) != entry.CRC:
        raise disguised("an entry is damaged")
    return unpacked


def _unpacked(packed: bytes, entry: zipfile.ZipInfo) -> bytes:
    if entry.compress_type == zipfile.ZIP_STORED:
        return packed
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    unpacked = inflating.decompress(packed, entry.file_size + 1)
    if inflating.unused_data or inflating.unconsumed_tail:
        raise disguised("an entry is damaged")
    return unpacked
