"""PostgreSQL for actions: a small pool of its own, and the one transaction each action writes in.

Nothing but this and `app.database` begins or ends a transaction.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import asyncpg
from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from app.database import Principal, address_of
from app.errors import UNAVAILABLE, ApiError, ErrorCode
from app.settings import Settings

_CONNECT_SECONDS = 5
_WAIT_SECONDS = 5

_AUTHENTICATE = text(
    "SELECT kind, token_id, tenant_id, staff_id, customer_id, name, permissions,"
    " clock_timestamp() AS now"
    " FROM abokonto.authenticate(:token_hash,:client)"
).bindparams(bindparam("client", type_=INET))
_BEGIN = text("SELECT clock_timestamp() AS now")
_NOBODY = b"nobody"

UNHURRIED = text("SET LOCAL statement_timeout = 0")
"""Lets the statements of a transaction take their time: nobody waits for it, and it may have much
to do."""

_ACT_FOR = text(
    "SELECT set_config('abokonto.tenant_id', :tenant_id, true), clock_timestamp() AS now"
)


class Transaction(NamedTuple):
    """An open transaction: its session, who it writes for, and when it began."""

    session: AsyncSession
    principal: Principal
    now: datetime


class Writing:
    """The pool of connections that a worker writes with, as the application's role."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._engine: AsyncEngine | None = None
        self._places: WeakValueDictionary[bytes, asyncio.Semaphore] = WeakValueDictionary()

    def open(self) -> None:
        """Make the pool; it connects when it is first used."""
        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self._connect,
            pool_size=self._settings.database_write_pool_size,
            max_overflow=0,
            pool_timeout=_WAIT_SECONDS,
        )

    async def close(self) -> None:
        """Close all connections."""
        if self._engine is not None:
            await self._engine.dispose()

    async def _connect(self) -> Any:
        assert self._settings.database_url is not None  # noqa: S101  `Database` has refused that.
        return await asyncpg.connect(
            self._settings.database_url.get_secret_value(),
            timeout=_CONNECT_SECONDS,
            server_settings={
                "application_name": "abokonto-actions",
                "timezone": "UTC",
                "default_transaction_isolation": "read committed",
                "statement_timeout": _milliseconds(self._settings.statement_timeout_seconds),
                "lock_timeout": _milliseconds(self._settings.lock_timeout_seconds),
                "idle_in_transaction_session_timeout": "60000",
            },
        )

    @asynccontextmanager
    async def transaction(self, token_hash: bytes) -> AsyncIterator[Transaction]:
        """A transaction for whoever holds a token, committed when the block ends well.

        Authenticating sets the tenant that row-level security lets through, for this
        transaction only.

        Raises:
            ApiError: UNAUTHENTICATED when the token is unknown, expired or revoked, UNAVAILABLE
                when no connection comes free in time.
        """
        if self._engine is None:
            raise RuntimeError("The database was not opened for writing.")
        async with (
            self._place(token_hash),
            AsyncSession(self._engine, autoflush=False, expire_on_commit=False) as session,
        ):
            caller = {"token_hash": bytes(token_hash), "client": address_of(token_hash)}
            row = await _begun(session, _AUTHENTICATE, caller)
            values = None if row is None else row._asdict()
            principal = Principal.of(values)
            assert values is not None  # noqa: S101  There was a principal in it.
            yield Transaction(session, principal, values["now"])
            await session.commit()

    @asynccontextmanager
    async def system_transaction(self, tenant_id: int) -> AsyncIterator[Transaction]:
        """A transaction for what the system does by itself for a tenant.

        Raises:
            ApiError: UNAVAILABLE when no connection comes free in time.
        """
        if self._engine is None:
            raise RuntimeError("The database was not opened for writing.")
        async with AsyncSession(self._engine, autoflush=False, expire_on_commit=False) as session:
            row = await _begun(session, _ACT_FOR, {"tenant_id": str(tenant_id)})
            principal = Principal("SYSTEM", 0, tenant_id, None, "", frozenset())
            yield Transaction(session, principal, row.now)
            await session.commit()

    @asynccontextmanager
    async def snapshot(self, tenant_id: int) -> AsyncIterator[Transaction]:
        """A transaction of the system's that only reads, and sees one moment throughout.

        Raises:
            ApiError: UNAVAILABLE when no connection comes free in time.
        """
        if self._engine is None:
            raise RuntimeError("The database was not opened for writing.")
        engine = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        async with AsyncSession(engine, autoflush=False, expire_on_commit=False) as session:
            row = await _begun(session, _ACT_FOR, {"tenant_id": str(tenant_id)})
            yield Transaction(
                session, Principal("SYSTEM", 0, tenant_id, None, "", frozenset()), row.now
            )

    @asynccontextmanager
    async def nobodys_transaction(self) -> AsyncIterator[AsyncSession]:
        """A transaction for somebody who is about to show who they are.

        No tenant's rows can be seen in it, so it calls functions that the owner of the tables has
        made for this.

        Raises:
            ApiError: UNAVAILABLE when no connection comes free in time.
        """
        if self._engine is None:
            raise RuntimeError("The database was not opened for writing.")
        async with (
            self._place(_NOBODY),
            AsyncSession(self._engine, autoflush=False, expire_on_commit=False) as session,
        ):
            await _begun(session, _BEGIN, {})
            yield session
            await session.commit()

    @asynccontextmanager
    async def _place(self, token_hash: bytes) -> AsyncIterator[None]:
        """A place among those that a token has.

        They are fewer than the connections, so that nobody takes all of them by asking for the
        same locked account again and again.
        """
        places = self._places.get(token_hash)
        if places is None:
            places = asyncio.Semaphore(max(1, self._settings.database_write_pool_size - 1))
            self._places[token_hash] = places
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await places.acquire()
        except TimeoutError as error:
            raise ApiError(ErrorCode.UNAVAILABLE, UNAVAILABLE) from error
        try:
            yield
        finally:
            places.release()

    async def upkeep(self, statement: TextClause, **values: Any) -> Sequence[Any]:
        """Carry out one statement on behalf of nobody; the first column of what it gives.

        No tenant's rows can be seen by it, so it calls a function that the owner of the tables
        has made for this.
        """
        if self._engine is None:
            raise RuntimeError("The database was not opened for writing.")
        async with self._engine.begin() as connection:
            return (await connection.execute(statement, values)).scalars().all()


