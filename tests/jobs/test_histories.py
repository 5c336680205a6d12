"""Histories are sealed each day, as far as they are whole."""

from typing import Any

import asyncpg
import pytest

from app.jobs.histories import seal_history
from app.jobs.registry import SCHEDULE, JobContext, JobRefused
from app.models import History
from app.work.jobs import JobKind
from tests.publisher import Publisher


async def seals(publisher: Publisher) -> list[Any]:
    """How far the history was sealed, each time."""
    rows = await publisher.owner.fetch("SELECT position FROM history_seal ORDER BY id")
    return [row["position"] for row in rows]


async def test_each_day_seals_what_was_added(
    context: JobContext, publisher: Publisher, owner: asyncpg.Connection
) -> None:
    assert JobKind.SEAL_HISTORY in [scheduled.kind for scheduled in SCHEDULE]
    for _ in range(2):
        await publisher.make(History)
        await seal_history(context, publisher.tenant_id, {})
    await seal_history(context, publisher.tenant_id, {})
    assert await seals(publisher) == [1, 2]
    await publisher.make(History)
    async with owner.transaction():
        await owner.execute("SET LOCAL abokonto.erasure = 'on'")
        await owner.execute("DELETE FROM history WHERE position = 2")
    with pytest.raises(JobRefused, match=r"1 faults, the first is ANCHOR_MISMATCH at 2\.$"):
        await seal_history(context, publisher.tenant_id, {})
    assert await seals(publisher) == [1, 2]
