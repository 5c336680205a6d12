"""Invoices that nobody paid in time."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import ColumnElement, and_, exists

from app.models import Invoice, Transaction
from app.models.invoice import InvoiceStatus
from app.models.transaction import TransactionAction, TransactionStatus
from app.work.batch import Batch


def is_overdue(today: date) -> ColumnElement[bool]:
    """Open invoices that were due before a day.

    One that is to be debited stays open while its debit is planned or at the bank.
    """
    on_its_way = exists().where(
        Transaction.tenant_id == Invoice.tenant_id,
        Transaction.invoice_id == Invoice.id,
        Transaction.action == TransactionAction.SEPA_DEBIT.value,
        Transaction.status == TransactionStatus.PENDING.value,
    )
    return and_(
        Invoice.status == InvoiceStatus.OPEN.value,
        Invoice.gross > 0,
        Invoice.due_on < today,
        ~on_its_way,
    )


async def mark_overdue(batch: Batch, keys: Collection[int], day: date) -> int:
    """Mark open invoices that were due before a day as not paid; how many there were."""
    locked = await batch.lock_all(Invoice, keys, is_overdue(day))
    for invoice, _customer in locked:
        invoice.status = InvoiceStatus.NOT_PAID.value
        batch.keep("invoice.overdue", invoice, note=f"Invoice {invoice.number} is overdue.")
    return len(locked)
