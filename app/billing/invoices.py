"""Issuing invoices and what corrects them: once, in the transaction that they belong to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.billing.numbers import next_invoice_number
from app.billing.profile import billing_profile, due_on
from app.domain.money import Money
from app.domain.periods import Span
from app.domain.tax import TaxedAmount, TaxTotals
from app.models import BankAccount, Customer, Invoice, InvoiceItem, InvoiceTax
from app.models.base import Json, PaymentMethod
from app.models.invoice import InvoiceStatus, InvoiceType
from app.work.unit import Work

RENDER = "render_invoice"
"""The job that makes an invoice's PDF and XML."""

_LETTERHEAD = (
    "legal_name",
    "street",
    "house_number",
    "postal_code",
    "city",
    "country",
    "vat_number",
    "tax_number",
    "register_court",
    "register_number",
    "managing_directors",
    "email",
    "phone",
    "website",
    "bank_name",
    "iban",
    "bic",
    "creditor_id",
    "footer",
)


@dataclass(frozen=True)
class Line:
    """A line of a document: what, how many, for which days, and what it costs."""

    title: str
    quantity: int
    amount: TaxedAmount
    service: Span | None = None
    order_item_id: int | None = None
    subscription_period_id: int | None = None


@dataclass(frozen=True)
class Payer:
    """Who pays a document, and how."""

    customer: Customer
    address: Json
    payment_method: PaymentMethod
    bank_account: BankAccount | None = None


@dataclass(frozen=True)
class Occasion:
    """What a document is about: an order, a subscription, or the document that it corrects."""

    type: InvoiceType = InvoiceType.INVOICE
    order_id: int | None = None
    subscription_id: int | None = None
    precursor_id: int | None = None
    purchase_order_number: str | None = None
    reason: str | None = None


async def issue(
    work: Work, payer: Payer, lines: Sequence[Line], occasion: Occasion, **settled: Any
) -> Invoice:
    """Issue a document, today. It is never changed again; a job makes its PDF.

    Its number is taken last, so that others wait for it no longer than they must. `settled` are
    columns that say how it stands, where it is not OPEN: `status` and `paid_at`.
    """
    profile, today = await billing_profile(work), await work.today()
    currency = lines[0].amount.gross.currency
    totals = TaxTotals.of([line.amount for line in lines], currency)
    service = _service(lines)
    invoice = Invoice(
        customer_id=payer.customer.id,
        type=occasion.type.value,
        status=InvoiceStatus.OPEN.value,
        issued_on=today,
        due_on=due_on(profile, payer.payment_method, today),
        service_from=service and service.starts_on,
        service_until=service and service.ends_on,
        payment_method=payer.payment_method.value,
        order_id=occasion.order_id,
        subscription_id=occasion.subscription_id,
        precursor_id=occasion.precursor_id,
        purchase_order_number=occasion.purchase_order_number,
        reason=occasion.reason,
        net=totals.net.amount,
        tax=totals.tax.amount,
        gross=totals.gross.amount,
        currency=currency,
        address=payer.address,
        seller={name: getattr(profile, name) for name in _LETTERHEAD},
    )
    for name, value in settled.items():
        setattr(invoice, name, value)
    await work.flush()
    invoice.number = await next_invoice_number(work, profile.invoice_prefix)
    work.add(invoice)
    await work.flush()
    _add_parts(work, invoice, lines, totals)
    return invoice


def _service(lines: Sequence[Line]) -> Span | None:
    """From the first day that a line is about to the last."""
    spans = [line.service for line in lines if line.service is not None]
    if not spans:
        return None
    return Span(min(span.starts_on for span in spans), max(span.ends_on for span in spans))


def _add_parts(work: Work, invoice: Invoice, lines: Sequence[Line], totals: TaxTotals) -> None:
    for position, line in enumerate(lines, start=1):
        work.add(
            InvoiceItem(
                invoice_id=invoice.id,
                position=position,
                order_item_id=line.order_item_id,
                subscription_period_id=line.subscription_period_id,
                service_from=line.service and line.service.starts_on,
                service_until=line.service and line.service.ends_on,
                title=line.title,
                quantity=line.quantity,
                **_amounts(line.amount),
            )
        )
    for rate in totals.rates:
        work.add(InvoiceTax(invoice_id=invoice.id, **_amounts(rate)))


def _amounts(amount: TaxedAmount) -> dict[str, Any]:
    return {
        "net": amount.net.amount,
        "tax_percent": amount.percent,
        "tax": amount.tax.amount,
        "gross": amount.gross.amount,
    }


async def lines_of(work: Work, invoice: Invoice) -> list[Line]:
    """The lines of a document as they were issued, in their order."""
    rows = await work.rows(InvoiceItem, InvoiceItem.invoice_id == invoice.id)
    return [_line(row, invoice.currency) for row in sorted(rows, key=lambda row: row.position)]


def _line(row: InvoiceItem, currency: str) -> Line:
    service = None
    if row.service_from is not None and row.service_until is not None:
        service = Span(row.service_from, row.service_until)
    return Line(
        row.title,
        row.quantity,
        TaxedAmount(
            Money(row.net, currency),
            Money(row.tax, currency),
            Money(row.gross, currency),
            row.tax_percent,
        ),
        service,
        row.order_item_id,
        row.subscription_period_id,
    )
