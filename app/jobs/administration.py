"""The queue as operators see it: what waits, what was given up, and trying that again."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from app.work.jobs import names, queries

if TYPE_CHECKING:
    import asyncpg

_LIST = """
    SELECT job.id, job.entrypoint AS kind, (job.headers ->> 'tenant')::integer AS tenant,
           job.status::text AS status, job.attempts, job.created, job.execute_after AS due,
           (
               SELECT entry.traceback ->> 'exception_message'
               FROM abokonto.pgqueuer_log AS entry
               WHERE entry.job_id = job.id AND entry.traceback IS NOT NULL
               ORDER BY entry.created DESC, entry.id DESC LIMIT 1
           ) AS error
    FROM abokonto.pgqueuer AS job
    WHERE $1 OR job.status = 'failed'
    ORDER BY job.id
"""

_STATUS = {"queued": "QUEUED", "picked": "RUNNING", "failed": "FAILED"}


class QueuedJob(NamedTuple):
    """A job that is not done."""

    id: int
    kind: str
    tenant: int
    status: str
    attempts: int
    created: datetime
    due: datetime
    error: str | None
    """Why it failed the last time; nothing personal."""


async def listed(database_url: str, *, every: bool) -> Sequence[QueuedJob]:
    """The jobs that were given up, or every one that is not done."""
    async with _connected(database_url) as connection:
        rows = [QueuedJob(*row) for row in await connection.fetch(_LIST, every)]
    return [row._replace(status=_STATUS[row.status]) for row in rows]


async def retry(database_url: str, ids: Sequence[int] | None) -> Sequence[int]:
    """Queue jobs again that were given up, these or all of them; those that it was done to."""
    from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
    from pgqueuer.domain.types import JobId

    async with _connected(database_url) as connection:
        given_up = [QueuedJob(*row).id for row in await connection.fetch(_LIST, False)]
        again = [JobId(key) for key in given_up if ids is None or key in ids]
        await queries(AsyncpgDriver(connection)).requeue_jobs(again)
        await connection.execute("SELECT pg_notify($1, $2)", names().channel, _WAKE)
    return again


_WAKE = (
    '{"channel": "ch_pgqueuer", "operation": "update", "sent_at": "2000-01-01T00:00:00Z",'
    ' "table": "pgqueuer", "type": "table_changed_event"}'
)
"""What pgqueuer's own trigger says of new jobs; of changed ones it says nothing."""


@asynccontextmanager
async def _connected(database_url: str) -> "AsyncIterator[asyncpg.Connection[Any]]":
    import asyncpg

    connection = await asyncpg.connect(database_url, server_settings={"abokonto.worker": "on"})
    try:
        yield connection
    finally:
        await connection.close()
