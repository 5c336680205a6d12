"""ZIP archives, true and untrue: the Office documents of the tests are made of them."""

import io
import zipfile
from collections.abc import Mapping

DOCUMENT = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


class Unseekable(io.RawIOBase):
    """A stream that can only be written to its end, like a pipe."""

    def __init__(self) -> None:
        self.content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.content += data
        return len(data)


def packed(
    entries: Mapping[str, bytes | str],
    *,
    stored: frozenset[str] | bool = False,
    comment: bytes = b"",
    streamed: bool = False,
) -> bytes:
    """An archive of these entries in this order; those in `stored` aren't compressed."""
    target = Unseekable() if streamed else io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.comment = comment
        for name, content in entries.items():
            plain = stored is True or (isinstance(stored, frozenset) and name in stored)
            kind = zipfile.ZIP_STORED if plain or name.endswith("/") else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), content, kind)
    return bytes(target.content) if isinstance(target, Unseekable) else target.getvalue()


def unpacked(content: bytes) -> dict[str, bytes]:
    """The entries of an archive in their order."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def with_entries(content: bytes, more: Mapping[str, bytes | str]) -> bytes:
    """A document with entries added or replaced."""
    return packed({**unpacked(content), **more}, stored=frozenset({"mimetype"}))


def relations(*entries: tuple[str, str, str], external: bool = False) -> str:
    """A part of relations: id, kind and target of each."""
    mode = ' TargetMode="External"' if external else ""
    inner = "".join(
        f'<Relationship Id="{key}" Type="{kind}" Target="{target}"{mode}/>'
        for key, kind, target in entries
    )
    return f'<Relationships xmlns="{RELATIONS}">{inner}</Relationships>'


def types(main: str = DOCUMENT, more: str = "") -> str:
    """The part that says what the others are."""
    return (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{main}"/>{more}</Types>'
    )


def word(**changes: bytes | str) -> dict[str, bytes | str]:
    """The least that is a text of Word; what is given replaces `types`, `root` or `document`."""
    return {
        "[Content_Types].xml": changes.get("types", types()),
        "_rels/.rels": changes.get(
            "root", relations(("rId1", f"{OFFICE}/officeDocument", "word/document.xml"))
        ),
        "word/document.xml": changes.get(
            "document", f'<w:document xmlns:w="{WORD}"><w:body/></w:document>'
        ),
    }
