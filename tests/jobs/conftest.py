"""What tests of jobs share: workers, handlers of their own, and the queue as it is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg
import httpx2
import pytest

from app.encryption import Keyring
from app.files.inspection import FileInspector
from app.jobs.registry import HANDLINGS, Handler, Handling, JobContext, all_handlings
from app.jobs.worker import Worker
from app.mail import Mailer
from app.models import Mail
from app.settings import Settings
from app.storage import Storage
from app.work.action import routine
from app.work.files import Staging
from app.work.jobs import JobKind
from app.work.perform import Performer
from app.work.unit import Work
from app.writing import Writing
from tests.publisher import Publisher

KIND = JobKind.SEND_MAIL
"""Tests of the queue itself do this kind of job in a way of their own."""

Working = Callable[..., AbstractAsyncContextManager[Worker]]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A configuration in which nothing takes its time."""
    patient = {"job_retry_seconds": 0.05, "job_lost_seconds": 0.5}
    return settings.model_copy(update=patient)


@asynccontextmanager
async def context_of(settings: Settings) -> AsyncIterator[JobContext]:
    """What a process with some settings gives its handlers."""
    writing = Writing(settings)
    writing.open()
    storage, inspector, keyring = (
        Storage(settings),
        FileInspector(settings),
        Keyring.from_settings(settings),
    )
    staging = Staging(writing, storage, inspector, settings.unclaimed_file_seconds)
    performer = Performer(writing, keyring, storage, staging)
    yield JobContext(settings, performer, writing, storage, keyring, Mailer(settings))
    await inspector.close()
    await writing.close()


@pytest.fixture
async def context(settings: Settings) -> AsyncIterator[JobContext]:
    """What handlers have at hand."""
    async with context_of(settings) as context:
        yield context


@asynccontextmanager
async def working(context: JobContext) -> AsyncIterator[Worker]:
    """A worker, for as long as the block runs."""
    worker = Worker(context, poll_seconds=0.1)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await running


@pytest.fixture
async def publisher(owner: asyncpg.Connection) -> Publisher:
    """A publisher that nobody reads over HTTP."""
    return await Publisher.found(owner, httpx2.AsyncClient())


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets tests do jobs in a way of their own."""
    all_handlings()

    def handle(handler: Handler, **changes: Any) -> None:
        handling = Handling(handler, 12, _nobody, lambda _context: True)
        monkeypatch.setitem(HANDLINGS, KIND, replace(handling, **changes))

    return handle


async def _nobody(*_: object) -> None:
    pass


@routine(history="mail.queued", in_account=False)
async def enqueue(work: Work, payloads: list[dict[str, Any]]) -> Mail | None:
    """Enqueue jobs and do nothing else."""
    for payload in payloads:
        await work.enqueue(KIND, payload)
    return None


async def give(context: JobContext, publisher: Publisher, *payloads: dict[str, Any]) -> None:
    """Enqueue jobs for a publisher."""
    await context.performer.run(enqueue, list(payloads), publisher.tenant_id)


async def left(owner: asyncpg.Connection) -> list[str]:
    """In which state the jobs are that are not done."""
    rows = await owner.fetch("SELECT status::text FROM abokonto.pgqueuer ORDER BY id")
    return [row["status"] for row in rows]


async def until(condition: Callable[[], Any], seconds: float = 20) -> None:
    """Wait until something holds, which may have to be asked for."""
    async with asyncio.timeout(seconds):
        while True:
            holds = condition()
            if asyncio.iscoroutine(holds):
                holds = await holds
            if holds:
                return
            await asyncio.sleep(0.02)
