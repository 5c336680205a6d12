import io
import re
from dataclasses import replace
from typing import Any

import pikepdf
import pypdfium2
import pytest
from lxml import etree

from app.documents.einvoice import zugferd
from app.documents.invoice import InvoiceDocument, Language, Line, Payment
from app.documents.pdf import pdf
from tests.documents.samples import (
    BUYER,
    CANCELLATION,
    CORRECTION,
    INVOICE,
    SELLER,
    taxed,
)

FACTUR_X = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
HOSTILE = (
    '#read("/etc/passwd")',
    '"); #panic("x")',
    "*fett* _kursiv_ $x^2$ `code` <label> @reference // comment /* x */",
    "= Überschrift",
    "#{while true {}}",
    "\\u{41} \\",
    "{amount} {page} {pages}",
)


def rendered(document: InvoiceDocument) -> bytes:
    return pdf(document, zugferd(document))


def pages(data: bytes) -> list[str]:
    """The text of each page, with single blanks, without the places where words may break."""
    opened = pypdfium2.PdfDocument(data)
    try:
        found = [page.get_textpage().get_text_range() for page in opened]
    finally:
        opened.close()
    return [" ".join(text.replace("\u200b", "").replace("\ufffe", "-").split()) for text in found]


def lines(*titles: str) -> tuple[Line, ...]:
    return tuple(Line(title, 1, taxed("1.00")) for title in titles)


def test_a_letter_says_all_that_the_law_asks_for() -> None:
    (text,) = pages(rendered(replace(INVOICE, buyer=replace(BUYER, vat_number="DE136695976"))))
    for part in (
        "Nordlicht Verlag GmbH · Speicherstraße 12 · 20457 Hamburg",
        "Muster & Söhne KG Dr. Erika Mustermann Hinterhaus Heidestraße 17 51147 Köln",
        "USt-IdNr. DE136695976",
        "Steuernummer 27/123/45678",
        "Rechnungsnummer NV-2026-000123",
        "Rechnungsdatum 22.11.2026",
        "Leistungszeitraum 01.11.2026 \N{EN DASH} 31.01.2027",
        "Ihre Bestellnummer PO-77",
        "Ihre USt-IdNr. DE136695976",
        "1 Nordlicht Magazin, Print und Digital 01.11.2026 \N{EN DASH} 31.01.2027 1 7 % 54,95",
        "2 Nordlicht Club 01.11.2026 \N{EN DASH} 31.01.2027 3 19 % 16,81 3,19 20,00",
        "3 Gutschein WILLKOMMEN 1 7 % -4,67 -0,33 -5,00",
        "Summe netto 67,09 €",
        "Umsatzsteuer 7 % auf 50,28 € 3,52 €",
        "Umsatzsteuer 19 % auf 16,81 € 3,19 €",
        "Gesamtbetrag 73,80 €",
        "73,80 € ziehen wir am 07.12.2026",
        "DE89 **** **** **** **30 00",
        "Mandatsreferenz: M-1001-1",
        "DE98ZZZ09999999999",
        "Amtsgericht Hamburg HRB 12345 Geschäftsführung: Dr. Anna Beispiel, Jens Muster",
        "Seite 1 von 1",
    ):
        assert part in text, (part, text)


def test_what_corrects_names_what_it_corrects() -> None:
    (text,) = pages(rendered(CANCELLATION))
    assert "Stornorechnung Storno der Rechnung NV-2026-000001 vom 01.10.2026." in text
    assert "Grund: Falsche Anschrift" in text
    assert "Gesamtbetrag -73,80 €" in text
    assert "verrechnet oder erstattet" in text
    assert "Lastschrift" not in text
    (text,) = pages(rendered(CORRECTION))
    assert (
        "Rechnungskorrektur Berichtigung der Rechnung NV-2026-000001 vom 01.10.2026, storniert mit "
        "NV-2026-000124 vom 22.11.2026."
    ) in text
    assert "Bitte überweisen Sie den Betrag von 73,80 € bis zum 06.12.2026" in text
    assert "DE89 3704 0044 0532 0130 00, BIC COBADEFFXXX, Commerzbank" in text


def test_a_letter_can_be_in_english() -> None:
    (text,) = pages(rendered(replace(CORRECTION, language=Language.EN, service=None)))
    assert "Corrected invoice Corrects invoice NV-2026-000001 of 1 October 2026" in text
    assert "Date of supply 22 November 2026" in text
    assert "VAT 7% on €50.28 €3.52" in text
    assert "Please transfer €73.80 by 6 December 2026" in text


