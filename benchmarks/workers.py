"""What a second worker brings, and what the machine's cores are busy with then.

PostgreSQL and the sender of requests run on the same cores. So each measurement also says how many
cores each of them kept busy, and what the machine would reach if none of it were ever idle.
"""

import os
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from app.settings import Settings
from benchmarks.load import Generator, Load
from benchmarks.peers.comparison import Rounds, postmaster_of
from benchmarks.peers.peer import Peer
from benchmarks.peers.workloads import Workload
from benchmarks.processes import children_of, cpu_of_family, idle_of_machine, usage
from benchmarks.report import Report

_WARM_UP_SECONDS = 3.0

_COLUMNS = (
    "",
    "req/s",
    "of one",
    "CPU ms",
    "workers",
    "each",
    "PostgreSQL",
    "sender",
    "rest",
    "idle",
    "limit, req/s",
)


@dataclass
class _Served:
    """The application with so many workers, and what was measured of it."""

    count: int
    peer: Peer
    process: int
    requests: Sequence[bytes] = ()
    per_second: list[float] = field(default_factory=list)
    cores: list[dict[str, float]] = field(default_factory=list)
    each: list[list[float]] = field(default_factory=list)

    def workers(self) -> list[int]:
        """The processes that answer; several are children of the one that was started."""
        if self.count == 1:
            return [self.process]
        # The others are those that Python starts to keep track of resources.
        return sorted(children_of(self.process), key=lambda one: -usage(one).memory)[: self.count]


def workers(
    settings: Settings,
    report: Report,
    generator: Generator,
    peer: Peer,
    chosen: Sequence[Workload],
    rounds: Rounds,
) -> None:
    """Measure one worker and two in turns, and print."""
    postmaster = postmaster_of(settings)
    with ExitStack() as stack:
        served = []
        for count in (1, 2):
            own = replace(peer, port=peer.port + count)
            process = stack.enter_context(own.serve(settings.model_copy(update={"workers": count})))
            served.append(_Served(count, own, process))
        for workload in chosen:
            for one in served:
                one.requests = [request for request, _data in one.peer.requests(workload)]
                one.per_second, one.cores, one.each = [], [], []
                with report.progress.status(f"{workload.name}: warming up"):
                    load = Load(one.peer.port, one.requests, rounds.connections, _WARM_UP_SECONDS)
                    generator.send(load)
            for number in range(rounds.count):
                with report.progress.status(f"{workload.name}, {number + 1}"):
                    for one in served:
                        _round(one, generator, postmaster, rounds)
            title = f"{workload.name}: {workload.title}; cores busy of {os.cpu_count()}"
            report.table(title, _COLUMNS, [_row(one, served[0]) for one in served])


def _round(one: _Served, generator: Generator, postmaster: int, rounds: Rounds) -> None:
    processes = one.workers()

    def spent() -> dict[str, float]:
        return {
            "workers": sum(usage(process).cpu for process in processes),
            "PostgreSQL": cpu_of_family(postmaster),
            "sender": usage(generator.process).cpu,
            "idle": idle_of_machine(),
        }

    before, each, began = spent(), [usage(process).cpu for process in processes], time.monotonic()
    load = Load(one.peer.port, one.requests, rounds.connections, rounds.seconds)
    measured = generator.send(load)
    took, after = time.monotonic() - began, spent()
    one.per_second.append(len(measured.times) / measured.seconds)
    one.cores.append({name: (after[name] - before[name]) / took for name in after})
    one.each.append(
        sorted((usage(p).cpu - was) / took for p, was in zip(processes, each, strict=True))
    )


def _row(one: _Served, first: _Served) -> tuple[str, ...]:
    cores = {name: statistics.median(spent[name] for spent in one.cores) for name in one.cores[0]}
    machine = os.cpu_count() or 1
    cores["rest"] = max(machine - sum(cores.values()), 0.0)
    per_second = statistics.median(one.per_second)
    needed = (cores["workers"] + cores["PostgreSQL"] + cores["sender"]) / per_second
    ratios = [b / a for a, b in zip(first.per_second, one.per_second, strict=True)]
    each = [statistics.median(shares) for shares in zip(*one.each, strict=True)]
    return (
        f"{one.count} worker{'s' if one.count > 1 else ''}",
        f"{per_second:,.0f}",
        f"{statistics.median(ratios):.2f}",
        f"{cores['workers'] / per_second * 1000:.2f}",
        f"{cores['workers']:.2f}",
        " + ".join(f"{share:.2f}" for share in each),
        *(f"{cores[name]:.2f}" for name in ("PostgreSQL", "sender", "rest", "idle")),
        f"{machine / needed:,.0f}",
    )
