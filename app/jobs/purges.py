"""Removes each night what retention has released."""

from collections.abc import Mapping
from typing import Any

import structlog

from app.jobs.registry import JobContext, every, handles
from app.work.jobs import JobKind
from app.work.purge import purge_expired

log = structlog.get_logger("abokonto.purge")

every(JobKind.PURGE, lambda _settings: "20 4 * * *")


@handles(JobKind.PURGE)
async def purge(context: JobContext, tenant_id: int, _payload: Mapping[str, Any]) -> None:
    """Purge a tenant's data."""
    purged = await purge_expired(context.performer, tenant_id)
    if purged:
        log.info("expired_purged", tenant=tenant_id, **purged)
