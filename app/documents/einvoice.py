"""The structured form of an invoice: EN 16931 in the syntax of UN/CEFACT (CII).

ZUGFeRD puts it into the PDF, and XRechnung, Germany's own rules on top of EN 16931, asks for some
more of it. Amounts are those of the document, to the cent. What EN 16931 wants to be so is
presented so, without another rounding:

- A document that takes back is a credit note (381), whose amounts are positive. A correction
  (384) bills anew. Read as documents that add up or as ones that replace, both end in the same.
- The price of an item is never negative (BR-27), so in a line that takes back the quantity is.
- Where a line's net amount is no multiple of its quantity, the price is the one of all the line's
  items (BT-149), so that price and quantity give the net amount exactly.
- The tax of a rate is the sum of the lines' rounded tax. The rules (BR-CO-17, BR-S-09) let it
  differ from the rate times the net sum by less than one unit of the currency. Lines whose tax
  was taken out of a gross price differ by half a cent and the tax on it at most, so that no
  document of up to `MOST_LINES` lines at a rate can differ by as much. A document in a currency
  without cents can, from the second line on: no presentation of it keeps the rule.
"""

from decimal import Decimal
from typing import Any

from app.documents.invoice import DocumentType, InvoiceDocument, Line, Payment, plain
from app.documents.words import words
from app.domain.periods import Span
from app.domain.tax import TaxedAmount

EN_16931 = "urn:cen.eu:en16931:2017"
"""What ZUGFeRD's profile of the same name says that it follows."""

XRECHNUNG = "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
"""XRechnung 3.0, in force since February 2024."""

MOST_LINES = 160
"""So many lines at one rate keep the rules whatever they are rounded to, at up to 23 percent."""

_PROCESS = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
_PIECE = "C62"
_TYPES = {
    DocumentType.INVOICE: "380",
    DocumentType.CANCELLATION: "381",
    DocumentType.CORRECTION: "384",
    DocumentType.CANCELLATION_CORRECTION: "381",
}
_UNDEFINED, _TRANSFER, _DEBIT, _ONLINE = "1", "58", "59", "68"
"""UNTDID 4461: instrument not defined, SEPA credit transfer, SEPA debit, online payment service."""


def einvoice(document: InvoiceDocument) -> bytes:
    """The document as XRechnung, or as plain EN 16931 where it lacks what XRechnung asks for."""
    return _serialized(document, EN_16931 if lacks(document) else XRECHNUNG)


def zugferd(document: InvoiceDocument) -> bytes:
    """The document as the `factur-x.xml` that ZUGFeRD puts into the PDF."""
    return _serialized(document, EN_16931)


def lacks(document: InvoiceDocument) -> tuple[str, ...]:
    """What XRechnung asks for and the document doesn't have, by names of its fields."""
    seller, buyer = document.seller, document.buyer
    asked = {
        "seller.postal_code": seller.postal_code,
        "seller.city": seller.city,
        "seller.email": seller.email,
        "seller.phone": sum(sign.isdigit() for sign in seller.phone) > 2,
        "buyer.postal_code": buyer.postal_code,
        "buyer.city": buyer.city,
        "buyer.email": buyer.email,
        "buyer.number": buyer.number or document.purchase_order_number,
    }
    return tuple(name for name, value in asked.items() if not value)


def _serialized(document: InvoiceDocument, guideline: str) -> bytes:
    # It takes a while to load.
    from drafthorse.models.document import Document

    xml = Document()
    if guideline == XRECHNUNG:
        xml.context.business_parameter.id = _PROCESS
    xml.context.guideline_parameter.id = guideline
    _fill_header(xml.header, document)
    for position, line in enumerate(document.lines, start=1):
        xml.trade.items.add(_line(document, position, line))
    _fill_seller(xml.trade.agreement.seller, document)
    _fill_buyer(xml.trade.agreement, document)
    _fill_settlement(xml.trade.settlement, document)
    # What is performed in parts counts as performed when a part ends (`tax.performed_on`).
    performed_on = document.service.ends_on if document.service else document.issued_on
    xml.trade.delivery.event.occurrence = performed_on
    data: bytes = xml.serialize(schema="FACTUR-X_EN16931")
    return data


