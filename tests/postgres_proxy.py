"""A proxy before PostgreSQL that notes every statement, and can play a database that is down.

It reads what the application really sends (the frontend messages of PostgreSQL's protocol), so a
statement counts however the driver and the layers above it were used.
"""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_STARTUP_CODES = {0x30000, 0x30002}

_TRANSACTION_CONTROL = re.compile(
    r"\s*(BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET|RESET|;|$)", re.IGNORECASE
)
# Nothing but that: a statement which authenticates and reads is a read.
_AUTHENTICATION = re.compile(r"\s*SELECT [\w, ]+ FROM abokonto\.authenticate\(\S+\)\s*")


class _Frontend:
    """Reads one client's side of the conversation."""

    def __init__(self, executed: list[str]) -> None:
        self._executed = executed
        self._buffer = bytearray()
        self._started = False
        self._statements: dict[bytes, str] = {}
        self._portals: dict[bytes, str] = {}

    def feed(self, data: bytes) -> None:
        """Take bytes as they come and note the statements that they execute."""
        self._buffer += data
        while (message := self._next()) is not None:
            kind, body = message
            if kind == b"P":
                name, query, *_ = body.split(b"\0", 2)
                self._statements[name] = query.decode()
            elif kind == b"B":
                portal, statement, *_ = body.split(b"\0", 2)
                self._portals[portal] = self._statements[statement]
            elif kind == b"E":
                self._executed.append(self._portals[body.split(b"\0", 1)[0]])
            elif kind == b"Q":
                self._executed.append(body.rstrip(b"\0").decode())

    def _next(self) -> tuple[bytes, bytes] | None:
        start = 1 if self._started else 0
        if len(self._buffer) < start + 4:
            return None
        end = start + int.from_bytes(self._buffer[start : start + 4], "big")
        if len(self._buffer) < end:
            return None
        kind, body = bytes(self._buffer[:start]), bytes(self._buffer[start + 4 : end])
        del self._buffer[:end]
        if not self._started and int.from_bytes(body[:4], "big") in _STARTUP_CODES:
            self._started = True
        return kind, body


class PostgresProxy:
    """Listens on a port of its own and passes everything on to the server of an address."""

    def __init__(self, target_url: str) -> None:
        self._target = urlsplit(target_url)
        self._server: asyncio.Server | None = None
        self._port: int | None = None
        self._connections: set[asyncio.StreamWriter] = set()
        self._executed: list[str] = []

    @property
    def url(self) -> str:
        """The address to use instead of the server's own."""
        credentials, _, _ = self._target.netloc.rpartition("@")
        return self._target._replace(netloc=f"{credentials}@127.0.0.1:{self._port}").geturl()

    async def start(self) -> None:
        """Accept connections, on the same port as before if there was one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port or 0)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Break all connections and refuse new ones, as a database does that is down."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        """Collect the statements of a block but transaction control and authentication.

        Ask once before: a new connection introspects types.
        """
        counted: list[str] = []
        begin = len(self._executed)
        yield counted
        counted += [
            statement
            for statement in self._executed[begin:]
            if not _TRANSACTION_CONTROL.match(statement)
            and not _AUTHENTICATION.fullmatch(statement)
        ]

    @property
    def executed(self) -> list[str]:
        """Every statement so far."""
        return self._executed

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._target.hostname
        server_reader, server_writer = await asyncio.open_connection(
            self._target.hostname, self._target.port
        )
        self._connections |= {writer, server_writer}
        frontend = _Frontend(self._executed)
        await asyncio.gather(
            _pass_on(reader, server_writer, frontend), _pass_on(server_reader, writer, None)
        )
        self._connections -= {writer, server_writer}


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, frontend: _Frontend | None
) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            if frontend is not None:
                frontend.feed(data)
            writer.write(data)
            await writer.drain()
    writer.close()
