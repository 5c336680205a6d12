"""Where images end: what follows the end is not of the image, and is found by who looks for it."""

import struct
from collections.abc import Callable, Iterator

from app.domain.files.refusals import disguised


def refuse_trailing(content: bytes, extension: str) -> None:
    """Refuse an image with anything behind its end but zeros, which some devices fill up with.

    Raises:
        FileRefused: also when the image has no end.
    """
    try:
        end = _ENDS[extension](content)
    except (struct.error, IndexError):
        end = len(content) + 1
    if end > len(content):
        raise disguised("it ends too early")
    if content[end:].strip(b"\0"):
        raise disguised("something follows its end")


def _png(content: bytes) -> int:
    at: int = 8
    while True:
        length, kind = struct.unpack_from(">I4s", content, at)
        at += 12 + int(length)
        if kind == b"IEND":
            return at


def _gif(content: bytes) -> int:
    at = 13 + _gif_colors(content[10])
    while (mark := content[at]) != 0x3B:
        if mark == 0x2C:
            # A frame: its place, its colours, and the size of its codes.
            at += 11 + _gif_colors(content[at + 9])
        elif mark == 0x21:
            at += 2
        else:
            raise disguised("it has unknown blocks")
        while length := content[at]:
            at += 1 + length
        at += 1
    return at + 1


def _gif_colors(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _jpeg(content: bytes) -> int:
    """The end of the last picture: phones store what makes up one photo as several JPEGs."""
    several = b"MPF\0" in content[:65_536]
    at = _one_jpeg(content, 0)
    while several and content[at : at + 2] == b"\xff\xd8":
        at = _one_jpeg(content, at)
    return at


def _one_jpeg(content: bytes, start: int) -> int:
    at = start + 2
    while True:
        if content[at] != 0xFF:
            raise disguised("its segments don't follow each other")
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker == 0xD9:
            return at + 2
        else:
            at += 2 + int(struct.unpack_from(">H", content, at + 2)[0])
            if marker == 0xDA:
                at = _after_scan(content, at)


def _after_scan(content: bytes, at: int) -> int:
    """The next marker behind compressed pixels, which have escaped and restarting ones."""
    while (at := content.find(b"\xff", at)) >= 0:
        if content[at + 1] != 0 and not 0xD0 <= content[at + 1] <= 0xD7:
            return at
        at += 2
    raise IndexError


def _webp(content: bytes) -> int:
    return 8 + int(struct.unpack_from("<I", content, 4)[0])


def _bmp(content: bytes) -> int:
    return int(struct.unpack_from("<I", content, 2)[0])


def _boxes(content: bytes) -> int:
    """The end of the last box, of which HEIC and AVIF files are a row."""
    at = 0
    while at < len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        if kind not in _BOXES:
            return at
        if length == 1:
            (length,) = struct.unpack_from(">Q", content, at + 8)
        elif length == 0:
            length = len(content) - at
        if length < 8:
            raise disguised("its boxes have no size")
        at += int(length)
    return at


_BOXES = frozenset({b"ftyp", b"meta", b"mdat", b"moov", b"idat", b"free", b"skip", b"uuid"})


def _tiff(content: bytes) -> int:
    """The end of the furthest thing that a directory of the file points to."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(content[:4])
    if order is None:
        raise disguised("it has no TIFF header")
    waiting = [int(struct.unpack_from(f"{order}I", content, 4)[0])]
    seen: set[int] = set()
    end = 8
    while waiting:
        at = waiting.pop()
        if at == 0 or at in seen:
            continue
        seen.add(at)
        tags, following, directory_end = _directory(content, order, at)
        end = max(end, directory_end, *(stop for _, stop in tags.values()))
        end = max(end, _data_end(tags))
        waiting += [following, *(value for tag in _POINTERS for value in tags.get(tag, _NONE)[0])]
    return end


Tags = dict[int, tuple[tuple[int, ...], int]]
"""The whole numbers of a directory by their tags, and where each value ends."""

_NONE: tuple[tuple[int, ...], int] = ((), 0)
_POINTERS = (330, 34_665, 34_853, 40_965)
_DATA = ((273, 279), (324, 325), (513, 514))
"""Where strips, tiles and previews begin, and how long they are."""

_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_NUMBERS = {3: "H", 4: "I", 13: "I"}


def _directory(content: bytes, order: str, at: int) -> tuple[Tags, int, int]:
    (count,) = struct.unpack_from(f"{order}H", content, at)
    tags: Tags = {0: _NONE}
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(f"{order}HHI", content, entry)
        size = _WIDTHS.get(kind, 1) * number
        start = entry + 8
        if size > 4:
            (start,) = struct.unpack_from(f"{order}I", content, start)
        numbers: tuple[int, ...] = ()
        if kind in _NUMBERS and (tag in _POINTERS or any(tag in pair for pair in _DATA)):
            if start + size > len(content):
                raise IndexError
            numbers = struct.unpack_from(f"{order}{number}{_NUMBERS[kind]}", content, start)
        tags[tag] = (numbers, start + size)
    last = at + 2 + 12 * count
    (following,) = struct.unpack_from(f"{order}I", content, last)
    return tags, int(following), last + 4


def _data_end(tags: Tags) -> int:
    return max(
        (
            start + length
            for offsets, lengths in _DATA
            for start, length in _pairs(tags.get(offsets, _NONE)[0], tags.get(lengths, _NONE)[0])
        ),
        default=0,
    )


def _pairs(offsets: tuple[int, ...], lengths: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    return zip(offsets, lengths, strict=False)


_ENDS: dict[str, Callable[[bytes], int]] = {
    "png": _png,
    "gif": _gif,
    "jpg": _jpeg,
    "webp": _webp,
    "bmp": _bmp,
    "heic": _boxes,
    "avif": _boxes,
    "tif": _tiff,
}
