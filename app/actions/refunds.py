"""Refunds: what corrections, cancellations and overpayments let go back to customers."""

from datetime import date

import strawberry
from strawberry import UNSET

from app.auth.permissions import Permission
from app.errors import Refused, UserErrorCode
from app.models import Transaction
from app.models.transaction import TransactionAction, TransactionStatus
from app.work.action import action
from app.work.inputs import Repeatable, given, identifier, text
from app.work.unit import Work


@strawberry.input(description="A refund that was made.")
class RecordRefundInput(Repeatable):
    """Which one, and when it was made."""

    transaction_id: strawberry.ID = identifier("The id of the `REFUND` that is `PENDING`.")
    paid_on: date | None = given(
        "The day on which the money went back; by default today.", default=UNSET
    )
    reference: str | None = text(
        "The text on the bank statement; by default the number of the document.",
        of=Transaction.reference,
        default=UNSET,
    )


@action(
    history="refund.made",
    needs=Permission.PAYMENT_WRITE,
    refuses=(UserErrorCode.REFUND_NOT_PENDING, UserErrorCode.DATE_IN_FUTURE),
    open_when_anonymized=True,
)
async def record_refund(work: Work, input: RecordRefundInput) -> Transaction:
    """Write down that a planned refund was paid back. Paying it is the bank's affair."""
    refund = await work.lock(Transaction, input.transaction_id, "transaction_id")
    if refund.action != TransactionAction.REFUND or refund.status != TransactionStatus.PENDING:
        raise Refused(
            UserErrorCode.REFUND_NOT_PENDING, "This is no refund to be made.", "transaction_id"
        )
    paid_on = input.paid_on or await work.today()
    if paid_on > await work.today():
        raise Refused(UserErrorCode.DATE_IN_FUTURE, "This day lies ahead.", "paid_on")
    refund.status, refund.executed_on = TransactionStatus.SUCCESS.value, paid_on
    if input.reference:
        refund.reference = input.reference
    work.note(f"{refund.amount} {refund.currency} paid back: {refund.reference}.")
    return refund
