"""XML from unknown hands: no entities, no document types, nothing fetched."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from lxml import etree

from app.domain.files.refusals import disguised


def elements(content: bytes) -> Iterator[Any]:
    """Every element of a document as it begins, without its children; memory stays small.

    Raises:
        FileRefused: when it declares a document type, which no Office format does.
        etree.XMLSyntaxError: when it isn't well-formed.
    """
    events = etree.iterparse(
        BytesIO(content),
        events=("start", "end"),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
    )
    first = True
    for event, element in events:
        if first and element.getroottree().docinfo.doctype:
            raise disguised("its XML declares a document type")
        first = False
        if event == "start":
            yield element
        else:
            element.clear(keep_tail=False)
            _forget_earlier(element)


def _forget_earlier(element: Any) -> None:
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def root_of(content: bytes) -> str:
    """The name of a document's root element, with its namespace in braces; all of it is read."""
    names = [str(element.tag) for element in elements(content) if element.getparent() is None]
    return names[0]
