"""Payments on invoices: transfers that came in, and debits to be drawn again."""

from datetime import date

import strawberry
from sqlalchemy import select
from strawberry import UNSET

from app.actions.catalogue_inputs import MoneyInput
from app.actions.mandates import require_usable
from app.auth.permissions import Permission
from app.billing.debits import drop_debit, pending_debit, plan_debit
from app.billing.payments import outstanding_on, settle
from app.billing.profile import billing_profile
from app.documents.pain008 import CURRENCY
from app.domain.money import Money
from app.errors import Refused, UserErrorCode
from app.models import BankAccount, Customer, Invoice, Transaction
from app.models.invoice import InvoiceStatus
from app.models.transaction import TransactionAction, TransactionStatus
from app.work.action import action
from app.work.inputs import Repeatable, given, identifier, text
from app.work.mails import MailTemplate, queue_mail
from app.work.unit import Work

_NOT_OWED = (
    UserErrorCode.INVOICE_ALREADY_PAID,
    UserErrorCode.INVOICE_ALREADY_CANCELLED,
    UserErrorCode.INVOICE_NOT_PAYABLE,
)


@strawberry.input(description="Money that came in by bank transfer.")
class MarkInvoicePaidInput(Repeatable):
    """For which invoice, how much, and when."""

    invoice_id: strawberry.ID = identifier("The id of the invoice.")
    amount: MoneyInput | None = given(
        "How much came in; by default all that is owed and not being debited. With less the "
        "invoice is paid in part, and what is still owed is its `outstanding`.",
        default=UNSET,
    )
    paid_on: date | None = given("The bank's day; by default today.", default=UNSET)
    reference: str | None = text(
        "The text on the bank statement.", of=Transaction.reference, default=UNSET
    )
    accept_overpayment: bool = given(
        "Whether to write down more than is owed. What is too much is to be paid back.",
        default=False,
    )


@strawberry.input(description="An invoice to debit again.")
class RetryDebitInput(Repeatable):
    """Which invoice, and from which bank account."""

    invoice_id: strawberry.ID = identifier("The id of the invoice.")
    bank_account_id: strawberry.ID | None = identifier(
        "The id of the bank account; by default that of the invoice's last debit.", default=UNSET
    )


@action(
    history="invoice.payment_received",
    needs=Permission.PAYMENT_WRITE,
    refuses=(
        *_NOT_OWED,
        UserErrorCode.AMOUNT_MISMATCH,
        UserErrorCode.DATE_IN_FUTURE,
        UserErrorCode.DEBIT_PENDING,
        UserErrorCode.OVERPAYMENT,
        UserErrorCode.PRICE_INVALID,
    ),
    open_when_anonymized=True,
)
async def mark_invoice_paid(work: Work, input: MarkInvoicePaidInput) -> Invoice:
    """Write down money that came in by bank transfer.

    The invoice is paid once what was received covers it. A debit that is planned is given up
    then, or drawn only for the rest.
    """
    invoice = await work.lock(Invoice, input.invoice_id, "invoice_id")
    _check_payable(invoice, also_paid=input.accept_overpayment)
    paid_on = input.paid_on or await work.today()
    if paid_on > await work.today():
        raise Refused(UserErrorCode.DATE_IN_FUTURE, "This day lies ahead.", "paid_on")
    amount = await _amount(work, invoice, input)
    work.add(
        Transaction(
            customer_id=invoice.customer_id,
            action=TransactionAction.BANK_TRANSFER.value,
            status=TransactionStatus.SUCCESS.value,
            amount=amount.amount,
            currency=amount.currency,
            executed_on=paid_on,
            invoice_id=invoice.id,
            reference=input.reference or None,
        )
    )
    await settle(work, invoice, paid_on)
    await _reduce_debit(work, invoice)
    work.note(f"Invoice {invoice.number}: {amount.amount} {amount.currency} received.")
    return invoice


