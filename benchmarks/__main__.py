"""`make bench`: what reads cost, beside peers and in large tenants."""

import os
import platform
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.commands.progress import Progress
from app.commands.serving import prepare
from app.embedded.services import provided
from app.schema.customer import Customer
from app.schema.node import key_of
from app.settings import Settings
from benchmarks.accounts import TENANT, filled_accounts
from benchmarks.growth import growth as measure_growth
from benchmarks.load import generating
from benchmarks.peers.comparison import Comparison, Rounds, postmaster_of, start
from benchmarks.peers.peer import Peer, known_peers
from benchmarks.peers.report import markdown, show
from benchmarks.peers.workloads import Workload, workloads
from benchmarks.profile import profile as measure_profile
from benchmarks.tenants import long_account, tenant_of

_WIDTH = 120

_KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "67108864", "MALLOC_MMAP_THRESHOLD_": "33554432"}
"""Lets glibc keep what is freed, for the embedded PostgreSQL and all servers alike.

Otherwise PostgreSQL gives memory back after each large answer and faults it in for the next one,
or doesn't, as it happens: a second millisecond that says nothing about the statement.
"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Data = Annotated[Path, typer.Option(help="Where data is kept.")]
Port = Annotated[int, typer.Option(help="The first port that servers listen on.")]


@app.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Measure the application against its peers (the default), or how its reads grow.

    Data is made once and kept: 20,000 customers with 3.5 million records in a few minutes, a
    million customers in the better part of an hour.
    """
    if context.invoked_subcommand is None:
        peers()


@app.command()
def peers(
    only: Annotated[str, typer.Option(help="Peers: abokonto, postgraphile, strawberry, sql.")] = "",
    workload: Annotated[
        str, typer.Option("--workloads", help="Workloads: W1, W1m, W2, W3, W4, W7.")
    ] = "",
    rounds: Annotated[int, typer.Option(help="How often each peer is measured.")] = 5,
    seconds: Annotated[float, typer.Option(help="How long each time.")] = 3,
    connections: Annotated[int, typer.Option(help="Requests at once, for throughput.")] = 8,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    data: Data = Path("var/bench"),
    port: Port = 8900,
) -> None:
    """Measure the application, PostGraphile, plain Strawberry and hand-written SQL in turns."""
    console = _console()
    with _ready(data, port, console) as settings, ExitStack() as stack:
        chosen, compared = _chosen(settings, console, only, workload)
        running = list(start(compared, settings, stack, console))
        generator = stack.enter_context(generating())
        comparison = Comparison(running, generator, postmaster_of(settings), console)
        titles = {peer.name: peer.title for peer in compared}
        for one in chosen:
            results = comparison.measure(one, Rounds(rounds, seconds, connections))
            size = next(iter(results.values())).bytes / 1000
            title = f"{one.name}: {one.title} ({size:.1f} kB)"
            if as_markdown:
                print(markdown(title, results, titles))
            else:
                show(console, title, results, titles)


@app.command()
def growth(
    small: Annotated[int, typer.Option(help="Customers of one tenant.")] = 10_000,
    large: Annotated[int, typer.Option(help="Customers of the other.")] = 1_000_000,
    seconds: Annotated[float, typer.Option(help="How long each pair is measured.")] = 10,
    data: Data = Path("var/bench"),
    port: Port = 8900,
) -> None:
    """Measure the same reads in a small and a large tenant."""
    console = _console()
    with _ready(data, port, console) as settings:
        measure_growth(settings, console, (small, large), seconds)


@app.command()
def profile(
    workload: Annotated[
        str, typer.Option("--workloads", help="Workloads: W1, W1m, W2, W3, W4, W7.")
    ] = "",
    seconds: Annotated[float, typer.Option(help="How long each is measured.")] = 3,
    data: Data = Path("var/bench"),
    port: Port = 8900,
) -> None:
    """Show where the time of a request goes."""
    console = _console()
    with _ready(data, port, console) as settings, generating() as generator:
        chosen, (peer,) = _chosen(settings, console, "abokonto", workload)
        measure_profile(settings, console, generator, peer, chosen, seconds)


def _console() -> Console:
    """The terminal, or for a file lines that are long enough for the tables."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)


@contextmanager
def _ready(data: Path, port: int, console: Console) -> Iterator[Settings]:
    """A migrated database and a bucket, embedded ones unless others are configured."""
    os.environ.update(_KEEP_MEMORY)
    settings = Settings(var_directory=data, port=port, log_level="warning")
    progress = Progress(console)
    with provided(settings, progress.step) as complete:
        prepare(complete, progress)
        yield complete


def _chosen(
    settings: Settings, console: Console, only: str, workload: str
) -> tuple[list[Workload], list[Peer]]:
    """The workloads and peers asked for, over data that is made where it isn't there."""
    accounts = filled_accounts(settings, console)
    tenant = long_account(settings, tenant_of(settings, TENANT))
    chosen = workloads(accounts, key_of(tenant.long_account, Customer))
    compared = known_peers(settings.port, accounts.tenant, tenant.token)
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    console.print(f"\n{machine}, Python {platform.python_version()}, one worker each\n")
    return (
        [one for one in chosen if not workload or one.name in workload.split(",")],
        [one for one in compared if not only or one.name in only.split(",")],
    )


if __name__ == "__main__":
    app()
