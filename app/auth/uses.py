"""When tokens were used last, and from where.

Reads can't write, and nobody should wait for it: uses are gathered, and written down together every
now and then. A session's idle time is counted from what was written down.
"""

import asyncio
import time

import structlog
from sqlalchemy import ARRAY, Double, LargeBinary, bindparam, text
from sqlalchemy.dialects.postgresql import INET

from app.database import Credentials
from app.writing import Writing

log = structlog.get_logger("abokonto.uses")

SECONDS_BETWEEN = 30.0
MOST_NOTED = 50_000
"""How many tokens' uses wait to be written down; those of others are seen the next time."""

_NOTE = text("SELECT abokonto.note_uses(:hashes, :clients, :ages)").bindparams(
    bindparam("hashes", type_=ARRAY(LargeBinary)),
    bindparam("clients", type_=ARRAY(INET)),
    bindparam("ages", type_=ARRAY(Double)),
)


class Uses:
    """Gathers a worker's uses of tokens."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._noted: dict[bytes, tuple[Credentials, float]] = {}

    def note(self, credentials: Credentials) -> None:
        """Note that a token was used now."""
        if credentials in self._noted or len(self._noted) < MOST_NOTED:
            self._noted[credentials] = (credentials, time.monotonic())

    async def again_and_again(self) -> None:
        """Write down what was noted, until cancelled."""
        while True:
            await asyncio.sleep(SECONDS_BETWEEN)
            await self.write_down()

    async def write_down(self) -> None:
        """Write down what was noted since the last time; what fails is lost, and that is told."""
        noted, self._noted = list(self._noted.values()), {}
        if not noted:
            return
        now = time.monotonic()
        try:
            await self._writing.upkeep(
                _NOTE,
                hashes=[bytes(credentials) for credentials, _ in noted],
                clients=[credentials.address for credentials, _ in noted],
                ages=[now - at for _, at in noted],
            )
        except Exception as error:  # noqa: BLE001  Whatever it is, the next time is tried.
            log.warning("uses_lost", kind=type(error).__name__, count=len(noted))
