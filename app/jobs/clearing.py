"""Clears each night what nobody can sign in with any more."""

from collections.abc import Mapping
from typing import Any

import structlog

from app.jobs.registry import JobContext, every, handles
from app.work.clearing import clear_sign_ins
from app.work.jobs import JobKind

log = structlog.get_logger("abokonto.clearing")

every(JobKind.CLEAR_SIGN_INS, lambda _settings: "40 3 * * *")


@handles(JobKind.CLEAR_SIGN_INS)
async def clear(context: JobContext, tenant_id: int, _payload: Mapping[str, Any]) -> None:
    """Clear a tenant's ended sessions, tokens and invitations."""
    cleared = await clear_sign_ins(context.writing, tenant_id)
    if cleared:
        log.info("sign_ins_cleared", tenant=tenant_id, count=cleared)
