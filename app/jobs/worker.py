"""Does jobs, one worker in each process: waits for them, tries again, gives up."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from app.jobs.registry import SCHEDULE, Handling, JobContext, JobError, JobRefused, all_handlings
from app.server.faults import describe
from app.work.jobs import TENANT, JobKind, names, queries

if TYPE_CHECKING:
    from pgqueuer import PgQueuer
    from pgqueuer.domain.models import Job, Schedule

log = structlog.get_logger("abokonto.jobs")

_CONNECT_SECONDS = 5
_POLL_SECONDS = 10.0
"""After how long a worker looks by itself, for what becomes due or had no notice."""

_LONGEST_RETRY_SECONDS = 3600.0
_LONGEST_PAUSE_SECONDS = 30.0
_SHUTDOWN_SECONDS = 10.0
_KEEP_LOG = timedelta(days=30)

_LOST = "Its worker ended while doing it, each time."


class GivenUpError(Exception):
    """A job is given up; the message is kept with it and says nothing personal."""


class Worker:
    """The worker of this process.

    A job is done by one worker at a time. When its worker dies, it is done again by another.
    """

    def __init__(self, context: JobContext, *, poll_seconds: float = _POLL_SECONDS) -> None:
        self._context = context
        self._poll = timedelta(seconds=poll_seconds)
        self._stopping = asyncio.Event()
        self._queue: PgQueuer | None = None

    async def run(self) -> None:
        """Do jobs until stopped, also after the database was away."""
        if not self._context.mailer.configured:
            log.warning("mail_not_configured", message="Mails are kept and not sent.")
        pause = 1.0
        while not self._stopping.is_set():
            try:
                async with self._connected() as queue:
                    pause = 1.0
                    await self._work(queue)
            except Exception as error:  # noqa: BLE001  Whatever it was, the next try may succeed.
                _report("worker_interrupted", error)
            if not self._stopping.is_set():
                await self._rest(pause * random.uniform(0.8, 1.2))  # noqa: S311  It is no secret.
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def stop(self) -> None:
        """Begin no more jobs; `run` ends when those at hand are done, or after ten seconds."""
        self._stopping.set()
        if self._queue is not None:
            self._queue.shutdown.set()

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    @asynccontextmanager
    async def _connected(self) -> "AsyncIterator[PgQueuer]":
        """The queue over a connection of its own, which listens and is therefore never lent."""
        import asyncpg
        from pgqueuer import PgQueuer
        from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver

        url = self._context.settings.database_url
        assert url is not None  # noqa: S101  `Writing` needs it as well.
        connection = await asyncpg.connect(
            url.get_secret_value(),
            timeout=_CONNECT_SECONDS,
            server_settings={
                "application_name": "abokonto-jobs",
                "timezone": "UTC",
                # Shows it the jobs of all tenants, and nothing else.
                "abokonto.worker": "on",
            },
        )
        try:
            driver = AsyncpgDriver(connection)
            queue = PgQueuer(driver, channel=names().channel, queries=queries(driver))
            connection.add_termination_listener(lambda _connection: queue.shutdown.set())
            yield queue
        finally:
            await connection.close(timeout=_CONNECT_SECONDS)

    async def _work(self, queue: "PgQueuer") -> None:
        """Do jobs over one connection, for as long as it holds."""
        settings = self._context.settings
        for kind, handling in all_handlings().items():
            if handling.possible(self._context):
                self._register(queue, kind, handling)
        self._register_times(queue)
        self._queue = queue
        if self._stopping.is_set():
            return
        running = asyncio.create_task(
            queue.run(
                dequeue_timeout=self._poll,
                batch_size=settings.jobs_at_once // 2,
                max_concurrent_tasks=settings.jobs_at_once,
                heartbeat_timeout=timedelta(seconds=settings.job_lost_seconds),
                # Its statistics are nobody's concern, and would grow.
                log_aggregation_interval=timedelta(0),
            )
        )
        try:
            await _until(queue.shutdown.wait(), running)
            await asyncio.wait([running], timeout=_SHUTDOWN_SECONDS)
        finally:
            self._queue = None
            # Jobs that are stopped by this go back into the queue.
            running.cancel()
            await asyncio.wait([running])
        if not running.cancelled():
            running.result()

    def _register(self, queue: "PgQueuer", kind: JobKind, handling: Handling) -> None:
        async def do(job: "Job") -> None:
            await self._do(job, kind, handling)

        queue.entrypoint(kind.value, on_failure="hold", accepts_context=False)(do)

    async def _do(self, job: "Job", kind: JobKind, handling: Handling) -> None:
        """Do a job, and say what is to become of it in pgqueuer's words."""
        from pgqueuer.domain.errors import RetryRequested

        tenant_id = int(str((job.headers or {})[TENANT]))
        payload = orjson.loads(job.payload or b"{}")
        about = {"job": job.id, "kind": kind.value, "tenant": tenant_id}
        try:
            if job.attempts >= handling.attempts:
                raise JobRefused(_LOST)
            await handling.handler(self._context, tenant_id, payload)
        except asyncio.CancelledError:
            # pgqueuer would take it for one that nobody wants any more.
            raise RetryRequested(timedelta(0), "The worker was stopped.") from None
        except Exception as error:  # noqa: BLE001  Nothing that a job raises ends its worker.
            failure = error
        else:
            return
        reason = str(failure) if isinstance(failure, JobError) else type(failure).__name__
        final = isinstance(failure, JobRefused) or job.attempts + 1 >= handling.attempts
        log.warning("job_failed", **about, attempt=job.attempts + 1, error=describe(failure))
        if not final:
            raise RetryRequested(self._delay(job.attempts), reason) from None
        log.error("job_given_up", **about, reason=reason)
        await self._give_up(handling, tenant_id, payload, reason)
        raise GivenUpError(reason) from None

    async def _give_up(self, handling: Handling, tenant_id: int, payload: Any, reason: str) -> None:
        try:
            await handling.given_up(self._context, tenant_id, payload, reason)
        except Exception as error:  # noqa: BLE001  The job is given up all the same.
            _report("giving_up_failed", error)

    def _delay(self, attempts: int) -> timedelta:
        seconds = self._context.settings.job_retry_seconds * 2 ** min(attempts, 12)
        # Jobs that failed together need not be tried together.
        spread = random.uniform(0.9, 1.1)  # noqa: S311  It is no secret.
        return timedelta(seconds=min(seconds, _LONGEST_RETRY_SECONDS) * spread)

    def _register_times(self, queue: "PgQueuer") -> None:
        for scheduled in SCHEDULE:
            times = scheduled.times(self._context.settings)
            queue.schedule(scheduled.kind.value, times)(_for_each_tenant(queue, scheduled.kind))
        queue.schedule("queue.forget", "17 3 * * *")(_forget(queue))