def _fill_header(header: Any, document: InvoiceDocument) -> None:
    from drafthorse.models.note import IncludedNote

    header.id = plain(document.number)
    header.type_code = _TYPES[document.type]
    header.issue_date_time = document.issued_on
    said = words(document.language)
    notes = [("", said.about(document)), ("", document.reason), ("REG", _register(document))]
    for subject, text in notes:
        if plain(text):
            note = IncludedNote()
            note.content = plain(text)
            note.subject_code = subject
            header.notes.add(note)


def _register(document: InvoiceDocument) -> str:
    """Where the seller is registered and who directs it, as letters have to say it."""
    seller = document.seller
    told = (seller.register_court, seller.register_number, seller.managing_directors)
    return ", ".join(filter(None, told))


def _line(document: InvoiceDocument, position: int, line: Line) -> Any:
    from drafthorse.models.tradelines import LineItem

    net = _signed(document, line.amount.net.amount)
    item = LineItem()
    item.document.line_id = str(position)
    item.product.name = plain(line.title) or "-"
    price = abs(net) / line.quantity
    if price == round(price, 2):
        item.agreement.net.amount = round(price, 2)
    else:
        item.agreement.net.amount = abs(net)
        item.agreement.net.basis_quantity = (Decimal(line.quantity), _PIECE)
    count = Decimal(-line.quantity if net < 0 else line.quantity)
    item.delivery.billed_quantity = (count, _PIECE)
    item.settlement.trade_tax.type_code = "VAT"
    item.settlement.trade_tax.category_code = _category(line.amount.percent)
    item.settlement.trade_tax.rate_applicable_percent = line.amount.percent
    _fill_period(item.settlement.period, line.service)
    item.settlement.monetary_summation.total_amount = net
    return item


def _category(percent: Decimal) -> str:
    """UNTDID 5305: standard rate, which any but zero is, or zero rate."""
    return "S" if percent else "Z"


def _signed(document: InvoiceDocument, amount: Decimal) -> Decimal:
    """An amount as its type wants it: a credit note says how much it gives back."""
    return -amount if document.type.cancels and amount else amount


def _fill_period(period: Any, service: Span | None) -> None:
    if service is not None:
        period.start = service.starts_on
        period.end = service.ends_on


def _fill_seller(party: Any, document: InvoiceDocument) -> None:
    from drafthorse.models.party import TaxRegistration

    seller = document.seller
    party.name = plain(seller.legal_name)
    if seller.register_number:
        party.legal_organization.id = ("", plain(seller.register_number))
    if seller.email and seller.phone:
        party.contact.department_name = plain(seller.legal_name)
        party.contact.telephone.number = plain(seller.phone)
        party.contact.email.address = plain(seller.email)
    party.address.postcode = plain(seller.postal_code)
    party.address.line_one = plain(f"{seller.street} {seller.house_number}".strip())
    party.address.city_name = plain(seller.city)
    party.address.country_id = seller.country
    if seller.email:
        party.electronic_address.uri_ID = ("EM", plain(seller.email))
    for scheme, number in (("VA", seller.vat_number), ("FC", seller.tax_number)):
        if number:
            party.tax_registrations.add(TaxRegistration(id=(scheme, plain(number))))


