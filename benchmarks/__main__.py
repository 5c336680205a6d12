"""`make bench`: seed two tenants of different size, serve them, and measure the reads.

The measurements of both tenants alternate in one run on one server, so that their ratio does not
depend on what else the machine is doing. Data is kept in `var/bench` and made only once; a million
customers take the better part of an hour.
"""

import argparse
import platform
from pathlib import Path

from rich.console import Console
from rich.table import Table

from app.commands.progress import Progress
from app.commands.serving import prepare
from app.demo.bulk import seed_customers
from app.embedded.services import provided
from app.settings import Settings
from benchmarks.client import Answered, alternate
from benchmarks.reads import account_workloads, overview_workloads
from benchmarks.tenants import long_account, tenant_of
from benchmarks.worker import serving


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    console = Console()
    settings = Settings(var_directory=arguments.data, port=arguments.port, log_level="warning")
    progress = Progress(console)
    with provided(settings) as complete:
        prepare(complete, progress)
        sizes = (arguments.small, arguments.large)
        for size in sizes:
            seed_customers(complete, size, console, tenant=f"bench-{size}")
        small, large = (tenant_of(complete, f"bench-{size}") for size in sizes)
        long = long_account(complete, small)
        with serving(complete) as url:
            console.print(f"\n{platform.machine()}, {platform.python_version()}, one worker\n")
            compared = [
                (f"{workload.name}", workload, workload.of(small), workload.of(large))
                for workload in overview_workloads()
            ]
            _print(
                console,
                "Growth with the tenant",
                (f"{small.customers:,} customers", f"{large.customers:,} customers"),
                [
                    (name, *alternate(url, first, second, arguments.seconds))
                    for name, _workload, first, second in compared
                ],
            )
            _print(
                console,
                "The account with 10,000 activities",
                ("first", "second"),
                [
                    (name, *alternate(url, first, second, arguments.seconds))
                    for name, first, second in account_workloads(url, long)
                ],
            )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--small", type=int, default=10_000, help="customers of one tenant")
    parser.add_argument("--large", type=int, default=1_000_000, help="customers of the other")
    parser.add_argument("--seconds", type=float, default=10, help="how long each pair is measured")
    parser.add_argument("--data", type=Path, default=Path("var/bench"), help="where data is kept")
    parser.add_argument("--port", type=int, default=8900, help="where the server listens")
    return parser.parse_args()


def _print(
    console: Console,
    title: str,
    columns: tuple[str, str],
    rows: list[tuple[str, Answered, Answered]],
) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("Query")
    for column in columns:
        table.add_column(f"{column}, median ms", justify="right")
        table.add_column("p99 ms", justify="right")
    table.add_column("Ratio", justify="right")
    for name, first, second in rows:
        table.add_row(
            name,
            f"{first.median:.2f}",
            f"{first.p99:.2f}",
            f"{second.median:.2f}",
            f"{second.p99:.2f}",
            f"{second.median / first.median:.2f}",
        )
    console.print(table)


if __name__ == "__main__":
    main()
