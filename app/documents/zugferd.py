"""What ZUGFeRD wants said in the metadata of a PDF that has an invoice's XML in it."""

import io
from typing import Any

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_SCHEMA = "http://www.aiim.org/pdfa/ns/schema#"
_PROPERTY = "http://www.aiim.org/pdfa/ns/property#"
_FACTUR_X = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_PROPERTIES = {
    "DocumentType": ("INVOICE", "The type of the hybrid document."),
    "DocumentFileName": ("factur-x.xml", "The name of the embedded XML document."),
    "Version": ("1.0", "The version of the standard of the embedded XML document."),
    "ConformanceLevel": ("EN 16931", "The profile of the embedded XML document."),
}
"""What ZUGFeRD has the metadata say, and what it is, as PDF/A wants it described."""


def with_zugferd_metadata(data: bytes) -> bytes:
    """A PDF/A-3 with the metadata that name its attached XML; the rest stays as it is."""
    import pikepdf

    with pikepdf.open(io.BytesIO(data)) as opened:
        metadata = opened.Root.Metadata
        metadata.write(_extended(metadata.read_bytes()))
        target = io.BytesIO()
        opened.save(target, deterministic_id=True)
    return target.getvalue()


def _extended(xmp: bytes) -> bytes:
    """Metadata with ZUGFeRD's own properties, and the description of them."""
    from lxml import etree

    # Written by typst just now; the packet's frame is no XML of its own.
    tree = etree.fromstring(xmp)
    schemas = tree.find(f".//{{http://www.aiim.org/pdfa/ns/extension/}}schemas/{{{_RDF}}}Bag")
    schema = etree.SubElement(schemas, f"{{{_RDF}}}li", {f"{{{_RDF}}}parseType": "Resource"})
    _add(schema, _SCHEMA, schema="Factur-X PDFA Extension Schema")
    _add(schema, _SCHEMA, namespaceURI=_FACTUR_X, prefix="fx")
    described = etree.SubElement(
        etree.SubElement(schema, f"{{{_SCHEMA}}}property"), f"{{{_RDF}}}Seq"
    )
    said = etree.SubElement(
        tree.find(f"{{{_RDF}}}RDF"),
        f"{{{_RDF}}}Description",
        {f"{{{_RDF}}}about": ""},
        nsmap={"fx": _FACTUR_X},
    )
    for name, (value, description) in _PROPERTIES.items():
        item = etree.SubElement(described, f"{{{_RDF}}}li", {f"{{{_RDF}}}parseType": "Resource"})
        _add(item, _PROPERTY, name=name, valueType="Text", category="external")
        _add(item, _PROPERTY, description=description)
        _add(said, _FACTUR_X, **{name: value})
    framed: bytes = etree.tostring(tree.getroottree(), encoding="utf-8")
    return framed


def _add(parent: Any, namespace: str, **values: str) -> None:
    from lxml import etree

    for name, value in values.items():
        etree.SubElement(parent, f"{{{namespace}}}{name}").text = value
