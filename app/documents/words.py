"""What documents say, in the languages that they are written in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from app.documents.invoice import DocumentType, InvoiceDocument, Language, Payment


@dataclass(frozen=True)
class Words:
    """The words of a language; `{...}` are filled in."""

    language: Language
    titles: Mapping[DocumentType, str]
    subjects: Mapping[DocumentType, str]
    replaced: str
    labels: Mapping[str, str]
    payments: Mapping[Payment, str]
    means: Mapping[Payment, str]
    transfer: str
    account: str
    refund: str
    free: str
    pages: str

    def day(self, day: date) -> str:
        """A day as it is written in letters."""
        return f"{day:%d.%m.%Y}" if self.language is Language.DE else f"{day.day} {day:%B %Y}"

    def about(self, document: InvoiceDocument) -> str:
        """Which documents this one cancels or replaces; nothing for an invoice."""
        if not document.earlier:
            return ""
        original, *others = document.earlier
        text = self.subjects[document.type].format(
            number=original.number, day=self.day(original.issued_on)
        )
        for cancellation in others:
            text += self.replaced.format(
                number=cancellation.number, day=self.day(cancellation.issued_on)
            )
        return f"{text}."


_GERMAN = Words(
    language=Language.DE,
    titles={
        DocumentType.INVOICE: "Rechnung",
        DocumentType.CANCELLATION: "Stornorechnung",
        DocumentType.CORRECTION: "Rechnungskorrektur",
        DocumentType.CANCELLATION_CORRECTION: "Storno der Rechnungskorrektur",
    },
    subjects={
        DocumentType.INVOICE: "",
        DocumentType.CANCELLATION: "Storno der Rechnung {number} vom {day}",
        DocumentType.CORRECTION: "Berichtigung der Rechnung {number} vom {day}",
        DocumentType.CANCELLATION_CORRECTION: "Storno der Rechnungskorrektur {number} vom {day}",
    },
    replaced=", storniert mit {number} vom {day}",
    labels={
        "number": "Rechnungsnummer",
        "issued_on": "Rechnungsdatum",
        "customer": "Kundennummer",
        "order": "Ihre Bestellnummer",
        "service": "Leistungszeitraum",
        "service_day": "Leistungsdatum",
        "vat_number": "Ihre USt-IdNr.",
        "due_on": "Fällig am",
        "position": "Pos.",
        "title": "Bezeichnung",
        "quantity": "Menge",
        "percent": "USt.",
        "net": "Netto",
        "tax": "Steuer",
        "gross": "Brutto",
        "total_net": "Summe netto",
        "rate": "Umsatzsteuer {percent} auf {net}",
        "total": "Gesamtbetrag",
        "reason": "Grund",
        "phone": "Telefon",
        "seller_vat": "USt-IdNr.",
        "seller_tax": "Steuernummer",
        "directors": "Geschäftsführung",
    },
    payments={
        Payment.SEPA_DEBIT: (
            "Den Betrag von {amount} ziehen wir am {day} per SEPA-Lastschrift von Ihrem Konto "
            "{iban} ein. Mandatsreferenz: {mandate}. Unsere Gläubiger-Identifikationsnummer: "
            "{creditor}."
        ),
        Payment.INVOICE: (
            "Bitte überweisen Sie den Betrag von {amount} bis zum {day} unter Angabe der "
            "Rechnungsnummer {number}."
        ),
        Payment.CREDIT_CARD: "Der Betrag von {amount} wird mit Ihrer Kreditkarte bezahlt.",
        Payment.PAYPAL: "Der Betrag von {amount} wird über PayPal bezahlt.",
        Payment.FREE: "Es ist nichts zu bezahlen.",
    },
    means={Payment.CREDIT_CARD: "Kreditkarte", Payment.PAYPAL: "PayPal"},
    transfer="Bitte begleichen Sie den Betrag von {amount} bis zum {day}.",
    account="Unser Konto: {iban}",
    refund="Der Betrag wird mit offenen Forderungen verrechnet oder erstattet.",
    free="Es ist nichts zu bezahlen.",
    pages="Seite {page} von {pages}",
)

_ENGLISH = Words(
    language=Language.EN,
    titles={
        DocumentType.INVOICE: "Invoice",
        DocumentType.CANCELLATION: "Cancellation",
        DocumentType.CORRECTION: "Corrected invoice",
        DocumentType.CANCELLATION_CORRECTION: "Cancellation of a corrected invoice",
    },
    subjects={
        DocumentType.INVOICE: "",
        DocumentType.CANCELLATION: "Cancels invoice {number} of {day}",
        DocumentType.CORRECTION: "Corrects invoice {number} of {day}",
        DocumentType.CANCELLATION_CORRECTION: "Cancels corrected invoice {number} of {day}",
    },
    replaced=", cancelled by {number} of {day}",
    labels={
        "number": "Invoice number",
        "issued_on": "Invoice date",
        "customer": "Customer number",
        "order": "Your order number",
        "service": "Service period",
        "service_day": "Date of supply",
        "vat_number": "Your VAT number",
        "due_on": "Due on",
        "position": "Item",
        "title": "Description",
        "quantity": "Quantity",
        "percent": "VAT",
        "net": "Net",
        "tax": "Tax",
        "gross": "Gross",
        "total_net": "Net total",
        "rate": "VAT {percent} on {net}",
        "total": "Total",
        "reason": "Reason",
        "phone": "Phone",
        "seller_vat": "VAT number",
        "seller_tax": "Tax number",
        "directors": "Directors",
    },
    payments={
        Payment.SEPA_DEBIT: (
            "We will collect {amount} on {day} by SEPA direct debit from your account {iban}. "
            "Mandate reference: {mandate}. Our creditor identifier: {creditor}."
        ),
        Payment.INVOICE: (
            "Please transfer {amount} by {day}, quoting the invoice number {number}."
        ),
        Payment.CREDIT_CARD: "{amount} will be paid with your credit card.",
        Payment.PAYPAL: "{amount} will be paid through PayPal.",
        Payment.FREE: "There is nothing to pay.",
    },
    means={Payment.CREDIT_CARD: "Credit card", Payment.PAYPAL: "PayPal"},
    transfer="Please pay {amount} by {day}.",
    account="Our account: {iban}",
    refund="The amount will be set off against open claims or refunded.",
    free="There is nothing to pay.",
    pages="Page {page} of {pages}",
)


def words(language: Language) -> Words:
    """The words of a language."""
    return _GERMAN if language is Language.DE else _ENGLISH
