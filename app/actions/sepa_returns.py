"""Debits that came back."""

from datetime import date

import strawberry
from sqlalchemy import func, select
from strawberry import UNSET

from app.actions.catalogue_inputs import MoneyInput
from app.actions.mandates import revoke
from app.auth.permissions import Permission
from app.billing.debits import collect
from app.billing.payments import lock_invoice, reopen, settle
from app.domain.money import Money
from app.domain.sepa_returns import REASONS, ReturnReason
from app.errors import Refused, UserErrorCode
from app.models import BankAccount, Customer, Invoice, Transaction
from app.models.bank_account import MandateState
from app.models.invoice import InvoiceStatus
from app.models.transaction import TransactionAction, TransactionStatus
from app.work.action import action
from app.work.inputs import Repeatable, checked_text, given, identifier, text
from app.work.mails import MailTemplate, queue_mail
from app.work.unit import Work

DECEASED = "MD07"
"""Nobody writes to the dead of debts."""


def _code(value: str) -> str | None:
    kept = checked_text(value.upper(), 60)
    if kept is not None and kept not in REASONS:
        raise Refused(UserErrorCode.RETURN_CODE_UNKNOWN, f"Known reasons are {', '.join(REASONS)}.")
    return kept


@strawberry.input(
    description="A debit that the bank rejected or sent back. It is named by one of its ids."
)
class RecordSepaReturnInput(Repeatable):
    """Which debit, when and why."""

    transaction_id: strawberry.ID | None = identifier("The id of the debit.", default=UNSET)
    end_to_end_id: str | None = text("The id under which the bank has it.", most=35, default=UNSET)
    reason_code: str = given(
        "Why, as the bank says it: AC01, AC04, AC06, AM04, MD01, MD06, MD07, MS02, MS03, or "
        "another code of ISO 20022 for debits that come back.",
        check=_code,
    )
    returned_on: date | None = given("The bank's day; by default today.", default=UNSET)
    amount: MoneyInput | None = given(
        "What the bank took back, so that it is compared with the debit. Debits only come back "
        "whole.",
        default=UNSET,
    )
    fee: MoneyInput | None = given(
        "What the bank charges for it. It goes into the account's diary.", default=UNSET
    )


@action(
    history="payment.returned",
    needs=Permission.PAYMENT_WRITE,
    refuses=(
        UserErrorCode.AMOUNT_MISMATCH,
        UserErrorCode.DATE_IN_FUTURE,
        UserErrorCode.DEBIT_NOT_RETURNABLE,
        UserErrorCode.PRICE_INVALID,
        UserErrorCode.RETURN_CODE_UNKNOWN,
    ),
    open_when_anonymized=True,
)
async def record_sepa_return(work: Work, input: RecordSepaReturnInput) -> Transaction:
    """Write down that a debit came back: the transaction that takes it back, or the debit itself
    where the bank rejected it before it was collected.

    Its invoice is not paid then, and the customer is told. AC01, AC04, AG01, MD01 and MD07 also
    end the mandate; after all else the debit can be tried again.
    """
    debit = await _debit(work, input)
    day = await _day(work, debit, input.returned_on or None)
    _check_amount(debit, input.amount or None)
    reason = REASONS[input.reason_code]
    if debit.status == TransactionStatus.PENDING and debit.due_on is not None:
        if day >= debit.due_on:
            await collect(work, debit)
        else:
            return await _rejected(work, debit, input, reason)
    return await _returned(work, debit, input, day)


async def _returned(
    work: Work, debit: Transaction, input: RecordSepaReturnInput, day: date
) -> Transaction:
    """A debit that was collected, and went back."""
    reason = REASONS[input.reason_code]
    debit.returned_on = day
    back = work.add(
        Transaction(
            customer_id=debit.customer_id,
            action=TransactionAction.SEPA_DEBIT_RETURN.value,
            status=TransactionStatus.SUCCESS.value,
            amount=debit.amount,
            currency=debit.currency,
            executed_on=day,
            invoice_id=debit.invoice_id,
            bank_account_id=debit.bank_account_id,
            original_id=debit.id,
            reference=debit.reference,
            error_code=input.reason_code,
            error_message=reason.text,
        )
    )
    await _follow(work, debit, input, day)
    return back


async def _rejected(
    work: Work, debit: Transaction, input: RecordSepaReturnInput, reason: ReturnReason
) -> Transaction:
    """A debit that the bank did not collect. It does not count as a use of the mandate."""
    debit.status = TransactionStatus.FAILURE.value
    debit.error_code, debit.error_message = input.reason_code, reason.text
    account = await _account(work, debit)
    if account is not None and account.mandate_last_used_on == debit.due_on:
        await work.flush()
        account.mandate_last_used_on = await work.session.scalar(
            select(func.max(Transaction.due_on)).where(
                Transaction.tenant_id == work.tenant_id,
                Transaction.bank_account_id == account.id,
                Transaction.action == TransactionAction.SEPA_DEBIT.value,
                Transaction.status != TransactionStatus.FAILURE.value,
                Transaction.status.in_((TransactionStatus.SUCCESS.value,))
                | Transaction.end_to_end_id.is_not(None),
            )
        )
    await _follow(work, debit, input, await work.today())
    return debit


