"""Makes an invoice's PDF and XML of what was written down when it was issued.

Both are made and stored before a transaction names them, under keys that the sweep knows of, so
that a worker may end anywhere: the next one begins anew, and what nobody claimed is swept.
"""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.documents.invoice import (
    Buyer,
    Debit,
    DocumentType,
    EarlierDocument,
    InvoiceDocument,
    Language,
    Line,
    Payment,
    Seller,
)
from app.domain.money import Money
from app.domain.periods import Span
from app.domain.tax import TaxedAmount
from app.models import BankAccount, BillingProfile, Customer, Invoice, InvoiceItem, Transaction
from app.models.base import PaymentMethod, TenantRow
from app.models.file import FilePurpose
from app.models.invoice import InvoiceType
from app.models.transaction import TransactionAction
from app.work.action import routine
from app.work.mails import MailTemplate, queue_mail
from app.work.perform import Performer
from app.work.shelf import Produced, Shelf, Stored, claim
from app.work.unit import Work
from app.writing import Writing

_EARLIER = {InvoiceType.INVOICE: 0, InvoiceType.CORRECTION: 2}
"""How many documents before it a type names; others name the one that they cancel."""

_typesetter = ThreadPoolExecutor(1, "typesetter")
"""One thread for all: a long document takes a core and much memory, and gains nothing beside."""

Row = TypeVar("Row", bound=TenantRow)
Part = TypeVar("Part", Seller, Buyer)


@dataclass(frozen=True)
class Files:
    """What was made of an invoice and stored, and waits to be named."""

    invoice: int
    pdf: Stored
    einvoice: Stored
    mailed: bool
    """Whether the customer is to get the document now."""


@routine(history="invoice.rendered")
async def rendered(work: Work, files: Files) -> Invoice | None:
    """Name an invoice's files, and mail it if wanted, unless somebody else was faster."""
    invoice = await work.lock_key(Invoice, files.invoice)
    if invoice is None or (invoice.file_id and invoice.einvoice_file_id):
        return None
    stored = [files.pdf, files.einvoice]
    pdf, einvoice = await claim(work, invoice.customer_id, stored, FilePurpose.INVOICE)
    invoice.file_id = invoice.file_id or pdf.id
    invoice.einvoice_file_id = invoice.einvoice_file_id or einvoice.id
    if files.mailed:
        customer = await work.session.get_one(Customer, (work.tenant_id, invoice.customer_id))
        await queue_mail(work, MailTemplate.INVOICE_ISSUED, customer, invoice=invoice)
    return invoice


async def render_invoice(
    writing: Writing,
    shelf: Shelf,
    performer: Performer,
    tenant_id: int,
    key: int,
    *,
    mailed: bool = False,
) -> None:
    """Make an invoice's PDF and XML where one of them is missing, name both, and mail the invoice
    to the customer if wanted.

    Raises:
        ApiError: UNAVAILABLE when the store or the database is; it can be tried again.
        RenderingError: the document can't be set.
    """
    async with writing.system_transaction(tenant_id) as transaction:
        document = await document_of(transaction.session, tenant_id, key)
    if document is None:
        return
    produced = await asyncio.get_running_loop().run_in_executor(_typesetter, _produced, document)
    async with shelf.produced(produced, tenant_id) as (pdf, einvoice):
        await performer.run(rendered, Files(key, pdf, einvoice, mailed), tenant_id)


def _produced(document: InvoiceDocument) -> list[Produced]:
    """The files, made in a thread: typst leaves the interpreter to others meanwhile."""
    from app.documents.einvoice import einvoice, zugferd
    from app.documents.pdf import pdf

    name = "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in document.number)
    return [
        Produced(f"{name}.pdf", "application/pdf", pdf(document, zugferd(document))),
        Produced(f"{name}.xml", "application/xml", einvoice(document)),
    ]


