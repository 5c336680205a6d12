"""Objects that the store holds before a row names them; see `app/work/files.py` for why."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import delete, func, insert, literal, update
from sqlalchemy.exc import DBAPIError

from app.errors import UNAVAILABLE, ApiError, ErrorCode
from app.models import File, UnclaimedFile
from app.models.file import FilePurpose, thumbnail_key
from app.storage import Storage, StorageError
from app.writing import Transaction, Writing

if TYPE_CHECKING:
    from app.work.unit import Work

log = structlog.get_logger("abokonto.files")

_KEY_BYTES = 16

Begin = Callable[[], AbstractAsyncContextManager[Transaction]]
"""Begins a transaction for the tenant that the objects belong to."""


@dataclass(frozen=True)
class Stored:
    """What the row of a stored object will say of it."""

    key: str
    name: str
    content_type: str
    size_bytes: int
    sha256: str
    has_thumbnail: bool = False


@dataclass(frozen=True)
class Produced:
    """A file that the system made itself, so that nobody has to check it."""

    name: str
    content_type: str
    content: bytes


class Shelf:
    """Puts objects into the store, and takes back those that nobody laid claim to."""

    def __init__(self, writing: Writing, storage: Storage, seconds: float) -> None:
        self._writing = writing
        self._storage = storage
        self._claim_within = timedelta(seconds=seconds)

    @asynccontextmanager
    async def produced(
        self, files: Sequence[Produced], tenant_id: int
    ) -> AsyncIterator[list[Stored]]:
        """Files of a tenant, stored for as long as the block runs, and on if they are claimed.

        Raises:
            ApiError: UNAVAILABLE when the store doesn't take them.
        """

        def begin() -> AbstractAsyncContextManager[Transaction]:
            return self._writing.system_transaction(tenant_id)

        keys = await self.announce(len(files), begin)
        try:
            await self.put(
                [
                    (key, file.content, file.content_type)
                    for key, file in zip(keys, files, strict=True)
                ]
            )
            yield [_stored(key, file) for key, file in zip(keys, files, strict=True)]
        finally:
            await self.take_back(keys, begin)

    async def announce(self, count: int, begin: Begin) -> list[str]:
        """Write down what the store is about to hold: a key for each."""
        async with begin() as transaction:
            tenant_id = transaction.principal.tenant_id
            keys = [f"{tenant_id}/{secrets.token_hex(_KEY_BYTES)}" for _ in range(count)]
            expires_at = func.clock_timestamp() + literal(self._claim_within)
            await transaction.session.execute(
                insert(UnclaimedFile).values(
                    [{"tenant_id": tenant_id, "key": k, "expires_at": expires_at} for k in keys]
                )
            )
        return keys

    async def put(self, objects: Sequence[tuple[str, bytes, str]]) -> None:
        """Send everything to the store, and wait for all of it, also where some fails.

        Raises:
            ApiError: UNAVAILABLE when the store doesn't take it.
        """
        puts = [self._storage.put(*one) for one in objects]
        for outcome in await asyncio.gather(*puts, return_exceptions=True):
            if isinstance(outcome, StorageError):
                raise ApiError(ErrorCode.UNAVAILABLE, UNAVAILABLE) from outcome
            if isinstance(outcome, BaseException):
                raise outcome

    async def take_back(self, keys: list[str], begin: Begin) -> None:
        """Remove those that no row claimed; what can't be done now is left to the sweep."""
        try:
            doomed = await self._doomed(keys, begin)
            if not doomed:
                return
            await self._storage.delete(*(o for key in doomed for o in (key, thumbnail_key(key))))
            async with begin() as transaction:
                await transaction.session.execute(
                    delete(UnclaimedFile).where(*_are(transaction.principal.tenant_id, doomed))
                )
        except (ApiError, DBAPIError, StorageError, OSError) as error:
            log.warning("files_left_to_sweep", kind=type(error).__name__, count=len(keys))

    async def _doomed(self, keys: list[str], begin: Begin) -> Sequence[str]:
        """Those of the keys that nobody has claimed, and now nobody can."""
        async with begin() as transaction:
            unclaimed = _are(transaction.principal.tenant_id, keys)
            doom = update(UnclaimedFile).where(*unclaimed).values(doomed=True)
            return (
                await transaction.session.scalars(
                    doom.returning(UnclaimedFile.key),
                    execution_options={"synchronize_session": False},
                )
            ).all()


async def claim(
    work: "Work", customer_id: int, files: Sequence[Stored], purpose: FilePurpose
) -> list[File]:
    """Lay claim to stored objects for a customer: their rows, which have keys.

    Raises:
        ApiError: UNAVAILABLE when it took so long that they were swept away.
    """
    keys = [file.key for file in files]
    claimed = await work.session.execute(
        delete(UnclaimedFile)
        .where(*_are(work.tenant_id, keys), UnclaimedFile.doomed.is_(False))
        .returning(UnclaimedFile.key),
        execution_options={"synchronize_session": False},
    )
    if len(claimed.all()) != len(keys):
        raise ApiError(ErrorCode.UNAVAILABLE, UNAVAILABLE)
    kept = [work.add(_row(customer_id, file, purpose)) for file in files]
    await work.flush()
    return kept


def _stored(key: str, file: Produced) -> Stored:
    digest = sha256(file.content).hexdigest()
    return Stored(key, file.name, file.content_type, len(file.content), digest)


def _row(customer_id: int, file: Stored, purpose: FilePurpose) -> File:
    return File(
        customer_id=customer_id,
        purpose=purpose.value,
        key=file.key,
        name=file.name,
        content_type=file.content_type,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        has_thumbnail=file.has_thumbnail,
    )


def _are(tenant_id: int, keys: Sequence[str]) -> tuple[Any, ...]:
    return (UnclaimedFile.tenant_id == tenant_id, UnclaimedFile.key.in_(keys))
