"""`make bench`: what requests cost, beside peers, in large tenants and in the long run."""

import asyncio
import os
import platform
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from app.commands.progress import Progress
from app.commands.serving import prepare
from app.embedded.services import provided
from app.schema.customer import Customer
from app.schema.node import key_of
from app.settings import Settings
from benchmarks.accounts import TENANT, Accounts, filled_accounts
from benchmarks.cold import cold as measure_cold
from benchmarks.documents import Documents
from benchmarks.growth import growth as measure_growth
from benchmarks.load import generating
from benchmarks.logins import logins as measure_logins
from benchmarks.memory import over_documents, over_minutes
from benchmarks.orders import orders as measure_orders
from benchmarks.peers.comparison import Comparison, Rounds, start
from benchmarks.peers.peer import Peer, known_peers
from benchmarks.peers.report import COLUMNS, rows
from benchmarks.peers.workloads import Workload, workloads
from benchmarks.peers.writes import durability, undone
from benchmarks.profile import profile as measure_profile
from benchmarks.renewals import renewals as measure_renewals
from benchmarks.report import Report
from benchmarks.subscriptions import subscriptions as measure_subscriptions
from benchmarks.tenants import actor_of, long_account, tenant_of
from benchmarks.workers import workers as measure_workers

_KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "67108864", "MALLOC_MMAP_THRESHOLD_": "33554432"}
"""Lets glibc keep what is freed, for the embedded PostgreSQL and all servers alike.

Otherwise PostgreSQL gives memory back after each large answer and faults it in for the next one,
or doesn't, as it happens: a second millisecond that says nothing about the statement.
"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Data = Annotated[Path, typer.Option(help="Where data is kept.")]
Port = Annotated[int, typer.Option(help="The first port that servers listen on.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print Markdown.")]
Workloads = Annotated[
    str, typer.Option("--workloads", help="Workloads: W1, W1m, W2, W3, W4, W5, W7.")
]


class Ready(NamedTuple):
    """What is measured: the data, and the application and its peers over it."""

    settings: Settings
    accounts: Accounts
    workloads: list[Workload]
    peers: list[Peer]

    @property
    def application(self) -> Peer:
        """The application itself."""
        return self.peers[0]

    def chosen(self, names: str) -> list[Workload]:
        """The workloads of such names, or all of them."""
        return [one for one in self.workloads if not names or one.name in names.split(",")]


@app.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Measure the application against its peers (the default), or what else a command says.

    Data is made once and kept: 20,000 customers with 3.5 million records in a few minutes, a
    million customers in the better part of an hour.
    """
    # Whoever ends this ends the servers that it started as well.
    signal.signal(signal.SIGTERM, lambda *_received: sys.exit(1))
    if context.invoked_subcommand is None:
        peers()


@app.command()
def peers(
    only: Annotated[str, typer.Option(help="Peers: abokonto, postgraphile, strawberry, sql.")] = "",
    workload: Workloads = "",
    rounds: Annotated[int, typer.Option(help="How often each peer is measured.")] = 5,
    seconds: Annotated[float, typer.Option(help="How long each time.")] = 3,
    connections: Annotated[int, typer.Option(help="Requests at once, for throughput.")] = 8,
    markdown: Markdown = False,
    data: Data = Path("var/bench"),
    port: Port = 8900,
) -> None:
    """Measure the application, PostGraphile, plain Strawberry and hand-written SQL in turns."""
    report = Report(markdown=markdown)
    with _ready(data, port, report) as ready, ExitStack() as stack:
        compared = [one for one in ready.peers if not only or one.name in only.split(",")]
        running = list(start(compared, ready.settings, stack, report.progress))
        generator = stack.enter_context(generating())
        comparison = Comparison(running, generator, ready.settings, report.progress)
        titles = {peer.name: peer.title for peer in compared}
        for one in ready.chosen(workload):
            cleaning = (
                undone(ready.settings, ready.accounts.tenant) if one.writes else nullcontext()
            )
            with cleaning:
                results = comparison.measure(one, Rounds(rounds, seconds, connections))
            size = next(iter(results.values())).bytes / 1000
            title = f"{one.name}: {one.title} ({size:.1f} kB)"
            report.table(title, COLUMNS, rows(results, titles))
            if one.writes:
                report.say(f"PostgreSQL: {asyncio.run(durability(ready.settings))}.")


@app.command()
def growth(
    small: Annotated[int, typer.Option(help="Customers of one tenant.")] = 10_000,
    large: Annotated[int, typer.Option(help="Customers of the other.")] = 1_000_000,
    seconds: Annotated[float, typer.Option(help="How long each pair is measured.")] = 10,
    markdown: Markdown = False,
    data: Data = Path("var/bench"),
    port: Port = 8900,
) -> None:
    """Measure the same reads in a small and a large tenant; searching the large one is W6."""
    report = Report(markdown=markdown)
    with _database(data, port, report) as settings:
        report.say(_machine())
        measure_growth(settings, report, (small, large), seconds)


@app.command()
def profile(
    workload: Workloads = "W1,W2,W3,W4",
    seconds: Annotated[float, typer.Option(help="How long each is measured.")] = 3,
    markdown: Markdown = False,
    data: Data = Path("var/bench"),
    port: Port = 8900,
) -> None:
    """Show where the time of a request goes."""
    report = Report(markdown=markdown)
    with _ready(data, port, report) as ready, generating() as generator:
        chosen = ready.chosen(workload)
        measure_profile(ready.settings, report, generator, ready.application, chosen, seconds)


