"""SEPA batches: debits that were handed to the bank together."""

from datetime import date
from typing import Any

from app.auth.permissions import Permission
from app.context import CallerContext
from app.models.sepa_batch import SepaBatch as SepaBatchModel
from app.resolvers.fields import column, embedded, python
from app.resolvers.reads import Row
from app.scalars import URL
from app.schema.common import Money, money
from app.schema.connection import Connection, tab
from app.schema.lazy import LazyTransaction
from app.schema.node import Record, record


def _download_url(context: CallerContext, row: Row) -> Any:
    if row["_file_key"] is None:
        return None
    return context.storage.signed_download_url(
        row["_file_key"],
        f"sepa-{row['_number']}.xml",
        "application/xml",
        context.settings.download_link_seconds,
    )


@record(
    SepaBatchModel,
    needs=Permission.SEPA_BATCH_READ,
    description="Debits that were handed to the bank together; it is never changed.",
)
class SepaBatch(Record):
    """The debits, their sum, and the file that the bank gets."""

    number: str = column("The batch's number.", where=True, order=True)
    collected_until: date = column(
        "The last collection day that it was made for.", where=True, order=True
    )
    debit_count: int = column("How many debits it presents.", where=True, order=True)
    total: Money = embedded("Their sum.", money("total"), compared_by="total")
    size: int | None = column(
        "The file's size in bytes; null where all debits were left out.", of="size_bytes"
    )
    sha256: str | None = column("The SHA-256 of the file, in hexadecimal.")
    download_url: URL | None = python(
        ("file_key", "number"),
        _download_url,
        "A signed address that downloads the file for the bank (pain.008.001.08), for a few "
        "minutes only. It names payers with their whole IBANs.",
        needs=Permission.SEPA_BATCH_WRITE,
    )
    debits: Connection[LazyTransaction] | None = tab(
        "sepa_batch_id",
        "The debits that it presents.",
        needs=Permission.TRANSACTION_READ,
        only=lambda t: t.end_to_end_id.is_not(None),
    )
    left_out: Connection[LazyTransaction] | None = tab(
        "sepa_batch_id",
        "The debits that were due and could not be presented. They failed; `errorCode` says why.",
        needs=Permission.TRANSACTION_READ,
        only=lambda t: t.end_to_end_id.is_(None),
    )
