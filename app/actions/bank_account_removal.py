"""Removing bank accounts that nothing is paid from any more."""

from datetime import date

import strawberry
from sqlalchemy import ColumnElement, and_, exists, or_, select

from app.actions.mandates import locked, revoke
from app.auth.permissions import Permission
from app.errors import Refusal, Refused, UserErrorCode
from app.models import BankAccount, Invoice, Order, Subscription, Transaction
from app.models.bank_account import MandateState
from app.models.base import PaymentMethod
from app.models.invoice import InvoiceStatus
from app.models.subscription import SubscriptionStatus
from app.models.transaction import TransactionStatus
from app.work.action import action
from app.work.inputs import Versioned, identifier
from app.work.unit import Work


@strawberry.input(description="A bank account to remove.")
class RemoveBankAccountInput(Versioned):
    """Which bank account."""

    bank_account_id: strawberry.ID = identifier("The id of the bank account.")


@action(
    history="bank_account.removed",
    needs=Permission.BANK_ACCOUNT_WRITE,
    refuses=(UserErrorCode.BANK_ACCOUNT_IN_USE, UserErrorCode.BANK_ACCOUNT_REMOVED),
)
async def remove_bank_account(work: Work, input: RemoveBankAccountInput) -> BankAccount:
    """Remove a bank account, and revoke its mandate.

    Its record stays behind what was paid from it, because banks may ask for the mandate for 14
    months after the last debit; no list and no search shows it any more.
    """
    account = await locked(work, input.bank_account_id)
    work.expect(account, input.expected_version)
    if uses := await _uses(work, account):
        raise Refused.because(
            Refusal(UserErrorCode.BANK_ACCOUNT_IN_USE, use, ("bank_account_id",)) for use in uses
        )
    account.removed_at = work.now
    account.preferred = False
    if account.mandate_state == MandateState.ACTIVE:
        revoke(work, account)
    work.note(f"Bank account removed: {account.iban_masked}.")
    return account


async def _uses(work: Work, account: BankAccount) -> list[str]:
    """What still needs a bank account, in sentences."""
    asked = select(
        exists().where(*_running(account, await work.today())).label("subscription"),
        or_(exists().where(*_pending(account)), *_open_invoices(account)).label("payment"),
    )
    subscription, payment = (await work.session.execute(asked)).one()
    uses = []
    if subscription:
        uses.append("A running subscription is paid from this bank account.")
    if payment:
        uses.append("A payment from this bank account is open.")
    return uses


def _running(account: BankAccount, today: date) -> tuple[ColumnElement[bool], ...]:
    runs = Subscription.status.in_((SubscriptionStatus.ACTIVE, SubscriptionStatus.PAUSED))
    runs_out = and_(
        Subscription.status == SubscriptionStatus.CANCELLED, Subscription.cancelled_for >= today
    )
    return (
        Subscription.tenant_id == account.tenant_id,
        Subscription.bank_account_id == account.id,
        or_(runs, runs_out),
    )


def _pending(account: BankAccount) -> tuple[ColumnElement[bool], ...]:
    return (
        Transaction.tenant_id == account.tenant_id,
        Transaction.bank_account_id == account.id,
        Transaction.status == TransactionStatus.PENDING,
    )


def _open_invoices(account: BankAccount) -> tuple[ColumnElement[bool], ...]:
    """Whether an invoice is open that is to be debited for a subscription or an order."""
    return tuple(
        exists().where(
            Invoice.tenant_id == account.tenant_id,
            Invoice.customer_id == account.customer_id,
            Invoice.status == InvoiceStatus.OPEN,
            Invoice.payment_method == PaymentMethod.SEPA_DEBIT,
            model.tenant_id == account.tenant_id,
            model.bank_account_id == account.id,
            model.id == link,
        )
        for model, link in ((Subscription, Invoice.subscription_id), (Order, Invoice.order_id))
    )
