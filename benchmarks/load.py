"""Sends prepared requests over several connections, from a process of its own.

Each connection sends its next request as soon as it has the answer to the last one. Answers are
looked at only so far that an error does not pass for one; that they are right is checked before.
"""

import asyncio
import math
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from multiprocessing.connection import Connection
from typing import cast

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


@dataclass(frozen=True)
class Load:
    """What to send: prepared requests in turn, to a port, over connections, for so long."""

    port: int
    requests: Sequence[bytes]
    connections: int
    seconds: float
    once: bool = False
    """Whether each request is sent once, however long that takes."""


@dataclass(frozen=True)
class Measured:
    """How long it took, how long each answer took (in seconds), and the bytes of an answer."""

    seconds: float
    times: Sequence[float]
    bytes: float


class Generator:
    """The process that sends."""

    def __init__(self, pipe: "Connection[Load, Measured | str]", process: int) -> None:
        self.process = process
        self._pipe = pipe

    def send(self, load: Load) -> Measured:
        """Send, and measure.

        Raises:
            RuntimeError: when an answer is an error.
        """
        self._pipe.send(load)
        answer = self._pipe.recv()
        if isinstance(answer, Measured):
            return answer
        raise RuntimeError(answer)


@contextmanager
def generating() -> Iterator[Generator]:
    """A generator, for as long as the block runs."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_generate, args=(there,), daemon=True)
    process.start()
    try:
        yield Generator(here, process.pid or 0)
    finally:
        process.terminate()
        process.join()


def _generate(pipe: "Connection[Measured | str, Load]") -> None:
    import uvloop

    async def work() -> None:
        while True:
            load = await asyncio.to_thread(pipe.recv)
            try:
                pipe.send(await _measure(load))
            except (RuntimeError, OSError) as error:
                pipe.send(f"{error}")

    uvloop.run(work())


async def _measure(load: Load) -> Measured:
    loop = asyncio.get_running_loop()
    requests = iter(load.requests) if load.once else cycle(load.requests)
    callers: list[_Caller] = []
    for _ in range(load.connections):
        caller = _Caller(requests, loop.create_future())
        await loop.create_connection(lambda caller=caller: caller, "127.0.0.1", load.port)  # type: ignore[misc]
        callers.append(caller)
    begin = time.perf_counter()
    for caller in callers:
        caller.begin(math.inf if load.once else begin + load.seconds)
    await asyncio.gather(*(caller.done for caller in callers))
    seconds = time.perf_counter() - begin
    times = [took for caller in callers for took in caller.times]
    return Measured(seconds, times, sum(caller.bytes for caller in callers) / max(len(times), 1))


class _Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, requests: Iterator[bytes], done: "asyncio.Future[None]") -> None:
        self.times: list[float] = []
        self.bytes = 0
        self.done = done
        self._requests = requests
        self._end = self._sent = 0.0
        self._received = b""
        self._expected = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def begin(self, end: float) -> None:
        """Send until a moment of the clock."""
        self._end = end
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        if not self._expected:
            self._expected = self._length()
        if not self._expected or len(self._received) < self._expected:
            return
        now = time.perf_counter()
        self.times.append(now - self._sent)
        self.bytes += self._expected
        self._received, self._expected = b"", 0
        if now < self._end:
            self._send()
        else:
            self._finish()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError("The server closed the connection."))

    def _send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._finish()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def _finish(self) -> None:
        self._transport.close()
        if not self.done.done():
            self.done.set_result(None)

    def _length(self) -> int:
        """The bytes of the whole answer; 0 while its head is incomplete."""
        head, found, rest = self._received.partition(_HEAD_END)
        if not found:
            return 0
        if not head.startswith(b"HTTP/1.1 200"):
            self._fail()
            return 0
        place = head.lower().find(_LENGTH)
        if place < 0 or rest.startswith(b'{"errors"'):
            self._fail()
            return 0
        digits = head[place + len(_LENGTH) :].partition(b"\r")[0]
        return len(head) + len(_HEAD_END) + int(digits)

    def _fail(self) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(self._received[:2000].decode(errors="replace")))
        self._transport.abort()
