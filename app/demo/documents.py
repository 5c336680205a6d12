"""Files of the demonstration, in the object store: attachments, invoices and one export."""

import asyncio
import io
import json
import zipfile
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from hashlib import sha256
from importlib.resources import files

from app import models
from app.demo.account import SYSTEM, Account
from app.domain.files.sealed import Sealing, export_place
from app.domain.files.thumbnails import THUMBNAIL_TYPE
from app.models.file import thumbnail_key
from app.storage import Storage

_ATTACHMENTS = (
    ("brief.pdf", "Kündigungsschreiben.pdf", "application/pdf", "LETTER"),
    ("bildschirmfoto.png", "Bildschirmfoto.png", "image/png", "EMAIL"),
)
_AT_ONCE = 8
_EXPORT_DAYS = 7


@dataclass(frozen=True)
class Upload:
    """A file on its way to the store."""

    key: str
    data: bytes
    content_type: str


async def upload(storage: Storage, uploads: list[Upload]) -> None:
    """Store files, several at once."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def put(one: Upload) -> None:
        async with slots:
            await storage.put(one.key, one.data, one.content_type)

    await asyncio.gather(*(put(one) for one in uploads))


def add_documents(account: Account, uploads: list[Upload]) -> None:
    """Attach files to some activities and invoices, and let one export be ready."""
    _attach(account, uploads)
    _add_invoice_files(account, uploads)
    _add_exports(account, uploads)


def _attach(account: Account, uploads: list[Upload]) -> None:
    activities = _own(account, models.Activity)
    for sample, name, content_type, kind in _ATTACHMENTS:
        activity = next((row for row in activities if row["kind"] == kind), activities[-1])
        activities.remove(activity)
        key = _add_file(
            account, uploads, "ATTACHMENT", name, content_type, _sample(sample), activity
        )
        account.batch.add(
            models.ActivityAttachment, activity_id=activity["id"], file_id=key, position=1
        )


def _add_invoice_files(account: Account, uploads: list[Upload]) -> None:
    for invoice in _own(account, models.Invoice)[-5:]:
        name = f"Rechnung {invoice['issued_on']:%Y-%m-%d}.pdf"
        invoice["file_id"] = _add_file(
            account, uploads, "INVOICE", name, "application/pdf", _sample("rechnung.pdf"), invoice
        )


def _add_exports(account: Account, uploads: list[Upload]) -> None:
    """One export that can be loaded, and one whose time is over."""
    finished = account.now - timedelta(hours=30)
    at = finished - timedelta(seconds=40)
    data = _archive(account)
    key = _add_file(
        account,
        uploads,
        "EXPORT",
        f"Kundendaten {account.number}.zip",
        "application/zip",
        data,
        {"created_at": finished},
    )
    export = account.add(
        models.Export,
        at,
        account.agent(),
        status="READY",
        percent=100,
        file_id=key,
        size_bytes=len(data),
        finished_at=finished,
        expires_at=finished + timedelta(days=_EXPORT_DAYS),
    )
    uploads[-1] = replace(uploads[-1], data=_sealed(account, export, data))
    earlier = account.now - timedelta(days=200)
    account.add(
        models.Export,
        earlier,
        account.agent(),
        status="EXPIRED",
        percent=100,
        finished_at=earlier + timedelta(seconds=35),
        expires_at=earlier + timedelta(days=_EXPORT_DAYS),
    )


def _sealed(account: Account, export: int, data: bytes) -> bytes:
    target = io.BytesIO()
    place = export_place(account.batch.tenant_id, export)
    sealing = Sealing(target, account.world.keyring, place)
    sealing.write(data)
    sealing.finish()
    return target.getvalue()


def _archive(account: Account) -> bytes:
    person = account.person
    content = {
        "kundennummer": account.number,
        "name": person.name,
        "email": person.email,
        "anschrift": {
            key: value for key, value in person.address().items() if isinstance(value, str)
        },
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        # A fixed time, so that the same day gives the same bytes.
        entry = zipfile.ZipInfo("kundendaten.json", account.now.timetuple()[:6])
        archive.writestr(entry, json.dumps(content, ensure_ascii=False, indent=2))
    return target.getvalue()


def _add_file(
    account: Account,
    uploads: list[Upload],
    purpose: str,
    name: str,
    content_type: str,
    data: bytes,
    of: "dict[str, object]",
) -> int:
    key = f"{account.batch.tenant_id}/{account.rng.getrandbits(128):032x}"
    uploads.append(Upload(key, data, content_type))
    picture = None if purpose == "EXPORT" else _picture(data, name.rpartition(".")[2])
    if picture is not None:
        uploads.append(Upload(thumbnail_key(key), picture, THUMBNAIL_TYPE))
    return account.batch.add(
        models.File,
        customer_id=account.id,
        created_at=of["created_at"],
        changed_at=of["created_at"],
        **SYSTEM,
        purpose=purpose,
        key=key,
        name=name,
        content_type=content_type,
        size_bytes=len(data),
        sha256=sha256(data).hexdigest(),
        has_thumbnail=picture is not None,
    )


@cache
def _picture(data: bytes, extension: str) -> bytes | None:
    """The small picture that an upload would get. Our own files need no process of their own."""
    from app.domain.files.checks import check
    from app.domain.files.thumbnails import thumbnail

    return thumbnail(data, check(data, f"file.{extension}"))


def _own(account: Account, model: "type[models.TenantRow]") -> "list[dict[str, object]]":
    return [row for row in account.batch.records(model) if row["customer_id"] == account.id]


def _sample(name: str) -> bytes:
    return (files("app.demo") / "files" / name).read_bytes()
