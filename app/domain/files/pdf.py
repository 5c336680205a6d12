"""PDF: parsed as it stands, without the repairs that viewers make.

A document that opens without a password is accepted, even if it forbids to print or to change
it. Attached files may be XML, which electronic invoices consist of, and nothing else.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pikepdf

from app.domain.files.hidden import refuse_in_document
from app.domain.files.refusals import disguised, not_allowed

_END = b"%%EOF"
_SPACE = b"\0\t\n\f\r "

_SUSPECT = re.compile(rb"/(JavaScript|JS|Launch|ImportData|RichMedia|Movie|Rendition|XFA|EF)\b")
"""What an active part must have somewhere; most documents have none of it."""

_ACTIONS = frozenset({"/JavaScript", "/Launch", "/ImportData", "/Rendition", "/Movie"})
_ANNOTATIONS = frozenset({"/RichMedia", "/Movie", "/3D"})
_DEEPEST = 50


def check_pdf(content: bytes) -> int:
    """Check that a document is a PDF and nothing else, and holds no program; count its pages.

    Raises:
        FileRefused: when it is not. What the parser raises means the same.
    """
    if not content.startswith(b"%PDF-"):
        raise disguised("it doesn't begin like a PDF")
    if not content.rstrip(_SPACE).endswith(_END):
        raise disguised("something follows its end")
    refuse_in_document(content)
    try:
        with pikepdf.open(BytesIO(content), attempt_recovery=False, suppress_warnings=True) as pdf:
            for part in pdf.objects:
                _refuse_active(part)
            pages = len(pdf.pages)
    except pikepdf.PasswordError:
        raise not_allowed("PDF files with a password") from None
    if pages == 0:
        raise disguised("it has no pages")
    return pages


def _refuse_active(part: Any) -> None:
    """Look closely only at what has a suspicious word in it, which may also be in a text."""
    held = part.stream_dict if isinstance(part, pikepdf.Stream) else part
    if not isinstance(held, pikepdf.Dictionary | pikepdf.Array):
        return
    if _SUSPECT.search(held.unparse(resolved=True)):
        for dictionary in _dictionaries(held, _DEEPEST):
            _check(dictionary)


def _dictionaries(held: Any, depth: int) -> Iterator[Any]:
    """All dictionaries that are written down in one place; others have their own turn."""
    if depth == 0:
        raise disguised("it is too deep")
    if isinstance(held, pikepdf.Dictionary):
        yield held
        inner = [value for _, value in held.items()]
    elif isinstance(held, pikepdf.Array):
        inner = list(held)
    else:
        return
    for value in inner:
        if not getattr(value, "is_indirect", False):
            yield from _dictionaries(value, depth - 1)


def _check(held: Any) -> None:
    if str(held.get("/S")) in _ACTIONS or str(held.get("/Subtype")) in _ANNOTATIONS:
        raise not_allowed("PDF files with scripts or programs")
    if {"/JS", "/JavaScript", "/XFA"} & set(held.keys()):
        raise not_allowed("PDF files with scripts or programs")
    if "/EF" in held:
        name = str(held.get("/UF", held.get("/F", "")))
        if not name.lower().endswith(".xml"):
            raise not_allowed("PDF files with other files in them")
