"""`abokonto purge`, and the job that does the same each night."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import asyncpg
import httpx2
import pytest

from app import models
from app.commands.errors import CommandError
from app.commands.purging import purge
from app.jobs import purges
from app.jobs.registry import HANDLINGS, SCHEDULE, JobContext, all_handlings
from app.settings import Settings
from app.storage import Storage
from app.work.jobs import JobKind
from tests.conftest import Database
from tests.jobs.conftest import context_of
from tests.publisher import Publisher
from tests.served import environment_of

LAST_DAY, NEXT_DAY = date(2025, 12, 31), date(2026, 1, 1)
"""The last day on which something of 2017 is kept for 8 years, and the first one after it."""


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The database in which these tests found their publishers, side by side."""
    return shared_database


@pytest.fixture
async def context(settings: Settings) -> AsyncIterator[JobContext]:
    """What the job has at hand."""
    async with context_of(settings) as context:
        yield context


class Past:
    """A publisher that has things of 2017, whose retention ends with 2025."""

    def __init__(self, publisher: Publisher, storage: Storage) -> None:
        self.publisher = publisher
        self.storage = storage
        self.slug = ""
        """What the command calls it."""
        self.batch_key = f"{publisher.tenant_id}/{1:032x}"

    async def happen(self) -> "Past":
        """Fill it."""
        publisher, make = self.publisher, self.publisher.make
        day, moment = date(2017, 12, 31), datetime(2017, 12, 31, 12, tzinfo=UTC)
        own: dict[str, Any] = {"customer_id": await publisher.customer()}
        paid = {"status": "PAID", "paid_at": moment, "issued_on": day, "due_on": day}
        invoice = await make(models.Invoice, purchase_order_number="B-17", **paid, **own)
        await make(models.InvoiceItem, invoice_id=invoice, title="Abo für Erika")
        young = date(2018, 1, 1)
        await make(models.Invoice, **{**paid, "issued_on": young, "due_on": young}, **own)
        await make(models.Invoice, status="OPEN", issued_on=day, due_on=day, **own)
        await make(models.Order, ordered_at=moment, purchase_order_number="B-17", **own)
        await make(models.Transaction, executed_on=day, reference="Danke", **own)
        await self.storage.put(self.batch_key, b"<Document/>", "application/xml")
        await make(
            models.SepaBatch,
            collected_until=day,
            debit_count=1,
            file_key=self.batch_key,
            size_bytes=11,
            sha256="0" * 64,
        )
        await make(models.Mail, created_at=moment.replace(year=2019), **own)
        await make(models.Mail, created_at=moment.replace(year=2020), **own)
        for days in (364, 366):
            await make(models.Login, created_at=datetime.now(UTC) - timedelta(days=days), **own)
        self.slug = await publisher.owner.fetchval(
            "SELECT slug FROM tenant WHERE id = $1", publisher.tenant_id
        )
        return self

    async def rows(self, table: str) -> list[asyncpg.Record]:
        """Its rows of a table."""
        query = f"SELECT * FROM {table} WHERE tenant_id = $1 ORDER BY id"  # noqa: S608  Ours.
        found: list[asyncpg.Record] = await self.publisher.owner.fetch(
            query, self.publisher.tenant_id
        )
        return found


@pytest.fixture
async def past(owner: asyncpg.Connection, settings: Settings) -> Past:
    """A publisher with a past."""
    async with httpx2.AsyncClient() as nobody:
        return await Past(await Publisher.found(owner, nobody), Storage(settings)).happen()


ONCE = {
    "customer_order": 1,
    "invoice": 1,
    "invoice_item": 1,
    "mail": 1,
    "payment_transaction": 1,
    "sepa_batch": 1,
    "unclaimed_file": 1,
}


async def test_what_is_released_goes_on_the_day_after_and_not_before(
    past: Past, settings: Settings
) -> None:
    slug = past.slug
    early = await asyncio.to_thread(purge, settings, slug, LAST_DAY)
    # Logins go by their age, which is counted from now.
    assert json.loads(early) == {slug: {"login": 1}}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.cli", "purge", "--tenant", slug, "--until", str(NEXT_DAY)),
        env=environment_of(settings),
        stdout=subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    assert json.loads(printed) == {slug: ONCE}
    again = await asyncio.to_thread(purge, settings, slug, NEXT_DAY)
    assert json.loads(again) == {slug: {}}
    await _only_what_was_released_is_gone(past)


