"""How reads grow with the tenant: two of different size on one server, measured in turns.

Their ratio therefore doesn't depend on what else the machine is doing.
"""

import platform

from rich.console import Console
from rich.table import Table

from app.demo.bulk import seed_customers
from app.settings import Settings
from benchmarks.client import Answered, alternate
from benchmarks.reads import account_workloads, overview_workloads
from benchmarks.servers import serving
from benchmarks.tenants import long_account, tenant_of


def growth(settings: Settings, console: Console, sizes: tuple[int, int], seconds: float) -> None:
    """Seed where that isn't done, measure, and print."""
    for size in sizes:
        seed_customers(settings, size, console, tenant=f"bench-{size}")
    small, large = (tenant_of(settings, f"bench-{size}") for size in sizes)
    long = long_account(settings, small)
    with serving(settings) as url:
        console.print(f"\n{platform.machine()}, {platform.python_version()}, one worker\n")
        _print(
            console,
            "Growth with the tenant",
            (f"{small.customers:,} customers", f"{large.customers:,} customers"),
            [
                (
                    workload.name,
                    *alternate(url, workload.of(small), workload.of(large), seconds),
                )
                for workload in overview_workloads()
            ],
        )
        _print(
            console,
            "The account with 10,000 activities",
            ("first", "second"),
            [
                (name, *alternate(url, first, second, seconds))
                for name, first, second in account_workloads(url, long)
            ],
        )


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
