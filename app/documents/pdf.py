"""An invoice as PDF/A-3 by ZUGFeRD: a letter to read, and in it the same as XML.

Typst sets the letter, from data that it takes as text and never as markup, with the fonts that it
brings along; it writes PDF/A-3b and attaches the XML. What ZUGFeRD wants said in the metadata is
added afterwards. The same document gives the same bytes.
"""

import json
import re
from datetime import UTC, datetime, time
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from app.documents.invoice import InvoiceDocument
from app.documents.letter import ROOM_TO_BREAK, letter_of
from app.documents.zugferd import with_zugferd_metadata

if TYPE_CHECKING:
    import typst

_UNDRAWABLE = re.compile(r'the text `"((?:[^"\\]|\\.)*)"` could not be displayed')
_ESCAPE = re.compile(r"\\u\{([0-9a-f]+)\}|\\(.)")
_MISSING = "\N{WHITE SQUARE}"
_MOST_TRIES = 4


class RenderingError(Exception):
    """Typst can't set the document; the message quotes nothing of it."""


def pdf(document: InvoiceDocument, xml: bytes) -> bytes:
    """The document as a letter with its ZUGFeRD XML in it.

    Signs that no font has are drawn as squares; the XML has them all.

    Raises:
        RenderingError: It can't be set.
    """
    data = json.dumps(letter_of(document), ensure_ascii=False)
    return with_zugferd_metadata(_compiled(data, xml.decode(), document))


def _compiled(data: str, xml: str, document: InvoiceDocument) -> bytes:
    import typst

    at = datetime.combine(document.issued_on, time(), UTC)
    for _ in range(_MOST_TRIES):
        try:
            return typst.compile(
                _template(),
                format="pdf",
                font_paths=_fonts(),
                ignore_system_fonts=True,
                pdf_standards="a-3b",
                timestamp=at,
                sys_inputs={"data": data, "xml": xml},
            )
        except typst.TypstError as error:
            undrawable = {_unescaped(text) for text in _UNDRAWABLE.findall(error.diagnostic)}
            if not undrawable:
                raise RenderingError("The document can't be set.") from None
            # What is invisible is said to be missing where it stands between what really is.
            visible = undrawable - {ROOM_TO_BREAK} or undrawable
            for text in sorted(visible, key=len, reverse=True):
                data = data.replace(text, _MISSING)
    raise RenderingError("The document has too many signs that can't be drawn.")


def _unescaped(text: str) -> str:
    """What typst quotes, as it was."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text)


@cache
def _template() -> bytes:
    return (files("app.documents") / "invoice.typ").read_bytes()


@lru_cache(maxsize=1)
def _fonts() -> "typst.Fonts":
    """Those that typst brings along, so that documents look the same everywhere."""
    import typst

    return typst.Fonts(include_system_fonts=False)