async def _only_what_was_released_is_gone(past: Past) -> None:
    first, young, owed = await past.rows("invoice")
    assert (first["number"], first["address"]) == (f"erased-{first['id']}", "{}")
    assert first["purchase_order_number"] is None
    for kept in (young, owed):
        assert not kept["number"].startswith("erased-")
        assert kept["address"] != "{}"
    assert [row["title"] for row in await past.rows("invoice_item")] == ["Anonymised."]
    [payment] = await past.rows("payment_transaction")
    assert (payment["reference"], str(payment["amount"])) == (None, "10.00")
    assert [row["created_at"].year for row in await past.rows("mail")] == [2020]
    assert len(await past.rows("login")) == 1
    [batch] = await past.rows("sepa_batch")
    assert (batch["file_key"], batch["sha256"], batch["debit_count"]) == (None, None, 1)
    stored = [one.key async for page in past.storage.pages() for one in page]
    assert past.batch_key not in stored
    entries = await past.publisher.tenant_history()
    told = [entry["after"] for entry in entries if entry["action"] == "expired.purged"]
    assert told == [{"day": str(LAST_DAY), "login": 1}, {"day": str(NEXT_DAY), **ONCE}]


async def test_retention_is_the_tenants(past: Past, settings: Settings) -> None:
    await past.publisher.owner.execute(
        "UPDATE tenant SET invoice_years = 9, letter_years = 7, login_days = 400 WHERE id = $1",
        past.publisher.tenant_id,
    )
    assert json.loads(await asyncio.to_thread(purge, settings, past.slug, NEXT_DAY)) == {
        past.slug: {}
    }


async def test_the_future_and_unknown_tenants_are_refused(past: Past, settings: Settings) -> None:
    ahead = datetime.now(UTC).date() + timedelta(days=2)
    for tenant, until, message in (
        (past.slug, ahead, "This day lies ahead"),
        ("nobody", None, "There is no tenant nobody."),
    ):
        with pytest.raises(CommandError, match=message):
            await asyncio.to_thread(purge, settings, tenant, until)
    assert (await past.rows("invoice"))[0]["purchase_order_number"] == "B-17"
    assert await past.publisher.tenant_history() == []


async def test_it_is_done_each_night_for_each_tenant(past: Past, context: JobContext) -> None:
    all_handlings()
    [scheduled] = [one for one in SCHEDULE if one.kind == JobKind.PURGE]
    assert scheduled.times(context.settings) == "20 4 * * *"
    assert HANDLINGS[JobKind.PURGE].handler is purges.purge
    for _ in range(2):
        await purges.purge(context, past.publisher.tenant_id, {})
    entries = [entry["action"] for entry in await past.publisher.tenant_history()]
    assert entries == ["expired.purged"]
    assert (await past.rows("invoice"))[0]["number"].startswith("erased-")


async def test_keys_and_counts_of_a_day_go_where_no_new_ones_come(
    past: Past, context: JobContext
) -> None:
    publisher = past.publisher
    tries = {
        hours: sha256(f"{publisher.tenant_id} {hours}".encode()).digest() for hours in (23, 25)
    }
    for hours, key in tries.items():
        age = timedelta(hours=hours)
        await publisher.owner.execute(
            "INSERT INTO idempotency_key (tenant_id, actor_kind, actor_id, action, key, input_hash,"
            " created_at) VALUES ($1, 'PARTNER', 1, 'add_activity', $2, $3, now() - $4::interval)",
            *(publisher.tenant_id, str(hours), bytes(32), age),
        )
        await publisher.owner.execute(
            "INSERT INTO throttle (key, count, last_at, until)"
            " VALUES ($1, 1, now() - $2::interval, now())",
            *(key, age),
        )
    await purges.purge(context, publisher.tenant_id, {})
    assert [row["key"] for row in await past.rows("idempotency_key")] == ["23"]
    left = {row["key"] for row in await publisher.owner.fetch("SELECT key FROM throttle")}
    assert left & {*tries.values()} == {tries[23]}


async def test_it_takes_as_long_as_it_takes(past: Past, settings: Settings) -> None:
    hurried = settings.model_copy(update={"statement_timeout_seconds": 0.05})
    await past.publisher.owner.execute(
        "INSERT INTO mail (tenant_id, customer_id, template, recipient, subject, status,"
        " created_at) SELECT $1, max(id), 'x', 'a@example.org', 'x', 'SUPPRESSED', '2017-01-01'"
        " FROM customer CROSS JOIN generate_series(1, 20000) AS n WHERE tenant_id = $1 GROUP BY n",
        past.publisher.tenant_id,
    )
    counts = json.loads(await asyncio.to_thread(purge, hurried, past.slug, NEXT_DAY))
    assert counts[past.slug]["mail"] == 20_001
