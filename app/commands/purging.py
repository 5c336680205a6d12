"""Removing from the command line what retention has released."""

import asyncio
import json
from collections.abc import Mapping
from datetime import date

from app.commands.database import application_url
from app.commands.errors import CommandError
from app.settings import Settings


def purge(settings: Settings, tenant: str | None, until: date | None) -> str:
    """Purge the data of all tenants or of one, and then the files; what was done, as JSON.

    Raises:
        CommandError: there is no such tenant, the day lies ahead, or the database is of another
            version.
    """
    from app.migrations.current import is_current

    if not is_current(application_url(settings)):
        raise CommandError("The database is of another version: run `abokonto migrate` first.")
    return json.dumps(asyncio.run(_purge(settings, tenant, until)), indent=2)


async def _purge(
    settings: Settings, tenant: str | None, until: date | None
) -> Mapping[str, Mapping[str, int]]:
    from app.encryption import Keyring
    from app.files.inspection import FileInspector
    from app.jobs.renewals import DailyRun
    from app.storage import Storage
    from app.work.files import Staging
    from app.work.perform import Performer
    from app.work.purge import purge_expired
    from app.work.sweep import Sweep
    from app.writing import Writing

    writing, storage, inspector = Writing(settings), Storage(settings), FileInspector(settings)
    staging = Staging(writing, storage, inspector, settings.unclaimed_file_seconds)
    performer = Performer(writing, Keyring.from_settings(settings), storage, staging)
    writing.open()
    try:
        tenants = await DailyRun(performer, writing).tenants()
        wanted = [one for one in tenants if tenant in (None, one.slug)]
        if tenant is not None and not wanted:
            raise CommandError(f"There is no tenant {tenant}.")
        if any(until is not None and until > one.today for one in wanted):
            raise CommandError("This day lies ahead: what is kept until then has to be kept.")
        done = {one.slug: await purge_expired(performer, one.tenant_id, until) for one in wanted}
        await Sweep(writing, storage).expired()
        return done
    finally:
        await inspector.close()
        await writing.close()
