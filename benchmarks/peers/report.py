"""What was measured of the peers, as lines of a table."""

import statistics
from collections.abc import Mapping

from benchmarks.peers.comparison import Result

COLUMNS = (
    "",
    "req/s",
    "p50 ms",
    "p99 ms",
    "p99 loaded",
    "CPU ms",
    "DB ms",
    "MB",
    "vs PG",
    "of SQL",
)


def rows(results: Mapping[str, Result], titles: Mapping[str, str]) -> list[tuple[str, ...]]:
    """A line per peer, in the order they were measured."""
    return [
        (
            titles[name],
            f"{result.throughput:,.{0 if result.throughput >= 100 else 1}f}",
            f"{statistics.median(result.median):.2f}",
            f"{statistics.median(result.p99):.2f}",
            f"{statistics.median(result.loaded_p99):.2f}",
            f"{statistics.median(result.cpu):.2f}",
            f"{statistics.median(result.database_cpu):.2f}",
            f"{result.memory:.0f}",
            _ratio(result, results.get("postgraphile")),
            _ratio(result, results.get("sql")),
        )
        for name, result in results.items()
    ]


def _ratio(result: Result, other: Result | None) -> str:
    """The median of the ratios of the rounds, each of which ran right behind the other."""
    if other is None:
        return ""
    ratios = [a / b for a, b in zip(result.per_second, other.per_second, strict=True)]
    return f"{statistics.median(ratios):.2f}"
