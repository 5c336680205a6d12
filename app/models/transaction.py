"""Transactions: money and mandates, as banks confirm or refuse them."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    CustomerRecord,
    Key,
    amount,
    at_most,
    currency,
    in_account,
    linked_by,
    matches,
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


class SequenceType(StrEnum):
    """What a debit is among those of its mandate; `app.domain.direct_debits` says which."""

    FRST = "FRST"
    RCUR = "RCUR"
    FNAL = "FNAL"
    OOFF = "OOFF"


class Transaction(CustomerRecord):
    """A movement of money or a mandate's creation.

    A return or refund names the debit or transfer that it takes back (`original_id`). The table
    is not called `transaction`, which SQL keeps for itself.

    A debit is PENDING from when it is planned until its collection day, `due_on`; with its batch
    it is presented to the bank, under `end_to_end_id`. When it comes back, it stays SUCCESS and
    says when (`returned_on`), beside the return's own row. An invoice has one debit at a time that
    is on its way or has brought money.
    """

    __tablename__ = "payment_transaction"
    __table_args__ = (
        *in_account(),
        tenant_foreign_key("invoice_id", "invoice"),
        tenant_foreign_key("bank_account_id", "bank_account"),
        tenant_foreign_key("original_id", "payment_transaction"),
        tenant_foreign_key("sepa_batch_id", "sepa_batch"),
        CheckConstraint("amount >= 0", name="amount_positive"),
        CheckConstraint("action <> 'SEPA_MANDATE_CREATION' OR amount = 0", name="mandate_is_free"),
        CheckConstraint(
            "original_id IS NULL OR action IN ('SEPA_DEBIT_RETURN', 'REFUND')", name="original"
        ),
        CheckConstraint(
            "action = 'SEPA_DEBIT' OR (due_on IS NULL AND end_to_end_id IS NULL"
            " AND sequence_type IS NULL AND sepa_batch_id IS NULL AND returned_on IS NULL)",
            name="debit",
        ),
        CheckConstraint(
            "(end_to_end_id IS NULL) = (sequence_type IS NULL)", name="presented_in_sequence"
        ),
        CheckConstraint("returned_on IS NULL OR status = 'SUCCESS'", name="returned"),
        Index(
            "uq_payment_transaction_debit",
            "tenant_id",
            "invoice_id",
            unique=True,
            postgresql_where="action = 'SEPA_DEBIT' AND status <> 'FAILURE'"
            " AND returned_on IS NULL AND invoice_id IS NOT NULL",
        ),
        Index(
            "uq_payment_transaction_end_to_end",
            "tenant_id",
            "end_to_end_id",
            unique=True,
            postgresql_where="end_to_end_id IS NOT NULL",
        ),
        Index(
            "ix_payment_transaction_due",
            "tenant_id",
            "due_on",
            "id",
            postgresql_where="action = 'SEPA_DEBIT' AND status = 'PENDING'",
        ),
        matches("end_to_end_id", "^[A-Za-z0-9-]{1,35}$"),
        currency(),
        at_most("error_code", 60),
        at_most("error_message", 500),
        at_most("reference", 140),
        linked_by("invoice_id"),
        linked_by("bank_account_id"),
        linked_by("original_id"),
        linked_by("sepa_batch_id"),
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
    due_on: Mapped[date | None]
    end_to_end_id: Mapped[str | None]
    sequence_type: Mapped[str | None] = mapped_column(one_of("sequence_type", SequenceType))
    sepa_batch_id: Mapped[Key | None]
    returned_on: Mapped[date | None]
