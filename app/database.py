"""PostgreSQL: the connections, and the one transaction that each request reads in.

Nothing else begins or ends a transaction. Statements are made by SQLAlchemy Core and sent by
asyncpg itself, which answers small queries twice as fast as an SQLAlchemy connection does.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from app.errors import UNAVAILABLE, UNKNOWN_TOKEN, ApiError, ErrorCode
from app.settings import Settings

_AUTHENTICATE = (
    "SELECT kind, token_id, tenant_id, staff_id, customer_id, name, permissions"
    " FROM abokonto.authenticate($1,$2)"
)
_CONNECT_SECONDS = 5
_PREPARED_STATEMENTS = 100
LONGEST_PREPARED = 100_000
"""In bytes. The account page's statement has 30,000 and is planned in 40 ms; by default asyncpg
would plan whatever is longer than 15 kB anew for each request."""

_WAIT_SECONDS = 5
"""How long a request waits for a connection. Where all are busy for that long, more waiting
would only fill the queue."""

_LONGEST_IDLE_SECONDS = 300
"""After how long without work a connection is not trusted any more."""

if TYPE_CHECKING:
    # asyncpg's class is generic only for type checkers.
    Connection = asyncpg.Connection[asyncpg.Record]

_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy left it untyped.


class Credentials(bytes):
    """What authenticates: the hash of a token, and the address that it was sent from.

    It is the hash itself, which is all that most of those need to know who hand it on.
    """

    address: str | None

    def __new__(cls, token_hash: bytes, address: str | None = None) -> "Credentials":
        """The hash, with the address beside it."""
        made = super().__new__(cls, token_hash)
        made.address = address
        return made


def address_of(token_hash: bytes) -> str | None:
    """The address that a token was sent from, where it is known."""
    return token_hash.address if isinstance(token_hash, Credentials) else None


@dataclass(frozen=True)
class Principal:
    """Who asks, on behalf of which tenant, and what they may."""

    kind: str
    token_id: int
    tenant_id: int
    staff_id: int | None
    name: str
    permissions: frozenset[str]
    customer_id: int | None = None
    """The customer who has signed in; then nobody else's records can be seen."""

    @classmethod
    def of(cls, row: "asyncpg.Record | None") -> "Principal":
        """The caller that `abokonto.authenticate` gave.

        Raises:
            ApiError: UNAUTHENTICATED when it gave none.
        """
        if row is None:
            raise ApiError(ErrorCode.UNAUTHENTICATED, UNKNOWN_TOKEN)
        return cls(
            kind=row["kind"],
            token_id=row["token_id"],
            tenant_id=row["tenant_id"],
            staff_id=row["staff_id"],
            name=row["name"],
            permissions=frozenset(row["permissions"]),
            customer_id=row["customer_id"],
        )


