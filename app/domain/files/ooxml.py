"""The Office formats since 2007: a ZIP of parts with a content type each."""

import posixpath
import re
from typing import Any, NamedTuple

from app.domain.files.archive import read_archive
from app.domain.files.kinds import KINDS, Kind
from app.domain.files.markup import elements, root_of
from app.domain.files.refusals import disguised, not_allowed

_TYPES = "[Content_Types].xml"
_CONTENT = "{http://schemas.openxmlformats.org/package/2006/content-types}"
_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_MAIN_RELATION = "/officeDocument"


class _Form(NamedTuple):
    """What a format calls its folder, its main part, and the root element of that."""

    folder: str
    main: str
    root: str


_FORMS = {
    "docx": _Form("word", "wordprocessingml.document", "document"),
    "xlsx": _Form("xl", "spreadsheetml.sheet", "workbook"),
    "pptx": _Form("ppt", "presentationml.presentation", "presentation"),
}
_FOLDERS = frozenset({"_rels", "docProps", "customXml", "docMetadata", "_xmlsignatures", _TYPES})

_MARKUP = frozenset({"xml", "rels"})
_PICTURES = frozenset({"png", "jpg", "jpeg", "jpe", "gif", "bmp", "tif", "tiff", "emf", "wmf"})
_NEWER_PICTURES = frozenset({"svg", "webp", "wdp", "jxr", "ico", "vml"})
_SOUNDS = frozenset({"mp3", "m4a", "wav", "wma", "mp4", "m4v", "wmv", "mov", "avi", "mpg", "mpeg"})
_OTHERS = frozenset({"odttf", "ttf", "fntdata", "psmdcp", "sigs"})
_MEDIA = _PICTURES | _NEWER_PICTURES | _SOUNDS | _OTHERS
_EMBEDDED = frozenset({"docx", "xlsx", "pptx"})
_SETTINGS = re.compile(r"(printerSettings|customProperty)/[^/]+\.bin$", re.IGNORECASE)
_ACTIVE = re.compile(r"vba|macro|activex|customui|xl/externallinks/.*ole|\bctrlprop", re.IGNORECASE)

_ACTIVE_RELATIONS = re.compile(
    r"/(attachedTemplate|oleObject|frame|subDocument|control|vbaProject)$", re.IGNORECASE
)
_ON_THIS_MACHINE = re.compile(r"file:///[a-z]:|[a-z]:[\\/]|[^:/\\]+$", re.IGNORECASE)


def check_ooxml(content: bytes, kind: Kind, *, embedded: bool = False) -> None:
    """Check that a document is what its kind says, holds no program and loads none.

    A document inside (like the table behind a chart) is checked alike, but may hold no other.

    Raises:
        FileRefused: when it is not. What parsers raise means the same.
    """
    form = _FORMS[kind.extension]
    parts = read_archive(content)
    types = _content_types(parts.get(_TYPES, b""))
    _refuse_active(parts, types)
    _check_main(parts, types, form)
    for name, part in parts.items():
        if name.partition("/")[0] not in {form.folder, *_FOLDERS}:
            raise disguised("it has folders that such documents don't have")
        _check_part(name, part, embedded=embedded)


def _content_types(content: bytes) -> dict[str, str]:
    """The content types by `/part` for one part and `.extension` for all others of it."""
    types: dict[str, str] = {}
    for element in elements(content):
        if element.tag == f"{_CONTENT}Override":
            types[element.get("PartName", "")] = element.get("ContentType", "")
        elif element.tag == f"{_CONTENT}Default":
            types[f".{element.get('Extension', '').lower()}"] = element.get("ContentType", "")
    return types


def _refuse_active(parts: dict[str, bytes], types: dict[str, str]) -> None:
    if any(_ACTIVE.search(text) for text in (*parts, *types, *types.values())):
        raise not_allowed("Documents with macros or controls")


def _check_main(parts: dict[str, bytes], types: dict[str, str], form: _Form) -> None:
    expected = f"application/vnd.openxmlformats-officedocument.{form.main}.main+xml"
    targets = [
        relation.get("Target", "")
        for relation in elements(parts.get("_rels/.rels", b""))
        if relation.tag == _RELATION and relation.get("Type", "").endswith(_MAIN_RELATION)
    ]
    if len(targets) != 1:
        raise disguised("it has no main part")
    name = posixpath.normpath(targets[0]).lstrip("/")
    declared = types.get(f"/{name}", types.get(".xml"))
    if name not in parts or declared != expected:
        raise disguised("its main part is of another type")
    if root_of(parts[name]).rpartition("}")[2] != form.root:
        raise disguised("its main part is of another type")


def _check_part(name: str, content: bytes, *, embedded: bool) -> None:
    extension = name.rpartition(".")[2].lower()
    if name.endswith("/") and not content:
        return
    if extension == "rels":
        _check_relations(content)
    elif extension in _MARKUP:
        root_of(content)
    elif extension in _EMBEDDED:
        if embedded:
            raise not_allowed("Documents in documents in documents")
        check_ooxml(content, KINDS[extension], embedded=True)
    elif extension not in _MEDIA and not _SETTINGS.search(name):
        raise not_allowed("Documents with other files in them")


def _check_relations(content: bytes) -> None:
    """Links and pictures may lead elsewhere; what is loaded and run may not."""
    for relation in elements(content):
        if relation.tag == _RELATION:
            _check_relation(relation)


def _check_relation(relation: Any) -> None:
    if not _ACTIVE_RELATIONS.search(relation.get("Type", "")):
        return
    if not _ON_THIS_MACHINE.match(relation.get("Target", "")):
        raise not_allowed("Documents that load others")
    if relation.get("Type", "").endswith(("/control", "/vbaProject")):
        raise not_allowed("Documents with macros or controls")
