"""Runs the checks of files in processes that may crash, hang or fill up without harm.

A file goes to a worker as two lengths, its name and its content; back come two lengths, what was
found as JSON, and the thumbnail. Nothing of it is trusted further than its types.
"""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

import app
from app.domain.files.checks import CheckedFile
from app.domain.files.refusals import FileCode, FileRefused, disguised
from app.domain.files.thumbnails import MOST_THUMBNAIL_BYTES
from app.files.frames import LENGTHS, READY

log = structlog.get_logger("abokonto.files")

_START_SECONDS = 30
_MOST_FILES = 500
"""After so many a worker is replaced, whatever the parsers have left behind in it."""

_MOST_FOUND_BYTES = 10_000
_GRACE_SECONDS = 5
_GONE_SECONDS = 1


@dataclass(frozen=True)
class InspectedFile:
    """A file that may be kept, and a small picture of it where there is one."""

    checked: CheckedFile
    thumbnail: bytes | None
    """WebP; see `app/domain/files/thumbnails.py`."""


class WorkerError(Exception):
    """No worker could be started; the file isn't to blame."""


@dataclass
class _Worker:
    """A process that checks one file after the other."""

    process: Process
    files: int = field(default=0)

    @classmethod
    async def start(cls, seconds: float) -> "_Worker":
        """Start one and wait until it is ready."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-B", "-P", "-m", "app.files.worker", str(seconds + _GRACE_SECONDS)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            cwd="/",
            # One pool of memory: each further one takes address space and gives nothing.
            env={"PYTHONPATH": str(Path(app.__file__).parents[1]), "MALLOC_ARENA_MAX": "1"},
        )
        worker = cls(process)
        try:
            async with asyncio.timeout(_START_SECONDS):
                ready = await _reader(process).read(len(READY))
        except BaseException:
            await worker.end()
            raise
        if ready != READY:
            await worker.end()
            raise WorkerError(f"The process that checks files ended with {process.returncode}.")
        return worker

    async def ask(self, content: bytes, name: str) -> tuple[bytes, bytes]:
        """Have one file checked: what was found, and the thumbnail."""
        assert self.process.stdin is not None  # noqa: S101  It was asked for.
        name_bytes = name.encode("utf-8", "replace")
        self.files += 1
        self.process.stdin.write(LENGTHS.pack(len(name_bytes), len(content)))
        self.process.stdin.write(name_bytes)
        self.process.stdin.write(content)
        await self.process.stdin.drain()
        reader = _reader(self.process)
        found, picture = LENGTHS.unpack(await reader.readexactly(LENGTHS.size))
        if found > _MOST_FOUND_BYTES or picture > MOST_THUMBNAIL_BYTES:
            raise ConnectionError
        return await reader.readexactly(found), await reader.readexactly(picture)

    async def end(self, *, gone: bool = False) -> None:
        """End it at once, whatever it is doing; one that seems `gone` is given time to be so."""
        if gone:
            with suppress(TimeoutError):
                async with asyncio.timeout(_GONE_SECONDS):
                    await self.process.wait()
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()


def _reader(process: Process) -> asyncio.StreamReader:
    assert process.stdout is not None  # noqa: S101  It was asked for.
    return process.stdout


class Sandbox:
    """Checks files, a few at a time; a process is started when the first file needs it."""

    def __init__(self, processes: int, seconds: float) -> None:
        self._seconds = seconds
        self._turns = asyncio.Semaphore(processes)
        self._idle: list[_Worker] = []

    async def check(self, content: bytes, name: str) -> InspectedFile:
        """Check a file; see `app.domain.files.checks.check`.

        Raises:
            FileRefused: also when the file crashes its parser or takes too long.
        """
        async with self._turns:
            worker = await self._worker()
            try:
                async with asyncio.timeout(self._seconds):
                    found, picture = await worker.ask(content, name)
                inspected = _inspected(json.loads(found), picture)
            except FileRefused:
                await self._put_back(worker)
                raise
            except (TimeoutError, OSError, EOFError, ValueError, TypeError, KeyError) as error:
                await worker.end(gone=isinstance(error, OSError | EOFError))
                log.warning(
                    "file_check_failed",
                    kind=type(error).__name__,
                    exit=worker.process.returncode,
                    bytes=len(content),
                )
                raise disguised("it can't be read safely") from None
            except BaseException:
                await worker.end()
                raise
            await self._put_back(worker)
            return inspected

    async def _worker(self) -> _Worker:
        """One that waits, unless it was ended meanwhile, or a new one."""
        while self._idle:
            worker = self._idle.pop()
            if worker.process.returncode is None:
                return worker
            await worker.end()
        return await _Worker.start(self._seconds)

    async def _put_back(self, worker: _Worker) -> None:
        if worker.files >= _MOST_FILES:
            await worker.end()
        else:
            self._idle.append(worker)

    async def close(self) -> None:
        """End all processes."""
        while self._idle:
            await self._idle.pop().end()


def _inspected(found: dict[str, Any], picture: bytes) -> InspectedFile:
    if refused := found.get("refused"):
        raise FileRefused(FileCode(refused["code"]), str(refused["message"]))
    return InspectedFile(CheckedFile(**found["checked"]), picture or None)
