"""What operators do with jobs, in processes of their own."""

import asyncio
import signal
import subprocess
import sys

import asyncpg

from app.jobs.registry import JobContext
from app.settings import Settings
from tests.conftest import Database
from tests.jobs.conftest import give, left, until
from tests.publisher import Publisher
from tests.served import environment_of


async def run(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command that comes to its end."""
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "app.cli", *arguments],
        env=environment_of(settings),
        capture_output=True,
        text=True,
        check=False,
    )


async def test_what_was_given_up_is_listed_and_tried_again(
    context: JobContext, settings: Settings, publisher: Publisher, owner: asyncpg.Connection
) -> None:
    await give(context, publisher, {"mail": 1}, {"mail": 2})
    assert (await run(settings, "jobs", "list")).stdout == ""
    await owner.execute("UPDATE abokonto.pgqueuer SET status = 'failed' WHERE id = 1")
    listed = (await run(settings, "jobs", "list")).stdout
    assert listed.split()[:6] == [
        "1",
        "FAILED",
        "mail.send",
        "tenant",
        str(publisher.tenant_id),
        "attempts",
    ]
    assert len((await run(settings, "jobs", "list", "--all")).stdout.splitlines()) == 2
    refused = await run(settings, "jobs", "retry", "2")
    assert refused.returncode == 1
    assert "These are no jobs that were given up: 2." in refused.stderr
    assert await left(owner) == ["failed", "queued"]
    assert (await run(settings, "jobs", "retry", "1")).stdout == "Jobs queued again: 1\n"
    assert await left(owner) == ["queued", "queued"]


async def test_a_worker_without_a_server_ends_when_it_is_told_to(
    settings: Settings, database: Database
) -> None:
    process = subprocess.Popen(  # noqa: ASYNC220  It only starts here.
        [sys.executable, "-m", "app.cli", "work"],
        env=environment_of(settings),
        stderr=subprocess.DEVNULL,
    )
    superuser = await asyncpg.connect(database.superuser_url)
    listening = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'abokonto-jobs'"

    async def listens() -> bool:
        return bool(await superuser.fetchval(f"{listening} AND datname = $1", database.name))

    try:
        await until(listens)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 20) == 0
    finally:
        process.kill()
        await superuser.close()
