"""Jobs are done: at least once, by one worker at a time, or given up where people see it."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from typing import IO, Any

import asyncpg
import httpx2
import pytest
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver

from app.errors import Refused, UserErrorCode
from app.jobs import registry, worker
from app.jobs.administration import listed, retry
from app.jobs.registry import HANDLINGS, JobContext, JobError, JobRefused, all_handlings
from app.models import Mail
from app.settings import Settings
from app.work.action import routine
from app.work.jobs import JobKind, queries
from app.work.unit import Work
from tests.conftest import Database
from tests.jobs.conftest import KIND, context_of, give, left, until, working
from tests.postgres_proxy import PostgresProxy
from tests.publisher import Publisher
from tests.served import environment_of

Handle = Callable[..., None]


@routine(history="mail.refused", in_account=False)
async def enqueue_and_refuse(work: Work, _input: None) -> Mail | None:
    """Enqueue a job, and find then that nothing may be done."""
    await work.enqueue(KIND, {"mail": 1})
    raise Refused(UserErrorCode.INVALID, "No.")


async def test_a_refused_action_leaves_no_job(
    context: JobContext, publisher: Publisher, owner: asyncpg.Connection
) -> None:
    with pytest.raises(Refused):
        await context.performer.run(enqueue_and_refuse, None, publisher.tenant_id)
    assert await left(owner) == []
    await give(context, publisher, {"mail": 1})
    assert await left(owner) == ["queued"]


async def test_two_workers_do_each_job_once_for_its_tenant(
    context: JobContext,
    settings: Settings,
    publisher: Publisher,
    owner: asyncpg.Connection,
    handle: Handle,
) -> None:
    done: Counter[tuple[int, int]] = Counter()
    by: Counter[int] = Counter()

    async def do(doing: JobContext, tenant_id: int, payload: Mapping[str, Any]) -> None:
        await asyncio.sleep(0.01)
        done[tenant_id, payload["mail"]] += 1
        by[id(doing)] += 1

    handle(do)
    competitor = await Publisher.found(owner, httpx2.AsyncClient())
    for one in (publisher, competitor):
        await give(context, one, *({"mail": number} for number in range(30)))
    async with context_of(settings) as other, working(context), working(other):
        await until(lambda: done.total() >= 60)
        await until(lambda: _all_done(owner))
    expected = {(p.tenant_id, number) for p in (publisher, competitor) for number in range(30)}
    assert done == dict.fromkeys(expected, 1)
    assert len(by) == 2, "One of them did everything."


async def _all_done(owner: asyncpg.Connection) -> bool:
    return await left(owner) == []


async def test_a_new_job_wakes_a_worker_that_waits(
    context: JobContext, publisher: Publisher, handle: Handle
) -> None:
    done = asyncio.Event()

    async def do(*_: object) -> None:
        done.set()

    handle(do)
    patient = worker.Worker(context, poll_seconds=60)
    running = asyncio.create_task(patient.run())
    # By then it has looked for jobs and found none.
    await asyncio.sleep(1)
    await give(context, publisher, {})
    async with asyncio.timeout(10):
        await done.wait()
    patient.stop()
    await running


async def test_a_job_for_later_waits(
    context: JobContext, publisher: Publisher, owner: asyncpg.Connection, handle: Handle
) -> None:
    @routine(history="mail.queued", in_account=False)
    async def enqueue_for_later(work: Work, _input: None) -> Mail | None:
        from datetime import timedelta

        await work.enqueue(KIND, {"mail": 1}, run_at=work.now + timedelta(hours=1))
        await work.enqueue(KIND, {"mail": 2}, run_at=work.now - timedelta(hours=1))
        return None

    done = []

    async def do(_context: JobContext, _tenant: int, payload: Mapping[str, Any]) -> None:
        done.append(payload["mail"])

    handle(do)
    await context.performer.run(enqueue_for_later, None, publisher.tenant_id)
    async with working(context):
        await until(lambda: done)
        await asyncio.sleep(0.3)
    assert done == [2]
    due = await owner.fetchval("SELECT execute_after - now() FROM abokonto.pgqueuer")
    assert 3500 < due.total_seconds() <= 3600


async def test_the_job_of_a_killed_worker_is_done_again_and_that_was_an_attempt(
    context: JobContext,
    settings: Settings,
    database: Database,
    publisher: Publisher,
    owner: asyncpg.Connection,
    handle: Handle,
) -> None:
    attempts = []

    async def do(*_: object) -> None:
        [job] = await listed(database.database_url, every=True)
        attempts.append(job.attempts)

    handle(do)
    await give(context, publisher, {})
    process = subprocess.Popen(  # noqa: ASYNC220  It only starts here.
        [sys.executable, "-m", "tests.jobs.hanging"],
        env=environment_of(settings),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        await asyncio.to_thread(_begun, process.stdout)
        assert await left(owner) == ["picked"]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    async with working(context):
        await until(lambda: _all_done(owner))
    assert attempts == [1]


def _begun(output: IO[str]) -> None:
    while output.readline() != "begun\n":
        pass


async def test_a_job_that_takes_its_workers_along_is_given_up(
    context: JobContext, publisher: Publisher, owner: asyncpg.Connection, handle: Handle
) -> None:
    told = []

    async def never(*_: object) -> None:
        pytest.fail("It would take this worker along, too.")

    async def given_up(*about: Any) -> None:
        told.append(about[1:])

    handle(never, attempts=3, given_up=given_up)
    await give(context, publisher, {"mail": 5})
    await owner.execute("UPDATE abokonto.pgqueuer SET attempts = 3")
    async with working(context):
        await until(lambda: _is(owner, "failed"))
    assert told == [
        (publisher.tenant_id, {"mail": 5}, "Its worker ended while doing it, each time.")
    ]


async def _is(owner: asyncpg.Connection, *states: str) -> bool:
    return await left(owner) == [*states]


async def test_a_poisonous_job_is_given_up_and_holds_nobody_up(
    context: JobContext,
    database: Database,
    publisher: Publisher,
    owner: asyncpg.Connection,
    handle: Handle,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    tried: Counter[int] = Counter()
    told = []
    cured = False

    async def do(_context: JobContext, _tenant: int, payload: Mapping[str, Any]) -> None:
        tried[payload["mail"]] += 1
        if payload["mail"] == 1 and not cured:
            raise ValueError("Erika Mustermann")

    async def given_up(*about: Any) -> None:
        told.append(about[3])
        raise RuntimeError("Mustermann again")

    handle(do, attempts=3, given_up=given_up)
    await give(context, publisher, {"mail": 1}, {"mail": 2})
    async with working(context):
        await until(lambda: _is(owner, "failed"))
        assert tried == {1: 3, 2: 1}
        assert told == ["ValueError"]
        [job] = await listed(database.database_url, every=False)
        assert (job.kind, job.tenant, job.status) == ("mail.send", publisher.tenant_id, "FAILED")
        assert job.error == "ValueError"
        cured = True
        assert await retry(database.database_url, [job.id + 1]) == []
        assert await retry(database.database_url, None) == [job.id]
        await until(lambda: _all_done(owner))
    assert tried[1] == 4
    kept = json.dumps([dict(row) for row in await owner.fetch(_EVERYTHING)], default=str)
    assert "ValueError" in kept
    for text in (kept, capsys.readouterr().err, capsys.readouterr().out, caplog.text):
        assert "Mustermann" not in text


_EVERYTHING = "SELECT * FROM abokonto.pgqueuer_log"


@pytest.mark.parametrize(("error", "tries"), [(JobError("Not yet."), 3), (JobRefused("Never."), 1)])
async def test_what_is_refused_is_not_tried_again(
    error: JobError,
    tries: int,
    context: JobContext,
    database: Database,
    publisher: Publisher,
    owner: asyncpg.Connection,
    handle: Handle,
) -> None:
    tried = 0

    async def do(*_: object) -> None:
        nonlocal tried
        tried += 1
        raise error

    handle(do, attempts=3)
    await give(context, publisher, {})
    async with working(context):
        await until(lambda: _is(owner, "failed"))
    assert tried == tries
    assert [job.error for job in await listed(database.database_url, every=False)] == [str(error)]


async def test_pauses_grow_up_to_an_hour(settings: Settings, context: JobContext) -> None:
    patient = JobContext(
        **{**vars(context), "settings": settings.model_copy(update={"job_retry_seconds": 10})}
    )
    delays = [worker.Worker(patient)._delay(attempt).total_seconds() for attempt in range(12)]
    for attempt, delay in enumerate(delays):
        assert delay == pytest.approx(min(10 * 2**attempt, 3600), rel=0.11)


async def test_a_worker_that_is_told_to_stop_finishes_its_job(
    context: JobContext, publisher: Publisher, owner: asyncpg.Connection, handle: Handle
) -> None:
    begun, done = asyncio.Event(), []

    async def do(*_: object) -> None:
        begun.set()
        await asyncio.sleep(0.3)
        done.append(1)

    handle(do)
    await give(context, publisher, {})
    async with working(context):
        await begun.wait()
    assert done == [1]
    assert await left(owner) == []


async def test_a_job_that_takes_too_long_for_that_goes_back_into_the_queue(
    context: JobContext,
    publisher: Publisher,
    owner: asyncpg.Connection,
    handle: Handle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "_SHUTDOWN_SECONDS", 0.1)
    begun = asyncio.Event()

    async def hang(*_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    handle(hang)
    await give(context, publisher, {})
    async with working(context):
        await begun.wait()
    assert await left(owner) == ["queued"]


async def test_a_worker_goes_on_when_the_database_is_back(
    context: JobContext,
    statements: PostgresProxy,
    publisher: Publisher,
    handle: Handle,
) -> None:
    done = []

    async def do(_context: JobContext, _tenant: int, payload: Mapping[str, Any]) -> None:
        done.append(payload["mail"])

    handle(do)
    async with working(context):
        await give(context, publisher, {"mail": 1})
        await until(lambda: done == [1])
        await statements.stop()
        await statements.start()
        await give(context, publisher, {"mail": 2})
        # The first one is done again where its end could not be written down any more.
        await until(lambda: 2 in done)


async def test_each_tenant_has_its_job_once_however_many_workers_there_are(
    context: JobContext,
    settings: Settings,
    publisher: Publisher,
    owner: asyncpg.Connection,
    handle: Handle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    competitor = await Publisher.found(owner, httpx2.AsyncClient())
    done: Counter[int] = Counter()

    async def do(_context: JobContext, tenant_id: int, payload: Mapping[str, Any]) -> None:
        assert payload == {}
        done[tenant_id] += 1

    handle(do)
    monkeypatch.setattr(registry, "SCHEDULE", [])
    monkeypatch.setattr(worker, "SCHEDULE", registry.SCHEDULE)
    registry.every(KIND, lambda _settings: "0 0 1 1 *")
    async with working(context):
        await until(lambda: _scheduled(owner))
        await asyncio.sleep(0.2)
    assert not done
    await owner.execute(
        "UPDATE abokonto.pgqueuer_schedules SET next_run = now() - interval '1 day'"
        " WHERE entrypoint = $1",
        KIND.value,
    )
    async with context_of(settings) as other, working(context), working(other):
        await until(lambda: len(done) == 2)
        await asyncio.sleep(0.3)
    assert done == {publisher.tenant_id: 1, competitor.tenant_id: 1}


async def _scheduled(owner: asyncpg.Connection) -> bool:
    return bool(await owner.fetchval("SELECT count(*) = 2 FROM abokonto.pgqueuer_schedules"))


async def test_what_was_done_long_ago_is_forgotten(
    context: JobContext, publisher: Publisher, owner: asyncpg.Connection, handle: Handle
) -> None:
    async def do(*_: object) -> None:
        raise JobRefused("Never.")

    handle(do)
    await give(context, publisher, {})
    async with working(context):
        await until(lambda: _is(owner, "failed"))
    await owner.execute("UPDATE abokonto.pgqueuer_log SET created = created - interval '31 days'")
    await owner.execute(
        "INSERT INTO abokonto.pgqueuer_log (created, job_id, status, priority, entrypoint)"
        " VALUES (now() - interval '31 days', 0, 'successful', 0, 'mail.send'),"
        " (now() - interval '29 days', 0, 'successful', 0, 'mail.send')"
    )
    before = await owner.fetchval("SELECT count(*) FROM abokonto.pgqueuer_log")
    await owner.execute(
        "UPDATE abokonto.pgqueuer_schedules SET next_run = now() - interval '1 day'"
        " WHERE entrypoint = 'queue.forget'"
    )
    async with working(context):
        await until(lambda: _shrunk(owner, before))
    # What says why a job was given up stays as long as the job.
    assert await owner.fetchval("SELECT count(*) FROM abokonto.pgqueuer_log") == before - 1


async def _shrunk(owner: asyncpg.Connection, before: int) -> bool:
    return bool(await owner.fetchval("SELECT count(*) < $1 FROM abokonto.pgqueuer_log", before))


async def test_a_tenant_sees_and_makes_its_own_jobs_only(
    context: JobContext,
    publisher: Publisher,
    owner: asyncpg.Connection,
    application: asyncpg.Connection,
) -> None:
    competitor = await Publisher.found(owner, httpx2.AsyncClient())
    await give(context, publisher, {"mail": 1})
    await give(context, competitor, {"mail": 2})
    count = "SELECT count(*) FROM abokonto.pgqueuer"
    assert await application.fetchval(count) == 0
    await application.execute(
        "SELECT set_config('abokonto.tenant_id', $1, false)", str(publisher.tenant_id)
    )
    assert await application.fetchval(count) == 1
    assert await application.fetchval("SELECT count(*) FROM abokonto.pgqueuer_log") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await application.execute(
            "INSERT INTO abokonto.pgqueuer (priority, status, entrypoint, headers)"
            " VALUES (0, 'queued', 'mail.send', $1)",
            json.dumps({"tenant": str(competitor.tenant_id)}),
        )
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute(
            "INSERT INTO abokonto.pgqueuer (priority, status, entrypoint)"
            " VALUES (0, 'queued', 'mail.send')"
        )


async def test_the_migrations_make_the_tables_that_pgqueuer_expects(
    owner: asyncpg.Connection,
) -> None:
    plan = await queries(AsyncpgDriver(owner)).plan_upgrade()
    assert list(plan.statements) == []


def test_each_kind_of_job_has_its_handler() -> None:
    all_handlings()
    assert set(HANDLINGS) == set(JobKind)
