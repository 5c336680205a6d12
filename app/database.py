"""PostgreSQL: the connections, and the one transaction that each request reads in.

Nothing else begins or ends a transaction.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, LargeBinary, bindparam, text
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from app.errors import ApiError, ErrorCode
from app.settings import Settings

_AUTHENTICATE = text(
    "SELECT kind, token_id, tenant_id, staff_id, name, permissions"
    " FROM abokonto.authenticate(:token_hash)"
).bindparams(bindparam("token_hash", type_=LargeBinary))


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

    def __init__(self, connection: AsyncConnection, principal: Principal) -> None:
        self.principal = principal
        self._connection = connection
        self._one_at_a_time = asyncio.Lock()

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Any]:
        """All rows of a statement. A connection answers one statement at a time, so others wait."""
        arguments = statement.arguments(values)
        async with self._one_at_a_time:
            return (await self._connection.exec_driver_sql(statement.sql, arguments)).all()


class Database:
    """The pool of connections that a worker reads with, as the application's role."""

    def __init__(self, settings: Settings) -> None:
        if settings.database_url is None:
            raise ValueError("The database's address is not configured.")
        timeout = int(settings.statement_timeout_seconds * 1000)
        self.engine = create_async_engine(
            _asyncpg_url(settings.database_url.get_secret_value()),
            pool_size=settings.database_pool_size,
            # An overflowing pool would open a connection for each request above its size.
            max_overflow=0,
            pool_timeout=settings.request_timeout_seconds,
            connect_args={
                "timeout": 5,
                "server_settings": {
                    "application_name": "abokonto",
                    "timezone": "UTC",
                    "statement_timeout": str(timeout),
                    "idle_in_transaction_session_timeout": "60000",
                },
            },
        )
        self._snapshots = self.engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    @asynccontextmanager
    async def reading(self, token_hash: bytes) -> AsyncIterator[Reading]:
        """A read-only transaction for whoever holds a token.

        Authenticating sets the tenant that row-level security lets through, for this
        transaction only.

        Raises:
            ApiError: UNAUTHENTICATED when the token is unknown, expired or revoked.
        """
        async with self._snapshots.connect() as connection:
            found = await connection.execute(_AUTHENTICATE, {"token_hash": token_hash})
            row = found.one_or_none()
            if row is None:
                raise ApiError(
                    ErrorCode.UNAUTHENTICATED, "The token is unknown, expired or revoked."
                )
            principal = Principal(
                kind=row.kind,
                token_id=row.token_id,
                tenant_id=row.tenant_id,
                staff_id=row.staff_id,
                name=row.name,
                permissions=frozenset(row.permissions),
            )
            yield Reading(connection, principal)

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()


def _asyncpg_url(url: str) -> str:
    """A PostgreSQL address as SQLAlchemy names it for asyncpg."""
    scheme, _, rest = url.partition("://")
    if scheme not in {"postgresql", "postgres"}:
        raise ValueError("A database address starts with postgresql://.")
    return f"postgresql+asyncpg://{rest}"
