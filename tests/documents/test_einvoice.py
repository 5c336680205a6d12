from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from app.documents.einvoice import EN_16931, MOST_LINES, XRECHNUNG, einvoice, lacks, zugferd
from app.documents.invoice import DocumentType, InvoiceDocument, Language, Line, Payment, Seller
from app.domain.money import Money
from app.domain.tax import TaxedAmount
from tests.documents.samples import (
    BUYER,
    CANCELLATION,
    CORRECTION,
    INVOICE,
    SELLER,
    documents,
    taxed,
)
from tests.documents.validation import broken_of_xrechnung, broken_of_zugferd

MASKED = {"BR-DE-20?"}
"""XRechnung's warning that the payer's IBAN is masked, which it is on purpose."""

DOCUMENTS = {
    "invoice": INVOICE,
    "cancellation": CANCELLATION,
    "correction": CORRECTION,
    "cancelled correction": replace(CANCELLATION, type=DocumentType.CANCELLATION_CORRECTION),
    "transfer": replace(INVOICE, payment=Payment.INVOICE, debit=None),
    "transfer without an account": replace(
        INVOICE, payment=Payment.INVOICE, debit=None, seller=replace(SELLER, iban="", bic="")
    ),
    "debit without a mandate": replace(INVOICE, debit=None),
    "card": replace(INVOICE, payment=Payment.CREDIT_CARD, debit=None),
    "free": replace(
        INVOICE,
        payment=Payment.FREE,
        debit=None,
        lines=(Line("Probeheft", 1, taxed("0.00")),),
    ),
    "zero rate": replace(INVOICE, lines=(Line("Buch", 1, taxed("10.00", "0")),)),
    "english": replace(CORRECTION, language=Language.EN),
    "person abroad": replace(
        INVOICE, buyer=replace(BUYER, company="", country="AT", vat_number="ATU12345675")
    ),
}


def texts(xml: bytes, path: str) -> list[str]:
    """What stands in elements, by the end of their path of local names."""
    steps = "/".join(f"*[local-name()='{name}']" for name in path.split("/"))
    found = etree.fromstring(xml).xpath(f"//{steps}")
    return [element.text for element in found]


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_documents_keep_the_rules_of_xrechnung(document: InvoiceDocument) -> None:
    xml = einvoice(document)
    assert broken_of_xrechnung(xml) <= MASKED
    assert texts(xml, "GuidelineSpecifiedDocumentContextParameter/ID") == [XRECHNUNG]


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_documents_keep_the_rules_of_zugferd(document: InvoiceDocument) -> None:
    xml = zugferd(document)
    assert broken_of_zugferd(xml) == set()
    assert texts(xml, "GuidelineSpecifiedDocumentContextParameter/ID") == [EN_16931]


@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(documents())
def test_any_document_keeps_the_rules_and_its_amounts(document: InvoiceDocument) -> None:
    xml = einvoice(document)
    if lacks(document):
        assert broken_of_zugferd(xml) == set()
    else:
        assert broken_of_xrechnung(xml) <= MASKED
    sign = -1 if document.type.cancels else 1
    totals = document.totals
    for path, amount in {
        "TaxBasisTotalAmount": totals.net,
        "TaxTotalAmount": totals.tax,
        "GrandTotalAmount": totals.gross,
        "DuePayableAmount": totals.gross,
    }.items():
        assert [sign * Decimal(text) for text in texts(xml, path)] == [amount.amount]
    nets = texts(xml, "SpecifiedTradeSettlementLineMonetarySummation/LineTotalAmount")
    assert [sign * Decimal(net) for net in nets] == [
        line.amount.net.amount for line in document.lines
    ]


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        (lambda document: replace(document, seller=Seller("Verlag", "DE")), "BR-S-02"),
        (lambda document: replace(document, buyer=replace(BUYER, country="XX")), "BR-CL-14"),
    ],
)
def test_the_rules_find_what_is_wrong(
    broken: Callable[[InvoiceDocument], InvoiceDocument], rule: str
) -> None:
    assert any(
        name.startswith((rule, "FX-")) for name in broken_of_zugferd(zugferd(broken(INVOICE)))
    )


def test_what_xrechnung_lacks_is_named_and_plain_en_16931_is_written() -> None:
    document = replace(INVOICE, buyer=replace(BUYER, email="", city=""), seller=SELLER)
    assert lacks(document) == ("buyer.city", "buyer.email")
    xml = einvoice(document)
    assert texts(xml, "GuidelineSpecifiedDocumentContextParameter/ID") == [EN_16931]
    assert broken_of_zugferd(xml) == set()
    assert lacks(INVOICE) == ()


