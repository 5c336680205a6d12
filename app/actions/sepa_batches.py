"""SEPA batches: presenting to the bank the debits that are due."""

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

import strawberry
from sqlalchemy import or_, select, update

from app.actions.mandates import has_lapsed
from app.auth.permissions import Permission
from app.billing.profile import billing_profile
from app.documents.pain008 import (
    CURRENCY,
    LONGEST_NAME,
    LONGEST_TEXT,
    Creditor,
    Debit,
    NotWritable,
    direct_debits,
    sepa_text,
)
from app.domain.direct_debits import (
    EARLIEST_PRESENTATION_DAYS,
    earliest_collection,
    sequence_type,
)
from app.domain.money import Money
from app.errors import UNAVAILABLE, ApiError, ErrorCode, Refusal, Refused, UserErrorCode
from app.models import BankAccount, BillingProfile, Customer, Invoice, SepaBatch, Transaction
from app.models.bank_account import MandateState
from app.models.invoice import InvoiceStatus
from app.models.transaction import TransactionAction, TransactionStatus
from app.storage import StorageError
from app.work.action import action
from app.work.inputs import Repeatable, given
from app.work.numbers import next_number
from app.work.unit import Work

MOST_DEBITS = 5_000
"""How many debits one batch takes; those that are due first come first."""

_KEY_BYTES = 16
_SETTLED = (InvoiceStatus.PAID, InvoiceStatus.CANCELLED)


@dataclass(frozen=True)
class _Due:
    """A debit that is due, locked, with what it depends on."""

    debit: Transaction
    account: BankAccount
    anonymized: bool
    invoice: Invoice


class _LeftOut(NamedTuple):
    """Why a debit can't be presented."""

    code: str
    message: str


@strawberry.input(description="Which debits to present to the bank.")
class SepaBatchInput(Repeatable):
    """Until when they are to be collected."""

    collected_until: date = given(
        "The last collection day, at most 14 days ahead, as banks take debits no earlier."
    )


@action(
    history="sepa_batch.created",
    needs=Permission.SEPA_BATCH_WRITE,
    refuses=(UserErrorCode.CREDITOR_INCOMPLETE, UserErrorCode.NOTHING_DUE),
    in_account=False,
    diary=False,
)
async def sepa_batch(work: Work, input: SepaBatchInput) -> SepaBatch:
    """Present the debits that are to be collected by a day, as a file for the bank.

    Each debit is presented once, also by two batches at once. One whose day is too near for the
    bank is collected on the first day that is not. Debits without a mandate that can be used are
    left out: they fail, and say why. A batch takes 5,000 debits; whatever is due beyond them is
    for the next one.
    """
    today = await work.today()
    if input.collected_until > today + timedelta(days=EARLIEST_PRESENTATION_DAYS):
        raise Refused(
            UserErrorCode.INVALID,
            f"Banks take debits at most {EARLIEST_PRESENTATION_DAYS} days before they are due.",
            "collected_until",
        )
    creditor = _creditor(await billing_profile(work))
    # Whoever makes another batch waits here, and then finds these debits presented.
    number = await next_number(work, "sepa_batch", SepaBatch.number)
    due = await _due(work, input.collected_until)
    if not due:
        raise Refused(UserErrorCode.NOTHING_DUE, "No debit is due by this day.", "collected_until")
    decided = await _decide(work, number, due, earliest_collection(today))
    presented = [decision for decision in decided if isinstance(decision, Debit)]
    batch = await _add_batch(work, number, input.collected_until, creditor, presented)
    await _mark(work, batch, list(zip(due, decided, strict=True)))
    return batch


def _creditor(profile: BillingProfile) -> Creditor:
    """The tenant, as the bank has to know it.

    Raises:
        Refused: CREDITOR_INCOMPLETE, for all that is missing.
    """
    missing = [
        f"The billing profile has no {what}."
        for what, value in (
            ("creditor identifier", profile.creditor_id),
            ("IBAN", profile.iban),
        )
        if value is None
    ]
    try:
        sepa_text(profile.legal_name, LONGEST_NAME)
    except NotWritable:
        missing.append("The name in the billing profile can't be written for banks.")
    if missing or profile.creditor_id is None or profile.iban is None:
        raise Refused.because(
            Refusal(UserErrorCode.CREDITOR_INCOMPLETE, sentence) for sentence in missing
        )
    return Creditor(profile.legal_name, profile.creditor_id, profile.iban, profile.bic)


async def _due(work: Work, until: date) -> list[_Due]:
    """The debits that wait for a batch, the first that are due first."""
    wanted = (
        select(Transaction, BankAccount, Customer.anonymized_at, Invoice)
        .join(
            BankAccount,
            (BankAccount.tenant_id == Transaction.tenant_id)
            & (BankAccount.id == Transaction.bank_account_id),
        )
        .join(
            Customer,
            (Customer.tenant_id == Transaction.tenant_id)
            & (Customer.id == Transaction.customer_id),
        )
        .join(
            Invoice,
            (Invoice.tenant_id == Transaction.tenant_id) & (Invoice.id == Transaction.invoice_id),
        )
        .where(
            Transaction.tenant_id == work.tenant_id,
            Transaction.action == TransactionAction.SEPA_DEBIT.value,
            Transaction.status == TransactionStatus.PENDING.value,
            Transaction.end_to_end_id.is_(None),
            Transaction.due_on <= until,
        )
        .order_by(Transaction.due_on, Transaction.id)
        .limit(MOST_DEBITS)
        .with_for_update(of=(Transaction, BankAccount))
    )
    found = (await work.session.execute(wanted)).all()
    return [_Due(debit, account, at is not None, invoice) for debit, account, at, invoice in found]


