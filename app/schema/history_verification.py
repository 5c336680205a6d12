"""Whether the history is what it was."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import strawberry
from sqlalchemy import Executable

from app.context import RequestContext
from app.database import Statement
from app.domain.history_chain import Anchor, Fault, FaultKind
from app.errors import ApiError, ErrorCode
from app.resolvers.fields import part
from app.resolvers.reads import Row
from app.schema.enums import described
from app.schema.node import encode_id
from app.work.verification import Verification, Wanted, verify

MOST_ENTRIES = 100_000
"""How many entries a request looks at, which takes some seconds."""

_SHA256 = re.compile("[0-9a-f]{64}", re.ASCII)

described(
    FaultKind,
    "What is wrong with the history.",
    {
        "CHANGED": "The entry is not what it was, or was moved.",
        "MISSING": "There is no entry at the position any more.",
        "INSERTED": "The entry was put between others, or behind the last one.",
        "ANCHOR_MISMATCH": "The history had another hash at the position when it was sealed, when "
        "its last entry was written, or when `expect` was noted.",
    },
    name="HistoryFaultKind",
)


@strawberry.input(description="What the history was known to be: what a verification answered.")
class HistoryAnchorInput:
    """How far it had got."""

    position: int = strawberry.field(description="The position of the last entry then.")
    hash: str = strawberry.field(description="Its hash, 64 hexadecimal digits.")


@strawberry.type(description="How far the history has got; keep it elsewhere, and give it back.")
class HistoryAnchor:
    """The last entry that was looked at."""

    position: int = part("Its position.")
    hash: str = part("Its hash, in hexadecimal.")


@strawberry.type(description="Something that is wrong with the history.")
class HistoryFault:
    """What, and where."""

    kind: FaultKind = part("What is wrong.")
    position: int | None = part("The position in the history.")
    entry_id: strawberry.ID | None = part("The id of the entry, where there is one.")


@strawberry.type(description="What came of verifying the history, or a part of it.")
class HistoryVerification:
    """Whether it is whole, and how far that was looked at."""

    intact: bool = part("Whether nothing is wrong.")
    complete: bool = part(
        "Whether it got to the newest entry; if not, go on with `from` behind `anchor`."
    )
    entries: int = part("How many entries were looked at.")
    anonymised: int = part("How many of them were anonymised.")
    first_position: int | None = part("The position of the first; null where there was none.")
    anchor: HistoryAnchor = part("The last one, or the one before where there was none.")
    sealed_position: int | None = part("The newest of them that the system has sealed.")
    sealed_at: datetime | None = part("When it did so, which it does every day.")
    fault_count: int = part("How much is wrong.")
    faults: list[HistoryFault] = part("What is wrong, at most 100 of it.")


async def read_verification(
    context: RequestContext, first: int, last: int | None, expect: HistoryAnchorInput | None
) -> Row:
    """Verify a part of the tenant's history.

    Raises:
        ApiError: BAD_REQUEST for positions in the wrong order, or a hash that is none.
    """
    if first < 1 or (last is not None and last < first):
        raise ApiError(
            ErrorCode.BAD_REQUEST, "Positions begin with 1, and `until` is not before `from`."
        )
    wanted = Wanted(first, last, _anchor(expect), MOST_ENTRIES)

    async def fetch(statement: Executable, values: Mapping[str, Any]) -> Sequence[Any]:
        return await context.reading.fetch(_compiled(statement), values)

    return _told(await verify(fetch, context.keyring, context.principal.tenant_id, wanted))


@cache
def _compiled(statement: Executable) -> Statement:
    """Verification has a handful of statements, which never change."""
    return Statement.of(statement)


def _anchor(given: HistoryAnchorInput | None) -> Anchor | None:
    if given is None:
        return None
    if given.position < 0 or _SHA256.fullmatch(given.hash.lower()) is None:
        raise ApiError(
            ErrorCode.BAD_REQUEST, "`expect` is a position and the 64 hexadecimal digits of a hash."
        )
    return Anchor(given.position, bytes.fromhex(given.hash))


def _told(verified: Verification) -> Row:
    anchor, seal = verified.anchor, verified.seal
    return {
        "intact": verified.fault_count == 0,
        "complete": verified.complete,
        "entries": verified.entries,
        "anonymised": verified.anonymised,
        "first_position": verified.first,
        "anchor": {"position": anchor.position, "hash": anchor.hash.hex()},
        "sealed_position": None if seal is None else seal.position,
        "sealed_at": None if seal is None else seal.sealed_at,
        "fault_count": verified.fault_count,
        "faults": [_fault(fault) for fault in verified.faults],
    }


def _fault(fault: Fault) -> Row:
    key = fault.entry_id
    return {
        "kind": fault.kind,
        "position": fault.position,
        "entry_id": None if key is None else encode_id("HistoryEntry", key),
    }
