"""The processes that parse files: what they may, and that losing one harms nothing."""

import asyncio
import os
import resource
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from app.domain.files.refusals import FileCode, FileRefused
from app.files.sandbox import Sandbox
from app.files.worker import MOST_MEMORY_BYTES
from tests.files.genuine import pdf, picture, sample, saved
from tests.processes import is_alive

SLOW = saved(Image.new("RGB", (7_000, 5_000)), "WEBP", quality=1)
"""An image that takes about a second."""


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(processes=1, seconds=60)
    yield sandbox
    await sandbox.close()


def idle(sandbox: Sandbox) -> int:
    """The id of the process that waits."""
    (worker,) = sandbox._idle
    return worker.process.pid


def environment_and_files(process: int) -> tuple[bytes, set[str]]:
    """What a process was started with, and what it has open."""
    entry = Path(f"/proc/{process}")
    opened = {str(number.readlink()) for number in (entry / "fd").iterdir()}
    return (entry / "environ").read_bytes(), opened


async def refusal(sandbox: Sandbox, content: bytes, name: str) -> FileCode:
    with pytest.raises(FileRefused) as raised:
        await sandbox.check(content, name)
    return raised.value.code


async def test_one_process_checks_one_file_after_the_other(sandbox: Sandbox) -> None:
    inspected = await sandbox.check(saved(picture(), "PNG"), "Größe.png")
    process = idle(sandbox)
    assert inspected.checked.name == "Größe.png"
    assert (inspected.checked.width, inspected.checked.height) == (96, 64)
    assert inspected.thumbnail is not None
    assert inspected.thumbnail.startswith(b"RIFF")
    assert (await sandbox.check(sample("letter.docx"), "a.docx")).thumbnail is None
    assert await refusal(sandbox, b"text", "a.pdf") is FileCode.FILE_DISGUISED
    assert await refusal(sandbox, b"", "a.pdf") is FileCode.FILE_EMPTY
    assert idle(sandbox) == process
    await sandbox.close()
    assert not is_alive(process)


async def test_it_knows_no_secret_and_may_little(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABOKONTO_DATABASE_URL", "postgresql://app:secret@localhost/x")
    await sandbox.check(pdf(), "a.pdf")
    process = idle(sandbox)
    environment, opened = environment_and_files(process)
    assert b"secret" not in environment
    assert {pair.partition(b"=")[0] for pair in environment.split(b"\0") if pair} == {
        b"PYTHONPATH",
        b"MALLOC_ARENA_MAX",
    }
    for limit, most in {
        resource.RLIMIT_AS: MOST_MEMORY_BYTES,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 64,
    }.items():
        assert resource.prlimit(process, limit) == (most, most)
    assert all(entry.startswith(("pipe:", "/dev/null")) for entry in opened), opened


async def checking(sandbox: Sandbox) -> tuple[int, "asyncio.Task[object]"]:
    """A process that is in the middle of a file, and the check that waits for it."""
    await sandbox.check(pdf(), "a.pdf")
    process = idle(sandbox)
    check: asyncio.Task[object] = asyncio.create_task(sandbox.check(SLOW, "a.webp"))
    await asyncio.sleep(0.2)
    assert sandbox._idle == []
    assert not check.done()
    return process, check


async def test_a_file_that_crashes_its_parser_is_refused_and_harms_no_other(
    sandbox: Sandbox,
) -> None:
    process, check = await checking(sandbox)
    other = asyncio.create_task(sandbox.check(pdf(), "other.pdf"))
    os.kill(process, signal.SIGSEGV)
    with pytest.raises(FileRefused) as raised:
        await check
    assert raised.value.code is FileCode.FILE_DISGUISED
    assert (await other).checked.name == "other.pdf"
    assert idle(sandbox) != process


async def test_a_file_that_takes_too_long_is_refused_and_its_process_ended() -> None:
    sandbox = Sandbox(processes=1, seconds=60)
    await sandbox.check(pdf(), "a.pdf")
    process = idle(sandbox)
    sandbox._seconds = 0.1
    started = time.perf_counter()
    assert await refusal(sandbox, SLOW, "a.webp") is FileCode.FILE_DISGUISED
    assert time.perf_counter() - started < 5
    assert not is_alive(process)
    await sandbox.close()


async def test_a_process_whose_server_is_gone_ends_itself() -> None:
    sandbox = Sandbox(processes=1, seconds=60)
    await sandbox.check(pdf(), "a.pdf")
    (worker,) = sandbox._idle
    assert worker.process.stdin is not None
    worker.process.stdin.close()
    async with asyncio.timeout(20):
        assert await worker.process.wait() == 0
    # One that ended while it waited is no fault of the next file.
    assert (await sandbox.check(pdf(), "b.pdf")).checked.name == "b.pdf"
    await sandbox.close()


async def test_who_gives_up_waiting_leaves_no_process_at_work(sandbox: Sandbox) -> None:
    process, check = await checking(sandbox)
    check.cancel()
    with pytest.raises(asyncio.CancelledError):
        await check
    assert not is_alive(process)
    assert (await sandbox.check(pdf(), "a.pdf")).checked.pages == 1


async def test_several_files_are_checked_at_once_but_no_more_than_set() -> None:
    sandbox = Sandbox(processes=2, seconds=60)
    inspected = await asyncio.gather(
        *(sandbox.check(pdf(number), f"{number}.pdf") for number in range(1, 7))
    )
    assert [each.checked.pages for each in inspected] == [1, 2, 3, 4, 5, 6]
    assert len(sandbox._idle) == 2
    await sandbox.close()


async def test_a_process_is_replaced_after_many_files(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.files.sandbox._MOST_FILES", 2)
    await sandbox.check(pdf(), "a.pdf")
    process = idle(sandbox)
    await sandbox.check(pdf(), "b.pdf")
    assert sandbox._idle == []
    assert not is_alive(process)
    await sandbox.check(pdf(), "c.pdf")
    assert idle(sandbox) != process


async def test_the_event_loop_goes_on_while_a_file_is_parsed(sandbox: Sandbox) -> None:
    _, check = await checking(sandbox)
    ticks = 0
    while not check.done():
        await asyncio.sleep(0.005)
        ticks += 1
    await check
    assert ticks > 10
