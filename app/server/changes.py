"""Which records change, as PostgreSQL tells it: one connection that listens, for all who follow.

A notification says that a record changed and nothing of how. It comes after the transaction has
committed, so whoever reads then sees the change. Followers are told that there was one, not how
many, so that whoever is slow reads once for all that happened meanwhile.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg
import structlog

from app.errors import UNAVAILABLE, ApiError, ErrorCode
from app.server.faults import describe
from app.settings import Settings

if TYPE_CHECKING:
    # asyncpg's class is generic only for type checkers.
    Connection = asyncpg.Connection[asyncpg.Record]

log = structlog.get_logger("abokonto.changes")

CHANNEL = "abokonto_changes"
"""Where the trigger `abokonto.tell_of_change` notifies."""

_CONNECT_SECONDS = 5
_WAIT_SECONDS = 5
_CHECK_SECONDS = 30.0
"""After how long in silence the connection is tried: networks drop some without a word."""

_SHORTEST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 30.0


class RecordKey(NamedTuple):
    """A record of whatever table."""

    tenant_id: int
    table: str
    key: int

    @classmethod
    def of(cls, payload: str) -> "RecordKey":
        """The record that a notification names.

        Raises:
            ValueError: when it names none.
        """
        tenant_id, table, key = payload.split(" ")
        return cls(int(tenant_id), table, int(key))


class Follower:
    """Waits for changes of one record."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Say that there may be something new."""
        self._woken.set()

    async def changed(self, seconds: float) -> bool:
        """Whether the record may have changed since this was asked last, or within some time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        changed = self._woken.is_set()
        self._woken.clear()
        return changed


class Changes:
    """Tells this process of changes. It connects when somebody follows a record first."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._followers: dict[RecordKey, set[Follower]] = {}
        self._listening = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def follow(self, record: RecordKey) -> AsyncIterator[Follower]:
        """A follower of a record, who misses no change from here on.

        Raises:
            ApiError: UNAVAILABLE when the database can't be listened to.
        """
        if self._task is None:
            self._task = asyncio.create_task(self._again_and_again())
        follower = Follower()
        self._followers.setdefault(record, set()).add(follower)
        try:
            await self._until_listening()
            yield follower
        finally:
            followers = self._followers[record]
            followers.discard(follower)
            if not followers:
                del self._followers[record]

    def wake_all(self) -> None:
        """Have everybody look."""
        for followers in self._followers.values():
            for follower in followers:
                follower.wake()

    async def close(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _until_listening(self) -> None:
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await self._listening.wait()
        except TimeoutError as error:
            raise ApiError(ErrorCode.UNAVAILABLE, UNAVAILABLE) from error

    async def _again_and_again(self) -> None:
        """Listen, also after the database was away."""
        pause = _SHORTEST_PAUSE_SECONDS
        while True:
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001  Whatever it was, the next try may succeed.
                log.warning("changes_interrupted", error=describe(error))
            if self._listening.is_set():
                self._listening.clear()
                pause = _SHORTEST_PAUSE_SECONDS
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311  It is no secret.
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _listen(self) -> None:
        """Listen over one connection, for as long as it holds."""
        assert self._settings.database_url is not None  # noqa: S101  `Database` has refused that.
        connection = await asyncpg.connect(
            self._settings.database_url.get_secret_value(),
            timeout=_CONNECT_SECONDS,
            server_settings={"application_name": "abokonto-changes"},
        )
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _connection: lost.set())
        try:
            await connection.add_listener(CHANNEL, self._notified)
            self._listening.set()
            # What changed while nobody listened was told to nobody.
            self.wake_all()
            while not lost.is_set():
                await _try(connection, lost)
        finally:
            connection.terminate()

    def _notified(self, _connection: Any, _process: int, _channel: str, payload: object) -> None:
        # Whoever may connect may notify, so it needs not be our trigger that did.
        with suppress(ValueError):
            for follower in self._followers.get(RecordKey.of(str(payload)), ()):
                follower.wake()


async def _try(connection: "Connection", lost: asyncio.Event) -> None:
    """Wait a while, and see whether the connection still holds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_CHECK_SECONDS):
            await lost.wait()
            return
    await connection.execute("SELECT 1", timeout=_CONNECT_SECONDS)
