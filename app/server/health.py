"""Whether the process is alive, and whether it can do its work."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import structlog
from starlette.types import Receive, Scope, Send

from app.server.faults import describe
from app.server.http import send_json

log = structlog.get_logger("abokonto.health")

Check = Callable[[], Awaitable[None]]
"""Returns when what it looks at works, and raises when it doesn't."""

_CHECK_SECONDS = 3.0
_KEPT_SECONDS = 1.0


class Liveness:
    """The process answers; that says nothing of what it depends on."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer 200."""
        await send_json(send, 200, {"status": "ok"})


class Readiness:
    """Looks at all that the application depends on.

    Anyone may ask, so an answer is kept for a second and asking more often costs nothing.
    """

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._lock = asyncio.Lock()
        self._until = 0.0
        self._results: dict[str, str] = {}

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer 200 when everything works, else 503, with each check's outcome."""
        async with self._lock:
            if time.monotonic() >= self._until:
                outcomes = await asyncio.gather(
                    *(self._look(name, check) for name, check in self._checks.items())
                )
                self._results = dict(zip(self._checks, outcomes, strict=True))
                self._until = time.monotonic() + _KEPT_SECONDS
            results = dict(self._results)
        ready = all(outcome == "ok" for outcome in results.values())
        status = "ok" if ready else "unavailable"
        await send_json(send, 200 if ready else 503, {"status": status, "checks": results})

    async def _look(self, name: str, check: Check) -> str:
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                await check()
        except Exception as error:  # noqa: BLE001  Any failure means that it isn't ready.
            log.warning("not ready", check=name, error=describe(error))
            return "failed"
        return "ok"
