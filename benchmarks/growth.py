"""How reads grow with the tenant: two of different size on one server, measured in turns.

Their ratio therefore doesn't depend on what else the machine is doing.
"""

from app.demo.bulk import seed_customers
from app.settings import Settings
from benchmarks.client import Answered, alternate
from benchmarks.reads import account_workloads, overview_workloads
from benchmarks.report import Report
from benchmarks.servers import serving
from benchmarks.tenants import long_account, tenant_of


def growth(settings: Settings, report: Report, sizes: tuple[int, int], seconds: float) -> None:
    """Seed where that isn't done, measure, and print."""
    for size in sizes:
        seed_customers(settings, size, report.progress, tenant=f"bench-{size}")
    small, large = (tenant_of(settings, f"bench-{size}") for size in sizes)
    long = long_account(settings, small)
    with serving(settings) as served:
        _print(
            report,
            "W6: search, and the overview, in a small and a large tenant",
            (f"{small.customers:,} customers", f"{large.customers:,} customers"),
            [
                (
                    workload.name,
                    *alternate(served.url, workload.of(small), workload.of(large), seconds),
                )
                for workload in overview_workloads()
            ],
        )
        _print(
            report,
            "The account with 10,000 activities, 100 a page",
            ("first", "second"),
            [
                (name, *alternate(served.url, first, second, seconds))
                for name, first, second in account_workloads(served.url, long)
            ],
        )


def _print(
    report: Report,
    title: str,
    columns: tuple[str, str],
    rows: list[tuple[str, Answered, Answered]],
) -> None:
    report.table(
        title,
        ("Median and p99 in ms", columns[0], "p99", columns[1], "p99", "Ratio"),
        [
            (
                name,
                f"{first.median:.2f}",
                f"{first.p99:.2f}",
                f"{second.median:.2f}",
                f"{second.p99:.2f}",
                f"{second.median / first.median:.2f}",
            )
            for name, first, second in rows
        ],
    )
