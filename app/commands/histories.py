"""Verifying histories from the command line."""

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from app.commands.database import application_url
from app.commands.errors import CommandError
from app.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

    from app.work.verification import Verification, Wanted
    from app.writing import Writing


class Told(NamedTuple):
    """What came of it, in words."""

    anchor: str
    summary: str
    faults: list[str]


def verify(
    settings: Settings,
    tenant: str,
    *,
    first: int,
    last: int | None,
    expect: str | None,
    console: "Console",
) -> Told:
    """Verify a tenant's history.

    Raises:
        CommandError: there is no such tenant, the anchor is none, or the database is of another
            version.
    """
    from app.migrations.current import is_current
    from app.work.verification import Wanted

    if last is not None and last < first:
        raise CommandError("--until is before --from.")
    try:
        wanted = Wanted.of(first, last, expect)
    except ValueError as error:
        raise CommandError("An anchor is POSITION:HASH.") from error
    if not is_current(application_url(settings)):
        raise CommandError("The database is of another version: run `abokonto migrate` first.")
    return _told(asyncio.run(_verify(settings, tenant, wanted, console)))


async def _verify(
    settings: Settings, tenant: str, wanted: "Wanted", console: "Console"
) -> "Verification":
    from app.encryption import Keyring
    from app.work.verification import fetching, verify
    from app.writing import Writing

    writing = Writing(settings)
    writing.open()
    try:
        key = await _tenant(writing, tenant)
        done = 0
        with console.status("Verifying") as status:

            def watch(entries: int) -> None:
                nonlocal done
                done += entries
                status.update(f"Verifying: {done:,} entries")

            async with writing.system_transaction(key) as transaction:
                return await verify(
                    fetching(transaction), Keyring.from_settings(settings), key, wanted, watch
                )
    finally:
        await writing.close()


async def _tenant(writing: "Writing", slug: str) -> int:
    from sqlalchemy import text

    for key in await writing.upkeep(text("SELECT abokonto.all_tenants()")):
        async with writing.system_transaction(key) as transaction:
            if await transaction.session.scalar(text("SELECT slug FROM tenant")) == slug:
                return int(key)
    raise CommandError(f"There is no tenant {slug}.")


def _told(verified: "Verification") -> Told:
    faults = list(map(str, verified.faults))
    if verified.fault_count > len(faults):
        faults.append(f"... and {verified.fault_count - len(faults):,} more.")
    sealed = "none of them sealed"
    if verified.seal is not None:
        sealed = (
            f"sealed up to {verified.seal.position:,} on {verified.seal.sealed_at:%Y-%m-%d %H:%M}Z"
        )
    state = "is whole" if not faults else "is NOT whole"
    return Told(
        str(verified.anchor),
        f"The history {state}: {verified.entries:,} entries, "
        f"{verified.anonymised:,} of them anonymised, {sealed}.",
        faults,
    )
