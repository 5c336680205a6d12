"""Transactions: money and mandates, as banks confirm or refuse them."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    CustomerRecord,
    Key,
    amount,
    at_most,
    currency,
    in_account,
    linked_by,
    one_of,
    personal,
    tenant_foreign_key,
)


class TransactionAction(StrEnum):
    """What was done."""

    SEPA_MANDATE_CREATION = "SEPA_MANDATE_CREATION"
    SEPA_DEBIT = "SEPA_DEBIT"
    SEPA_DEBIT_RETURN = "SEPA_DEBIT_RETURN"
    REFUND = "REFUND"
    BANK_TRANSFER = "BANK_TRANSFER"


class TransactionStatus(StrEnum):
    """How it ended. A successful SEPA_DEBIT_RETURN means that the money is outstanding."""

    SUCCESS = "SUCCESS"
    PENDING = "PENDING"
    FAILURE = "FAILURE"


class Transaction(CustomerRecord):
    """A movement of money or a mandate's creation.

    A return or refund names the debit or transfer that it takes back (`original_id`). The table
    is not called `transaction`, which SQL keeps for itself.
    """

    __tablename__ = "payment_transaction"
    __table_args__ = (
        *in_account(),
        tenant_foreign_key("invoice_id", "invoice"),
        tenant_foreign_key("bank_account_id", "bank_account"),
        tenant_foreign_key("original_id", "payment_transaction"),
        CheckConstraint("amount >= 0", name="amount_positive"),
        CheckConstraint("action <> 'SEPA_MANDATE_CREATION' OR amount = 0", name="mandate_is_free"),
        CheckConstraint(
            "original_id IS NULL OR action IN ('SEPA_DEBIT_RETURN', 'REFUND')", name="original"
        ),
        currency(),
        at_most("error_code", 60),
        at_most("error_message", 500),
        at_most("reference", 140),
        linked_by("invoice_id"),
        linked_by("bank_account_id"),
        linked_by("original_id"),
    )

    action: Mapped[str] = mapped_column(one_of("action", TransactionAction))
    status: Mapped[str] = mapped_column(one_of("status", TransactionStatus))
    amount: Mapped[Decimal] = mapped_column(amount())
    currency: Mapped[str]
    executed_on: Mapped[date | None]
    invoice_id: Mapped[Key | None]
    bank_account_id: Mapped[Key | None]
    original_id: Mapped[Key | None]
    reference: Mapped[str | None] = mapped_column(info=personal(retained=True))
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
