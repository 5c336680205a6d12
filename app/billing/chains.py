"""Chains of documents: an invoice, what cancels it, what corrects it, and so on.

The money of a chain is that of all its documents: what was paid for one counts for the one that
took its place, and what its last one does not ask for goes back.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select

from app.domain.money import Money
from app.models import Invoice, Transaction
from app.models.transaction import TransactionAction, TransactionStatus
from app.work.unit import Work

REPLACED = "REPLACED"
"""The error code of a refund that was given up before it was made, since it was reckoned anew."""

_INCOME = (TransactionAction.SEPA_DEBIT.value, TransactionAction.BANK_TRANSFER.value)


async def last_of(work: Work, invoice: Invoice) -> Invoice:
    """The last document of a document's chain, locked; most have no other than itself."""
    while True:
        following = await work.session.scalar(
            select(Invoice)
            .where(Invoice.tenant_id == work.tenant_id, Invoice.precursor_id == invoice.id)
            .with_for_update()
        )
        if following is None:
            return invoice
        invoice = following


async def in_flight(work: Work, last: Invoice) -> Money:
    """What banks are drawing for a chain at the moment."""
    drawn = select(func.coalesce(func.sum(Transaction.amount), 0)).where(
        Transaction.tenant_id == work.tenant_id,
        Transaction.invoice_id.in_(await _keys(work, last)),
        Transaction.action == TransactionAction.SEPA_DEBIT.value,
        Transaction.status == TransactionStatus.PENDING.value,
        Transaction.end_to_end_id.is_not(None),
    )
    amount = (await work.session.execute(drawn)).scalar_one()
    return Money.rounded(amount, last.currency)


async def refund(work: Work, last: Invoice, paid: Money) -> Transaction | None:
    """Plan to pay back what was paid for a chain beyond what its last document asks for.

    It goes to the account that it was drawn from, where it was. A refund that was planned before
    and not made yet is given up, unless it is of the same amount; None where none is planned.
    """
    surplus = paid - max(Money(last.gross, last.currency), Money.zero(last.currency))
    planned = await _movements(
        work,
        last,
        Transaction.action == TransactionAction.REFUND.value,
        Transaction.status == TransactionStatus.PENDING.value,
    )
    if len(planned) == 1 and planned[0].amount == surplus.amount:
        return planned[0]
    for movement in planned:
        movement.status = TransactionStatus.FAILURE.value
        movement.error_code = REPLACED
        movement.error_message = "Another document asks for another amount."
    if surplus.amount <= 0:
        return None
    incomes = await _movements(
        work,
        last,
        Transaction.action.in_(_INCOME),
        Transaction.status == TransactionStatus.SUCCESS.value,
        Transaction.returned_on.is_(None),
    )
    source = incomes[-1] if incomes else None
    return work.add(
        Transaction(
            customer_id=last.customer_id,
            action=TransactionAction.REFUND.value,
            status=TransactionStatus.PENDING.value,
            amount=surplus.amount,
            currency=surplus.currency,
            invoice_id=last.id,
            bank_account_id=None if source is None else source.bank_account_id,
            original_id=None if source is None else source.id,
            reference=last.number,
        )
    )


async def _movements(
    work: Work, last: Invoice, *conditions: ColumnElement[bool]
) -> Sequence[Transaction]:
    return await work.rows(
        Transaction, Transaction.invoice_id.in_(await _keys(work, last)), *conditions
    )


async def _keys(work: Work, last: Invoice) -> list[int]:
    """The keys of a chain's documents, its last one first."""
    await work.flush()
    chain = (
        select(Invoice.id, Invoice.precursor_id)
        .where(Invoice.tenant_id == work.tenant_id, Invoice.id == last.id)
        .cte("chain", recursive=True)
    )
    chain = chain.union_all(
        select(Invoice.id, Invoice.precursor_id).where(
            Invoice.tenant_id == work.tenant_id, Invoice.id == chain.c.precursor_id
        )
    )
    return list(await work.session.scalars(select(chain.c.id)))
