"""Removes from the object store what no row names.

Nothing that a running request still needs is removed: a file is swept when nobody can lay claim to
it any more; see `app/work/files.py`. Each step can be repeated, so a sweep that is interrupted is
finished by the next one, and two at once do no harm.
"""

import asyncio
import random
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.errors import ApiError
from app.models.file import file_key, thumbnail_key
from app.storage import Storage, StorageError
from app.writing import Writing

log = structlog.get_logger("abokonto.sweep")

_AT_ONCE = 100
_FIRST_SECONDS = 30
_EVERY_SECONDS = 600
_OURS = re.compile(r"[1-9][0-9]{0,8}/[0-9a-f]{32}([.]thumbnail)?", re.ASCII)
"""What our keys look like; nothing else in the bucket is touched."""

_EXPIRE = text("SELECT * FROM abokonto.expire_files(:most)")
_FORGET = text("SELECT abokonto.forget_files(:keys)")
_UNKNOWN = text("SELECT * FROM abokonto.unknown_files(:keys)")


class Sweep:
    """Sweeps for all tenants."""

    def __init__(self, writing: Writing, storage: Storage) -> None:
        self._writing = writing
        self._storage = storage

    async def expired(self) -> int:
        """Remove files whose action did not come, and files whose row was deleted.

        The number of files.

        Raises:
            StorageError: the store can't be reached; what it holds is swept the next time.
        """
        swept = 0
        while True:
            keys = await self._writing.upkeep(_EXPIRE, most=_AT_ONCE)
            if keys:
                await self._storage.delete(*(o for key in keys for o in (key, thumbnail_key(key))))
                await self._writing.upkeep(_FORGET, keys=keys)
                swept += len(keys)
            # Asking until none are left would never end where one can't be forgotten.
            if len(keys) < _AT_ONCE:
                return swept

    async def unknown(self, older_than: timedelta) -> int:
        """Look through the whole bucket, and remove files that the database never heard of.

        There are none, but after the database was restored from a backup, or where a request
        went on to store a file after it had been swept. Files younger than `older_than` are left
        alone. The number of objects.
        """
        swept = 0
        async for page in self._storage.pages():
            before = datetime.now(UTC) - older_than
            old = [o.key for o in page if o.stored_at < before and _OURS.fullmatch(o.key)]
            gone = await self._strangers(old)
            await self._storage.delete(*gone)
            swept += len(gone)
        return swept

    async def _strangers(self, keys: Iterable[str]) -> list[str]:
        objects = list(keys)
        asked = sorted({file_key(key) for key in objects})
        if not asked:
            return []
        unknown = set(await self._writing.upkeep(_UNKNOWN, keys=asked))
        return [key for key in objects if file_key(key) in unknown]

    async def again_and_again(self) -> None:
        """Sweep soon and then every ten minutes, until cancelled."""
        # Workers that were started together need not sweep together.
        await asyncio.sleep(_FIRST_SECONDS * _some())
        while True:
            try:
                if swept := await self.expired():
                    log.info("files_swept", count=swept)
            except (StorageError, SQLAlchemyError, ApiError, OSError) as error:
                log.warning("sweep_failed", kind=type(error).__name__)
            await asyncio.sleep(_EVERY_SECONDS * _some())


def _some() -> float:
    return random.uniform(0.8, 1.2)  # noqa: S311  It is no secret.
