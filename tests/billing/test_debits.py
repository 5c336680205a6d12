"""Debits on their collection day, and invoices that nobody paid in time."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import asyncpg
import httpx2
import pytest

from app.billing.debits import debits_collected, drop_debit, settle_debit
from app.billing.overdue import mark_overdue
from app.encryption import Keyring
from app.files.inspection import FileInspector
from app.models import Invoice
from app.schema.node import encode_id, global_key
from app.settings import Settings
from app.storage import Storage
from app.work.action import routine
from app.work.batch import Batch
from app.work.files import Staging
from app.work.perform import Performer
from app.work.unit import Work
from app.writing import Writing
from tests.actions.debits import (
    NOON,
    PRESENTED,
    TODAY,
    a_debit,
    an_account,
    an_invoice,
    rows,
)
from tests.conftest import Database
from tests.publisher import Publisher


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The database in which these tests found their publishers, side by side."""
    return shared_database


@pytest.fixture
async def publisher(owner: asyncpg.Connection) -> Publisher:
    """A publisher that nobody reads over HTTP."""
    return await Publisher.found(owner, httpx2.AsyncClient())


@pytest.fixture
async def customer(publisher: Publisher) -> str:
    """The opaque id of a customer."""
    return encode_id("Customer", await publisher.customer())


@pytest.fixture
async def performer(settings: Settings) -> AsyncIterator[Performer]:
    """Carries out routines, always at the same time."""
    writing = Writing(settings)
    writing.open()
    storage, inspector = Storage(settings), FileInspector(settings)
    staging = Staging(writing, storage, inspector, settings.unclaimed_file_seconds)
    yield Performer(writing, Keyring.from_settings(settings), storage, staging, lambda _: NOON)
    await writing.close()


@routine(history="debit.dropped")
async def give_up(work: Work, key: int) -> Invoice | None:
    """Drop an invoice's debit, where it can be."""
    invoice = await work.lock_key(Invoice, key)
    if invoice is None or await drop_debit(work, invoice, "It was cancelled.") is None:
        return None
    return invoice


async def found(publisher: Publisher, statement: Any) -> list[int]:
    """The keys that a statement finds."""
    text = str(statement.compile(compile_kwargs={"literal_binds": True}))
    return [row[0] for row in await publisher.owner.fetch(text)]


async def test_a_debit_is_settled_on_its_day_and_once(
    publisher: Publisher, customer: str, performer: Performer
) -> None:
    invoice = await an_invoice(publisher, customer)
    account = await an_account(publisher, customer)
    debit = global_key(await a_debit(publisher, invoice, account, due_on=TODAY, **PRESENTED)).key
    assert await found(publisher, debits_collected(publisher.tenant_id, TODAY)) == [debit]
    assert await performer.run(settle_debit, debit, publisher.tenant_id) == debit
    [settled] = await rows(publisher, "payment_transaction")
    assert (settled["status"], settled["executed_on"]) == ("SUCCESS", TODAY)
    assert settled["actor_kind"] == "SYSTEM"
    [paid] = await rows(publisher, "invoice")
    assert (paid["status"], paid["paid_at"]) == ("PAID", NOON)
    assert [entry["action"] for entry in await publisher.history(customer)] == ["debit.settled"]
    assert await performer.run(settle_debit, debit, publisher.tenant_id) is None
    assert await found(publisher, debits_collected(publisher.tenant_id, TODAY)) == []


@pytest.mark.parametrize(
    "values",
    [
        # Nobody presented it; its day lies ahead; it failed; it is another tenant's.
        {"due_on": TODAY},
        {"due_on": date(2026, 6, 16), **PRESENTED},
        {"due_on": TODAY, **PRESENTED, "status": "FAILURE"},
    ],
)
async def test_no_other_debit_is_settled(
    publisher: Publisher, customer: str, performer: Performer, values: dict[str, Any]
) -> None:
    invoice = await an_invoice(publisher, customer)
    account = await an_account(publisher, customer)
    debit = global_key(await a_debit(publisher, invoice, account, **values)).key
    before = await rows(publisher, "payment_transaction")
    assert await found(publisher, debits_collected(publisher.tenant_id, TODAY)) == []
    assert await performer.run(settle_debit, debit, publisher.tenant_id) is None
    assert await rows(publisher, "payment_transaction") == before


async def test_a_debit_is_dropped_until_the_bank_has_it(
    publisher: Publisher, customer: str, performer: Performer
) -> None:
    account = await an_account(publisher, customer)
    planned, presented = [await an_invoice(publisher, customer) for _ in range(2)]
    await a_debit(publisher, planned, account)
    await a_debit(publisher, presented, account, **PRESENTED)
    for invoice, done in ((planned, True), (presented, False)):
        key = global_key(invoice).key
        assert (await performer.run(give_up, key, publisher.tenant_id) == key) is done
    first, second = await rows(publisher, "payment_transaction")
    assert (first["status"], first["error_code"]) == ("FAILURE", "DROPPED")
    assert (second["status"], second["error_code"]) == ("PENDING", None)


async def test_an_invoice_has_one_debit_under_way(publisher: Publisher, customer: str) -> None:
    invoice = await an_invoice(publisher, customer)
    account = await an_account(publisher, customer)
    failed = {"status": "FAILURE"}
    returned = {"status": "SUCCESS", "returned_on": TODAY}
    for values in (failed, returned, {}):
        await a_debit(publisher, invoice, account, **values)
    for values in ({}, {"status": "SUCCESS"}):
        with pytest.raises(asyncpg.UniqueViolationError, match="uq_payment_transaction_debit"):
            await a_debit(publisher, invoice, account, **values)


async def test_what_is_due_and_not_being_debited_is_not_paid(
    publisher: Publisher, customer: str, performer: Performer
) -> None:
    late = global_key(await an_invoice(publisher, customer, number="R-1")).key
    due_today = global_key(await an_invoice(publisher, customer, due_on=TODAY)).key
    drawn = await an_invoice(publisher, customer)
    await a_debit(publisher, drawn, await an_account(publisher, customer))
    taken_back = {"net": "-9.35", "tax": "-0.65", "gross": "-10.00", "type": "CANCELLATION"}
    back = await an_invoice(publisher, customer, precursor_id=late, **taken_back)
    keys = [late, due_today, global_key(drawn).key, global_key(back).key]

    async def mark(batch: Batch, _nothing: None) -> int:
        return await mark_overdue(batch, keys, TODAY)

    assert await performer.run_batch(mark, None, publisher.tenant_id) == 1
    statuses = {row["id"]: row["status"] for row in await rows(publisher, "invoice")}
    assert statuses.pop(late) == "NOT_PAID"
    assert set(statuses.values()) == {"OPEN"}
    assert await publisher.diary(customer) == ["Invoice R-1 is overdue."]
    assert await performer.run_batch(mark, None, publisher.tenant_id) == 0