@pytest.mark.parametrize(
    ("payment", "said"),
    [
        (Payment.SEPA_DEBIT, "Bitte begleichen Sie den Betrag von 73,80 € bis zum 06.12.2026."),
        (Payment.CREDIT_CARD, "mit Ihrer Kreditkarte"),
        (Payment.PAYPAL, "über PayPal"),
    ],
)
def test_a_letter_says_how_it_is_paid(payment: Payment, said: str) -> None:
    assert said in pages(rendered(replace(INVOICE, payment=payment, debit=None)))[0]


def test_nothing_is_to_be_paid_where_nothing_costs() -> None:
    document = replace(INVOICE, lines=(Line("Probeheft", 1, taxed("0.00")),), debit=None)
    assert "Es ist nichts zu bezahlen." in pages(rendered(document))[0]


def test_words_of_others_are_never_markup() -> None:
    document = replace(
        INVOICE,
        lines=lines(*HOSTILE),
        buyer=replace(BUYER, company=HOSTILE[0], last_name=HOSTILE[2]),
        seller=replace(SELLER, footer="\n".join(HOSTILE), legal_name=HOSTILE[0]),
        purchase_order_number=HOSTILE[1],
        number=HOSTILE[3],
    )
    text = " ".join(pages(rendered(document)))
    for hostile in HOSTILE:
        assert hostile in text, hostile
    assert "root:" not in text


@pytest.mark.parametrize(
    ("title", "drawn"),
    [
        ("Heft 😀 日本", "Heft □ □□"),
        ("👩\u200d👩\u200d👧", "□"),
        ("Ελληνικά Кириллица", "Ελληνικά Кириллица"),
        ("Zeichen \U0010ffff \u0001 Ende", "Zeichen □ Ende"),
        ("um\u202egekehrt", "umgekehrt"),
    ],
)
def test_what_no_font_has_is_a_square(title: str, drawn: str) -> None:
    data = rendered(replace(INVOICE, lines=lines(title)))
    assert drawn in pages(data)[0]


def test_arabic_and_hebrew_are_drawn() -> None:
    text = pages(rendered(replace(INVOICE, lines=lines("مرحبا", "שלום"))))[0]
    assert "□" not in text
    assert re.search("[\u0590-\u06ff\ufb1d-\ufeff]", text)


def test_many_signs_that_no_font_has_are_all_squares() -> None:
    signs = "".join(map(chr, range(0x4E00, 0x4E00 + 400)))
    text = pages(rendered(replace(INVOICE, lines=lines(signs))))[0]
    assert text.count("□") == 400
    assert "IBAN DE89 3704 0044 0532 0130 00" in text


def boxes(data: bytes) -> list[tuple[float, float]]:
    """The left and right ends of all text on the first page, in points."""
    opened = pypdfium2.PdfDocument(data)
    try:
        textpage = opened[0].get_textpage()
        found = [textpage.get_rect(index) for index in range(textpage.count_rects())]
    finally:
        opened.close()
    return [(left, right) for left, _, right, _ in found]


def test_long_words_stay_within_their_column() -> None:
    data = rendered(replace(INVOICE, lines=lines("W" * 500), purchase_order_number="P" * 100))
    assert pages(data)[0].replace(" ", "").count("W") >= 500
    assert max(right for _, right in boxes(data)) <= 210 / 25.4 * 72 - 20 / 25.4 * 72 + 1


def test_a_long_address_stays_in_the_window() -> None:
    buyer = replace(
        BUYER,
        country="GB",
        company="Gesellschaft " * 12,
        addition="Hinterhaus, dritter Stock, bei Familie Beispiel " * 3,
        city="London",
        postal_code="SW1A 1AA",
    )
    data = rendered(replace(INVOICE, buyer=buyer))
    assert "LONDON SW1A 1AA UNITED KINGDOM" in pages(data)[0]
    opened = pypdfium2.PdfDocument(data)
    page = opened[0]
    found = page.get_textpage().search("UNITED KINGDOM").get_next()
    assert found is not None
    _, bottom, _, _ = page.get_textpage().get_charbox(found[0])
    opened.close()
    assert (297 / 25.4 * 72 - bottom) * 25.4 / 72 <= 90  # The window ends 90 mm from the top.


def test_many_facts_push_the_heading_down() -> None:
    document = replace(INVOICE, number="N" * 60, purchase_order_number="P" * 100)
    opened = pypdfium2.PdfDocument(rendered(document))
    textpage = opened[0].get_textpage()
    found = textpage.search("Bezeichnung").get_next()
    assert found is not None
    lowest = min(
        textpage.get_charbox(index)[1]
        for index in range(textpage.count_chars())
        if textpage.get_text_range(index, 1) == "P" and textpage.get_charbox(index)[0] > 300
    )
    top = textpage.get_charbox(found[0])[3]
    opened.close()
    assert lowest > top


