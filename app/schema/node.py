"""The Node interface, opaque ids, and what every record has in common."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import strawberry
from graphql import GraphQLResolveInfo

from app.auth.permissions import Permission
from app.domain import opaque
from app.errors import ApiError, ErrorCode
from app.models.base import ActorKind, TenantRow
from app.resolvers.fields import column, embedded, global_id, one, part
from app.resolvers.reads import RecordType, record_of
from app.schema.enums import described
from app.schema.lazy import LazyCustomer

described(
    ActorKind,
    "Who did something.",
    {
        "STAFF": "A member of the publisher's staff.",
        "PARTNER": "A program of a partner, by its token.",
        "CUSTOMER": "The customer.",
        "SYSTEM": "The application, for example a renewal run.",
        "IMPORT": "An import of data from another system.",
    },
)


@strawberry.type(description="Who did something, under the name they had then.")
class Actor:
    """The doer of a record's last change."""

    kind: ActorKind = part("What sort of doer.")
    name: str | None = part("Their name at that time, where known.", needs=Permission.INTERNAL_READ)


@strawberry.interface(description="Anything with an id.")
class Node:
    """An object that `node(id:)` finds."""

    id: strawberry.ID = global_id("The opaque id. It names the type; read nothing else off it.")

    @classmethod
    def resolve_type(cls, source: Any, _info: GraphQLResolveInfo[Any], _abstract: Any) -> str:
        """The type that the loader wrote into the row."""
        name: str = source["__typename"]
        return name

    @classmethod
    def is_type_of(cls, _source: Any, _info: GraphQLResolveInfo[Any]) -> bool:
        """Rows carry no class; the place they were read for decides."""
        return True


@strawberry.interface(description="A record that says when it was made and changed, and by whom.")
class Record(Node):
    """What every record of an account has in common."""

    created_at: datetime = column("When the record was made.", where=True, order=True)
    changed_at: datetime = column("When it was last changed.", where=True, order=True)
    actor: Actor = embedded(
        "Who made or last changed it.", {"kind": "actor_kind", "name": "actor_name"}
    )


@strawberry.interface(description="A record in a customer's account.")
class AccountRecord(Record):
    """What every record of an account leads back to."""

    customer: LazyCustomer | None = one(
        "customer_id", "The customer whose account holds it.", needs=Permission.CUSTOMER_READ
    )


T = TypeVar("T", bound=type)

_RECORDS: dict[str, RecordType] = {}
"""The types that `node(id:)` finds, by name."""

_TYPES: dict[type[TenantRow], type] = {}
"""The types of records, by the tables behind them."""


def record(
    model: type[TenantRow], *, needs: Permission, description: str, order: str = "-created_at"
) -> Callable[[T], T]:
    """Declare a GraphQL type over a table.

    `needs` is the permission to see such records at all. `order` is how lists of them are sorted
    unless the client says otherwise; a leading `-` means descending.
    """

    def declare(cls: T) -> T:
        described_type = strawberry.type(
            cls, description=f"{description} Needs the permission `{needs}`."
        )
        declared = RecordType(cls.__name__, model, needs, order)
        cls.__record__ = declared  # type: ignore[attr-defined]  # Read back by record_of.
        _TYPES[model] = cls
        if issubclass(cls, Node):
            _RECORDS[declared.name] = declared
        return described_type

    return declare


def type_of(model: type[TenantRow]) -> type:
    """The GraphQL type over a table.

    Raises:
        KeyError: when there is none.
    """
    return _TYPES[model]


@dataclass(frozen=True)
class GlobalKey:
    """What an opaque id says: the type of record and its key."""

    record: RecordType
    key: int


def global_key(id: str) -> GlobalKey:
    """Read an opaque id.

    Raises:
        ApiError: BAD_REQUEST when it is none of this API.
    """
    try:
        name, key = opaque.decode(id).split(":")
        return GlobalKey(_RECORDS[name], opaque.key(key))
    except (ValueError, KeyError) as error:
        raise ApiError(ErrorCode.BAD_REQUEST, "That is not an id of this API.") from error


def key_of(id: str, expected: type) -> int:
    """The key in an opaque id of an expected type.

    Raises:
        ApiError: BAD_REQUEST when it is malformed or of another type.
    """
    found, wanted = global_key(id), record_of(expected)
    if wanted is None or found.record is not wanted:
        raise ApiError(
            ErrorCode.BAD_REQUEST,
            f"That is the id of a record of type `{found.record.name}`,"
            f" not `{wanted.name if wanted else '?'}`.",
        )
    return found.key


def encode_id(name: str, key: int) -> str:
    """The opaque id of a record; the same bytes as `GlobalId` gives in SQL."""
    return opaque.encode(f"{name}:{key}")
