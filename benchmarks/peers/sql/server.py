"""The limit: PostgreSQL builds the whole answer, and Python only carries it.

`POST /W1` with a customer's key, and for pages with a cursor, runs `W1.sql`. As in the
application, a request is one transaction with the tenant set for row-level security, read-only
where it reads, and the answer has the same ids and formats. Nobody is authenticated, nothing is
checked or limited.
"""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import asyncpg
import orjson

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_STATEMENTS = {path.stem: path.read_text() for path in Path(__file__).parent.glob("*.sql")}
_HEADERS = (b"content-type", b"application/json")
_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
_WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED;"
_BEFORE_ALL = "infinity|0"


async def _kept_as_it_is(_connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Nothing outlives the transaction, so that a connection needs no cleaning."""


class Endpoint:
    """An ASGI application."""

    def __init__(self) -> None:
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request, or start and stop with the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        answer = b"{}"
        if scope["method"] == "POST":
            tenant = int(dict(scope["headers"])[b"x-tenant-id"])
            answer = await self._answer(scope["path"][1:], tenant, orjson.loads(body))
        length = str(len(answer)).encode()
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [_HEADERS, (b"content-length", length)],
            }
        )
        await send({"type": "http.response.body", "body": answer})

    async def _answer(self, workload: str, tenant: int, asked: dict[str, Any]) -> bytes:
        assert self._pool is not None
        arguments: list[Any] = []
        if "id" in asked:
            arguments.append(asked["id"])
        if "after" in asked:
            moment, _, key = (asked["after"] or _BEFORE_ALL).partition("|")
            arguments += [moment, int(key)]
        if "text" in asked:
            actor = orjson.dumps(asked["actor"]).decode()
            arguments += [asked["kind"], asked["text"], actor]
        async with self._pool.acquire() as connection:
            begin = _WRITING if "text" in asked else _READING
            await connection.execute(
                f"{begin} SELECT set_config('abokonto.tenant_id', '{tenant}', true)"
            )
            try:
                answer: str = await connection.fetchval(_STATEMENTS[workload], *arguments)
            finally:
                await connection.execute("COMMIT")
        return answer.encode()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._pool = await asyncpg.create_pool(
            os.environ["DATABASE_URL"],
            min_size=10,
            max_size=10,
            reset=_kept_as_it_is,
            server_settings={"timezone": "UTC"},
        )
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})


app = Endpoint()
