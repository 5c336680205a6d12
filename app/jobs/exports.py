"""Makes the packages of exports, and forgets them after their time."""

import asyncio
from collections.abc import Mapping
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast

import structlog
from sqlalchemy import select

from app.domain.files.sealed import Sealing, export_place
from app.errors import ApiError
from app.exports import states
from app.exports.making import ExportEnded, ExportError, Maker
from app.exports.states import Failure, Made
from app.jobs.registry import JobContext, JobError, JobRefused, every, handles
from app.models import Customer, Export
from app.models.export import ExportStatus, ExportStep
from app.storage import StorageError
from app.work.jobs import JobKind
from app.work.shelf import Stored

log = structlog.get_logger("abokonto.exports")

_TYPE = "application/zip"
_STORED_AS = "application/octet-stream"

every(JobKind.EXPIRE_EXPORTS, lambda _settings: "23 * * * *")


async def _give_up(
    context: JobContext, tenant_id: int, payload: Mapping[str, Any], reason: str
) -> None:
    await context.performer.run(states.failed, Failure(payload["export"], reason), tenant_id)


@handles(JobKind.EXPORT_CUSTOMER, attempts=8, given_up=_give_up)
async def export(context: JobContext, tenant_id: int, payload: Mapping[str, Any]) -> None:
    """Make an export's package, unless that was done.

    A worker may end anywhere: what it wrote is gone with it or swept, and the next one begins
    anew. An export is READY in the transaction that names its whole and stored package.
    """
    key = payload["export"]
    if await context.performer.run(states.begun, key, tenant_id) is None:
        return
    try:
        with TemporaryFile() as package:
            await _make(context, tenant_id, key, package)
    except ExportEnded:
        log.info("export_not_wanted", tenant=tenant_id, export=key)
    except ExportError as error:
        raise JobRefused(str(error)) from error
    except StorageError as error:
        if await _running(context, tenant_id, key) is None:
            # What it looked for was erased with the account.
            return
        raise JobError("The object store could not be reached, or lacks a file.") from error
    except ApiError as error:
        raise JobError("The object store or the database could not be reached.") from error


async def _make(context: JobContext, tenant_id: int, key: int, package: BinaryIO) -> None:
    found = await _running(context, tenant_id, key)
    if found is None:
        return
    customer_id, number = found
    sealing = Sealing(package, context.keyring, export_place(tenant_id, key))
    maker = Maker(context.writing, context.storage, context.keyring, tenant_id)
    progress = _Progress(context, tenant_id, key)
    await maker.make(customer_id, cast("BinaryIO", sealing), progress)
    sealing.finish()
    if await _running(context, tenant_id, key) is None:
        raise ExportEnded
    name = f"Kundendaten {number}.zip"
    await _store(context, tenant_id, key, package, (name, sealing.size, sealing.sha256))


async def _store(
    context: JobContext,
    tenant_id: int,
    key: int,
    package: BinaryIO,
    said: tuple[str, int, str],
) -> None:
    """Store a package under a key that the sweep knows of, and name it."""

    def begin() -> Any:
        return context.writing.system_transaction(tenant_id)

    name, size, digest = said
    shelf = context.shelf
    keys = await shelf.announce(1, begin)
    try:
        await asyncio.to_thread(package.seek, 0)
        await context.storage.put_parts(keys[0], package, _STORED_AS)
        stored = Stored(keys[0], name, _TYPE, size, digest)
        result = Made(key, stored, context.settings.export_days)
        await context.performer.run(states.made, result, tenant_id)
    finally:
        await shelf.take_back(keys, begin)


async def _running(context: JobContext, tenant_id: int, key: int) -> tuple[int, str] | None:
    """Whose export it is, the customer's key and number; None where it does not run any more."""
    wanted = (
        select(Customer.id, Customer.number)
        .join(
            Export,
            (Export.tenant_id == Customer.tenant_id) & (Export.customer_id == Customer.id),
        )
        .where(
            Export.tenant_id == tenant_id,
            Export.id == key,
            Export.status == ExportStatus.RUNNING.value,
        )
    )
    async with context.writing.system_transaction(tenant_id) as transaction:
        row = (await transaction.session.execute(wanted)).one_or_none()
    return None if row is None else (row.id, row.number)


class _Progress:
    """Lets people see how far an export is; where that can't be done, it goes on without."""

    def __init__(self, context: JobContext, tenant_id: int, key: int) -> None:
        self._context = context
        self._of = (tenant_id, key)
        self._seen: tuple[ExportStep, int] | None = None

    async def __call__(self, step: ExportStep, percent: int) -> None:
        """Take down how far it is.

        Raises:
            ExportEnded: It does not run any more.
        """
        if (step, percent) == self._seen:
            return
        self._seen = (step, percent)
        try:
            runs = await states.advance(self._context.writing, *self._of, step, percent)
        except ApiError:
            log.info("export_progress_unseen", tenant=self._of[0], export=self._of[1])
            return
        if not runs:
            raise ExportEnded


@handles(JobKind.EXPIRE_EXPORTS)
async def expire(context: JobContext, tenant_id: int, _payload: Mapping[str, Any]) -> None:
    """Forget packages whose time is over, and give up what nobody makes any more."""
    performer = context.performer
    while True:
        over, abandoned = await performer.run_batch(states.past_their_time, None, tenant_id)
        for key in over:
            await performer.run(states.expired, key, tenant_id)
        for key in abandoned:
            await performer.run(states.failed, Failure(key, states.ABANDONED), tenant_id)
        if not over and not abandoned:
            return
