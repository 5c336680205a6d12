"""Checks a file: its content is parsed, and has to be what its name says.

The parsers are large and the files are from unknown hands, so `app/files` runs this in processes
that it can do without.
"""

import hashlib
import warnings
from dataclasses import dataclass

from app.domain.files.kinds import Family, Kind, kind_of
from app.domain.files.names import safe_name
from app.domain.files.refusals import FileCode, FileRefused, disguised

MOST_FILE_BYTES = 800_000
"""How large a file may be: what the product promises, and the database holds it to."""


@dataclass(frozen=True)
class CheckedFile:
    """What is known of a file that may be kept."""

    name: str
    """Its own name, made safe to show and to save under."""
    extension: str
    """The usual one of its kind, like `jpg` for `.JPEG`."""
    content_type: str
    size_bytes: int
    sha256: str
    """In hexadecimal."""
    width: int | None = None
    height: int | None = None
    """Of images, in pixels, as stored."""
    pages: int | None = None
    """How many pages a PDF has, and how many pictures an image."""


def check(content: bytes, name: str) -> CheckedFile:
    """Check a file by its content and the name that it came with.

    Raises:
        FileRefused: FILE_EMPTY, FILE_TOO_LARGE, FILE_TYPE_NOT_ALLOWED when it is no PDF, image
            or Office document or has macros, scripts or a password, and FILE_DISGUISED when it
            isn't what its name says, is something else besides, or is damaged.
    """
    check_size(len(content))
    safe = safe_name(name)
    kind = kind_of(safe)
    width = height = pages = None
    with warnings.catch_warnings():
        # Parsers warn of what is odd; what matters they raise.
        warnings.simplefilter("ignore")
        try:
            width, height, pages = _read(content, kind)
        except FileRefused:
            raise
        except Exception:  # noqa: BLE001  Parsers raise whatever they like at what isn't theirs.
            raise disguised("it can't be read") from None
    return CheckedFile(
        name=safe,
        extension=kind.extension,
        content_type=kind.content_type,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        width=width,
        height=height,
        pages=pages,
    )


def check_size(size_bytes: int) -> None:
    """Check how large a file is.

    Raises:
        FileRefused: FILE_EMPTY or FILE_TOO_LARGE.
    """
    if size_bytes == 0:
        raise FileRefused(FileCode.FILE_EMPTY, "The file is empty.")
    if size_bytes > MOST_FILE_BYTES:
        raise FileRefused(
            FileCode.FILE_TOO_LARGE, f"A file may have at most {MOST_FILE_BYTES:,} bytes."
        )


def _read(content: bytes, kind: Kind) -> tuple[int | None, int | None, int | None]:
    """Parse the content; the parsers are imported when they are needed, since they are large."""
    if kind.family is Family.IMAGE:
        from app.domain.files.images import check_image

        return check_image(content, kind)
    if kind.family is Family.PDF:
        from app.domain.files.pdf import check_pdf

        return None, None, check_pdf(content)
    if kind.family is Family.OOXML:
        from app.domain.files.ooxml import check_ooxml

        check_ooxml(content, kind)
    elif kind.family is Family.ODF:
        from app.domain.files.odf import check_odf

        check_odf(content, kind)
    else:
        from app.domain.files.ole import check_ole

        check_ole(content, kind)
    return None, None, None
