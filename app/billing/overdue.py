"""Invoices that nobody paid in time."""

from datetime import date

from sqlalchemy import Select, exists, select

from app.billing.debits import pending_debit
from app.models import Invoice, Transaction
from app.models.invoice import InvoiceStatus
from app.models.transaction import TransactionAction, TransactionStatus
from app.work.action import routine
from app.work.unit import Work


def invoices_overdue(tenant_id: int, today: date) -> Select[int]:
    """The keys of a tenant's open invoices that `mark_overdue` marks on a day, the oldest first."""
    on_its_way = exists().where(
        Transaction.tenant_id == Invoice.tenant_id,
        Transaction.invoice_id == Invoice.id,
        Transaction.action == TransactionAction.SEPA_DEBIT.value,
        Transaction.status == TransactionStatus.PENDING.value,
    )
    return (
        select(Invoice.id)
        .where(
            Invoice.tenant_id == tenant_id,
            Invoice.status == InvoiceStatus.OPEN.value,
            Invoice.gross > 0,
            Invoice.due_on < today,
            ~on_its_way,
        )
        .order_by(Invoice.due_on, Invoice.id)
    )


@routine(history="invoice.overdue", diary=True)
async def mark_overdue(work: Work, key: int) -> Invoice | None:
    """Mark an open invoice that was due before today as not paid.

    One that is to be debited stays open while its debit is planned or at the bank.
    """
    invoice = await work.lock_key(Invoice, key)
    if invoice is None or invoice.status != InvoiceStatus.OPEN or invoice.gross <= 0:
        return None
    if invoice.due_on >= await work.today() or await pending_debit(work, invoice) is not None:
        return None
    invoice.status = InvoiceStatus.NOT_PAID.value
    work.note(f"Invoice {invoice.number} is overdue.")
    return invoice