async def _follow(work: Work, debit: Transaction, input: RecordSepaReturnInput, day: date) -> None:
    """What comes of it: for the invoice, the mandate, the customer and the diary."""
    reason = REASONS[input.reason_code]
    invoice = await _reopened(work, debit, day)
    account = await _account(work, debit)
    ended = reason.ends_mandate and account is not None
    if account is not None and ended and account.mandate_state == MandateState.ACTIVE:
        revoke(work, account)
    if invoice is not None and input.reason_code != DECEASED:
        customer = await work.session.get_one(Customer, (work.tenant_id, debit.customer_id))
        amount = Money(debit.amount, debit.currency)
        await queue_mail(
            work, MailTemplate.PAYMENT_RETURNED, customer, invoice=invoice, amount=amount
        )
    said = [f"Debit of {debit.amount} {debit.currency} returned, {input.reason_code}:"]
    said.append(reason.text)
    if ended:
        said.append("The mandate has ended.")
    if input.fee:
        fee = input.fee.money("fee")
        said.append(f"The bank charges {fee.amount} {fee.currency}.")
    work.note(" ".join(said))


async def _reopened(work: Work, debit: Transaction, day: date) -> Invoice | None:
    """The debit's invoice, which is not paid now unless other money covers it."""
    if debit.invoice_id is None:
        return None
    invoice = await lock_invoice(work, debit.invoice_id)
    await settle(work, invoice, day)
    if invoice.status == InvoiceStatus.OPEN:
        reopen(invoice)
    return invoice


async def _debit(work: Work, input: RecordSepaReturnInput) -> Transaction:
    """The debit, locked, which can come back.

    Raises:
        Refused: REQUIRED, NOT_FOUND or DEBIT_NOT_RETURNABLE.
    """
    if bool(input.transaction_id) == bool(input.end_to_end_id):
        raise Refused(
            UserErrorCode.REQUIRED, "Either this or `endToEndId` has to be given.", "transaction_id"
        )
    if input.transaction_id:
        field = "transaction_id"
        debit = await work.lock(Transaction, input.transaction_id, field)
    else:
        field = "end_to_end_id"
        key = await work.session.scalar(
            select(Transaction.id).where(
                Transaction.tenant_id == work.tenant_id,
                Transaction.end_to_end_id == input.end_to_end_id,
            )
        )
        found = None if key is None else await work.lock_key(Transaction, key)
        if found is None:
            raise Refused(UserErrorCode.NOT_FOUND, "There is no debit with this id.", field)
        debit = found
    at_the_bank = debit.status == TransactionStatus.SUCCESS or (
        debit.status == TransactionStatus.PENDING and debit.end_to_end_id is not None
    )
    came_back = debit.returned_on is not None
    if debit.action != TransactionAction.SEPA_DEBIT or not at_the_bank or came_back:
        raise Refused(
            UserErrorCode.DEBIT_NOT_RETURNABLE,
            "This is no debit that the bank has, or it came back already.",
            field,
        )
    return debit


async def _day(work: Work, debit: Transaction, returned_on: date | None) -> date:
    """The day of the return, which is neither ahead nor before the money was there.

    Raises:
        Refused: DATE_IN_FUTURE or INVALID.
    """
    day = returned_on or await work.today()
    if day > await work.today():
        raise Refused(UserErrorCode.DATE_IN_FUTURE, "This day lies ahead.", "returned_on")
    collected = debit.status == TransactionStatus.SUCCESS
    if collected and debit.executed_on is not None and day < debit.executed_on:
        raise Refused(
            UserErrorCode.INVALID, f"It was collected on {debit.executed_on}.", "returned_on"
        )
    return day


def _check_amount(debit: Transaction, amount: MoneyInput | None) -> None:
    """See that what the bank says is what was debited.

    Raises:
        Refused: AMOUNT_MISMATCH or PRICE_INVALID.
    """
    if amount is not None and amount.money("amount") != Money(debit.amount, debit.currency):
        raise Refused(
            UserErrorCode.AMOUNT_MISMATCH,
            f"{debit.amount} {debit.currency} were debited.",
            "amount",
        )


async def _account(work: Work, debit: Transaction) -> BankAccount | None:
    """The bank account that was debited, locked."""
    if debit.bank_account_id is None:
        return None
    return await work.lock_key(BankAccount, debit.bank_account_id)
