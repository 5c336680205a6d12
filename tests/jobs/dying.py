"""A process with a worker whose exports each come to a halt at another point; for a test that kills
it. It says which export has come to which.
"""

import asyncio
import sys
from typing import Any, BinaryIO

from app.exports import states
from app.jobs.registry import all_handlings
from app.jobs.worker import Worker
from app.models.export import ExportStep
from app.settings import settings
from app.storage import Storage
from tests.jobs.conftest import context_of

HALTED = "halted: "
STORED = "STORED"
POINTS = (*ExportStep, STORED)
"""In which step an export is, or that its package is in the store and no row names it yet."""


async def halt(point: str) -> None:
    """Say where it is, and stay there."""
    sys.stdout.write(f"{HALTED}{point}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def main() -> None:
    """Work until killed."""
    all_handlings()
    advance, put_parts = states.advance, Storage.put_parts
    points: dict[int, str] = {}
    waiting = [*POINTS]

    async def advancing(*given: Any) -> bool:
        _writing, _tenant_id, key, step, _percent = given
        told = await advance(*given)
        if key not in points:
            points[key] = waiting.pop()
        if points[key] == step:
            await halt(step)
        return told

    async def putting(storage: Storage, key: str, file: BinaryIO, content_type: str) -> None:
        await put_parts(storage, key, file, content_type)
        await halt(STORED)

    states.advance = advancing  # type: ignore[assignment]  # For good: nothing else runs here.
    Storage.put_parts = putting  # type: ignore[assignment,method-assign]  # As above.
    async with context_of(settings()) as context:
        await Worker(context, poll_seconds=0.1).run()


if __name__ == "__main__":
    asyncio.run(main())
