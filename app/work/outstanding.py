"""What of an invoice is still owed, said once in SQL, for whoever reads it and for the rules."""

from decimal import Decimal
from typing import Any

from sqlalchemy import CTE, ColumnElement, Numeric, case, func, literal_column, or_, select
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from app.models import Invoice, Transaction
from app.models.invoice import InvoiceStatus
from app.models.transaction import TransactionAction, TransactionStatus

Columns = ReadOnlyColumnCollection[str, ColumnElement[Any]]

_NOTHING: ColumnElement[Decimal] = literal_column("0.00", Numeric(14, 2))
_SETTLED = (InvoiceStatus.PAID.value, InvoiceStatus.CANCELLED.value)
_COMES_IN = (TransactionAction.SEPA_DEBIT.value, TransactionAction.BANK_TRANSFER.value)
_GOES_BACK = (TransactionAction.SEPA_DEBIT_RETURN.value, TransactionAction.REFUND.value)


def received(t: Columns) -> ColumnElement[Decimal]:
    """What was paid on an invoice and stayed: debits and transfers without returns and refunds.

    What was paid on a document that a correction took the place of counts for the correction.
    """
    chain = _with_precursors(t)
    of_chain = (
        select(func.coalesce(func.sum(_moved(chain.c.id, t)), _NOTHING))
        .select_from(chain)
        .correlate(t.id.table)
        .scalar_subquery()
    )
    # Most documents take the place of none, and looking for precursors takes its time.
    return case((t.precursor_id.is_(None), _moved(t.id, t)), else_=of_chain)


def _moved(invoice_id: ColumnElement[int], t: Columns) -> ColumnElement[Decimal]:
    """What came in on one document without what went back; it is looked up by its key."""
    moved = Transaction.__table__.alias("movement")
    signed = case(
        (moved.c.action.in_(_literals(_COMES_IN)), moved.c.amount),
        (moved.c.action.in_(_literals(_GOES_BACK)), -moved.c.amount),
        else_=_NOTHING,
    )
    return (
        select(func.coalesce(func.sum(signed), _NOTHING))
        .where(
            moved.c.tenant_id == t.tenant_id,
            moved.c.invoice_id == invoice_id,
            moved.c.status == literal_column(f"'{TransactionStatus.SUCCESS.value}'"),
        )
        .correlate_except(moved)
        .scalar_subquery()
    )


def _with_precursors(t: Columns) -> CTE:
    """The keys of an invoice and of all documents before it in its chain."""
    before = Invoice.__table__.alias("before")
    chain = (
        select(t.id.label("id"), t.precursor_id.label("precursor_id"))
        .correlate(t.id.table)
        .cte("chain", recursive=True, nesting=True)
    )
    return chain.union_all(
        select(before.c.id, before.c.precursor_id)
        .where(before.c.tenant_id == t.tenant_id, before.c.id == chain.c.precursor_id)
        .correlate(t.id.table)
    )


def outstanding(t: Columns) -> ColumnElement[Decimal]:
    """What is owed of an invoice: its gross amount without what was received, never less than
    nothing. Of one that is paid or cancelled nothing is, and of a document that takes back."""
    nothing_due = or_(t.status.in_(_literals(_SETTLED)), t.gross <= _NOTHING)
    owed = func.greatest(t.gross - received(t), _NOTHING, type_=Numeric(14, 2))
    return case((nothing_due, _NOTHING), else_=owed)


def _literals(words: tuple[str, ...]) -> list[ColumnElement[str]]:
    """Words of ours as they stand in the statement, so that they need no parameters."""
    return [literal_column(f"'{word}'") for word in words]
