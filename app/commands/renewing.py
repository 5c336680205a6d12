"""The daily run from the command line."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from app.commands.database import application_url
from app.commands.errors import CommandError
from app.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.table import Table

    from app.billing.tally import Tally
    from app.jobs.renewals import DailyRun, Watcher, Whose

_COLUMNS = {
    "periods_opened": "Periods opened",
    "invoices_issued": "Invoices",
    "invoiced": "Invoiced",
    "deliveries_planned": "Deliveries planned",
    "deliveries_sent": "Deliveries sent",
    "subscriptions_paused": "Paused",
    "subscriptions_resumed": "Resumed",
    "subscriptions_ended": "Ended",
    "orders_done": "Orders done",
    "addresses_changed": "Addresses changed",
    "mandates_lapsed": "Mandates lapsed",
    "debits_settled": "Debits settled",
    "invoices_overdue": "Invoices overdue",
    "failures": "Failures",
}


_MOST_COLUMNS = 4


@dataclass(frozen=True)
class Renewed:
    """What was done for a tenant."""

    tenant: str
    until: date
    tally: "Tally"

    def as_json(self) -> dict[str, Any]:
        """Everything as JSON holds it."""
        return {"tenant": self.tenant, "until": str(self.until), **self.tally.as_json()}


def renew(
    settings: Settings, until: date | None, tenant: str | None, console: "Console"
) -> list[Renewed]:
    """Do for all tenants or one of them what is due up to a day.

    Raises:
        CommandError: there is no such tenant, or the database is of another version.
    """
    from app.logs import configure_logs
    from app.migrations.current import is_current

    if not is_current(application_url(settings)):
        raise CommandError("The database is of another version: run `abokonto migrate` first.")
    configure_logs(settings.log_level)
    return asyncio.run(_renew(settings, until, tenant, console))


async def _renew(
    settings: Settings, until: date | None, tenant: str | None, console: "Console"
) -> list[Renewed]:
    from app.encryption import Keyring
    from app.files.inspection import FileInspector
    from app.jobs.renewals import DailyRun
    from app.storage import Storage
    from app.work.files import Staging
    from app.work.perform import Performer
    from app.writing import Writing

    writing, storage, inspector = Writing(settings), Storage(settings), FileInspector(settings)
    staging = Staging(writing, storage, inspector, settings.unclaimed_file_seconds)
    performer = Performer(writing, Keyring.from_settings(settings), storage, staging)
    writing.open()
    try:
        with _watching(console) as watcher:
            run = DailyRun(performer, writing, watcher)
            whose = [one for one in await run.tenants() if tenant in (None, one.slug)]
            if tenant is not None and not whose:
                raise CommandError(f"There is no tenant {tenant}.")
            return await _all(run, whose, until, settings.database_write_pool_size)
    finally:
        await inspector.close()
        await writing.close()


async def _all(
    run: "DailyRun", whose: "Sequence[Whose]", until: date | None, at_once: int
) -> list[Renewed]:
    """Renew tenants side by side, as many as there are connections."""
    places = asyncio.Semaphore(at_once)

    async def one(of: "Whose") -> Renewed:
        async with places:
            last = until or of.today
            await run.expect(of, last)
            return Renewed(of.slug, last, await run.renew(of, last))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(of)) for of in whose]
    return [task.result() for task in tasks]


@contextmanager
def _watching(console: "Console") -> "Iterator[Watcher]":
    """A progress bar of the subscriptions whose periods begin; none outside of a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("Subscriptions"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("Subscriptions", total=0)
        yield _Bar(progress, task)


class _Bar:
    """Tells a progress bar how far a run is."""

    def __init__(self, progress: Any, task: Any) -> None:
        self._progress, self._task, self._total = progress, task, 0

    def expect(self, count: int) -> None:
        """So many more subscriptions are due."""
        self._total += count
        self._progress.update(self._task, total=self._total)

    def advance(self, count: int) -> None:
        """So many of them were seen to."""
        self._progress.advance(self._task, count)


def as_json(renewed: Sequence[Renewed]) -> str:
    """What was done, by tenant."""
    return json.dumps([one.as_json() for one in renewed], indent=2)


def report(renewed: Sequence[Renewed]) -> "Table":
    """What was done: a column for each tenant, or one for all where they are too many."""
    from rich.table import Table

    from app.billing.tally import Tally

    if len(renewed) > _MOST_COLUMNS:
        total = Tally()
        for one in renewed:
            total += one.tally
        renewed = [Renewed("All tenants", max(one.until for one in renewed), total)]
    table = Table()
    table.add_column("Daily run")
    for one in renewed:
        table.add_column(one.tenant, justify="right")
    table.add_row("Until", *(str(one.until) for one in renewed))
    for name, title in _COLUMNS.items():
        table.add_row(title, *(_cell(one, name) for one in renewed))
    return table


def _cell(one: Renewed, name: str) -> str:
    value = getattr(one.tally, name)
    if name == "failures":
        return str(len(value))
    if name == "invoiced":
        return "\n".join(f"{amount} {currency}" for currency, amount in sorted(value.items()))
    return f"{value:,}"
