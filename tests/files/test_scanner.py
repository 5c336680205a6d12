"""The virus scanner: only its word that a file is clean lets the file pass."""

import asyncio
import os
import shutil
import socket
import struct
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.domain.files.refusals import FileCode, FileRefused
from app.files.inspection import FileInspector
from app.files.scanner import VirusScanner
from app.scalars import UploadedFile
from app.settings import Settings
from tests.files.genuine import pdf, picture, saved, written
from tests.processes import eventually

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + rb"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""What every virus scanner finds, so that finding can be tried; it does nothing."""


@pytest.fixture(scope="module")
def clamd() -> Iterator[str]:
    """The real scanner with one signature, on a Unix socket of its own."""
    program = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        reason = "clamd is needed to try the real virus scanner"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    # Paths of sockets have to be short, which the test's own may not be.
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "eicar.ndb").write_text(f"Eicar-Test:0:*:{EICAR.hex()}\n")
        listener = directory / "clamd.sock"
        (directory / "clamd.conf").write_text(
            f"DatabaseDirectory {directory}\nLocalSocket {listener}\nForeground yes\n"
            f"TemporaryDirectory {directory}\nStreamMaxLength 1M\n"
        )
        directory.chmod(0o755)
        command = [program, f"--config-file={directory / 'clamd.conf'}"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            try:
                assert eventually(lambda: answers(str(listener)))
                yield str(listener)
            finally:
                run.terminate()


def answers(address: str) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(address)
            connection.sendall(b"zPING\0")
            return connection.recv(10) == b"PONG\0"
    except OSError:
        return False


async def refusal(address: str, content: bytes, seconds: float = 20) -> FileCode | None:
    try:
        await VirusScanner(address, seconds).scan(content)
    except FileRefused as refused:
        return refused.code
    return None


async def test_clamd_lets_clean_files_pass(clamd: str) -> None:
    assert await refusal(clamd, pdf()) is None
    assert await refusal(clamd, bytes(800_000)) is None


async def test_clamd_finds_what_it_knows(clamd: str) -> None:
    assert await refusal(clamd, EICAR) is FileCode.FILE_INFECTED
    assert await refusal(clamd, bytes(799_000) + EICAR) is FileCode.FILE_INFECTED


async def test_clamd_that_has_enough_before_the_end_lets_nothing_pass(clamd: str) -> None:
    assert await refusal(clamd, bytes(3_000_000)) is FileCode.FILE_NOT_SCANNED


async def received(reader: asyncio.StreamReader) -> bytes:
    """What a client streams, read as clamd does."""
    assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
    content = b""
    while (length := struct.unpack(">I", await reader.readexactly(4))[0]) != 0:
        content += await reader.readexactly(length)
    return content


@asynccontextmanager
async def stand_in(answer: bytes | None, *, close: bool = True) -> AsyncIterator[str]:
    """A server that speaks clamd's protocol and always says the same, or nothing."""
    writers = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await received(reader)
        if answer is not None:
            writer.write(answer)
        if close:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"
        for writer in writers:
            writer.transport.abort()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"stream: OK\0", None),
        (b"stream: Win.Test.EICAR_HDB-1 FOUND\0", FileCode.FILE_INFECTED),
        (b"INSTREAM size limit exceeded. ERROR\0", FileCode.FILE_NOT_SCANNED),
        (b"stream: Can't allocate memory ERROR\0", FileCode.FILE_NOT_SCANNED),
        (b"stream: OK", FileCode.FILE_NOT_SCANNED),
        (b"stream: OK\n", FileCode.FILE_NOT_SCANNED),
        (b"OK\0", FileCode.FILE_NOT_SCANNED),
        (b"UNKNOWN COMMAND\0", FileCode.FILE_NOT_SCANNED),
        (b"\0", FileCode.FILE_NOT_SCANNED),
        (b"", FileCode.FILE_NOT_SCANNED),
        (b"x" * 100_000, FileCode.FILE_NOT_SCANNED),
    ],
)
async def test_only_one_answer_lets_a_file_pass(answer: bytes, code: FileCode | None) -> None:
    async with stand_in(answer) as address:
        assert await refusal(address, bytes(800_000)) is code


async def test_a_scanner_that_never_answers_lets_nothing_pass() -> None:
    async with stand_in(None, close=False) as address:
        assert await refusal(address, b"x", seconds=0.2) is FileCode.FILE_NOT_SCANNED


async def test_a_scanner_that_takes_nothing_lets_nothing_pass() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        code = await refusal(address, bytes(10_000_000), seconds=0.2)
    assert code is FileCode.FILE_NOT_SCANNED


async def test_a_scanner_that_is_not_there_lets_nothing_pass(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    assert await refusal(address, b"x") is FileCode.FILE_NOT_SCANNED
    assert await refusal(str(tmp_path / "none.sock"), b"x") is FileCode.FILE_NOT_SCANNED
    assert await refusal("nowhere.invalid:3310", b"x") is FileCode.FILE_NOT_SCANNED


@pytest.mark.parametrize("address", ["clamd", "clamd.sock", "localhost:", "localhost:x"])
def test_an_address_that_is_none_is_no_setting(address: str) -> None:
    with pytest.raises(ValidationError, match="clamd_address"):
        Settings(clamd_address=address)


def test_no_address_is_no_scanner() -> None:
    assert Settings(clamd_address="").clamd_address is None


@asynccontextmanager
async def inspecting(
    **settings: object,
) -> AsyncIterator[Callable[..., Awaitable[FileCode | None]]]:
    inspector = FileInspector(Settings.model_validate(settings))

    async def inspect(content: bytes, name: str, size: int | None = None) -> FileCode | None:
        size = len(content) if size is None else size
        try:
            await inspector.inspect(UploadedFile(name, "text/plain", content, size))
        except FileRefused as refused:
            return refused.code
        return None

    async with AsyncExitStack() as stack:
        stack.push_async_callback(inspector.close)
        yield inspect


async def test_an_inspection_checks_and_then_scans() -> None:
    async with (
        stand_in(b"stream: X FOUND\0") as address,
        inspecting(clamd_address=address) as inspect,
    ):
        assert await inspect(pdf(), "a.pdf") is FileCode.FILE_INFECTED
        assert await inspect(b"text", "a.pdf") is FileCode.FILE_DISGUISED
        assert await inspect(b"MZ", "a.exe") is FileCode.FILE_TYPE_NOT_ALLOWED
        assert await inspect(b"", "a.pdf") is FileCode.FILE_EMPTY
        assert await inspect(b"", "a.pdf", 800_001) is FileCode.FILE_TOO_LARGE


async def test_without_a_scanner_the_checks_decide() -> None:
    async with inspecting() as inspect:
        assert await inspect(saved(picture(), "PNG"), "a.png") is None


async def test_an_infected_document_is_found_whatever_else_is_right_with_it(clamd: str) -> None:
    import pikepdf

    document = pikepdf.new()
    document.add_blank_page()
    document.Root.Hidden = document.make_stream(EICAR)
    infected = written(document, compress_streams=False)
    async with inspecting(clamd_address=clamd) as inspect:
        assert await inspect(infected, "a.pdf") is FileCode.FILE_INFECTED
        assert await inspect(pdf(), "a.pdf") is None
