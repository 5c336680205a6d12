"""Makes one account of two, or says why not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.actions.merging import AT_ITS_TIME, UNDER_WAY, ask_both
from app.actions.uniting import unite
from app.errors import ApiError, Refused
from app.jobs.registry import JobContext, JobError, handles
from app.models import CustomerMerge
from app.models.base import longest
from app.models.customer_merge import MERGED, MergeField, MergeStatus
from app.work.action import routine
from app.work.jobs import JobKind
from app.work.unit import Work


@dataclass(frozen=True)
class Failure:
    """A merge that can't be done: what stands against it, by codes where they are known."""

    merge: int
    error: str
    refusals: Sequence[str] = ()


async def _give_up(
    context: JobContext, tenant_id: int, payload: Mapping[str, Any], reason: str
) -> None:
    await context.performer.run(failed, Failure(payload["customermerge"], reason), tenant_id)


@handles(JobKind.MERGE_CUSTOMERS, attempts=8, given_up=_give_up)
async def merge(context: JobContext, tenant_id: int, payload: Mapping[str, Any]) -> None:
    """Do a merge, unless that was done.

    It is one transaction, so a worker that ends leaves two accounts or one, and nothing between.
    """
    key, performer = payload["customermerge"], context.performer
    try:
        if await performer.run(begun, key, tenant_id) is not None:
            await performer.run(merged, key, tenant_id)
    except Refused as refused:
        await performer.run(failed, _failure(key, refused), tenant_id)
    except ApiError as error:
        raise JobError("One of both was being changed by others all the time.") from error


def _failure(key: int, refused: Refused) -> Failure:
    codes = dict.fromkeys(refusal.code.value for refusal in refused.refusals)
    said = dict.fromkeys(refusal.message for refusal in refused.refusals)
    return Failure(key, " ".join(said), list(codes))


@routine(history="customer.merge_begun")
async def begun(work: Work, key: int) -> CustomerMerge | None:
    """Begin with a merge, or once more after a worker ended: None where it is done."""
    merge = await _open(work, key)
    if merge is not None:
        merge.status = MergeStatus.RUNNING.value
    return merge


@routine(history=MERGED, diary=True)
async def merged(work: Work, key: int) -> CustomerMerge | None:
    """Do a merge, unless somebody else was faster.

    Raises:
        Refused: What has come to stand against it since it was ordered.
    """
    wanted = select(CustomerMerge.customer_id, CustomerMerge.duplicate_id, CustomerMerge.take)
    mine = (CustomerMerge.tenant_id == work.tenant_id, CustomerMerge.id == key)
    found = (await work.session.execute(wanted.where(*mine))).one_or_none()
    if found is None or found.duplicate_id is None:
        return None
    keys = (found.customer_id, found.duplicate_id)
    take = [MergeField(name) for name in found.take]
    asked = await ask_both(work, keys, take, AT_ITS_TIME)
    merge = await _open(work, key)
    if merge is None:
        return None
    if asked.pair is None or asked.refusals:
        raise Refused.because(asked.refusals)
    await unite(work, merge, asked.pair)
    return merge


@routine(history="customer.merge_failed")
async def failed(work: Work, failure: Failure) -> CustomerMerge | None:
    """Write down why a merge can't be done."""
    merge = await _open(work, failure.merge)
    if merge is None:
        return None
    merge.status = MergeStatus.FAILED.value
    merge.refusals = [*failure.refusals]
    merge.error = failure.error[: longest(CustomerMerge.error)]
    merge.finished_at = work.now
    return merge


async def _open(work: Work, key: int) -> CustomerMerge | None:
    """Lock a merge that is under way; None where it is none."""
    merge = await work.lock_key(CustomerMerge, key)
    return merge if merge is not None and merge.status in UNDER_WAY else None
