"""Where the time of a request goes: a stopwatch in the places it passes through.

The application is served in this process as `abokonto serve` does it, and asked over one
connection, so that whatever runs between a place's beginning and its end belongs to it. Times are
those of the processor; what a place calls that is a place of its own is not counted twice.
"""

import asyncio
import inspect
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import wraps
from typing import Any

import asyncpg
import uvicorn
import uvloop

import app.server.graphql_http
import app.server.operations
from app.commands.serving import server_configuration
from app.database import Database
from app.logs import configure_logs
from app.main import create_app
from app.resolvers.plan import Plan, Plans
from app.server.access_log import AccessLog
from app.server.finished import FinishedReads
from app.server.graphql_http import GraphQLEndpoint
from app.server.operations import Operations
from app.settings import Settings
from benchmarks.load import Generator, Load
from benchmarks.peers.comparison import postmaster_of
from benchmarks.peers.peer import Peer
from benchmarks.peers.workloads import Workload
from benchmarks.processes import cpu_of_family
from benchmarks.report import Report

_WARM_UP_SECONDS = 1.0
_PROTOCOL = "HTTP and sockets: uvicorn, httptools, uvloop"
_POSTGRESQL = "PostgreSQL, beside that"

PLACES: Sequence[tuple[Any, str, str]] = (
    (AccessLog, "__call__", "Headers, log, deadline, the endpoint itself"),
    (GraphQLEndpoint, "__call__", "Headers, log, deadline, the endpoint itself"),
    (app.server.graphql_http, "read_request", "Reading the request"),
    (app.server.operations, "get_variable_values", "Variables, and the amount asked for"),
    (Operations, "amount", "Variables, and the amount asked for"),
    (FinishedReads, "answer", "Token, what it may, whether that still holds"),
    (Plans, "plan", "The plan: keys, pages, parameters, the statement kept"),
    (Database, "answer", "A connection, and who the caller is"),
    (asyncpg.Connection, "fetchrow", "asyncpg: the statement sent, its row read"),
    (Plan, "answer", "The response put together"),
    (app.server.graphql_http, "send_response", "The response sent"),
)
"""Owner and name of each function that is watched, and the place it belongs to."""


class Stopwatch:
    """Counts the processor's time in places that lie in one another."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._within: list[float] = []

    def reset(self) -> None:
        """Forget what was counted."""
        self.spent.clear()

    def watched(self, function: Callable[..., Any], place: str) -> Callable[..., Any]:
        """The function, its time counted for a place."""
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def coroutine(*given: Any, **named: Any) -> Any:
                began = self._begin()
                try:
                    return await function(*given, **named)
                finally:
                    self._end(place, began)

            return coroutine

        @wraps(function)
        def plain(*given: Any, **named: Any) -> Any:
            began = self._begin()
            try:
                return function(*given, **named)
            finally:
                self._end(place, began)

        return plain

    def _begin(self) -> float:
        self._within.append(0.0)
        return time.thread_time()

    def _end(self, place: str, began: float) -> None:
        took = time.thread_time() - began
        self.spent[place] += took - self._within.pop()
        if self._within:
            self._within[-1] += took


def profile(
    settings: Settings,
    report: Report,
    generator: Generator,
    peer: Peer,
    chosen: Sequence[Workload],
    seconds: float,
) -> None:
    """Measure each workload for so long, and print its places in microseconds per request."""
    configure_logs(settings.log_level)
    watch = Stopwatch()
    for owner, name, place in PLACES:
        setattr(owner, name, watch.watched(getattr(owner, name), place))
    measured = uvloop.run(_measured(settings, generator, peer, chosen, seconds, watch))
    places = [_PROTOCOL, *dict.fromkeys(place for *_, place in PLACES), _POSTGRESQL]
    report.table(
        "Where the time of a request goes",
        ("Microseconds per request", *(one.name for one in chosen)),
        [(place, *(f"{column.get(place, 0):,.0f}" for column in measured)) for place in places],
    )


async def _measured(
    settings: Settings,
    generator: Generator,
    peer: Peer,
    chosen: Sequence[Workload],
    seconds: float,
    watch: Stopwatch,
) -> list[dict[str, float]]:
    postmaster = await asyncio.to_thread(postmaster_of, settings)
    server = uvicorn.Server(server_configuration(create_app(settings)))
    # The command is ended by signals as ever.
    server.capture_signals = nullcontext  # type: ignore[method-assign,assignment]
    with socket.create_server(("127.0.0.1", peer.port)) as listener:
        serving = asyncio.create_task(server.serve([listener]))
        columns = []
        for workload in chosen:
            requests = await asyncio.to_thread(_requests, peer, workload)

            def sent(for_seconds: float, requests: Sequence[bytes] = requests) -> int:
                return len(generator.send(Load(peer.port, requests, 1, for_seconds)).times)

            await asyncio.to_thread(sent, _WARM_UP_SECONDS)
            watch.reset()
            began, database = time.thread_time(), cpu_of_family(postmaster)
            answers = await asyncio.to_thread(sent, seconds)
            whole, in_database = time.thread_time() - began, cpu_of_family(postmaster) - database
            spent = {**watch.spent, _PROTOCOL: whole - sum(watch.spent.values())}
            spent[_POSTGRESQL] = in_database
            columns.append({place: took / answers * 1e6 for place, took in spent.items()})
        server.should_exit = True
        await serving
    return columns


def _requests(peer: Peer, workload: Workload) -> list[bytes]:
    return [request for request, _data in peer.requests(workload)]