def _fill_buyer(agreement: Any, document: InvoiceDocument) -> None:
    from drafthorse.models.party import TaxRegistration

    buyer, party = document.buyer, agreement.buyer
    agreement.buyer_reference = plain(document.purchase_order_number or buyer.number)
    if document.purchase_order_number:
        agreement.buyer_order.issuer_assigned_id = plain(document.purchase_order_number)
    party.id = plain(buyer.number)
    party.name = plain(buyer.company) or plain(buyer.person) or plain(buyer.number) or "-"
    if plain(buyer.company) and plain(buyer.person):
        party.contact.person_name = plain(buyer.person)
    street = f"{buyer.street} {buyer.house_number}".strip()
    first, *others = [*filter(None, (street, buyer.postbox, buyer.addition)), ""]
    party.address.postcode = plain(buyer.postal_code)
    party.address.line_one = plain(first)
    party.address.line_two = plain(", ".join(filter(None, others)))
    party.address.city_name = plain(buyer.city)
    party.address.country_id = buyer.country
    party.address.country_subdivision = plain(buyer.region)
    if buyer.email:
        party.electronic_address.uri_ID = ("EM", plain(buyer.email))
    # The number begins with its country (BR-CO-09); where it doesn't, the PDF alone says it.
    if buyer.vat_number[:2].isalpha():
        party.tax_registrations.add(TaxRegistration(id=("VA", plain(buyer.vat_number))))


def _fill_settlement(settlement: Any, document: InvoiceDocument) -> None:
    from drafthorse.models.payment import PaymentTerms

    settlement.currency_code = document.currency
    settlement.payment_reference = plain(document.number)
    _fill_payment(settlement, document)
    for rate in document.totals.rates:
        settlement.trade_tax.add(_tax(document, rate))
    _fill_period(settlement.period, document.service)
    terms = PaymentTerms()
    if document.type.cancels:
        terms.description = words(document.language).refund
    else:
        terms.due = document.due_on
    if _debited(document) and document.debit:
        terms.due = document.debit.collected_on
        terms.debit_mandate_id = plain(document.debit.mandate_reference)
    settlement.terms.add(terms)
    _fill_sums(settlement.monetary_summation, document)
    if document.earlier:
        settlement.invoice_referenced_document.issuer_assigned_id = plain(
            document.earlier[0].number
        )
        settlement.invoice_referenced_document.issue_date_time = document.earlier[0].issued_on


def _debited(document: InvoiceDocument) -> bool:
    collects = document.payment is Payment.SEPA_DEBIT and not document.type.cancels
    return collects and document.debit is not None


def _fill_payment(settlement: Any, document: InvoiceDocument) -> None:
    from drafthorse.models.payment import PaymentMeans

    means, seller = PaymentMeans(), document.seller
    means.type_code = _UNDEFINED
    if _debited(document) and document.debit:
        settlement.creditor_reference_id = plain(document.debit.creditor_id)
        means.type_code = _DEBIT
        # Files are seen by many; the whole number is the payer's own, and at the bank.
        means.payer_account.iban = document.debit.masked_iban.replace(" ", "")
    elif document.type.cancels:
        means.information.add(words(document.language).refund)
    elif document.payment is Payment.INVOICE and seller.iban:
        means.type_code = _TRANSFER
        means.payee_account.iban = seller.iban
        means.payee_account.account_name = plain(seller.legal_name)
        means.payee_institution.bic = seller.bic
    elif document.payment in {Payment.CREDIT_CARD, Payment.PAYPAL}:
        means.type_code = _ONLINE
        means.information.add(words(document.language).means[document.payment])
    settlement.payment_means.add(means)


def _tax(document: InvoiceDocument, rate: TaxedAmount) -> Any:
    from drafthorse.models.accounting import ApplicableTradeTax

    tax = ApplicableTradeTax()
    tax.calculated_amount = _signed(document, rate.tax.amount)
    tax.type_code = "VAT"
    tax.basis_amount = _signed(document, rate.net.amount)
    tax.category_code = _category(rate.percent)
    tax.rate_applicable_percent = rate.percent
    return tax


def _fill_sums(sums: Any, document: InvoiceDocument) -> None:
    totals = document.totals
    sums.line_total = _signed(document, totals.net.amount)
    sums.charge_total = Decimal("0.00")
    sums.allowance_total = Decimal("0.00")
    sums.tax_basis_total = _signed(document, totals.net.amount)
    sums.tax_total = (_signed(document, totals.tax.amount), document.currency)
    sums.grand_total = _signed(document, totals.gross.amount)
    sums.due_amount = _signed(document, totals.gross.amount)