@app.command()
def workers(
    workload: Workloads = "W1,W3,W7",
    rounds: Annotated[int, typer.Option(help="How often each is measured.")] = 5,
    seconds: Annotated[float, typer.Option(help="How long each time.")] = 3,
    connections: Annotated[int, typer.Option(help="Requests at once.")] = 16,
    markdown: Markdown = False,
    data: Data = Path("var/bench"),
    port: Port = 8900,
) -> None:
    """Measure one worker and two in turns, and what the cores are busy with."""
    report = Report(markdown=markdown)
    with _ready(data, port, report) as ready, generating() as generator:
        times = Rounds(rounds, seconds, connections)
        chosen = ready.chosen(workload)
        measure_workers(ready.settings, report, generator, ready.application, chosen, times)


@app.command()
def memory(
    minutes: Annotated[int, typer.Option(help="How long W1 is asked; 0 leaves that out.")] = 60,
    documents: Annotated[
        int, typer.Option(help="How many different documents are asked; 0 leaves that out.")
    ] = 10_000,
    markdown: Markdown = False,
    data: Data = Path("var/bench"),
    port: Port = 8900,
) -> None:
    """Watch the memory of a worker over an hour of W1, and over documents that are different."""
    report = Report(markdown=markdown)
    with (
        _ready(data, port, report, keep_memory=False) as ready,
        generating() as generator,
    ):
        known = (ready.settings, report, generator, ready.application)
        if minutes:
            over_minutes(*known, ready.chosen("W1")[0], minutes)
        if documents:
            over_documents(*known, Documents(ready.application, ready.accounts), documents)


@app.command()
def cold(
    times: Annotated[int, typer.Option(help="How many documents of each kind.")] = 50,
    markdown: Markdown = False,
    data: Data = Path("var/bench"),
    port: Port = 8900,
) -> None:
    """Measure what a document costs that was never seen."""
    report = Report(markdown=markdown)
    with _ready(data, port, report) as ready, generating() as generator:
        documents = Documents(ready.application, ready.accounts)
        measure_cold(ready.settings, report, generator, ready.application, documents, times)


@app.command()
def renewals(
    count: Annotated[int, typer.Option(help="How many subscriptions are due.")] = 10_000,
    markdown: Markdown = False,
    data: Data = Path("var/bench"),
    port: Port = 8900,
) -> None:
    """Measure the daily run over subscriptions that are all due today."""
    report = Report(markdown=markdown)
    with _database(data, port, report, keep_memory=False) as settings:
        report.say(_machine())
        measure_renewals(settings, report, count)


@app.command()
def orders(
    before: Annotated[int, typer.Option(help="How many orders the long account has.")] = 1_000,
    count: Annotated[int, typer.Option(help="How many of each are measured.")] = 200,
    markdown: Markdown = False,
    data: Data = Path("var/bench"),
    port: Port = 8900,
) -> None:
    """Measure the preview of an order and placing it, in new accounts and in a long one."""
    report = Report(markdown=markdown)
    with _database(data, port, report) as settings:
        report.say(_machine())
        measure_orders(settings, report, before, count)


@app.command()
def logins(
    count: Annotated[int, typer.Option(help="How many of each are tried.")] = 500,
    markdown: Markdown = False,
    data: Data = Path("var/bench"),
    port: Port = 8900,
) -> None:
    """Measure whether the time of a refused login of a customer tells why it was refused."""
    report = Report(markdown=markdown)
    with _database(data, port, report) as settings:
        report.say(_machine())
        measure_logins(settings, report, count)


@app.command()
def subscriptions(
    count: Annotated[int, typer.Option(help="How many are open at once.")] = 500,
    markdown: Markdown = False,
    data: Data = Path("var/bench"),
    port: Port = 8900,
) -> None:
    """Measure what open subscriptions take of memory, and how soon a change is seen."""
    report = Report(markdown=markdown)
    with _database(data, port, report) as settings:
        report.say(_machine())
        measure_subscriptions(settings, report, count)


@contextmanager
def _database(
    data: Path, port: int, report: Report, *, keep_memory: bool = True
) -> Iterator[Settings]:
    """A migrated database and a bucket, embedded ones unless others are configured."""
    if keep_memory:
        os.environ.update(_KEEP_MEMORY)
    settings = Settings(var_directory=data, port=port, log_level="warning")
    progress = Progress(report.progress)
    with provided(settings, progress.step) as complete:
        prepare(complete, progress)
        yield complete


@contextmanager
def _ready(data: Path, port: int, report: Report, *, keep_memory: bool = True) -> Iterator[Ready]:
    """All workloads and peers, over data that is made where it isn't there."""
    with _database(data, port, report, keep_memory=keep_memory) as settings:
        accounts = filled_accounts(settings, report.progress)
        tenant = long_account(settings, tenant_of(settings, TENANT))
        actor = actor_of(settings, tenant.token)
        report.say(_machine())
        yield Ready(
            settings,
            accounts,
            workloads(accounts, key_of(tenant.long_account, Customer)),
            known_peers(settings.port, accounts.tenant, tenant.token, actor),
        )


def _machine() -> str:
    cores = os.cpu_count()
    return f"{platform.machine()}, {cores} cores, Python {platform.python_version()}."


if __name__ == "__main__":
    app()
