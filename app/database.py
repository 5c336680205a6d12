"""PostgreSQL: the connections, and the one transaction that each request reads in.

Nothing else begins or ends a transaction. Statements are made by SQLAlchemy Core and sent by
asyncpg itself, whose pool answers small queries twice as fast as an SQLAlchemy connection does.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from app.errors import UNAVAILABLE, UNKNOWN_TOKEN, ApiError, ErrorCode
from app.settings import Settings

_AUTHENTICATE = (
    "SELECT kind, token_id, tenant_id, staff_id, name, permissions FROM abokonto.authenticate($1)"
)
_CONNECT_SECONDS = 5
_PREPARED_STATEMENTS = 100
LONGEST_PREPARED = 100_000
"""In bytes. The account page's statement has 30,000 and is planned in 40 ms; by default asyncpg
would plan whatever is longer than 15 kB anew for each request."""

_WAIT_SECONDS = 5
"""How long a request waits for a connection. Where all are busy for that long, more waiting
would only fill the queue."""

if TYPE_CHECKING:
    # asyncpg's classes are generic only for type checkers.
    Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]

_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy left it untyped.


@dataclass(frozen=True)
class Principal:
    """Who asks, on behalf of which tenant, and what they may."""

    kind: str
    token_id: int
    tenant_id: int
    staff_id: int | None
    name: str
    permissions: frozenset[str]

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

    async def open(self) -> None:
        """Make the pool; it connects when it is first used."""
        timeout = int(self._settings.statement_timeout_seconds * 1000)
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=self._settings.database_pool_size,
            reset=_leave_transaction,
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

    async def close(self) -> None:
        """Close all connections."""
        if self._pool is not None:
            await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Connection"]:
        """A connection of the pool.

        Raises:
            ApiError: UNAVAILABLE when none comes free in time.
        """
        if self._pool is None:
            raise RuntimeError("The database was not opened.")
        try:
            connection = await self._pool.acquire(timeout=_WAIT_SECONDS)
        except TimeoutError as error:
            raise ApiError(ErrorCode.UNAVAILABLE, UNAVAILABLE) from error
        try:
            yield connection
        finally:
            await self._pool.release(connection)

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
            principal = Principal.of(await connection.fetchrow(_AUTHENTICATE, token_hash))
            yield Reading(connection, principal)


async def _leave_transaction(connection: asyncpg.Connection) -> None:
    """Make a connection ready for the next request.

    asyncpg's own way costs a round trip each time, to take back what we never do: session
    settings, listeners, advisory locks and cursors beyond a transaction.
    """
    if connection.is_in_transaction():
        await connection.execute("ROLLBACK")
