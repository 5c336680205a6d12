"""Sweeping the object store from the command line."""

import asyncio
from datetime import timedelta

from app.commands.database import application_url
from app.commands.errors import CommandError
from app.settings import Settings


def sweep(settings: Settings, *, whole_bucket: bool) -> int:
    """Remove what no row needs, and say how many files that were.

    Raises:
        CommandError: when the object store can't be reached.
    """
    from app.storage import StorageError

    application_url(settings)
    try:
        return asyncio.run(_sweep(settings, whole_bucket=whole_bucket))
    except StorageError as error:
        raise CommandError(f"The object store can't be used: {error.__cause__}") from error


async def _sweep(settings: Settings, *, whole_bucket: bool) -> int:
    from app.storage import Storage
    from app.work.sweep import Sweep
    from app.writing import Writing

    writing = Writing(settings)
    writing.open()
    try:
        sweep = Sweep(writing, Storage(settings))
        swept = await sweep.expired()
        if whole_bucket:
            swept += await sweep.unknown(timedelta(seconds=settings.unclaimed_file_seconds))
        return swept
    finally:
        await writing.close()
