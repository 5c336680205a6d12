"""Issuing invoices and what corrects them: once, in the transaction that they belong to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from app.billing.debits import plan_debit
from app.billing.numbers import next_invoice_numbers
from app.billing.profile import billing_profile, due_on
from app.domain.money import Money
from app.domain.periods import Span
from app.domain.tax import TaxedAmount, TaxTotals
from app.models import BankAccount, BillingProfile, Customer, Invoice, InvoiceItem, InvoiceTax
from app.models.base import Json, PaymentMethod
from app.models.invoice import InvoiceStatus, InvoiceType
from app.work.jobs import JobKind
from app.work.mails import MailTemplate, Occurrence, queue_mails
from app.work.unit import Work

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
    """Who pays a document, and how; debits are drawn from the bank account."""

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


@dataclass(frozen=True)
class Document:
    """A document to be issued.

    `settled` are columns that say how it stands, where it is not OPEN: `status` and `paid_at`.
    """

    payer: Payer
    lines: Sequence[Line]
    occasion: Occasion
    settled: Mapping[str, Any] = field(default_factory=dict)

    @property
    def currency(self) -> str:
        """What its amounts are in."""
        return self.lines[0].amount.gross.currency

    @property
    def totals(self) -> TaxTotals:
        """The sums of its lines."""
        return TaxTotals.of([line.amount for line in self.lines], self.currency)


async def bill(
    work: Work, payer: Payer, lines: Sequence[Line], occasion: Occasion, **settled: Any
) -> Invoice:
    """Issue a document, today, and see to what follows from it; see `bill_all`."""
    [invoice] = await bill_all(work, [Document(payer, lines, occasion, settled)])
    return invoice


async def bill_all(work: Work, documents: Sequence[Document]) -> list[Invoice]:
    """Issue documents as `issue_all` does, and see to what follows from them.

    What is open and paid by debit is planned to be drawn, which the payer is told of in time.
    Jobs make the PDFs and XMLs.
    """
    invoices = await issue_all(work, documents)
    announced = []
    for invoice, document in zip(invoices, documents, strict=True):
        payer = document.payer
        open_ = invoice.status == InvoiceStatus.OPEN and invoice.gross > 0
        if open_ and payer.bank_account is not None:
            announced.append(await _drawn(work, payer.customer, invoice, payer.bank_account))
        await render(work, invoice)
    await queue_mails(work, announced)
    return invoices


async def render(work: Work, invoice: Invoice) -> None:
    """Leave it to a job to make a document's PDF and XML, and to mail it then."""
    await work.enqueue(JobKind.RENDER_INVOICE, {"invoice": invoice.id, "mail": True})


async def draw(
    work: Work,
    customer: Customer,
    invoice: Invoice,
    account: BankAccount,
    amount: Money | None = None,
) -> None:
    """Plan to draw what an invoice asks for, or another amount, and announce it."""
    await queue_mails(work, [await _drawn(work, customer, invoice, account, amount)])


async def _drawn(
    work: Work,
    customer: Customer,
    invoice: Invoice,
    account: BankAccount,
    amount: Money | None = None,
) -> Occurrence:
    """Plan to draw what an invoice asks for, or another amount; what the payer is to be told."""
    debit = await plan_debit(work, invoice, account, amount)
    profile = await billing_profile(work)
    told = {
        "amount": Money(debit.amount, debit.currency),
        "collect_on": debit.due_on,
        "mandate_reference": account.mandate_reference,
        "creditor_id": profile.creditor_id,
        "iban": account.iban_masked,
    }
    return Occurrence(MailTemplate.SEPA_PRE_NOTIFICATION, customer, invoice=invoice, values=told)


async def issue(
    work: Work, payer: Payer, lines: Sequence[Line], occasion: Occasion, **settled: Any
) -> Invoice:
    """Issue a document, today; see `issue_all`."""
    [invoice] = await issue_all(work, [Document(payer, lines, occasion, settled)])
    return invoice


async def issue_all(work: Work, documents: Sequence[Document]) -> list[Invoice]:
    """Issue documents, today, in their order. They are never changed again.

    Their numbers are taken last, so that others wait for them no longer than they must.
    """
    if not documents:
        return []
    profile, today = await billing_profile(work), await work.today()
    invoices = [_invoice(document, profile, today) for document in documents]
    await work.flush()
    numbers = await next_invoice_numbers(work, profile.invoice_prefix, len(invoices))
    for invoice, number in zip(invoices, numbers, strict=True):
        invoice.number = number
        work.add(invoice)
    await work.flush()
    for invoice, document in zip(invoices, documents, strict=True):
        _add_parts(work, invoice, document)
    return invoices


def _invoice(document: Document, profile: BillingProfile, today: date) -> Invoice:
    payer, occasion, totals = document.payer, document.occasion, document.totals
    service = _service(document.lines)
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
        currency=document.currency,
        address=payer.address,
        seller={name: getattr(profile, name) for name in _LETTERHEAD},
    )
    for name, value in document.settled.items():
        setattr(invoice, name, value)
    return invoice


def _service(lines: Sequence[Line]) -> Span | None:
    """From the first day that a line is about to the last."""
    spans = [line.service for line in lines if line.service is not None]
    if not spans:
        return None
    return Span(min(span.starts_on for span in spans), max(span.ends_on for span in spans))


def _add_parts(work: Work, invoice: Invoice, document: Document) -> None:
    for position, line in enumerate(document.lines, start=1):
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
    for rate in document.totals.rates:
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