@action(
    history="invoice.debit_retried",
    needs=Permission.PAYMENT_WRITE,
    refuses=(
        *_NOT_OWED,
        UserErrorCode.BANK_ACCOUNT_REMOVED,
        UserErrorCode.CREDITOR_INCOMPLETE,
        UserErrorCode.DEBIT_PENDING,
        UserErrorCode.MANDATE_LAPSED,
        UserErrorCode.MANDATE_REVOKED,
    ),
)
async def retry_debit(work: Work, input: RetryDebitInput) -> Transaction:
    """Plan to draw what is still owed of an invoice from a bank account, after a debit failed or
    came back or no transfer came. The customer is told of the day by mail."""
    invoice = await work.lock(Invoice, input.invoice_id, "invoice_id")
    _check_payable(invoice)
    if invoice.currency != CURRENCY:
        raise Refused(UserErrorCode.INVOICE_NOT_PAYABLE, "Only euros are debited.", "invoice_id")
    if await pending_debit(work, invoice) is not None:
        raise _pending()
    account = await _account(work, invoice, input.bank_account_id or None)
    await require_usable(work, account)
    profile = await billing_profile(work)
    if profile.creditor_id is None:
        raise Refused(
            UserErrorCode.CREDITOR_INCOMPLETE, "The billing profile has no creditor identifier."
        )
    owed = await outstanding_on(work, invoice)
    debit = await plan_debit(work, invoice, account, owed)
    await queue_mail(
        work,
        MailTemplate.SEPA_PRE_NOTIFICATION,
        await work.session.get_one(Customer, (work.tenant_id, invoice.customer_id)),
        invoice=invoice,
        amount=owed,
        collect_on=debit.due_on,
        mandate_reference=account.mandate_reference,
        creditor_id=profile.creditor_id,
        iban=account.iban_masked,
    )
    work.note(f"Invoice {invoice.number} is debited again on {debit.due_on}.")
    return debit


def _check_payable(invoice: Invoice, *, also_paid: bool = False) -> None:
    """See that money is owed for a document.

    Raises:
        Refused: INVOICE_ALREADY_CANCELLED, INVOICE_NOT_PAYABLE or INVOICE_ALREADY_PAID.
    """
    if invoice.status == InvoiceStatus.CANCELLED:
        raise Refused(
            UserErrorCode.INVOICE_ALREADY_CANCELLED, "This invoice was cancelled.", "invoice_id"
        )
    if invoice.gross <= 0:
        raise Refused(
            UserErrorCode.INVOICE_NOT_PAYABLE, "This document asks for no money.", "invoice_id"
        )
    if invoice.status == InvoiceStatus.PAID and not also_paid:
        raise Refused(UserErrorCode.INVOICE_ALREADY_PAID, "This invoice is paid.", "invoice_id")


async def _amount(work: Work, invoice: Invoice, input: MarkInvoicePaidInput) -> Money:
    """How much came in, which is not more than is owed unless that is accepted."""
    owed = await outstanding_on(work, invoice)
    debit = await pending_debit(work, invoice)
    under_way = debit is not None and debit.end_to_end_id is not None
    if debit is not None and under_way:
        owed -= Money(debit.amount, invoice.currency)
    if not input.amount:
        if not owed:
            raise (
                _pending()
                if under_way
                else Refused(
                    UserErrorCode.REQUIRED, "Nothing is owed: say how much came in.", "amount"
                )
            )
        return owed
    amount = input.amount.money("amount")
    if amount.currency != invoice.currency:
        raise Refused(
            UserErrorCode.AMOUNT_MISMATCH,
            f"The invoice is in {invoice.currency}.",
            "amount",
            "currency",
        )
    if not amount:
        raise Refused(UserErrorCode.PRICE_INVALID, "This is no money.", "amount", "amount")
    if amount > owed and not input.accept_overpayment:
        rest = ", and the rest is being debited" if under_way else ""
        raise Refused(
            UserErrorCode.OVERPAYMENT,
            f"Only {owed.amount} {owed.currency} are owed{rest}.",
            "amount",
            "amount",
        )
    return amount


async def _reduce_debit(work: Work, invoice: Invoice) -> None:
    """Draw only what is still owed, where a debit is planned."""
    owed = await outstanding_on(work, invoice)
    if not owed:
        await drop_debit(work, invoice, "The invoice was paid in another way.")
        return
    debit = await pending_debit(work, invoice)
    if debit is not None and debit.end_to_end_id is None:
        debit.amount = owed.amount


async def _account(work: Work, invoice: Invoice, wanted: str | None) -> BankAccount:
    """The bank account to draw from, locked; it was not removed.

    Raises:
        Refused: NOT_FOUND, REQUIRED or BANK_ACCOUNT_REMOVED.
    """
    account: BankAccount | None
    if wanted is not None:
        account = await work.lock(BankAccount, wanted, "bank_account_id")
    else:
        last = await work.session.scalar(
            select(Transaction.bank_account_id)
            .where(
                Transaction.tenant_id == work.tenant_id,
                Transaction.invoice_id == invoice.id,
                Transaction.action == TransactionAction.SEPA_DEBIT.value,
            )
            .order_by(Transaction.id.desc())
            .limit(1)
        )
        account = None if last is None else await work.lock_key(BankAccount, last)
    if account is None:
        raise Refused(UserErrorCode.REQUIRED, "This invoice was never debited.", "bank_account_id")
    if account.removed_at is not None:
        raise Refused(
            UserErrorCode.BANK_ACCOUNT_REMOVED, "This bank account was removed.", "bank_account_id"
        )
    return account


def _pending() -> Refused:
    return Refused(
        UserErrorCode.DEBIT_PENDING, "A debit of this invoice is under way.", "invoice_id"
    )
