"""What open subscriptions take of a worker's memory, and how soon a change is seen."""

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from statistics import median, quantiles
from typing import Any, NamedTuple

import asyncpg
import httpx2
from websockets.asyncio.client import connect as connect_websocket

from app.auth.administration import create_partner_token, create_tenant
from app.schema.node import encode_id
from app.settings import Settings
from benchmarks.processes import own_memory
from benchmarks.report import Report
from benchmarks.servers import Served, serving
from benchmarks.tenants import connect

_FOLLOW = "subscription ($id: ID!) { exportChanged(id: $id) { status percent } }"
_ALONE = 100
"""How often one record is changed while all are followed."""

_TOGETHER = 5
"""How often all of them are."""

Next = Callable[[], Awaitable[Any]]
"""Waits for the next response of a subscription."""


class Followed(NamedTuple):
    """The exports of a tenant, and who may see them."""

    token: str
    tenant: int
    exports: Sequence[int]


def subscriptions(settings: Settings, report: Report, count: int) -> None:
    """Measure, with as many exports in a tenant of its own."""
    many = {"max_subscriptions": count, "max_subscriptions_per_token": count}
    rows = []
    for name, begin in (("SSE", _by_events), ("WebSocket", _by_websocket)):
        with serving(settings.model_copy(update=many)) as served:
            rows.append((name, *asyncio.run(_measure(settings, served, count, begin))))
    report.table(
        f"{count:,} open subscriptions on one worker",
        ("", "kB each", "One changes: p50 in ms", "p99", "All change: first in ms", "last"),
        rows,
    )


async def _measure(
    settings: Settings, served: Served, count: int, begin: Callable[..., Awaitable[Next]]
) -> list[str]:
    connection = await connect(settings)
    followed = await _found(connection, count)
    async with AsyncExitStack() as stack:
        client = httpx2.AsyncClient(
            timeout=None,
            limits=httpx2.Limits(max_connections=None),
        )
        await stack.enter_async_context(client)
        # The first one makes what all share: connections, the document, the plan.
        first = await begin(stack, client, served.url, followed, followed.exports[0])
        await first()
        before = own_memory(served.process)
        streams = [first]
        for export in followed.exports[1:]:
            streams.append(await begin(stack, client, served.url, followed, export))
            await streams[-1]()
        await asyncio.sleep(1)
        each = (own_memory(served.process) - before) / max(1, count - 1) / 1000
        alone = [
            await _one_changes(connection, followed, streams, number % count)
            for number in range(_ALONE)
        ]
        together = [await _all_change(connection, followed, streams) for _ in range(_TOGETHER)]
    await connection.close()
    firsts, lasts = zip(*together, strict=True)
    return [
        f"{each:.0f}",
        f"{median(alone):.1f}",
        f"{quantiles(alone, n=100)[-1]:.1f}",
        f"{median(firsts):.1f}",
        f"{median(lasts):.0f}",
    ]


async def _one_changes(
    connection: asyncpg.Connection, followed: Followed, streams: Sequence[Next], number: int
) -> float:
    """Milliseconds from before a record's change is sent until its follower has it."""
    began = time.perf_counter()
    change = "UPDATE data_export SET percent = (percent + 1) % 100 WHERE tenant_id = $1 AND id = $2"
    await connection.execute(change, followed.tenant, followed.exports[number])
    await streams[number]()
    return (time.perf_counter() - began) * 1000


async def _all_change(
    connection: asyncpg.Connection, followed: Followed, streams: Sequence[Next]
) -> tuple[float, float]:
    """Milliseconds from before all change until the first and the last follower have it."""
    began = time.perf_counter()

    async def seen(stream: Next) -> float:
        await stream()
        return (time.perf_counter() - began) * 1000

    waiting = [asyncio.create_task(seen(stream)) for stream in streams]
    change = "UPDATE data_export SET percent = (percent + 1) % 100 WHERE tenant_id = $1"
    await connection.execute(change, followed.tenant)
    times = await asyncio.gather(*waiting)
    return min(times), max(times)


async def _by_events(
    stack: AsyncExitStack, client: httpx2.AsyncClient, url: str, followed: Followed, export: int
) -> Next:
    source = await stack.enter_async_context(
        client.sse(
            f"{url}/graphql",
            method="POST",
            json=_asked(export),
            headers={"Authorization": f"Bearer {followed.token}"},
        )
    )
    return aiter(source).__anext__


async def _by_websocket(
    stack: AsyncExitStack, _client: httpx2.AsyncClient, url: str, followed: Followed, export: int
) -> Next:
    subprotocols: Any = ["graphql-transport-ws"]
    address = f"{url.replace('http', 'ws', 1)}/graphql"
    socket = await stack.enter_async_context(
        connect_websocket(address, subprotocols=subprotocols, proxy=None)
    )
    payload = {"Authorization": f"Bearer {followed.token}"}
    await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
    await socket.recv()
    await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": _asked(export)}))
    return socket.recv


def _asked(export: int) -> dict[str, Any]:
    return {"query": _FOLLOW, "variables": {"id": encode_id("Export", export)}}


async def _found(connection: asyncpg.Connection, count: int) -> Followed:
    """A tenant with so many customers, for each of whom an export is being made."""
    slug = f"bench-subscriptions-{secrets.token_hex(4)}"
    tenant = await create_tenant(connection, slug, "Subscriptions")
    rows = await connection.fetch(
        "WITH made AS (INSERT INTO customer (tenant_id, number, last_name)"
        " SELECT $1, 'K-' || n, 'Muster' FROM generate_series(1, $2::int) AS n RETURNING id)"
        " INSERT INTO data_export (tenant_id, customer_id, status)"
        " SELECT $1, id, 'RUNNING' FROM made RETURNING id",
        tenant,
        count,
    )
    token = await create_partner_token(
        connection, tenant=slug, name="front end", scopes=["export:read"], expires_at=None
    )
    return Followed(token, tenant, [row["id"] for row in rows])