async def authenticated(session: AsyncSession, token_hash: bytes, client: str | None) -> Principal:
    """Whoever holds a token, whose tenant's rows can be seen from here on in the transaction.

    Raises:
        ApiError: UNAUTHENTICATED when the token is unknown, expired or revoked.
    """
    values = {"token_hash": token_hash, "client": client}
    row: Any = (await session.execute(_AUTHENTICATE, values)).mappings().one_or_none()
    return Principal.of(row)


async def act_for(session: AsyncSession, tenant_id: int) -> None:
    """Go on for another tenant, whose rows can be seen from here on in the transaction."""
    await session.execute(_ACT_FOR, {"tenant_id": str(tenant_id)})


async def _begun(session: AsyncSession, statement: TextClause, values: dict[str, Any]) -> Any:
    """What the first statement of a transaction gives, on a connection that works.

    A connection that the pool kept while the database restarted is noticed at its first
    statement, before anything was done; SQLAlchemy then leaves all of that age behind.
    """
    for last in (False, True):
        try:
            return (await session.execute(statement, values)).one_or_none()
        except PoolTimeoutError as error:
            raise ApiError(ErrorCode.UNAVAILABLE, UNAVAILABLE) from error
        except DBAPIError as error:
            if last or not error.connection_invalidated:
                raise
            await session.rollback()
    raise AssertionError


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
