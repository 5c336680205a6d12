"""A process with a worker that begins a job and never ends it; for tests that kill it."""

import asyncio
import sys
from collections.abc import Mapping
from typing import Any

from app.jobs.registry import HANDLINGS, Handling, JobContext, all_handlings
from app.jobs.worker import Worker
from app.settings import settings
from tests.jobs.conftest import KIND, context_of


async def hang(_context: JobContext, _tenant_id: int, _payload: Mapping[str, Any]) -> None:
    """Say that the job was begun, and do nothing."""
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def give_nothing_up(*_: object) -> None:
    """Nothing to do."""


async def main() -> None:
    """Work until killed."""
    all_handlings()
    HANDLINGS[KIND] = Handling(hang, 12, give_nothing_up, lambda _context: True)
    async with context_of(settings()) as context:
        await Worker(context, poll_seconds=0.1).run()


if __name__ == "__main__":
    asyncio.run(main())
