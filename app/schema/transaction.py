"""The tab of transactions: money and mandates, as banks confirm or refuse them."""

from datetime import date

from app.auth.permissions import Permission
from app.models.transaction import Transaction as TransactionModel
from app.models.transaction import TransactionAction, TransactionStatus
from app.resolvers.fields import column, embedded, one
from app.schema.bank_account import BankAccount
from app.schema.common import Money, money
from app.schema.enums import described
from app.schema.lazy import LazyInvoice, LazyTransaction
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
