"""The tab of transactions: money and mandates, as banks confirm or refuse them."""

from datetime import date, timedelta

from sqlalchemy import ColumnElement, Date, and_, case, cast, literal_column

from app.auth.permissions import Permission
from app.domain.sepa_returns import REFUND_WEEKS, UNAUTHORISED_MONTHS
from app.models.transaction import SequenceType, TransactionAction, TransactionStatus
from app.models.transaction import Transaction as TransactionModel
from app.resolvers.fields import column, embedded, expression, one
from app.resolvers.reads import Columns
from app.schema.bank_account import BankAccount
from app.schema.common import Money, money
from app.schema.enums import described
from app.schema.lazy import LazyInvoice, LazySepaBatch, LazyTransaction
from app.schema.node import AccountRecord, record

described(
    TransactionAction,
    "What was done.",
    {
        "SEPA_MANDATE_CREATION": "A SEPA mandate was given.",
        "SEPA_DEBIT": "Money was drawn by SEPA direct debit.",
        "SEPA_DEBIT_RETURN": "The bank took a debit back. In success the money is outstanding.",
        "REFUND": "Money was paid back to the customer.",
        "BANK_TRANSFER": "The customer transferred money.",
    },
)
described(
    TransactionStatus,
    "How a transaction ended.",
    {"SUCCESS": "It was done.", "PENDING": "It is under way.", "FAILURE": "It failed."},
)
described(
    SequenceType,
    "What a debit is among those of its mandate.",
    {
        "FRST": "The first one.",
        "RCUR": "One after the first.",
        "FNAL": "The last one.",
        "OOFF": "The only one that the mandate is for.",
    },
)

_REFUND: ColumnElement[timedelta] = literal_column(f"interval '{REFUND_WEEKS} weeks'")
_UNAUTHORISED: ColumnElement[timedelta] = literal_column(f"interval '{UNAUTHORISED_MONTHS} months'")


def _refundable_until(t: Columns) -> ColumnElement[date]:
    """The day that `app.domain.sepa_returns.refundable_until` gives."""
    return case((_brought_money(t), cast(t.executed_on + _REFUND, Date)))


def _contestable_until(t: Columns) -> ColumnElement[date]:
    """The day that `app.domain.sepa_returns.contestable_until` gives."""
    return case((_brought_money(t), cast(t.executed_on + _UNAUTHORISED, Date)))


def _brought_money(t: Columns) -> ColumnElement[bool]:
    return and_(
        t.action == literal_column(f"'{TransactionAction.SEPA_DEBIT.value}'"),
        t.status == literal_column(f"'{TransactionStatus.SUCCESS.value}'"),
        t.returned_on.is_(None),
    )


@record(
    TransactionModel,
    needs=Permission.TRANSACTION_READ,
    description="A movement of money, or the creation of a mandate.",
)
class Transaction(AccountRecord):
    """A debit, its return, a refund, a transfer or a mandate."""

    action: TransactionAction = column("What was done.", where=True, order=True)
    status: TransactionStatus = column("How it ended.", where=True, order=True)
    amount: Money = embedded("How much.", money("amount"), compared_by="amount")
    executed_on: date | None = column("The bank's day.", where=True, order=True)
    reference: str | None = column("The text on the bank statement.", where=True)
    error_code: str | None = column(
        "Why it failed or was returned, as the bank says it: AC04, AM04, MD06.", where=True
    )
    error_message: str | None = column("The same in words.")
    invoice: LazyInvoice | None = one(
        "invoice_id", "The invoice it settles.", needs=Permission.INVOICE_READ
    )
    bank_account: BankAccount | None = one(
        "bank_account_id", "The customer's bank account.", needs=Permission.BANK_ACCOUNT_READ
    )
    original: LazyTransaction | None = one("original_id", "The transaction that it takes back.")
    due_on: date | None = column(
        "A debit's collection day: planned, or as the bank was told.", where=True, order=True
    )
    end_to_end_id: str | None = column(
        "The id under which the bank has a debit, and names it when it comes back; null until it "
        "was presented.",
        where=True,
    )
    sequence_type: SequenceType | None = column("What a debit is for its mandate.", where=True)
    returned_on: date | None = column("The day a debit came back.", where=True, order=True)
    refundable_until: date | None = expression(
        _refundable_until,
        f"Until when the payer gets the money of a debit back without a reason: {REFUND_WEEKS} "
        "weeks.",
    )
    contestable_until: date | None = expression(
        _contestable_until,
        "Until when the payer can say that there was no mandate for a debit: "
        f"{UNAUTHORISED_MONTHS} months.",
    )
    sepa_batch: LazySepaBatch | None = one(
        "sepa_batch_id",
        "The batch that a debit was presented in, or left out of.",
        needs=Permission.SEPA_BATCH_READ,
    )
