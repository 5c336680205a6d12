"""Doing jobs, and looking at them, from the command line."""

import asyncio
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.commands.database import application_url
from app.commands.errors import CommandError
from app.settings import Settings

if TYPE_CHECKING:
    from app.jobs.administration import QueuedJob


def work(settings: Settings) -> None:
    """Do jobs until told to stop.

    Raises:
        CommandError: the database is of another version.
    """
    from app.logs import configure_logs
    from app.migrations.current import is_current

    if not is_current(application_url(settings)):
        raise CommandError("The database is of another version: run `abokonto migrate` first.")
    configure_logs(settings.log_level)
    asyncio.run(_work(settings))


async def _work(settings: Settings) -> None:
    from app.encryption import Keyring
    from app.files.inspection import FileInspector
    from app.jobs.registry import JobContext
    from app.jobs.worker import Worker
    from app.mail import Mailer
    from app.storage import Storage
    from app.work.files import Staging
    from app.work.perform import Performer
    from app.writing import Writing

    writing, storage, keyring = (
        Writing(settings),
        Storage(settings),
        Keyring.from_settings(settings),
    )
    inspector = FileInspector(settings)
    staging = Staging(writing, storage, inspector, settings.unclaimed_file_seconds)
    performer = Performer(writing, keyring, storage, staging)
    mailer = Mailer(settings)
    worker = Worker(JobContext(settings, performer, writing, storage, keyring, mailer))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    writing.open()
    try:
        await worker.run()
    finally:
        await inspector.close()
        await writing.close()


def jobs(settings: Settings, *, every: bool) -> list[str]:
    """The jobs that were given up, or every one that is not done, each in a line."""
    from app.jobs.administration import listed

    found = asyncio.run(listed(application_url(settings), every=every))
    return [_described(job) for job in found]


def _described(job: "QueuedJob") -> str:
    due = f"{job.due:%Y-%m-%dT%H:%M:%SZ}"
    return (
        f"{job.id:>8}  {job.status:7}  {job.kind}  tenant {job.tenant}"
        f"  attempts {job.attempts}  due {due}  {job.error or ''}".rstrip()
    )


def retry(settings: Settings, ids: Sequence[int] | None) -> Sequence[int]:
    """Queue jobs again that were given up: these, or all.

    Raises:
        CommandError: one of them is none that was given up.
    """
    from app.jobs.administration import retry

    again = asyncio.run(retry(application_url(settings), ids))
    if missing := sorted(set(ids or ()) - set(again)):
        numbers = ", ".join(map(str, missing))
        raise CommandError(f"These are no jobs that were given up: {numbers}.")
    return again
