"""The tab of the history: who did what, and what it changed."""

import strawberry
from sqlalchemy import ColumnElement, Text, cast, func

from app.auth.permissions import Permission
from app.models.history import History as HistoryModel
from app.resolvers.fields import column, expression
from app.resolvers.reads import Columns
from app.resolvers.sql import constant, encoded
from app.scalars import JSON
from app.schema.node import AccountRecord, record


def _record_id(t: Columns) -> ColumnElement[str]:
    """The changed record's opaque id; null where no record is named."""
    return encoded(t.record_type.concat(":").concat(cast(t.record_id, Text)))


def _hash(t: Columns) -> ColumnElement[str]:
    """The hash in hexadecimal."""
    return func.encode(t.hash, constant("hex"))


@record(
    HistoryModel,
    needs=Permission.HISTORY_READ,
    description="One action and what it changed. Entries are only ever added.",
)
class HistoryEntry(AccountRecord):
    """An entry of the audit log; the actor is who acted."""

    action: str = column("What was done: `customer.blocked`.", where=True, order=True)
    record_type: str | None = column("The type of the record changed.", where=True)
    record_id: strawberry.ID | None = expression(_record_id, "The id of the record changed.")
    before: JSON | None = column("The changed values before.")
    after: JSON | None = column("The changed values after.")
    note: str | None = column("What the actor said about it.", where=True)
    position: int = column("The entry's place in the tenant's whole history, which begins with 1.")
    hash: str = expression(
        _hash,
        "SHA-256 over the entry and the hash before it, in hexadecimal; see `verifyHistory`.",
    )
