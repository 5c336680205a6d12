"""A worker that is killed while it makes exports, each of them in another step."""

import asyncio
import os
import signal
import subprocess
import sys

import asyncpg
import httpx2
import pytest

from app.jobs.registry import JobContext
from app.storage import Storage
from app.work.sweep import Sweep
from tests import exports
from tests.jobs.conftest import until, working
from tests.jobs.dying import HALTED, POINTS
from tests.publisher import Publisher
from tests.served import environment_of


@pytest.fixture
async def publisher(owner: asyncpg.Connection, client: httpx2.AsyncClient) -> Publisher:
    """A publisher whose exports are ordered and seen over HTTP."""
    return await Publisher.found(owner, client)


async def _stored(bucket: Storage, tenant_id: int) -> set[str]:
    return {
        one.key
        async for page in bucket.pages()
        for one in page
        if one.key.startswith(f"{tenant_id}/")
    }


async def _killed_in_each_step(context: JobContext) -> None:
    """Let a process make exports until each is where it is to be killed, and kill it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.jobs.dying"),
        env=environment_of(context.settings, jobs_at_once=10, job_lost_seconds=0.5),
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            halted: list[str] = []
            while len(halted) < len(POINTS):
                line = (await process.stdout.readline()).decode()
                assert line, "It ended by itself."
                # Whatever else it says is its log.
                halted += [line.removeprefix(HALTED).strip()] if line.startswith(HALTED) else []
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    assert sorted(halted) == sorted(POINTS)


async def test_another_worker_makes_each_of_them_once(
    context: JobContext, publisher: Publisher, client: httpx2.AsyncClient
) -> None:
    bucket, tenant_id, keys = context.storage, publisher.tenant_id, []
    # Tests with databases of their own share the bucket, and their first tenants have one number.
    others = await _stored(bucket, tenant_id)
    for _ in POINTS:
        customer = await publisher.customer()
        await exports.stored_file(publisher, bucket, customer, b"%d" % customer, "a.pdf")
        keys.append(await exports.order(publisher, customer))
    before = await _stored(bucket, tenant_id)
    await _killed_in_each_step(context)
    assert len(await _stored(bucket, tenant_id) - before) == 1, "One was stored, and is nobody's."
    ready = "SELECT count(*) = $2 FROM data_export WHERE tenant_id = $1 AND status = 'READY'"

    def are_ready() -> object:
        return publisher.owner.fetchval(ready, tenant_id, len(POINTS))

    async with working(context):
        await until(are_ready)
    await publisher.owner.execute("UPDATE unclaimed_file SET expires_at = now()")
    await Sweep(context.writing, bucket).expired()
    rows = await publisher.owner.fetch("SELECT key FROM file WHERE tenant_id = $1", tenant_id)
    assert await _stored(bucket, tenant_id) - others == {row["key"] for row in rows}
    assert len(rows) == 2 * len(POINTS)
    for key in keys:
        exports.verify(await exports.downloaded(client, await exports.seen(publisher, key)))
