"""Looks whether the client still waits for its answer."""

import asyncio

from starlette.types import Receive

from app.server.http import ClientDisconnected

_FIRST_CHECK_SECONDS = 0.5


class Watch:
    """Cancels the work on an answer when its client goes away.

    Looking costs a task, so it begins only once the work has taken a while.
    """

    def __init__(
        self, receive: Receive, *, enabled: bool = True, after: float = _FIRST_CHECK_SECONDS
    ) -> None:
        self._receive = receive
        self._enabled = enabled
        self._after = after
        self._watcher: asyncio.Task[None] | None = None
        self._gone = False

    def __enter__(self) -> None:
        if self._enabled:
            self._work = asyncio.current_task()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._after, self._begin)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self._enabled:
            return
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if self._gone and kind is asyncio.CancelledError and self._work is not None:
            self._work.uncancel()
            raise ClientDisconnected

    def _begin(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._work is not None:
            self._work.cancel()
