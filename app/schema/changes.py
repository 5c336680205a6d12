"""Following records as they change: the root of subscriptions.

The type that clients know as `Subscription` is what customers subscribe to, so this one has a
longer name.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Annotated, Any

import strawberry
from sqlalchemy import ColumnElement, or_
from strawberry.types.info import Info

from app.models.customer_merge import MergeStatus
from app.models.export import ExportStatus
from app.resolvers.fields import field
from app.resolvers.reads import Columns, Followed, Key, record_of
from app.resolvers.sql import constant
from app.schema.customer_merge import CustomerMerge
from app.schema.export import Export
from app.schema.lookups import NODE, find_record
from app.schema.node import key_of


def follow(type_: type, description: str, *, until: Collection[StrEnum]) -> Any:
    """A field that follows a record of a type, under its permission.

    It ends once the record's `status` is one of those in `until`. The table is named in
    `app/migrations/changes.py`.
    """
    record = record_of(type_)
    if record is None:
        raise TypeError(f"{type_.__name__} is not a record.")

    def over(t: Columns) -> ColumnElement[bool]:
        return or_(*(t.status == constant(status.value) for status in until))

    def find(arguments: Mapping[str, Any]) -> Key:
        return Key(record, None, key_of(arguments["id"], type_))

    read = Followed(find, NODE.missing, over)

    async def resolve(
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Which one.")],
    ) -> Any:
        return await find_record(info, find({"id": id}), read.missing)

    resolve.__annotations__["return"] = type_ | None
    return field(description, needs=record.needs, read=read)(resolve)


@strawberry.type(
    description="What can be followed as it changes, over WebSocket (graphql-transport-ws) or as "
    "server-sent events. The record comes at once, and again after each change; changes that "
    "follow upon each other quickly come as one."
)
class SubscriptionRoot:
    """The root of all subscriptions."""

    export_changed = follow(
        Export,
        "An export as it is made, until it is READY, FAILED or EXPIRED.",
        until=(ExportStatus.READY, ExportStatus.FAILED, ExportStatus.EXPIRED),
    )
    merge_changed = follow(
        CustomerMerge,
        "A merge of two customers as it is done, until it is DONE or FAILED.",
        until=(MergeStatus.DONE, MergeStatus.FAILED),
    )
