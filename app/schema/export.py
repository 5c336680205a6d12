"""The tab of exports: copies of everything held on the customer."""

from datetime import datetime

from app.auth.permissions import Permission
from app.models.export import Export as ExportModel
from app.models.export import ExportStatus
from app.resolvers.fields import column, one
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


@record(
    ExportModel,
    needs=Permission.EXPORT_READ,
    description="A copy of everything held on the customer (Art. 15 GDPR).",
)
class Export(AccountRecord):
    """A data export and its file."""

    status: ExportStatus = column("How far it is.", where=True, order=True)
    size: int | None = column("The file's size in bytes.", of="size_bytes")
    finished_at: datetime | None = column("When it was done.", where=True, order=True)
    expires_at: datetime | None = column("When the file is deleted.", where=True, order=True)
    error: str | None = column("Why it could not be made.")
    file: File | None = one("file_id", "The file.", needs=Permission.CUSTOMER_READ)