def test_a_long_document_has_its_head_on_every_page() -> None:
    document = replace(INVOICE, lines=lines(*(f"Heft {number}" for number in range(1, 301))))
    found = pages(rendered(document))
    assert len(found) > 5
    for number, text in enumerate(found, start=1):
        assert f"Seite {number} von {len(found)}" in text
        assert "Bezeichnung Menge USt. Netto Steuer Brutto" in text or number == len(found)
        assert "Rechnung NV-2026-000123 Nordlicht Verlag GmbH" in text or number == 1
    assert "Gesamtbetrag 300,00 €" in found[-1]
    whole = " ".join(found)
    assert all(f" {number} Heft {number} 1 7 %" in whole for number in range(1, 301))


def fonts(opened: pikepdf.Pdf) -> list[Any]:
    return [item for item in opened.objects if _is(item, "/FontDescriptor")]


def _is(item: Any, type_: str) -> bool:
    return isinstance(item, pikepdf.Dictionary) and item.get("/Type") == type_


def test_it_is_a_pdf_a_3_with_its_parts() -> None:
    """What can be seen of PDF/A-3b without a validator of its own, of which there is no package."""
    with pikepdf.open(io.BytesIO(rendered(INVOICE))) as opened:
        assert not opened.is_encrypted
        (intent,) = opened.Root.OutputIntents
        assert intent.S == "/GTS_PDFA1"
        assert intent.DestOutputProfile.read_bytes()[36:40] == b"acsp"
        embedded = fonts(opened)
        assert embedded
        assert all("/FontFile2" in font or "/FontFile3" in font for font in embedded)
        assert not any(_is(item, "/Action") for item in opened.objects)
        assert opened.trailer.ID[0]
        with opened.open_metadata() as metadata:
            assert metadata["pdfaid:part"] == "3"
            assert metadata["pdfaid:conformance"] == "B"
            assert metadata["dc:title"] == str(opened.docinfo.Title) == "Rechnung NV-2026-000123"
            assert metadata["xmp:CreateDate"].startswith("2026-11-22")


def _local(tree: Any, name: str) -> list[str]:
    return [found.text for found in tree.iter(f"{{*}}{name}")]


def test_its_metadata_describe_the_invoice_in_it() -> None:
    with pikepdf.open(io.BytesIO(rendered(INVOICE))) as opened:
        tree = etree.fromstring(opened.Root.Metadata.read_bytes())
    said = {
        name: tree.findtext(f".//{{{FACTUR_X}}}{name}")
        for name in ("DocumentType", "DocumentFileName", "Version", "ConformanceLevel")
    }
    assert said == {
        "DocumentType": "INVOICE",
        "DocumentFileName": "factur-x.xml",
        "Version": "1.0",
        "ConformanceLevel": "EN 16931",
    }
    assert FACTUR_X in _local(tree, "namespaceURI")
    described = [set(said) <= set(_local(schema, "name")) for schema in tree.iter("{*}li")]
    assert any(described)


@pytest.mark.parametrize("document", [INVOICE, CANCELLATION, CORRECTION], ids=lambda d: d.type)
def test_the_xml_in_it_is_found_by_those_who_read_zugferd(document: InvoiceDocument) -> None:
    import facturx

    data = rendered(document)
    name, found = facturx.get_facturx_xml_from_pdf(data, check_xsd=True)
    assert name == "factur-x.xml"
    assert found == zugferd(document)
    with pikepdf.open(io.BytesIO(data)) as opened:
        (attached,) = opened.Root.AF
        assert attached.AFRelationship == "/Alternative"
        assert attached.EF.F.Subtype == "/text/xml"
        assert attached.EF.F.Params.Size == len(found)


def test_the_same_document_gives_the_same_bytes() -> None:
    assert rendered(INVOICE) == rendered(INVOICE)
    assert rendered(INVOICE) != rendered(replace(INVOICE, number="NV-2"))


def test_a_document_is_refused_that_corrects_nothing() -> None:
    with pytest.raises(ValueError, match="names an earlier document"):
        replace(CANCELLATION, earlier=())
    with pytest.raises(ValueError, match="has lines"):
        replace(INVOICE, lines=())
    with pytest.raises(ValueError, match="of its currency"):
        replace(INVOICE, currency="CHF")
