"""What becomes of an export: it is begun, made, given up, and forgotten after its time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from app.models import Customer, Export, File
from app.models.base import longest
from app.models.export import ExportStatus, ExportStep
from app.models.file import FilePurpose
from app.work.action import routine
from app.work.batch import Batch
from app.work.shelf import Stored, claim
from app.work.unit import Work
from app.writing import Writing

ABANDONED = "It was interrupted, and nobody went on with it."

_ABANDONED_AFTER = timedelta(days=1)
"""A job is tried for less than an hour, so by then there is none any more."""

_ANONYMIZED = "The customer was anonymised meanwhile."
_OPEN = (ExportStatus.QUEUED, ExportStatus.RUNNING)
_AT_ONCE = 100


@dataclass(frozen=True)
class Made:
    """A package that is stored, and waits to be named."""

    export: int
    package: Stored
    days: int


@dataclass(frozen=True)
class Failure:
    """An export that can't be made."""

    export: int
    reason: str


@routine(history="export.begun")
async def begun(work: Work, key: int) -> Export | None:
    """Begin with an export, or once more after a worker ended: None where it is done."""
    export = await work.lock_key(Export, key)
    if export is None or export.status not in _OPEN:
        return None
    if await _is_anonymized(work, export):
        _fail(work, export, _ANONYMIZED)
    else:
        export.status, export.step, export.percent = ExportStatus.RUNNING.value, None, 0
    return export


@routine(history="export.made")
async def made(work: Work, result: Made) -> Export | None:
    """Let an export's package be downloaded, unless somebody else was faster."""
    export = await work.lock_key(Export, result.export)
    if export is None or export.status != ExportStatus.RUNNING:
        return None
    if await _is_anonymized(work, export):
        _fail(work, export, _ANONYMIZED)
        return export
    [file] = await claim(work, export.customer_id, [result.package], FilePurpose.EXPORT)
    export.status, export.step, export.percent = ExportStatus.READY.value, None, 100
    export.file_id, export.size_bytes = file.id, file.size_bytes
    export.finished_at = work.now
    export.expires_at = work.now + timedelta(days=result.days)
    return export


@routine(history="export.failed")
async def failed(work: Work, failure: Failure) -> Export | None:
    """Write down why an export can't be made."""
    export = await work.lock_key(Export, failure.export)
    if export is None or export.status not in _OPEN:
        return None
    _fail(work, export, failure.reason)
    return export


@routine(history="export.expired")
async def expired(work: Work, key: int) -> Export | None:
    """Forget an export's package, whose time is over; the sweep removes it from the store."""
    export = await work.lock_key(Export, key)
    if export is None or export.status != ExportStatus.READY or export.expires_at is None:
        return None
    if export.expires_at > work.now:
        return None
    file = await work.session.get_one(File, (work.tenant_id, export.file_id))
    export.status, export.file_id = ExportStatus.EXPIRED.value, None
    await work.flush()
    await work.remove(file)
    return export


async def past_their_time(batch: Batch, _nothing: None) -> tuple[Sequence[int], Sequence[int]]:
    """The exports whose time is over, and those that nobody makes any more."""
    mine = select(Export.id).where(Export.tenant_id == batch.tenant_id).limit(_AT_ONCE)
    over = mine.where(Export.status == ExportStatus.READY.value, Export.expires_at <= batch.now)
    abandoned = mine.where(
        Export.status.in_([status.value for status in _OPEN]),
        Export.changed_at < batch.now - _ABANDONED_AFTER,
    )
    session = batch.session
    return (await session.scalars(over)).all(), (await session.scalars(abandoned)).all()


async def advance(
    writing: Writing, tenant_id: int, key: int, step: ExportStep, percent: int
) -> bool:
    """Let people see how far an export is; the history needs not know. Whether it still runs."""
    running = Export.status == ExportStatus.RUNNING.value
    which = update(Export).where(Export.tenant_id == tenant_id, Export.id == key, running)
    shown = which.values(step=step.value, percent=percent).returning(Export.id)
    async with writing.system_transaction(tenant_id) as transaction:
        return await transaction.session.scalar(shown) is not None


async def _is_anonymized(work: Work, export: Export) -> bool:
    customer = await work.session.get_one(Customer, (work.tenant_id, export.customer_id))
    return customer.anonymized_at is not None


def _fail(work: Work, export: Export, reason: str) -> None:
    export.status, export.step = ExportStatus.FAILED.value, None
    export.error = reason[: longest(Export.error)]
    export.finished_at = work.now
