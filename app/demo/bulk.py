"""Customers by the million, to measure with: streamed by COPY, in bounded memory."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from app.demo.account import SLIM, World
from app.demo.accounts import add_account
from app.demo.batch import Batch, number_invoices, write
from app.demo.billing_profile import FOEHRENBACH
from app.demo.seed import partner_token
from app.demo.world import Publisher, build_world, create_publisher, load_world
from app.encryption import Keyring
from app.settings import Settings

BATCH_CUSTOMERS = 1_000
_MOST_ROWS_PER_CUSTOMER = 120
_AGENTS = ("Renate Hollstein", "Tobias Kranz", "Verena Auinger")
_REPORTS = 20


class TenantTakenError(Exception):
    """The tenant is somebody's; the message says what to do."""


def seed_customers(
    settings: Settings, count: int, console: Console, *, tenant: str = "bulk"
) -> None:
    """See that a tenant made for it has `count` customers, and print a partner's token.

    What is there already is kept and counted, so an interrupted run can be taken up again.

    Raises:
        TenantTakenError: The tenant exists and was not made here.
    """
    today = datetime.now(UTC).date()
    asyncio.run(_seed(settings, count, console, tenant, today))


async def _seed(settings: Settings, count: int, console: Console, tenant: str, today: date) -> None:
    if settings.owner_database_url is None:
        raise ValueError("The address of the database's owner is not configured.")
    connection = await asyncpg.connect(settings.owner_database_url.get_secret_value())
    try:
        # What a crash would take is made again by running this once more.
        await connection.execute("SET synchronous_commit = off")
        await _fill(connection, settings, count, console, tenant, today)
        token = await partner_token(connection, tenant)
    finally:
        await connection.close()
    console.print(f"{count:,} customers in the tenant {tenant}.", highlight=False)
    console.print(f"Partner token: {token}", highlight=False, soft_wrap=True)


async def _fill(
    connection: asyncpg.Connection,
    settings: Settings,
    count: int,
    console: Console,
    tenant: str,
    today: date,
) -> None:
    stream = await _open(connection, settings, tenant, today)
    with _progress(console) as progress:
        task = progress.add_task("Customers", total=count, completed=stream.done)
        every = max(count // _REPORTS, 1)

        def report(done: int) -> None:
            progress.update(task, completed=done)
            if not console.is_terminal and done // every > (done - BATCH_CUSTOMERS) // every:
                console.print(f"{done:,} of {count:,} customers", highlight=False)

        await stream.run(count, report)
    # The planner would otherwise not know for a while how much is there.
    with console.status("Collecting statistics"):
        await connection.execute("ANALYZE")


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


class Stream:
    """Makes batches of customers and writes them, one while the next is being made."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        world: World,
        batch: Batch,
        done: int,
        invoices: dict[int, int],
    ) -> None:
        self.done = done
        self._connection = connection
        self._world = world
        self._batch = batch
        self._invoices = invoices

    async def run(self, count: int, report: Callable[[int], None]) -> None:
        """Go on until there are `count` customers."""
        made = self.done
        taken = self._batch.take()
        while True:
            upcoming = range(made, min(made + BATCH_CUSTOMERS, count))
            await self._batch.reserve(
                self._connection, (len(upcoming) + 1) * _MOST_ROWS_PER_CUSTOMER
            )
            writing = asyncio.create_task(self._write(taken))
            await asyncio.to_thread(self._make, upcoming)
            await writing
            report(made)
            if not upcoming:
                return
            made, taken = upcoming.stop, self._batch.take()

    def _make(self, indexes: range) -> None:
        for index in indexes:
            add_account(self._world, self._batch, index, SLIM)
        number_invoices(self._batch, self._invoices)

    async def _write(self, taken: "dict[str, tuple[list[str], list[dict[str, Any]]]]") -> None:
        async with self._connection.transaction():
            await write(self._connection, taken)


async def _open(
    connection: asyncpg.Connection, settings: Settings, tenant: str, today: date
) -> Stream:
    """Begin a tenant, or take up one that was begun here."""
    publisher = Publisher(
        tenant, f"Messreihe {tenant}", "DE", _AGENTS, austrian=0.12, letterhead=FOEHRENBACH
    )
    keyring = Keyring.from_settings(settings)
    known = await connection.fetchrow("SELECT id, name FROM tenant WHERE slug = $1", tenant)
    if known is None:
        async with connection.transaction():
            batch = Batch(await create_publisher(connection, publisher))
            await batch.reserve(connection, 10_000)
            world = await build_world(connection, batch, publisher, today, keyring)
            await write(connection, batch.take())
        return Stream(connection, world, batch, 0, {})
    if known["name"] != publisher.name:
        raise TenantTakenError(
            f"The tenant {tenant} was not made for this: choose another with --tenant."
        )
    batch = Batch(known["id"])
    world = await load_world(connection, batch.tenant_id, publisher, today, keyring)
    done = await connection.fetchval(
        "SELECT count(*) FROM customer WHERE tenant_id = $1", batch.tenant_id
    )
    return Stream(connection, world, batch, done, await _invoice_counters(connection, batch))


async def _invoice_counters(connection: asyncpg.Connection, batch: Batch) -> dict[int, int]:
    """The last invoice number of each year."""
    found = await connection.fetch(
        "SELECT extract(year FROM issued_on)::int AS year, count(*) AS last FROM invoice"
        " WHERE tenant_id = $1 GROUP BY 1",
        batch.tenant_id,
    )
    return {row["year"]: row["last"] for row in found}
