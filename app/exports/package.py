"""The package: a ZIP that is written file by file, and a manifest of what is in it."""

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, BinaryIO, NamedTuple, Self

import orjson

MANIFEST = "manifest.json"

_FORMAT = "abokonto-export-1"
_PLAIN = frozenset(" -_.")
_LONGEST_NAME = 100
_LONGEST_EXTENSION = 5
_OWNER_ONLY = 0o600 << 16

Write = Callable[[bytes], object]


class Packed(NamedTuple):
    """What the manifest says of a file."""

    path: str
    size: int
    sha256: str


class Package:
    """A ZIP under way, in a `with` block. Its target need not be one in which can be gone back."""

    def __init__(self, target: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED)
        self.made_at = datetime.now(UTC)
        self.files: list[Packed] = []

    def __enter__(self) -> Self:
        """Begin with it."""
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Leave it, as it is where something went wrong: nothing may make half of it whole."""
        if error is not None:
            self._zip.fp = None

    @contextmanager
    def file(self, path: str) -> Iterator[Write]:
        """A file of the package, to be written piece by piece; one at a time."""
        digest, size = sha256(), 0
        with self._zip.open(self._entry(path), "w", force_zip64=True) as entry:

            def write(data: bytes) -> None:
                nonlocal size
                digest.update(data)
                size += len(data)
                entry.write(data)

            yield write
        self.files.append(Packed(path, size, digest.hexdigest()))

    def close(self) -> None:
        """Write the manifest, and what makes it a whole ZIP."""
        manifest: dict[str, Any] = {
            "format": _FORMAT,
            "made_at": self.made_at,
            "files": [file._asdict() for file in self.files],
        }
        data = orjson.dumps(manifest, option=orjson.OPT_INDENT_2)
        self._zip.writestr(self._entry(MANIFEST), data)
        self._zip.close()

    def _entry(self, path: str) -> zipfile.ZipInfo:
        entry = zipfile.ZipInfo(path, self.made_at.timetuple()[:6])
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = _OWNER_ONLY
        return entry


def safe_name(name: str) -> str:
    """A file's name as every system can unpack it, which may be another one by then."""
    kept = "".join(sign if sign.isalnum() or sign in _PLAIN else "_" for sign in name)
    kept = kept.strip(" .")
    stem, dot, extension = kept.rpartition(".")
    if not dot or len(extension) > _LONGEST_EXTENSION:
        return kept[:_LONGEST_NAME]
    return f"{stem[: _LONGEST_NAME - len(extension)]}.{extension}"