def _for_each_tenant(queue: "PgQueuer", kind: JobKind) -> "Callable[[Schedule], Awaitable[None]]":
    async def enqueue(_schedule: "Schedule") -> None:
        rows = await queue.connection.fetch("SELECT id FROM abokonto.all_tenants() AS id")
        tenants = [str(row["id"]) for row in rows]
        assert queue.queries is not None  # noqa: S101  It was made with them.
        if tenants:
            await queue.queries.enqueue(
                [kind.value] * len(tenants),
                [b"{}"] * len(tenants),
                [0] * len(tenants),
                dedupe_key=[f"{kind.value} {tenant}" for tenant in tenants],
                headers=[{TENANT: tenant} for tenant in tenants],
                on_conflict="skip",
            )

    return enqueue


def _forget(queue: "PgQueuer") -> "Callable[[Schedule], Awaitable[None]]":
    """pgqueuer writes down each step of each job, and leaves it to others to forget that."""

    async def forget(_schedule: "Schedule") -> None:
        await queue.connection.execute(
            "DELETE FROM abokonto.pgqueuer_log AS entry"
            " WHERE created < now() - $1::interval AND NOT EXISTS"
            " (SELECT FROM abokonto.pgqueuer AS job WHERE job.id = entry.job_id)",
            _KEEP_LOG,
        )

    return forget


def _report(event: str, error: Exception) -> None:
    """Log where an error was raised, without its message, which may quote personal data."""
    log.error(event, error=describe(error))


async def _until(event: Awaitable[object], task: "asyncio.Task[None]") -> None:
    """Wait for an event, or for a task that ends before it."""
    waiting = asyncio.ensure_future(event)
    try:
        await asyncio.wait([waiting, task], return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
