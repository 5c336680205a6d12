"""Seals the history of each tenant, once a day."""

from collections.abc import Mapping
from typing import Any

import structlog

from app.jobs.registry import JobContext, JobRefused, every, handles
from app.work.jobs import JobKind
from app.work.verification import seal

log = structlog.get_logger("abokonto.history")

every(JobKind.SEAL_HISTORY, lambda _settings: "40 3 * * *")


@handles(JobKind.SEAL_HISTORY)
async def seal_history(context: JobContext, tenant_id: int, _payload: Mapping[str, Any]) -> None:
    """Verify what was added to a tenant's history since its last seal, and seal it.

    What is wrong stays unsealed, and the job among those that were given up.
    """
    async with context.writing.system_transaction(tenant_id) as transaction:
        verified = await seal(transaction, context.keyring)
    if verified.fault_count:
        first = verified.faults[0]
        log.error(
            "history_broken",
            tenant=tenant_id,
            faults=verified.fault_count,
            kind=first.kind.value,
            position=first.position,
        )
        raise JobRefused(
            f"The history is not whole: {verified.fault_count} faults, the first is {first}."
        )
    log.info("history_sealed", tenant=tenant_id, entries=verified.entries)