@dataclass(frozen=True)
class Statement:
    """SQL as the driver takes it: the text, its parameters in order, and their constants."""

    sql: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]

    @classmethod
    def of(cls, statement: Executable) -> "Statement":
        """Compile a statement of SQLAlchemy."""
        compiled = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]  # All have it.
        return cls(str(compiled), tuple(compiled.positiontup or ()), compiled.params)

    def arguments(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The parameters in order."""
        known = {**self.constants, **values}
        return tuple(known[name] for name in self.names)


class Reading:
    """One read-only transaction; everything read in it agrees with each other."""

    def __init__(self, connection: "Connection", principal: Principal) -> None:
        self.principal = principal
        self._connection = connection
        self._one_at_a_time = asyncio.Lock()

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Any]:
        """All rows of a statement. A connection answers one statement at a time, so others wait."""
        arguments = statement.arguments(values)
        async with self._one_at_a_time:
            return await self._connection.fetch(statement.sql, *arguments)


class Unread(Reading):
    """A transaction that could not be begun: whatever is read in it fails for that reason."""

    def __init__(self, principal: Principal, reason: Exception) -> None:
        self.principal = principal
        self._reason = reason

    async def fetch(self, _statement: Statement, _values: Mapping[str, Any]) -> Sequence[Any]:
        """Fail.

        Raises:
            Exception: the reason why there is no transaction.
        """
        raise self._reason


class Pool:
    """Connections that are lent to one request at a time, the one used last first.

    asyncpg's own pool takes two tasks and several turns of the event loop to lend one and to get
    it back: as much time as reading a customer takes. Here an idle connection just changes hands.
    """

    def __init__(self, connect: "Callable[[], Awaitable[Connection]]", most: int) -> None:
        self._connect = connect
        self._most = most
        self._places = asyncio.Semaphore(most)
        self._idle: list[tuple[Connection, float]] = []

    async def take(self) -> "Connection":
        """An idle connection, or a new one.

        Raises:
            TimeoutError: when all stay busy for too long, or the database doesn't answer.
        """
        if self._places.locked():
            async with asyncio.timeout(_WAIT_SECONDS):
                await self._places.acquire()
        else:
            await self._places.acquire()
        while self._idle:
            connection, since = self._idle.pop()
            if connection.is_closed():
                continue
            if time.monotonic() - since < _LONGEST_IDLE_SECONDS:
                return connection
            # Something between us and the database may have dropped it without a word.
            connection.terminate()
        try:
            return await self._connect()
        except BaseException:
            self._places.release()
            raise

    def give_back(self, connection: "Connection") -> None:
        """Take a connection back from whoever is done with it.

        One whose statement was cancelled can be lent again: asyncpg lets the next statement wait
        until PostgreSQL has stopped. One that is still in a transaction could not be left in time.
        """
        if not connection.is_closed():
            if connection.is_in_transaction():
                connection.terminate()
            else:
                self._idle.append((connection, time.monotonic()))
        self._places.release()

    async def close(self) -> None:
        """Close all connections, once they have been given back."""
        for _ in range(self._most):
            await self._places.acquire()
        while self._idle:
            connection, _since = self._idle.pop()
            await connection.close()


class Database:
    """The pool of connections that a worker reads with, as the application's role.

    Its connections can do nothing but read: `default_transaction_read_only` holds for all of
    their transactions.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.database_url is None:
            raise ValueError("The database's address is not configured.")
        self._settings = settings
        self._url = settings.database_url.get_secret_value()
        if self._url.partition("://")[0] not in {"postgresql", "postgres"}:
            raise ValueError("A database address starts with postgresql://.")
        self._pool: Pool | None = None

    def open(self) -> None:
        """Make the pool; it connects when it is first used."""
        self._pool = Pool(self._connect, self._settings.database_pool_size)

    async def close(self) -> None:
        """Close all connections, once they have been given back."""
        if self._pool is not None:
            await self._pool.close()

    async def _connect(self) -> "Connection":
        timeout = int(self._settings.statement_timeout_seconds * 1000)
        return await asyncpg.connect(
            self._url,
            timeout=_CONNECT_SECONDS,
            statement_cache_size=_PREPARED_STATEMENTS,
            max_cacheable_statement_size=LONGEST_PREPARED,
            server_settings={
                "application_name": "abokonto",
                "timezone": "UTC",
                # An account's statement takes longer to plan than to run, and no value in it
                # would change the plan: it is planned once for each connection.
                "plan_cache_mode": "force_generic_plan",
                "default_transaction_isolation": "repeatable read",
                "default_transaction_read_only": "on",
                "statement_timeout": str(timeout),
                "idle_in_transaction_session_timeout": "60000",
            },
        )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Connection"]:
        """A connection of the pool.

        Raises:
            ApiError: UNAVAILABLE when none comes free in time.
        """
        if self._pool is None:
            raise RuntimeError("The database was not opened.")
        try:
            connection = await self._pool.take()
        except TimeoutError as error:
            raise ApiError(ErrorCode.UNAVAILABLE, UNAVAILABLE) from error
        try:
            yield connection
        finally:
            self._pool.give_back(connection)

    async def answer(
        self, statement: Statement, values: Mapping[str, Any]
    ) -> "tuple[asyncpg.Record, Principal]":
        """The row of a statement that authenticates by itself, in one round trip.

        A statement on its own is a transaction, and the tenant that it sets ends with it.

        Raises:
            ApiError: UNAUTHENTICATED when the token is unknown, expired or revoked.
        """
        async with self.connection() as connection:
            row = await connection.fetchrow(statement.sql, *statement.arguments(values))
        principal = Principal.of(row)
        assert row is not None  # noqa: S101  There was a principal in it.
        return row, principal

    @asynccontextmanager
    async def reading(self, token_hash: bytes) -> AsyncIterator[Reading]:
        """A read-only transaction for whoever holds a token.

        Authenticating sets the tenant that row-level security lets through, for this
        transaction only.

        Raises:
            ApiError: UNAUTHENTICATED when the token is unknown, expired or revoked.
        """
        async with self.connection() as connection, connection.transaction():
            row = await connection.fetchrow(_AUTHENTICATE, token_hash, address_of(token_hash))
            principal = Principal.of(row)
            yield Reading(connection, principal)
