"""Makes the package of an export, of which little is in memory at any time.

What is read of the database is of one moment. The package is encrypted as it is written: nothing
of it lies anywhere in the clear.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, BinaryIO, NamedTuple

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.encryption import Keyring
from app.exports.contents import Source, sources
from app.exports.letter import Letter, Page, letter_of
from app.exports.package import Package, Write, safe_name
from app.models import File
from app.models.export import ExportStep
from app.models.file import FilePurpose
from app.storage import Storage
from app.writing import Writing

Progress = Callable[[ExportStep, int], Awaitable[None]]
"""Is told what is being done, and how much is done, in percent."""

LETTER = "index.html"

_AT_ONCE = 200
_RECORDS_DONE = 50
_FILES_DONE = 90


class ExportError(Exception):
    """A package can't be made; the message says nothing personal."""


class ExportEnded(Exception):  # noqa: N818  It is an answer, not an error.
    """Nobody wants the package any more: the customer was anonymised or deleted meanwhile."""


class _StoredFile(NamedTuple):
    """A file that goes into a package."""

    id: int
    key: str
    name: str
    size: int
    sha256: str

    @property
    def path(self) -> str:
        """Where it is in the package; the id is that of its record."""
        return f"files/{self.id}-{safe_name(self.name)}"


@dataclass(frozen=True)
class Maker:
    """Makes packages of one tenant's customers."""

    writing: Writing
    storage: Storage
    keyring: Keyring
    tenant_id: int

    async def make(self, customer_id: int, target: BinaryIO, progress: Progress) -> None:
        """Write the package of a customer.

        Raises:
            ExportError: A file is not what was stored once.
            StorageError: A file can't be had.
            ApiError: UNAVAILABLE when the database can't be reached.
            ExportEnded: The customer is gone, or `progress` says that nobody waits for it.
        """
        with Package(target) as package:
            async with self.writing.snapshot(self.tenant_id) as transaction:
                package.made_at = transaction.now
                letter = await letter_of(transaction, customer_id)
                if letter is None:
                    raise ExportEnded
                await self._records(transaction.session, package, letter, progress)
                files = await self._files(transaction.session, customer_id)
            await self._copies(package, files, progress)
            with package.file(LETTER) as write:
                write(letter.text(len(files)).encode())
            await progress(ExportStep.STORING, _FILES_DONE)
            await asyncio.to_thread(package.close)

    async def _records(
        self, session: AsyncSession, package: Package, letter: Letter, progress: Progress
    ) -> None:
        """Write every table twice: for programs, and for people."""
        every = sources()
        for number, source in enumerate(every):
            await progress(ExportStep.RECORDS, _share(0, _RECORDS_DONE, number / len(every)))
            name = source.table.name
            with package.file(f"data/{name}.json") as write:
                count = await self._each(session, source, letter, _Json(write))
            if count:
                with package.file(f"pages/{name}.html") as write:
                    page = letter.page(name, source.columns, write)
                    await self._each(session, source, letter, page)
            letter.counts[name] = count

    async def _each(
        self, session: AsyncSession, source: Source, letter: Letter, to: "_Json | Page"
    ) -> int:
        """Write the rows of a table; how many there are."""
        to.begin()
        count = 0
        values = {"tenant": self.tenant_id, "customer": letter.customer_id}
        found = await session.stream(
            source.rows(), values, execution_options={"yield_per": _AT_ONCE}
        )
        async for rows in found.mappings().partitions():
            told = [self._told(source, row) for row in rows]
            await asyncio.to_thread(to.write, told)
            count += len(told)
        to.end()
        return count

    def _told(self, source: Source, row: Any) -> dict[str, Any]:
        """A row with what is encrypted decrypted: it is the person's own."""
        told = dict(row)
        for name in source.encrypted:
            if told[name] is not None:
                told[name] = self.keyring.decrypt(told[name], f"{source.table.name}.{name}")
        return {name: _plain(value) for name, value in told.items()}

    async def _files(self, session: AsyncSession, customer_id: int) -> Sequence[_StoredFile]:
        """The customer's files, but for earlier exports, which would lie one in another."""
        wanted = select(File.id, File.key, File.name, File.size_bytes, File.sha256).where(
            File.tenant_id == self.tenant_id,
            File.customer_id == customer_id,
            File.purpose != FilePurpose.EXPORT.value,
        )
        rows = await session.execute(wanted.order_by(File.id))
        return [_StoredFile(*row) for row in rows]

    async def _copies(
        self, package: Package, files: Sequence[_StoredFile], progress: Progress
    ) -> None:
        whole = sum(file.size for file in files) or 1
        done = 0
        for file in files:
            await progress(ExportStep.FILES, _share(_RECORDS_DONE, _FILES_DONE, done / whole))
            await self._copy(package, file)
            done += file.size

    async def _copy(self, package: Package, file: _StoredFile) -> None:
        digest = sha256()
        with package.file(file.path) as write:
            async for data in self.storage.read(file.key):
                digest.update(data)
                await asyncio.to_thread(write, data)
        if digest.hexdigest() != file.sha256:
            raise ExportError(f"The file {file.id} is not what was stored once.")


class _Json:
    """A list of records, as JSON."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._between = b"\n"

    def begin(self) -> None:
        """What comes before the first record."""
        self._write(b"[")

    def write(self, records: Sequence[dict[str, Any]]) -> None:
        """Write some of the records."""
        for record in records:
            self._write(self._between + orjson.dumps(record))
            self._between = b",\n"

    def end(self) -> None:
        """What comes after the last one."""
        self._write(b"\n]\n")


def _plain(value: Any) -> Any:
    """A value as JSON can hold it: decimals and addresses as text, bytes in hexadecimal."""
    if value is None or isinstance(value, str | int | dict):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value)


def _share(low: int, high: int, part: float) -> int:
    return low + int((high - low) * part)
