"""A small schema behind the real endpoint, served by a real uvicorn on a free port."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import strawberry
import uvicorn
from starlette.types import ASGIApp

from app.context import Client
from app.errors import ApiError, ErrorCode
from app.server.documents import Document
from app.server.graphql_http import GraphQLEndpoint
from app.server.operations import Operations
from app.settings import Settings
from tests.processes import eventually

TOKEN = "abo_staff_test"
SECRET = "Müller, DE02120300000000202051"


class DatabaseGoneError(Exception):
    """What asyncpg raises when PostgreSQL shuts down, as far as the endpoint looks."""

    sqlstate = "57P01"


class StatementCanceledError(Exception):
    """What asyncpg raises when a statement took too long."""

    sqlstate = "57014"


@strawberry.input(one_of=True)
class Choice:
    number: int | None = strawberry.UNSET
    name: str | None = strawberry.UNSET


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: str = "world") -> str:
        return f"Hello {name}"

    @strawberry.field
    def nested(self) -> "Query":
        return Query()

    @strawberry.field
    def double(self, number: int) -> int:
        return number * 2

    @strawberry.field
    def choose(self, by: Choice) -> str:
        return by.name or str(by.number)

    @strawberry.field
    def principal(self, info: strawberry.Info) -> str:
        return str(info.context.principal)

    @strawberry.field
    def bug(self) -> str | None:
        raise ValueError(SECRET)

    @strawberry.field
    def wrong_type(self) -> int | None:
        return SECRET  # type: ignore[return-value]

    @strawberry.field
    def forbidden(self) -> str | None:
        raise ApiError(ErrorCode.FORBIDDEN, "This needs the permission `x:read`.")

    @strawberry.field
    def database_gone(self) -> str | None:
        raise DatabaseGoneError(SECRET)

    @strawberry.field
    def canceled(self) -> str | None:
        raise StatementCanceledError(SECRET)

    @strawberry.field
    async def slow(self, info: strawberry.Info, seconds: float = 60) -> str:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            info.context.journal.append("cancelled")
            raise
        return "done"


@strawberry.type
class Mutation:
    @strawberry.mutation
    def change(self) -> str:
        return "changed"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self) -> AsyncIterator[int]:
        yield 1


SCHEMA = strawberry.Schema(Query, Mutation, Subscription)


@dataclass
class FakeContext:
    principal: Any
    journal: list[str]


@dataclass
class Gate:
    """A stand-in for the database: it knows one token, and can be switched off."""

    down: Exception | None = None
    opened: list[Document | None] = field(default_factory=list)
    journal: list[str] = field(default_factory=list)

    def __call__(
        self, client: Client, document: Document | None
    ) -> AbstractAsyncContextManager[FakeContext]:
        return self._open(client.authorization, document)

    @asynccontextmanager
    async def _open(
        self, authorization: str | None, document: Document | None
    ) -> AsyncIterator[FakeContext]:
        if self.down is not None:
            raise self.down
        if authorization != f"Bearer {TOKEN}":
            raise ApiError(ErrorCode.UNAUTHENTICATED, "The token is unknown.")
        self.opened.append(document)
        yield FakeContext(None, self.journal)


def endpoint(gate: Gate | None = None, **settings: Any) -> GraphQLEndpoint:
    """The endpoint over the small schema."""
    configured = Settings(**settings)
    return GraphQLEndpoint(Operations(SCHEMA, configured, gate or Gate()), configured)


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve an application in a thread, and give its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        assert eventually(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)
