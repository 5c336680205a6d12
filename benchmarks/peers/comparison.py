"""Measures the peers against each other: in turns, in one run, on the same data."""

import asyncio
import shutil
import statistics
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from rich.console import Console

from app.settings import Settings
from benchmarks.load import Generator, Load, Measured
from benchmarks.peers.peer import HERE, NODE_MODULES, Peer
from benchmarks.peers.records import difference_of, records
from benchmarks.peers.workloads import Workload
from benchmarks.peers.writes import agreed_writes
from benchmarks.processes import cpu_of_family, parent_of, usage
from benchmarks.tenants import connect

WARM_UP_SECONDS = 2.0
"""How long each peer answers a workload unmeasured: plans get cached, code compiled."""


@dataclass
class Result:
    """What a peer's rounds of a workload gave."""

    per_second: list[float] = field(default_factory=list)
    median: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    loaded_p99: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    database_cpu: list[float] = field(default_factory=list)
    memory: float = 0
    bytes: float = 0

    @property
    def throughput(self) -> float:
        """Requests per second, the median of the rounds."""
        return statistics.median(self.per_second)


@dataclass(frozen=True)
class Running:
    """A peer, and the process it runs in."""

    peer: Peer
    process: int


@dataclass(frozen=True)
class Rounds:
    """How often and how long is measured, and with how many connections at once."""

    count: int
    seconds: float
    connections: int


class Comparison:
    """Peers that run, a generator of load, and the database behind them."""

    def __init__(
        self, running: Sequence[Running], generator: Generator, settings: Settings, console: Console
    ) -> None:
        self._running = running
        self._generator = generator
        self._settings = settings
        self._postmaster = postmaster_of(settings)
        self._console = console

    def measure(self, workload: Workload, rounds: Rounds) -> dict[str, Result]:
        """Check that all peers answer the same, then measure; results by peer.

        Raises:
            RuntimeError: when they don't.
        """
        able = [one for one in self._running if one.peer.answers(workload)]
        with self._console.status(f"{workload.name}: comparing answers"):
            peers = [one.peer for one in able]
            if workload.writes:
                requests = agreed_writes(self._settings, workload, peers)
            else:
                requests = self._agreed(workload, peers)
        results = {one.peer.name: Result() for one in able}
        for one in able:
            with self._console.status(f"{workload.name}: warming up {one.peer.title}"):
                self._generator.send(self._load(one, requests, rounds, WARM_UP_SECONDS))
        for number in range(rounds.count):
            for one in able:
                with self._console.status(f"{workload.name}, {number + 1}: {one.peer.title}"):
                    self._round(one, requests, rounds, results[one.peer.name])
        return results

    def _agreed(self, workload: Workload, peers: Sequence[Peer]) -> dict[str, list[bytes]]:
        """The requests of each peer, all answers being the same."""
        prepared: dict[str, list[bytes]] = {}
        expected: list[object] = []
        for peer in peers:
            answered = list(peer.requests(workload))
            prepared[peer.name] = [request for request, _data in answered]
            said = [records(data) for _request, data in answered]
            if not expected:
                expected = said
            for number, (first, other) in enumerate(zip(expected, said, strict=False)):
                if first != other:
                    difference = difference_of(first, other)
                    raise RuntimeError(
                        f"{workload.name}, request {number}: {peers[0].name} and {peer.name}"
                        f" differ at {difference}"
                    )
        return prepared

    def _load(
        self, one: Running, requests: dict[str, list[bytes]], rounds: Rounds, seconds: float
    ) -> Load:
        return Load(one.peer.port, requests[one.peer.name], rounds.connections, seconds)

    def _round(
        self, one: Running, requests: dict[str, list[bytes]], rounds: Rounds, result: Result
    ) -> None:
        before, database = usage(one.process), cpu_of_family(self._postmaster)
        loaded = self._generator.send(self._load(one, requests, rounds, rounds.seconds))
        after, database_after = usage(one.process), cpu_of_family(self._postmaster)
        answers = len(loaded.times)
        result.per_second.append(answers / loaded.seconds)
        result.loaded_p99.append(_percentile(loaded, 99))
        result.cpu.append((after.cpu - before.cpu) / answers * 1000)
        result.database_cpu.append((database_after - database) / answers * 1000)
        result.bytes = loaded.bytes
        alone = self._generator.send(
            Load(one.peer.port, requests[one.peer.name], 1, rounds.seconds / 2)
        )
        result.median.append(_percentile(alone, 50))
        result.p99.append(_percentile(alone, 99))
        result.memory = max(result.memory, usage(one.process).memory / 1e6)


def start(
    peers: Sequence[Peer], settings: Settings, stack: ExitStack, console: Console
) -> Iterator[Running]:
    """Start the peers one after the other."""
    for peer in peers:
        if peer.name == "postgraphile" and not NODE_MODULES.exists():
            install(console)
        with console.status(f"Starting {peer.title}"):
            yield Running(peer, stack.enter_context(peer.serve(settings)))


def install(console: Console) -> None:
    """Install PostGraphile as its lock file says.

    Raises:
        RuntimeError: when there is no npm.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError("PostGraphile needs npm; leave it out with --only abokonto,sql.")
    with console.status("Installing PostGraphile"):
        subprocess.run([npm, "ci", "--silent"], cwd=HERE / "postgraphile", check=True)


def postmaster_of(settings: Settings) -> int:
    """The process all of PostgreSQL's come from, when it runs on this machine."""

    async def backend() -> int:
        connection = await connect(settings)
        try:
            process: int = await connection.fetchval("SELECT pg_backend_pid()")
            return parent_of(process)
        finally:
            await connection.close()

    return asyncio.run(backend())


def _percentile(measured: Measured, percent: int) -> float:
    """Milliseconds that so many percent of the answers took at most."""
    times = sorted(measured.times)
    return times[min(len(times) * percent // 100, len(times) - 1)] * 1000