async def _decide(
    work: Work, number: str, due: Sequence[_Due], earliest: date
) -> list[Debit | _LeftOut]:
    """Each debit as the bank gets it, or why it doesn't."""
    used = await _used(work, due)
    decided: list[Debit | _LeftOut] = []
    for one in due:
        account = one.account
        day = max(one.debit.due_on or earliest, earliest)
        left_out = _reason_against(one, day)
        if left_out is not None:
            decided.append(left_out)
            continue
        sequence = sequence_type(recurrent=True, presented_before=account.id in used)
        used.add(account.id)
        decided.append(
            Debit(
                f"{number}-{one.debit.id}",
                Money(one.debit.amount, one.debit.currency),
                day,
                sequence,
                account.owner,
                work.keyring.decrypt(account.iban or b"", BankAccount.iban),
                account.bic,
                account.mandate_reference,
                account.mandate_signed_on,
                one.invoice.number,
            )
        )
    return decided


async def _mark(
    work: Work, batch: SepaBatch, decided: Sequence[tuple[_Due, Debit | _LeftOut]]
) -> None:
    """Say of debits that they were presented, or that they failed and why.

    They are many, and are written in a few statements; the history has the batch.
    """
    common = {"tenant_id": work.tenant_id, **work.actor}
    presented, left_out = [], []
    used: dict[int, date] = {}
    for one, decision in decided:
        row = {**common, "id": one.debit.id, "sepa_batch_id": batch.id}
        if isinstance(decision, _LeftOut):
            failed = {"status": TransactionStatus.FAILURE.value, "error_code": decision.code}
            left_out.append({**row, **failed, "error_message": decision.message})
            continue
        told = {"due_on": decision.due_on, "sequence_type": decision.sequence.value}
        presented.append({**row, **told, "end_to_end_id": decision.end_to_end_id})
        last = used.get(one.account.id) or one.account.mandate_last_used_on or decision.due_on
        used[one.account.id] = max(decision.due_on, last)
    accounts = [{**common, "id": key, "mandate_last_used_on": day} for key, day in used.items()]
    for model, rows in ((Transaction, presented), (Transaction, left_out), (BankAccount, accounts)):
        if rows:
            await work.session.execute(update(model), rows)


def _reason_against(one: _Due, day: date) -> _LeftOut | None:
    """Why a debit can't be presented for a day: a code and a sentence."""
    account = one.account
    if one.invoice.status in _SETTLED:
        return _LeftOut("NOT_OWED", "The invoice is paid or cancelled.")
    if one.anonymized or account.iban is None:
        return _LeftOut("CUSTOMER_ANONYMIZED", "The customer was anonymised.")
    if account.removed_at is not None:
        return _LeftOut("BANK_ACCOUNT_REMOVED", "The bank account was removed.")
    if account.mandate_state == MandateState.REVOKED:
        return _LeftOut("MANDATE_REVOKED", "The mandate was revoked.")
    if has_lapsed(account, day):
        return _LeftOut("MANDATE_LAPSED", "The mandate was not used for 36 months.")
    if one.debit.currency != CURRENCY:
        return _LeftOut("CURRENCY_NOT_EUR", "Only euros are debited.")
    return _unwritable(account.owner, LONGEST_NAME) or _unwritable(one.invoice.number, LONGEST_TEXT)


def _unwritable(text: str, most: int) -> _LeftOut | None:
    try:
        sepa_text(text, most)
    except NotWritable:
        return _LeftOut("NOT_WRITABLE", "The owner's name can't be written for banks.")
    return None


async def _used(work: Work, due: Sequence[_Due]) -> set[int]:
    """The bank accounts whose mandates were used before: a first debit says that it is one."""
    accounts = {one.account.id: one.account for one in due}
    known = {key for key, account in accounts.items() if account.mandate_last_used_on is not None}
    asked = (
        select(Transaction.bank_account_id)
        .where(
            Transaction.tenant_id == work.tenant_id,
            Transaction.bank_account_id.in_(accounts.keys() - known),
            Transaction.action == TransactionAction.SEPA_DEBIT.value,
            Transaction.status != TransactionStatus.FAILURE.value,
            or_(
                Transaction.status == TransactionStatus.SUCCESS.value,
                Transaction.end_to_end_id.is_not(None),
            ),
        )
        .distinct()
    )
    return known | {key for key in await work.session.scalars(asked) if key is not None}


async def _add_batch(
    work: Work, number: str, until: date, creditor: Creditor, presented: Sequence[Debit]
) -> SepaBatch:
    """The batch, with its file in the store.

    The file is stored before this commits. Where that fails, no row names it, and the sweep of
    what nobody knows removes it.
    """
    batch = SepaBatch(
        number=number,
        collected_until=until,
        debit_count=len(presented),
        total=sum((debit.amount.amount for debit in presented), Decimal(0)),
        currency=CURRENCY,
    )
    if presented:
        message_id = f"SDD-{work.tenant_id}-{number}"
        content = await asyncio.to_thread(direct_debits, message_id, work.now, creditor, presented)
        batch.file_key = f"{work.tenant_id}/{secrets.token_hex(_KEY_BYTES)}"
        batch.size_bytes = len(content)
        batch.sha256 = hashlib.sha256(content).hexdigest()
        try:
            await work.storage.put(batch.file_key, content, "application/xml")
        except StorageError as error:
            raise ApiError(ErrorCode.UNAVAILABLE, UNAVAILABLE) from error
    work.add(batch)
    await work.flush()
    return batch
