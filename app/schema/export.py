"""The tab of exports: copies of everything held on the customer."""

from datetime import UTC, datetime, timedelta
from typing import Any

from app.auth.permissions import Permission
from app.context import CallerContext
from app.exports.links import Link, address_of
from app.models.export import Export as ExportModel
from app.models.export import ExportStatus, ExportStep
from app.resolvers.fields import column, one, python
from app.resolvers.reads import Row
from app.scalars import URL
from app.schema.common import File
from app.schema.enums import described
from app.schema.node import AccountRecord, record

described(
    ExportStatus,
    "How far an export is.",
    {
        "QUEUED": "It waits.",
        "RUNNING": "It is being made.",
        "READY": "It can be downloaded.",
        "FAILED": "It could not be made.",
        "EXPIRED": "Its file was deleted.",
    },
)
described(
    ExportStep,
    "What is being done for an export.",
    {
        "RECORDS": "Records are written.",
        "FILES": "Files are copied.",
        "STORING": "The package is stored.",
    },
)


def _download_url(context: CallerContext, row: Row) -> Any:
    now = datetime.now(UTC)
    if row["_status"] != ExportStatus.READY or datetime.fromisoformat(row["_expires_at"]) <= now:
        return None
    caller = context.principal
    seconds = timedelta(seconds=context.settings.download_link_seconds)
    link = Link.to(row["_id"], caller, now + seconds)
    return address_of(link, context.keyring, context.settings.public_url)


@record(
    ExportModel,
    needs=Permission.EXPORT_READ,
    description="A copy of everything held on the customer (Art. 15 GDPR).",
)
class Export(AccountRecord):
    """A data export and its file."""

    status: ExportStatus = column("How far it is.", where=True, order=True)
    percent: int = column("How much of it is done, in percent.")
    step: ExportStep | None = column("What is being done; null before and after.")
    size: int | None = column("The package's size in bytes.", of="size_bytes")
    finished_at: datetime | None = column("When it was done.", where=True, order=True)
    expires_at: datetime | None = column("When the file is deleted.", where=True, order=True)
    error: str | None = column("Why it could not be made.")
    download_url: URL | None = python(
        ("id", "status", "expires_at"),
        _download_url,
        "A signed address that downloads the package, for a few minutes only; each download is in "
        "the history. A path below this server where no public address is configured. Null unless "
        "the export is READY.",
        needs=Permission.EXPORT_WRITE,
    )
    file: File | None = one("file_id", "The file.", needs=Permission.CUSTOMER_READ)
