"""OpenDocument: a ZIP that begins with its media type in plain sight."""

import re

from app.domain.files.archive import read_archive
from app.domain.files.kinds import Kind
from app.domain.files.markup import elements, root_of
from app.domain.files.refusals import disguised, not_allowed

_MANIFEST = "META-INF/manifest.xml"
_MANIFEST_SPACE = "{urn:oasis:names:tc:opendocument:xmlns:manifest:1.0}"
_OFFICE_SPACE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_SCRIPT_SPACE = "{urn:oasis:names:tc:opendocument:xmlns:script:1.0}"
_BODIES = {"odt": "text", "ods": "spreadsheet", "odp": "presentation"}

_FOLDERS = re.compile(
    r"mimetype|META-INF|Configurations2|Thumbnails|Pictures|Media|Fonts|ObjectReplacements|"
    r"Object \d+|layout-cache|manifest\.rdf|(content|styles|meta|settings)\.xml",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"\.(xml|rdf)$")
_ACTIVE = re.compile(r"(Basic|Scripts|Dialogs)(/|$)", re.IGNORECASE)
_FOREIGN_TYPES = re.compile(r"oleobject|java|script|executable|msdownload|html", re.IGNORECASE)


def check_odf(content: bytes, kind: Kind) -> None:
    """Check that a document is what its kind says, and holds no program.

    Raises:
        FileRefused: when it is not. What parsers raise means the same.
    """
    _check_first(content, kind)
    parts = read_archive(content)
    if any(_ACTIVE.match(name) for name in parts):
        raise not_allowed("Documents with macros")
    if not all(_FOLDERS.fullmatch(name.partition("/")[0]) for name in parts):
        raise disguised("it has folders that such documents don't have")
    _check_manifest(parts.get(_MANIFEST, b""), kind)
    for name, part in parts.items():
        if _MARKUP.search(name):
            _check_markup(part)
    _check_body(parts.get("content.xml", b""), kind)


def _check_first(content: bytes, kind: Kind) -> None:
    """The media type must stand at a fixed place, for programs that look no further."""
    first = b"mimetype" + kind.content_type.encode()
    if content[:4] != b"PK\x03\x04" or not content.startswith(first, 30):
        raise disguised("it doesn't begin with its type")
    following = 30 + len(first)
    if content[following : following + 2] != b"PK":
        raise disguised("it doesn't begin with its type")


def _check_manifest(content: bytes, kind: Kind) -> None:
    whole: list[str] = []
    for element in elements(content):
        if element.tag == f"{_MANIFEST_SPACE}encryption-data":
            raise not_allowed("Encrypted documents")
        if element.tag != f"{_MANIFEST_SPACE}file-entry":
            continue
        path = element.get(f"{_MANIFEST_SPACE}full-path", "")
        media_type = element.get(f"{_MANIFEST_SPACE}media-type", "")
        if path == "/":
            whole.append(media_type)
        if _ACTIVE.match(path):
            raise not_allowed("Documents with macros")
        if _FOREIGN_TYPES.search(media_type):
            raise not_allowed("Documents with other files in them")
    if whole != [kind.content_type]:
        raise disguised("its manifest names another type")


def _check_markup(content: bytes) -> None:
    """Scripts, and what calls them, are elements of a namespace of their own."""
    for element in elements(content):
        tag = str(element.tag)
        if tag.startswith(_SCRIPT_SPACE) or tag == f"{_OFFICE_SPACE}script":
            raise not_allowed("Documents with macros")


def _check_body(content: bytes, kind: Kind) -> None:
    if root_of(content) != f"{_OFFICE_SPACE}document-content":
        raise disguised("it has no content")
    bodies = [
        str(element.tag)
        for element in elements(content)
        if element.getparent() is not None and element.getparent().tag == f"{_OFFICE_SPACE}body"
    ]
    if bodies != [f"{_OFFICE_SPACE}{_BODIES[kind.extension]}"]:
        raise disguised("its content is of another type")
