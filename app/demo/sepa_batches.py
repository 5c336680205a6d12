"""Batches of debits as the bank was given them, of the last weeks."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from random import Random
from typing import Any

from app import models
from app.demo.account import SYSTEM, World
from app.demo.batch import Batch
from app.demo.billing_profile import Letterhead
from app.demo.documents import Upload
from app.documents.pain008 import Creditor, Debit, direct_debits
from app.domain.direct_debits import SequenceType, business_days_before, earliest_collection
from app.domain.money import Money

_SHOWN = timedelta(days=60)
_FIRST_NUMBER = 10_001
_PRESENTED_AT = time(8, 30)

Row = dict[str, Any]


def add_sepa_batches(
    world: World, batch: Batch, name: str, letterhead: Letterhead, uploads: list[Upload]
) -> None:
    """Put the debits of the last two months, and those the bank has already, into batches."""
    accounts = {row["id"]: row for row in batch.records(models.BankAccount)}
    months: defaultdict[tuple[int, int], list[tuple[Row, Debit]]] = defaultdict(list)
    numbers: dict[tuple[int, int], str] = {}
    used = set[int]()
    debits = [row for row in batch.records(models.Transaction) if row["action"] == "SEPA_DEBIT"]
    for row in sorted(debits, key=lambda row: (row["due_on"], row["id"])):
        account, day = accounts[row["bank_account_id"]], row["due_on"]
        first = account["id"] not in used
        used.add(account["id"])
        shown = world.today - _SHOWN <= day <= earliest_collection(world.today)
        if account["iban"] is None or not shown:
            continue
        month = (day.year, day.month)
        number = numbers.setdefault(month, str(_FIRST_NUMBER + len(numbers)))
        sequence = SequenceType.FRST if first else SequenceType.RCUR
        debit = _debit(world, row, account, f"{number}-{row['id']}", sequence)
        months[month].append((row, debit))
    creditor = Creditor(name, letterhead.creditor_id, letterhead.iban, letterhead.bic)
    for month, presented in months.items():
        _present(world, batch, creditor, numbers[month], presented, uploads)


def _debit(world: World, row: Row, account: Row, id: str, sequence: SequenceType) -> Debit:
    return Debit(
        id,
        Money(row["amount"], row["currency"]),
        row["due_on"],
        sequence,
        account["owner"],
        world.keyring.decrypt(account["iban"], models.BankAccount.iban),
        account["bic"],
        account["mandate_reference"],
        account["mandate_signed_on"],
        row["reference"],
    )


def _present(
    world: World,
    batch: Batch,
    creditor: Creditor,
    number: str,
    presented: list[tuple[Row, Debit]],
    uploads: list[Upload],
) -> None:
    debits = [debit for _, debit in presented]
    at = _moment(min(debit.due_on for debit in debits), world.today)
    content = direct_debits(f"SDD-{batch.tenant_id}-{number}", at, creditor, debits)
    key = f"{batch.tenant_id}/{Random(f'batch {number}').getrandbits(128):032x}"  # noqa: S311  Made up.
    uploads.append(Upload(key, content, "application/xml"))
    made = batch.add(
        models.SepaBatch,
        created_at=at,
        changed_at=at,
        **(world.agents[0] if world.agents else SYSTEM),
        number=number,
        collected_until=max(debit.due_on for debit in debits),
        debit_count=len(debits),
        total=sum((debit.amount.amount for debit in debits), Decimal(0)),
        file_key=key,
        size_bytes=len(content),
        sha256=sha256(content).hexdigest(),
    )
    for row, debit in presented:
        row |= {
            "end_to_end_id": debit.end_to_end_id,
            "sequence_type": debit.sequence.value,
            "sepa_batch_id": made,
        }


def _moment(first: date, today: date) -> datetime:
    """When a batch was made whose first debit is drawn on a day: two business days before."""
    day = min(business_days_before(first, 2), today - timedelta(days=1))
    return datetime.combine(day, _PRESENTED_AT, UTC)
