"""Workloads that write: that all peers write the same, and that nothing of it stays.

The activity is the same for all. The application and the SQL endpoint also keep who wrote it and
an entry in the history; PostGraphile and plain Strawberry insert the row and nothing else.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import asyncpg

from app.settings import Settings
from benchmarks.peers.peer import MARK, Peer
from benchmarks.peers.records import difference_of, records
from benchmarks.peers.workloads import Workload
from benchmarks.tenants import connect

_FOR_WHOM_AND_WHAT = ("customer_id", "kind", "text")
_KEEPING_HISTORY = frozenset({"abokonto", "sql"})
_CHAINED = frozenset(
    {"position", "hash", "personal_salt", "personal_digest", "actor_salt", "actor_digest"}
)
_OWN = frozenset({"id", "record_id", "created_at", "changed_at"}) | _CHAINED

_ACTIVITIES = f"tenant_id = $1 AND starts_with(text, '{MARK}')"
_ENTRIES = (
    "tenant_id = $1 AND action = 'activity.added'"
    f" AND starts_with(after -> 'personal' ->> 'text', '{MARK}')"
)

Rows = list[dict[str, Any]]


def agreed_writes(
    settings: Settings, workload: Workload, peers: Sequence[Peer]
) -> dict[str, list[bytes]]:
    """The requests of each peer, after one for each customer has been sent and looked at.

    Raises:
        RuntimeError: when what was answered is not what was written, or peers wrote differently.
    """
    expected: dict[str, Rows] = {}
    for peer in peers:
        asyncio.run(_remove(settings, peer.tenant))
        answers = [records(data)["added"]["activity"] for data in peer.written(workload)]
        written = asyncio.run(_written(settings, peer.tenant))
        _see(f"{peer.name}'s answers and rows", answers, _as_answered(written["activity"]))
        if peer.name in _KEEPING_HISTORY:
            named = [row["record_id"] for row in written["history"]]
            _see(f"{peer.name}'s history", named, [row["id"] for row in written["activity"]])
        comparable = _comparable(peer, written)
        for table, rows in comparable.items():
            columns = rows[0].keys() & expected.setdefault(table, rows)[0].keys()
            _see(
                f"{peer.name}'s and others' rows of {table}",
                [{name: row[name] for name in columns} for row in rows],
                [{name: row[name] for name in columns} for row in expected[table]],
            )
    return {peer.name: list(peer.writing(workload)) for peer in peers}


@contextmanager
def undone(settings: Settings, tenant: int) -> Iterator[None]:
    """Remove what workloads have written, behind the block and what an earlier run left before."""
    asyncio.run(_remove(settings, tenant))
    try:
        yield
    finally:
        asyncio.run(_remove(settings, tenant))


async def durability(settings: Settings) -> str:
    """How surely a commit is kept, which is the same for all peers."""
    connection = await connect(settings)
    try:
        names = ("fsync", "synchronous_commit", "full_page_writes", "wal_sync_method")
        values = [await connection.fetchval(f"SHOW {name}") for name in names]
        return ", ".join(f"{name} = {value}" for name, value in zip(names, values, strict=True))
    finally:
        await connection.close()


def _comparable(peer: Peer, written: Mapping[str, Rows]) -> dict[str, Rows]:
    """The rows by table, without what is each one's own; without what a peer doesn't do."""
    if peer.name in _KEEPING_HISTORY:
        return {
            table: [{k: v for k, v in row.items() if k not in _OWN} for row in rows]
            for table, rows in written.items()
        }
    return {
        "activity": [
            {name: row[name] for name in _FOR_WHOM_AND_WHAT} for row in written["activity"]
        ]
    }


def _as_answered(rows: Rows) -> Rows:
    return [
        {"id": row["id"], "kind": row["kind"], "text": row["text"], "createdAt": row["created_at"]}
        for row in rows
    ]


def _see(what: str, first: object, other: object) -> None:
    if first != other:
        raise RuntimeError(f"W5: {what} differ at {difference_of(first, other, 'rows')}")


async def _written(settings: Settings, tenant: int) -> dict[str, Rows]:
    """The rows that were added, in the order of their keys."""
    connection = await connect(settings)
    try:
        return {
            table: [
                _row(row)
                for row in await connection.fetch(
                    f"SELECT * FROM {table} WHERE {added} ORDER BY id",  # noqa: S608  Our own names.
                    tenant,
                )
            ]
            for table, added in (("activity", _ACTIVITIES), ("history", _ENTRIES))
        }
    finally:
        await connection.close()


def _row(row: "asyncpg.Record") -> dict[str, Any]:
    """A row as values; a null of JSON is as good as one of SQL."""
    return {
        name: json.loads(value) if name in {"before", "after"} and value else value
        for name, value in row.items()
    }


async def _remove(settings: Settings, tenant: int) -> None:
    """Remove what was added, as only the tables' owner may, and clean up behind it."""
    connection = await connect(settings)
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL abokonto.erasure = 'on'")
            await connection.execute(f"DELETE FROM history WHERE {_ENTRIES}", tenant)  # noqa: S608
            await connection.execute(f"DELETE FROM activity WHERE {_ACTIVITIES}", tenant)  # noqa: S608
        await connection.execute("VACUUM (ANALYZE) activity, history, customer")
    finally:
        await connection.close()
