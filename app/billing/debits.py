"""Direct debits from when they are planned until the money is there."""

from datetime import date

from sqlalchemy import Select, select

from app.billing.payments import lock_invoice, settle
from app.billing.profile import billing_profile
from app.domain.direct_debits import collected_on
from app.domain.money import Money
from app.models import BankAccount, Invoice, Transaction
from app.models.transaction import TransactionAction, TransactionStatus
from app.work.action import routine
from app.work.unit import Work

DROPPED = "DROPPED"
"""The error code of a debit that was given up before the bank had it."""


async def plan_debit(
    work: Work, invoice: Invoice, bank_account: BankAccount, amount: Money | None = None
) -> Transaction:
    """Plan to draw what an invoice asks for, or another amount, from a bank account.

    The debit is due when the invoice is, or later where the payer has to be told of it for longer
    or banks don't work. It waits for the next batch, which looks at the mandate. The invoice has
    a key, and no other debit that is on its way; the database refuses a second one.
    """
    profile = await billing_profile(work)
    due_on = collected_on(invoice.due_on, await work.today(), profile.pre_notification_days)
    return work.add(
        Transaction(
            customer_id=invoice.customer_id,
            action=TransactionAction.SEPA_DEBIT.value,
            status=TransactionStatus.PENDING.value,
            amount=invoice.gross if amount is None else amount.amount,
            currency=invoice.currency,
            invoice_id=invoice.id,
            bank_account_id=bank_account.id,
            reference=invoice.number,
            due_on=due_on,
        )
    )


async def pending_debit(work: Work, invoice: Invoice) -> Transaction | None:
    """The debit of an invoice that is planned or at the bank, locked; None where there is none."""
    return await work.session.scalar(
        select(Transaction)
        .where(
            Transaction.tenant_id == work.tenant_id,
            Transaction.invoice_id == invoice.id,
            Transaction.action == TransactionAction.SEPA_DEBIT.value,
            Transaction.status == TransactionStatus.PENDING.value,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def drop_debit(work: Work, invoice: Invoice, because: str) -> Transaction | None:
    """Give up the debit of an invoice that was not presented yet; say why in a sentence.

    None where there is nothing to drop: no debit is planned, or the bank has it already, and its
    money comes in (see `presented_debit`).
    """
    debit = await pending_debit(work, invoice)
    if debit is None or debit.end_to_end_id is not None:
        return None
    debit.status = TransactionStatus.FAILURE.value
    debit.error_code, debit.error_message = DROPPED, because
    return debit


async def presented_debit(work: Work, invoice: Invoice) -> Transaction | None:
    """The debit of an invoice that is at the bank and not settled yet."""
    debit = await pending_debit(work, invoice)
    return None if debit is None or debit.end_to_end_id is None else debit


def debits_collected(tenant_id: int, until: date) -> Select[int]:
    """The keys of a tenant's debits that `settle_debit` settles on a day, the oldest first."""
    return (
        select(Transaction.id)
        .where(
            Transaction.tenant_id == tenant_id,
            Transaction.action == TransactionAction.SEPA_DEBIT.value,
            Transaction.status == TransactionStatus.PENDING.value,
            Transaction.end_to_end_id.is_not(None),
            Transaction.due_on <= until,
        )
        .order_by(Transaction.due_on, Transaction.id)
    )


@routine(history="debit.settled")
async def settle_debit(work: Work, key: int) -> Transaction | None:
    """Take a debit for paid once its collection day is there, and its invoice where it covers it.

    Banks tell of what fails, not of what succeeds; what comes back later is a return.
    """
    debit = await work.lock_key(Transaction, key)
    presented = debit is not None and debit.end_to_end_id is not None
    if debit is None or not presented or debit.status != TransactionStatus.PENDING:
        return None
    if debit.due_on is None or debit.due_on > await work.today():
        return None
    await collect(work, debit)
    return debit


async def collect(work: Work, debit: Transaction) -> None:
    """Say that a debit brought its money on its collection day."""
    debit.status = TransactionStatus.SUCCESS.value
    debit.executed_on = debit.due_on
    if debit.invoice_id is not None and debit.due_on is not None:
        await settle(work, await lock_invoice(work, debit.invoice_id), debit.due_on)
