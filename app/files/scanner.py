"""The virus scanner: clamd, over its own protocol.

The client libraries for it speak no Unix sockets or block, and what is needed of it is little.
"""

import asyncio
import struct
from asyncio import StreamReader, StreamWriter

import structlog

from app.domain.files.refusals import FileCode, FileRefused

log = structlog.get_logger("abokonto.files")

_COMMAND = b"zINSTREAM\0"
_LENGTH = struct.Struct(">I")
_CLEAN = b"stream: OK\0"
_FOUND = b" FOUND\0"
_LONGEST_ANSWER = 4_096


class VirusScanner:
    """Asks clamd at an address: the absolute path of a Unix socket, or `host:port`."""

    def __init__(self, address: str, seconds: float) -> None:
        self._address = address
        self._seconds = seconds

    async def scan(self, content: bytes) -> None:
        """Have a file scanned. Only the answer that it is clean lets it pass.

        Raises:
            FileRefused: FILE_INFECTED, or FILE_NOT_SCANNED when clamd can't be reached, takes too
                long or says anything else.
        """
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._ask(content)
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError) as error:
            log.warning("virus_scan_failed", kind=type(error).__name__)
            raise _not_scanned() from None
        if answer.endswith(_FOUND):
            log.warning("virus_found", answer=answer.decode("ascii", "replace").strip("\0"))
            raise FileRefused(FileCode.FILE_INFECTED, "The virus scanner found something in it.")
        if answer != _CLEAN:
            log.warning("virus_scan_failed", answer=answer.decode("ascii", "replace").strip("\0"))
            raise _not_scanned()

    async def _ask(self, content: bytes) -> bytes:
        reader, writer = await self._connect()
        try:
            writer.write(_COMMAND + _LENGTH.pack(len(content)))
            writer.write(content)
            writer.write(_LENGTH.pack(0))
            await writer.drain()
            return await reader.readuntil(b"\0")
        finally:
            writer.transport.abort()

    async def _connect(self) -> tuple[StreamReader, StreamWriter]:
        if self._address.startswith("/"):
            return await asyncio.open_unix_connection(self._address, limit=_LONGEST_ANSWER)
        host, _, port = self._address.rpartition(":")
        return await asyncio.open_connection(host.strip("[]"), int(port), limit=_LONGEST_ANSWER)


def _not_scanned() -> FileRefused:
    return FileRefused(
        FileCode.FILE_NOT_SCANNED, "The file could not be scanned for viruses. Try again later."
    )
