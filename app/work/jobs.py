"""Jobs: what is left to be done after the transaction that decided on it.

pgqueuer keeps them in PostgreSQL, so that a job is there when its transaction has committed and
not otherwise. What is done with them is in `app/jobs`.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

if TYPE_CHECKING:
    from pgqueuer.adapters.persistence.queries import Queries
    from pgqueuer.domain.settings import DBSettings
    from pgqueuer.ports.driver import Driver

SCHEMA = "abokonto"
TENANT = "tenant"
"""The header that says whose job it is; the database lets no other tenant see it."""


class JobKind(StrEnum):
    """What there is to be done; each has its handler in `app/jobs`."""

    SEND_MAIL = "mail.send"
    RENDER_INVOICE = "invoice.render"
    RENEW = "subscriptions.renew"
    SEAL_HISTORY = "history.seal"
    EXPORT_CUSTOMER = "customer.export"
    EXPIRE_EXPORTS = "exports.expire"
    MERGE_CUSTOMERS = "customers.merge"
    PURGE = "expired.purge"
    CLEAR_SIGN_INS = "sign_ins.clear"


class NewJob(NamedTuple):
    """A job to be enqueued: its kind, its payload, and after how long it is to be done."""

    kind: JobKind
    payload: Mapping[str, Any]
    delay: timedelta = timedelta(0)


@cache
def names() -> "DBSettings":
    """How pgqueuer's tables are called, whatever the environment says."""
    from pgqueuer.domain.settings import DBSettings
    from pgqueuer.domain.types import Channel

    return DBSettings(
        prefix="",
        db_schema=SCHEMA,
        channel=Channel("ch_pgqueuer"),
        function="fn_pgqueuer_changed",
        statistics_table="pgqueuer_statistics",
        queue_status_type="pgqueuer_status",
        queue_table="pgqueuer",
        queue_table_log="pgqueuer_log",
        trigger="tg_pgqueuer_changed",
        schedules_table="pgqueuer_schedules",
    )


def queries(driver: "Driver") -> "Queries":
    """All that can be done with the queue, over a connection of its own."""
    from pgqueuer.adapters.persistence import qb
    from pgqueuer.adapters.persistence.queries import Queries

    return Queries(
        driver,
        qbe=qb.QueryBuilderEnvironment(names()),
        qbq=qb.QueryQueueBuilder(names()),
        qbs=qb.QuerySchedulerBuilder(names()),
    )


@cache
def _enqueue() -> str:
    from pgqueuer.adapters.persistence.qb import QueryQueueBuilder

    return QueryQueueBuilder(names()).build_enqueue_query()


async def enqueue(
    session: AsyncSession,
    tenant_id: int,
    kind: JobKind,
    payload: Mapping[str, Any],
    delay: timedelta = timedelta(0),
) -> None:
    """Enqueue a job in a session's transaction, to be done after a delay."""
    await enqueue_all(session, tenant_id, [NewJob(kind, payload, delay)])


async def enqueue_all(session: AsyncSession, tenant_id: int, jobs: Sequence[NewJob]) -> None:
    """Enqueue jobs in a session's transaction."""
    count = len(jobs)
    headers = orjson.dumps({TENANT: str(tenant_id)}).decode()
    connection = await session.connection()
    # Priorities, kinds, payloads, delays, no keys against duplicates, headers.
    await connection.exec_driver_sql(
        _enqueue(),
        (
            [0] * count,
            [job.kind.value for job in jobs],
            [orjson.dumps(job.payload) for job in jobs],
            [max(job.delay, timedelta(0)) for job in jobs],
            [None] * count,
            [headers] * count,
        ),
    )
