"""How records are asked for at the root: customers by one of their keys, anything by its id."""

from collections.abc import Mapping
from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.types.info import Info

from app.context import RequestContext
from app.errors import ApiError, ErrorCode
from app.resolvers.loaders import Read, RowRead, UniqueRead
from app.resolvers.reads import Key, Lookup, Lookups, Row, record_of
from app.scalars import EmailAddress
from app.schema.customer import Customer
from app.schema.inputs import checked_text
from app.schema.node import global_key, key_of

MOST_IDS = 100


@strawberry.input(
    one_of=True, description="How a customer is named: exactly one of these must be given."
)
class CustomerBy:
    """One of the keys that are unique in a tenant."""

    id: strawberry.ID | None = strawberry.field(default=UNSET, description="The opaque id.")
    number: str | None = strawberry.field(default=UNSET, description="The customer number.")
    email: EmailAddress | None = strawberry.field(
        default=UNSET, description="The e-mail address, whatever its case."
    )
    external_id: str | None = strawberry.field(
        default=UNSET, description="The id in another system."
    )


def customer_key(arguments: Mapping[str, Any]) -> Key:
    """The key by which a customer is asked for."""
    by: CustomerBy = arguments["by"]
    record = record_of(Customer)
    if record is None:
        raise TypeError("A customer is a record.")
    if by.id is not UNSET and by.id is not None:
        return Key(record, None, key_of(by.id, Customer))
    if by.number is not UNSET and by.number is not None:
        return Key(record, "number", checked_text("number", by.number))
    if by.email is not UNSET and by.email is not None:
        return Key(record, "email_key", checked_text("email", by.email).lower())
    return Key(record, "external_id", checked_text("externalId", by.external_id or ""))


def node_key(arguments: Mapping[str, Any]) -> Key:
    """The key that an opaque id holds."""
    found = global_key(arguments["id"])
    return Key(found.record, None, found.key)


def node_keys(arguments: Mapping[str, Any]) -> list[Key | ApiError]:
    """The keys that opaque ids hold, and at the place of what is none what is wrong with it.

    Raises:
        ApiError: BAD_REQUEST when there are too many.
    """
    ids: list[strawberry.ID] = arguments["ids"]
    if len(ids) > MOST_IDS:
        raise ApiError(ErrorCode.BAD_REQUEST, f"`ids` takes at most {MOST_IDS} ids.")
    keys: list[Key | ApiError] = []
    for key in ids:
        try:
            keys.append(node_key({"id": key}))
        except ApiError as error:
            keys.append(error)
    return keys


CUSTOMER = Lookup(customer_key, "There is no such customer.")
NODE = Lookup(node_key, "There is no record with that id.")
NODES = Lookups(node_keys, NODE.missing)


async def find_record(info: Info, key: Key | ApiError, missing: str) -> Row:
    """A record with the name of its type.

    Raises:
        ApiError: What stands in place of the key, FORBIDDEN without the type's permission,
            NOT_FOUND with the message `missing` when there is no such record in the tenant.
    """
    context: RequestContext = info.context
    if isinstance(key, ApiError):
        raise key
    context.caller.require(key.record.needs)
    raw = info._raw_info  # noqa: SLF001  Strawberry offers no other way to the AST.
    shape = context.selections.row(raw, key.record.name)
    read: Read
    if key.column is None:
        read = RowRead(shape, key.record, key.value)
    else:
        read = UniqueRead(shape, key.record, key.column, key.value)
    row: Row | None = await context.loader.load(read)
    if row is None:
        raise ApiError(ErrorCode.NOT_FOUND, missing)
    return {"__typename": key.record.name, **row}