def test_a_cancellation_is_a_credit_note_of_positive_amounts_that_names_the_original() -> None:
    xml = einvoice(CANCELLATION)
    assert texts(xml, "ExchangedDocument/TypeCode") == ["381"]
    assert texts(xml, "DuePayableAmount") == ["73.80"]
    assert texts(xml, "BilledQuantity") == ["1", "3", "-1"]
    assert texts(xml, "InvoiceReferencedDocument/IssuerAssignedID") == ["NV-2026-000001"]
    assert texts(xml, "InvoiceReferencedDocument/FormattedIssueDateTime/DateTimeString") == [
        "20261001"
    ]
    notes = texts(xml, "IncludedNote/Content")
    assert "Storno der Rechnung NV-2026-000001 vom 01.10.2026." in notes
    assert "Falsche Anschrift" in notes


def test_a_correction_names_the_original_and_its_cancellation() -> None:
    xml = einvoice(CORRECTION)
    assert texts(xml, "ExchangedDocument/TypeCode") == ["384"]
    assert texts(xml, "InvoiceReferencedDocument/IssuerAssignedID") == ["NV-2026-000001"]
    assert texts(xml, "IncludedNote/Content")[0] == (
        "Berichtigung der Rechnung NV-2026-000001 vom 01.10.2026, storniert mit NV-2026-000124 "
        "vom 22.11.2026."
    )


def test_a_debit_is_told_with_its_mandate_and_without_the_whole_iban() -> None:
    xml = einvoice(INVOICE)
    assert texts(xml, "SpecifiedTradeSettlementPaymentMeans/TypeCode") == ["59"]
    assert texts(xml, "DirectDebitMandateID") == ["M-1001-1"]
    assert texts(xml, "CreditorReferenceID") == ["DE98ZZZ09999999999"]
    assert texts(xml, "PayerPartyDebtorFinancialAccount/IBANID") == ["DE89**************3000"]
    assert texts(xml, "DueDateDateTime/DateTimeString") == ["20261207"]


def test_a_price_times_its_quantity_is_the_net_amount_exactly() -> None:
    line = Line("Drei für zwanzig", 3, taxed("20.00", "19"))
    xml = einvoice(replace(INVOICE, lines=(line,)))
    price, per = texts(xml, "NetPriceProductTradePrice/ChargeAmount"), texts(xml, "BasisQuantity")
    assert (price, per) == (["16.81"], ["3"])
    line = Line("Drei zu zehn", 3, TaxedAmount.from_net(Money.of("30.00"), Decimal(19)))
    xml = einvoice(replace(INVOICE, lines=(line,)))
    assert texts(xml, "NetPriceProductTradePrice/ChargeAmount") == ["10.00"]
    assert texts(xml, "BasisQuantity") == []


def _worst(percent: str) -> Line:
    """The line whose tax differs the most from the rate times its net amount."""

    def difference(amount: TaxedAmount) -> Decimal:
        return amount.tax.amount - amount.net.amount * amount.percent / 100

    candidates = (taxed(f"{cents / 100:.2f}", percent) for cents in range(1, 500))
    return Line("Heft", 1, max(candidates, key=difference))


@pytest.mark.parametrize("percent", ["7", "19", "23"])
def test_so_many_lines_keep_the_rules_whatever_they_are_rounded_to(percent: str) -> None:
    worst = _worst(percent)
    document = replace(INVOICE, lines=(worst,) * MOST_LINES)
    assert broken_of_zugferd(zugferd(document)) == set()


def test_a_currency_without_cents_may_break_them() -> None:
    lines = tuple(Line("Heft", 1, taxed("40", "19", "JPY")) for _ in range(4))
    broken = broken_of_zugferd(zugferd(replace(INVOICE, lines=lines, currency="JPY")))
    assert broken == {"BR-CO-17", "BR-S-09"}
    assert not broken_of_zugferd(zugferd(replace(INVOICE, lines=lines[:1], currency="JPY")))


def test_more_lines_may_break_them() -> None:
    document = replace(INVOICE, lines=(_worst("19"),) * (MOST_LINES + 20))
    assert broken_of_zugferd(zugferd(document))


def test_what_xml_cannot_hold_is_left_out() -> None:
    line = Line("Heft\x00\x0b 1\ufffe <b>&amp;", 1, taxed("1.00"))
    xml = einvoice(replace(INVOICE, lines=(line,)))
    assert texts(xml, "SpecifiedTradeProduct/Name") == ["Heft 1 <b>&amp;"]


def test_the_same_document_gives_the_same_xml() -> None:
    assert einvoice(INVOICE) == einvoice(INVOICE)
    assert zugferd(INVOICE) == zugferd(INVOICE)