async def document_of(session: AsyncSession, tenant_id: int, key: int) -> InvoiceDocument | None:
    """What an invoice's files say; None where there is no such invoice, or both are there."""
    invoice = await session.get(Invoice, (tenant_id, key))
    if invoice is None or (invoice.file_id and invoice.einvoice_file_id):
        return None
    customer = await session.get_one(Customer, (tenant_id, invoice.customer_id))
    seller = await _letterhead(session, invoice)
    return InvoiceDocument(
        number=invoice.number,
        type=DocumentType(invoice.type),
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        seller=_part(Seller, seller),
        buyer=_part(
            Buyer,
            {
                **invoice.address,
                "number": customer.number,
                "email": customer.email,
                "country": invoice.address.get("country") or seller["country"],
            },
        ),
        lines=tuple(await _lines(session, invoice)),
        currency=invoice.currency,
        payment=Payment(invoice.payment_method),
        debit=await _debit(session, invoice, seller.get("creditor_id")),
        service=_span(invoice),
        purchase_order_number=invoice.purchase_order_number or "",
        reason=invoice.reason or "",
        earlier=tuple(await _earlier(session, invoice)),
        language=_language(customer),
    )


async def _letterhead(session: AsyncSession, invoice: Invoice) -> Mapping[str, Any]:
    """The seller as at issue; as now, where the document was brought in without."""
    if invoice.seller:
        return invoice.seller
    mine = select(BillingProfile).where(BillingProfile.tenant_id == invoice.tenant_id)
    profile = (await session.scalars(mine)).one()
    return {column.key: getattr(profile, column.key) for column in profile.__table__.columns}


def _part(part: type[Part], values: Mapping[str, Any]) -> Part:
    """A part of a document, of the values that it has a place for."""
    return part(**{field.name: values.get(field.name) or "" for field in fields(part)})


def _language(customer: Customer) -> Language:
    """German for those who speak it, English for others."""
    return Language.DE if customer.language.startswith("de") else Language.EN


async def _lines(session: AsyncSession, invoice: Invoice) -> Sequence[Line]:
    items = select(InvoiceItem).where(
        InvoiceItem.tenant_id == invoice.tenant_id, InvoiceItem.invoice_id == invoice.id
    )
    rows = await session.scalars(items.order_by(InvoiceItem.position))
    return [_line(row, invoice.currency) for row in rows]


def _line(item: InvoiceItem, currency: str) -> Line:
    net, tax, gross = (Money(amount, currency) for amount in (item.net, item.tax, item.gross))
    amount = TaxedAmount(net, tax, gross, item.tax_percent)
    return Line(item.title, item.quantity, amount, _span(item))


def _span(row: Invoice | InvoiceItem) -> Span | None:
    if row.service_from is None or row.service_until is None:
        return None
    return Span(row.service_from, row.service_until)


async def _debit(session: AsyncSession, invoice: Invoice, creditor_id: str | None) -> Debit | None:
    """The debit that draws the invoice's amount, the first one that was planned."""
    if invoice.payment_method != PaymentMethod.SEPA_DEBIT or not creditor_id:
        return None
    debits = (
        select(Transaction.due_on, BankAccount.mandate_reference, BankAccount.iban_masked)
        .join(
            BankAccount,
            (BankAccount.tenant_id == Transaction.tenant_id)
            & (BankAccount.id == Transaction.bank_account_id),
        )
        .where(
            Transaction.tenant_id == invoice.tenant_id,
            Transaction.invoice_id == invoice.id,
            Transaction.action == TransactionAction.SEPA_DEBIT.value,
        )
        .order_by(Transaction.id)
        .limit(1)
    )
    found = (await session.execute(debits)).one_or_none()
    if found is None or found.iban_masked is None:
        return None
    collected_on = found.due_on or invoice.due_on
    return Debit(creditor_id, found.mandate_reference, found.iban_masked, collected_on)


async def _earlier(session: AsyncSession, invoice: Invoice) -> Sequence[EarlierDocument]:
    """The documents that this one is about, the original first."""
    found: list[EarlierDocument] = []
    document = invoice
    for _ in range(_EARLIER.get(InvoiceType(invoice.type), 1)):
        if document.precursor_id is None:
            break
        document = await session.get_one(Invoice, (invoice.tenant_id, document.precursor_id))
        found.insert(0, EarlierDocument(document.number, document.issued_on))
    return found
