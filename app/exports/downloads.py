"""Packages, told to whoever has a link to one: each telling is in the history beforehand."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import insert, select

from app.domain.files.sealed import export_place, unsealed
from app.encryption import Keyring
from app.exports.links import Link, opened
from app.models import Customer, Export, File, History
from app.models.export import ExportStatus
from app.storage import Storage
from app.writing import Transaction, Writing


class Download(NamedTuple):
    """A package on its way."""

    name: str
    content_type: str
    size: int
    content: AsyncIterator[bytes]


class Downloads:
    """Gives packages to those who have links."""

    def __init__(self, writing: Writing, storage: Storage, keyring: Keyring) -> None:
        self._writing = writing
        self._storage = storage
        self._keyring = keyring

    async def begin(self, token: str) -> Download | None:
        """The package of a link; None where the link or the export is no more.

        Its first bytes are had before the history says that they were given away.

        Raises:
            StorageError: The store doesn't give it.
            EncryptionError: It is not what was stored.
            ApiError: UNAVAILABLE when the database can't be reached.
        """
        link = opened(token, self._keyring, datetime.now(UTC))
        if link is None:
            return None
        async with self._writing.system_transaction(link.tenant_id) as transaction:
            file = await _ready(transaction, link)
        if file is None:
            return None
        stored = self._storage.read(file.key)
        content = unsealed(stored, self._keyring, export_place(link.tenant_id, link.export_id))
        first = await anext(content)
        async with self._writing.system_transaction(link.tenant_id) as transaction:
            file = await _ready(transaction, link, locking=True)
            if file is None:
                return None
            # Meanwhile the customer may have become part of another one.
            await _note(transaction, link, file.customer_id)
        return Download(file.name, file.content_type, file.size_bytes, _all(first, content))


async def _ready(transaction: Transaction, link: Link, *, locking: bool = False) -> File | None:
    """The file of an export that can be downloaded; `locking` keeps the account as it is."""
    export = Export
    wanted = (
        select(File)
        .join(export, (export.tenant_id == File.tenant_id) & (export.file_id == File.id))
        .join(
            Customer,
            (Customer.tenant_id == export.tenant_id) & (Customer.id == export.customer_id),
        )
        .where(
            export.tenant_id == link.tenant_id,
            export.id == link.export_id,
            export.status == ExportStatus.READY.value,
            export.expires_at > transaction.now,
            Customer.anonymized_at.is_(None),
        )
    )
    if locking:
        # An entry is made after those of whatever is being done to the account now.
        wanted = wanted.with_for_update(of=Customer, read=True)
    return (await transaction.session.scalars(wanted)).one_or_none()


async def _note(transaction: Transaction, link: Link, customer_id: int) -> None:
    entry = {
        "tenant_id": link.tenant_id,
        "customer_id": customer_id,
        "action": "export.downloaded",
        "record_type": Export.__name__,
        "record_id": link.export_id,
        "created_at": transaction.now,
        "changed_at": transaction.now,
        "actor_kind": link.actor_kind,
        "actor_id": link.actor_id,
        "actor_name": link.actor_name,
    }
    await transaction.session.execute(insert(History).values(entry))


async def _all(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for data in rest:
        yield data
