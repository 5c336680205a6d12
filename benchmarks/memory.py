"""The memory of a worker: over minutes of one workload, and over documents that are all different.

The application is served as in production, with its own pools and glibc's own settings. Of
PostgreSQL's processes only what each has for itself is counted: the buffers are shared by all.
"""

import asyncio
from itertools import pairwise

from app.settings import Settings
from benchmarks.documents import Documents
from benchmarks.load import Generator, Load
from benchmarks.peers.peer import Peer
from benchmarks.peers.workloads import Workload
from benchmarks.processes import own_memory, usage
from benchmarks.report import Report
from benchmarks.tenants import connect

CONNECTIONS = 8
_LOOKS = 10
_MINUTE = 60.0
_COLUMNS = ("", "Requests", "Worker, MB", "its own, MB", "Connections", "of PostgreSQL, MB")


def over_minutes(
    settings: Settings,
    report: Report,
    generator: Generator,
    peer: Peer,
    workload: Workload,
    minutes: int,
) -> None:
    """Ask the same workload without a pause, and look each minute."""
    with peer.serve(settings) as process:
        rows = [_row("At the start", 0, process, settings)]
        requests = [request for request, _data in peer.requests(workload)]
        answered = len(requests)
        for minute in range(1, minutes + 1):
            with report.progress.status(f"{workload.name}: minute {minute} of {minutes}"):
                load = Load(peer.port, requests, CONNECTIONS, _MINUTE)
                answered += len(generator.send(load).times)
            rows.append(_row(f"Minute {minute}", answered, process, settings))
            report.progress.print(*rows[-1], highlight=False)
        title = f"{workload.name} over {CONNECTIONS} connections for {minutes} minutes"
        report.table(title, _COLUMNS, [row for at, row in enumerate(rows) if _shown(at, minutes)])


def over_documents(
    settings: Settings,
    report: Report,
    generator: Generator,
    peer: Peer,
    documents: Documents,
    count: int,
) -> None:
    """Ask documents none of which is like another, and look now and then."""
    with peer.serve(settings) as process:
        rows = [_row("At the start", 0, process, settings)]
        bounds = [count * part // _LOOKS for part in range(_LOOKS + 1)]
        for begin, end in pairwise(bounds):
            with report.progress.status(f"Documents: {begin:,} of {count:,}"):
                requests = [documents.different(number) for number in range(begin, end)]
                generator.send(Load(peer.port, requests, CONNECTIONS, 0, once=True))
            rows.append(_row(f"{end:,} documents", end, process, settings))
            report.progress.print(*rows[-1], highlight=False)
        report.table(f"{count:,} different documents", _COLUMNS, rows)


def _shown(minute: int, minutes: int) -> bool:
    """The first five minutes, and what follows in ten steps."""
    return minute <= 5 or minute == minutes or minute % max(minutes // 10, 1) == 0


def _row(title: str, requests: int, process: int, settings: Settings) -> tuple[str, ...]:
    backends = asyncio.run(_backends(settings))
    return (
        title,
        f"{requests:,}",
        f"{usage(process).memory / 1e6:.1f}",
        f"{own_memory(process) / 1e6:.1f}",
        f"{len(backends)}",
        f"{sum(own_memory(backend) for backend in backends) / 1e6:.1f}",
    )


async def _backends(settings: Settings) -> list[int]:
    """PostgreSQL's processes that answer the application."""
    connection = await connect(settings)
    try:
        rows = await connection.fetch(
            "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'abokonto%'"
        )
        return [row["pid"] for row in rows]
    finally:
        await connection.close()
