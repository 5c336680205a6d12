"""The kinds of files that are allowed, by the ending of their names."""

from enum import StrEnum
from typing import NamedTuple

from app.domain.files.refusals import not_allowed


class Family(StrEnum):
    """How a kind is read."""

    PDF = "PDF"
    IMAGE = "IMAGE"
    OOXML = "OOXML"
    ODF = "ODF"
    OLE = "OLE"


class Kind(NamedTuple):
    """A kind of file: its usual extension, its media type, and how it is read."""

    extension: str
    content_type: str
    family: Family


_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"

_KINDS = (
    Kind("pdf", "application/pdf", Family.PDF),
    Kind("png", "image/png", Family.IMAGE),
    Kind("jpg", "image/jpeg", Family.IMAGE),
    Kind("gif", "image/gif", Family.IMAGE),
    Kind("webp", "image/webp", Family.IMAGE),
    Kind("avif", "image/avif", Family.IMAGE),
    Kind("heic", "image/heic", Family.IMAGE),
    Kind("tif", "image/tiff", Family.IMAGE),
    Kind("bmp", "image/bmp", Family.IMAGE),
    Kind("docx", f"{_OFFICE}.wordprocessingml.document", Family.OOXML),
    Kind("xlsx", f"{_OFFICE}.spreadsheetml.sheet", Family.OOXML),
    Kind("pptx", f"{_OFFICE}.presentationml.presentation", Family.OOXML),
    Kind("odt", f"{_OPEN}.text", Family.ODF),
    Kind("ods", f"{_OPEN}.spreadsheet", Family.ODF),
    Kind("odp", f"{_OPEN}.presentation", Family.ODF),
    Kind("doc", "application/msword", Family.OLE),
    Kind("xls", "application/vnd.ms-excel", Family.OLE),
    Kind("ppt", "application/vnd.ms-powerpoint", Family.OLE),
)

_ALSO = {"jpeg": "jpg", "jpe": "jpg", "jfif": "jpg", "tiff": "tif", "heif": "heic", "dib": "bmp"}

KINDS = {kind.extension: kind for kind in _KINDS}
"""Every allowed kind by its usual extension."""


def kind_of(name: str) -> Kind:
    """The kind that a file's name says it is.

    Raises:
        FileRefused: FILE_TYPE_NOT_ALLOWED when it is none that is allowed.
    """
    stem, _, extension = name.rpartition(".")
    extension = extension.lower()
    kind = KINDS.get(_ALSO.get(extension, extension)) if stem else None
    if kind is None:
        raise not_allowed("Files other than PDF, images and Office documents")
    return kind
