"""What was measured, as tables for eyes and as Markdown to paste."""

import statistics
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from benchmarks.peers.comparison import Result

COLUMNS = (
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


def show(
    console: Console, title: str, results: Mapping[str, Result], titles: Mapping[str, str]
) -> None:
    """Print a table."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for row in rows(results, titles):
        table.add_row(*row)
    console.print(table)


def markdown(title: str, results: Mapping[str, Result], titles: Mapping[str, str]) -> str:
    """The same, to paste."""
    lines = [f"**{title}**", "", "| | " + " | ".join(COLUMNS) + " |"]
    lines.append("| --- |" + " ---: |" * len(COLUMNS))
    lines += ["| " + " | ".join(row) + " |" for row in rows(results, titles)]
    return "\n".join([*lines, ""])


def _ratio(result: Result, other: Result | None) -> str:
    """The median of the ratios of the rounds, each of which ran right behind the other."""
    if other is None:
        return ""
    ratios = [a / b for a, b in zip(result.per_second, other.per_second, strict=True)]
    return f"{statistics.median(ratios):.2f}"
