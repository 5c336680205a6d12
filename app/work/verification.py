"""Verifies a tenant's history, and seals what is whole."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Executable,
    Text,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from app.domain.history_chain import (
    MOST_FAULTS,
    ORIGIN,
    Anchor,
    Chain,
    Entry,
    Fault,
    FaultKind,
)
from app.encryption import Keyring
from app.models import Customer, History, HistoryChain, HistorySeal
from app.models.customer_merge import MERGED
from app.work.seals import SEALS, TENANT, forged, microseconds, moment, seal_of
from app.writing import Transaction

PAGE = 1_000
"""So many entries are in memory at a time."""

Fetch = Callable[[Executable, Mapping[str, Any]], Awaitable[Sequence[Any]]]
"""Reads for a tenant: all rows of a statement with some values."""


@dataclass(frozen=True)
class Wanted:
    """Which part of a history is to be verified, and what it is known to have been."""

    first: int = 1
    last: int | None = None
    expect: Anchor | None = None
    most: int | None = None
    """How many entries at most."""

    @classmethod
    def of(cls, first: int, last: int | None, expect: str | None) -> "Wanted":
        """With an anchor as it was written down.

        Raises:
            ValueError: It is none.
        """
        return cls(first, last, None if expect is None else Anchor.read(expect))


@dataclass(frozen=True)
class Seal:
    """When a history was sealed, and how far it had got."""

    position: int
    sealed_at: datetime


@dataclass(frozen=True)
class Verification:
    """What came of it."""

    entries: int
    anonymised: int
    first: int | None
    anchor: Anchor
    """The last entry that was looked at, or the one before where there was none."""

    complete: bool
    """Whether it got to the newest entry."""

    seal: Seal | None
    """The newest one in the part that was verified."""

    faults: Sequence[Fault]
    fault_count: int


_FIRST = bindparam("first", type_=BigInteger)


_HEAD = select(HistoryChain.position, HistoryChain.hash).where(HistoryChain.tenant_id == TENANT)
_HASH = select(History.hash).where(History.tenant_id == TENANT, History.position == _FIRST)
# The head is of the same moment as the entries here, which others may be adding to.
_STRAYS = (
    select(History.position, History.id)
    .outerjoin(HistoryChain, HistoryChain.tenant_id == History.tenant_id)
    .where(
        History.tenant_id == TENANT,
        or_(
            History.position.is_(None),
            History.position < literal_column("1"),
            History.position > func.coalesce(HistoryChain.position, literal_column("0")),
        ),
    )
    .order_by(History.position, History.id)
    .limit(MOST_FAULTS)
)
_GONE = and_(
    History.customer_id.is_(None),
    History.account_id.is_not(None),
    ~select(Customer.id)
    .where(Customer.tenant_id == History.tenant_id, Customer.id == History.account_id)
    .exists(),
)
_MERGE = aliased(History)
# The entry moves along when the customer becomes part of yet another one, so one is always enough.
_MERGED = case(
    (
        History.customer_id != History.account_id,
        select(_MERGE.id)
        .where(
            _MERGE.tenant_id == History.tenant_id,
            _MERGE.customer_id == History.customer_id,
            _MERGE.action == literal_column(f"'{MERGED}'"),
            _MERGE.after["former_id"] == func.to_jsonb(History.account_id),
        )
        .exists(),
    ),
    else_=false(),
)
_COLUMNS: Mapping[str, Any] = {
    "account_gone": _GONE,
    "account_merged": _MERGED,
    "before": cast(History.before, Text),
    "after": cast(History.after, Text),
    "created_at": moment(History.created_at),
    "changed_at": moment(History.changed_at),
}
_ENTRIES = (
    select(*(_COLUMNS.get(name, getattr(History, name, None)) for name in Entry._fields))
    .where(
        History.tenant_id == TENANT,
        tuple_(History.position, History.id)
        > tuple_(_FIRST, bindparam("after_id", type_=BigInteger)),
        History.position <= bindparam("last", type_=BigInteger),
    )
    .order_by(History.position, History.id)
    .limit(literal_column(str(PAGE)))
)


async def verify(
    fetch: Fetch,
    keyring: Keyring,
    tenant_id: int,
    wanted: Wanted,
    watch: Callable[[int], None] = lambda _entries: None,
) -> Verification:
    """Go through a tenant's history, in bounded memory; `watch` is told of each page's entries.

    What is added meanwhile is left for the next time.
    """
    tenant = {"tenant": tenant_id}
    head = await _head(fetch, tenant)
    strays = await fetch(_STRAYS, tenant)
    last, complete = _end(wanted, head.position)
    seals = await fetch(SEALS, tenant)
    previous = await _previous(fetch, tenant, wanted.first)
    chain = Chain(wanted.first, previous, _anchors(wanted, seals, last, complete=complete))
    await _check_expected(fetch, tenant, wanted, chain, last, complete=complete)
    for position in forged(keyring, tenant_id, seals):
        chain.add(FaultKind.ANCHOR_MISMATCH, position)
    for position, key in strays if complete else ():
        chain.add(FaultKind.INSERTED, position, key)
    place = {**tenant, "first": wanted.first, "after_id": 0, "last": last}
    while rows := await fetch(_ENTRIES, place):
        await asyncio.to_thread(chain.go_on, map(Entry._make, rows))
        watch(len(rows))
        if len(rows) < PAGE:
            break
        final = Entry._make(rows[-1])
        place |= {"first": final.position, "after_id": final.id}
    chain.end(last, head if complete else None)
    return _told(chain, wanted, seals, complete=complete)


async def _head(fetch: Fetch, tenant: Mapping[str, Any]) -> Anchor:
    rows = await fetch(_HEAD, tenant)
    return Anchor(*rows[0]) if rows else Anchor(0, ORIGIN)


async def _previous(fetch: Fetch, tenant: Mapping[str, Any], first: int) -> bytes | None:
    """The hash that stands before the first entry; None where there is none."""
    if first == 1:
        return ORIGIN
    rows = await fetch(_HASH, {**tenant, "first": first - 1})
    return rows[0][0] if rows else None


def _end(wanted: Wanted, head: int) -> tuple[int, bool]:
    """The last position to look at, and whether that is the newest entry."""
    last = head if wanted.last is None else min(wanted.last, head)
    if wanted.most is not None:
        last = min(last, wanted.first + wanted.most - 1)
    return last, last == head


def _anchors(
    wanted: Wanted, seals: Sequence[Any], last: int, *, complete: bool
) -> dict[int, list[bytes]]:
    """What hashes entries have to have, by seals and by what is expected."""
    known = [(seal[0], seal[1]) for seal in seals]
    if wanted.expect is not None:
        known.append((wanted.expect.position, wanted.expect.hash))
    anchors: dict[int, list[bytes]] = {}
    for position, kept in known:
        if position >= wanted.first and (complete or position <= last):
            anchors.setdefault(position, []).append(kept)
    return anchors


async def _check_expected(
    fetch: Fetch,
    tenant: Mapping[str, Any],
    wanted: Wanted,
    chain: Chain,
    last: int,
    *,
    complete: bool,
) -> None:
    """Look at what is expected of an entry outside of the part that is verified."""
    expect = wanted.expect
    if expect is None or (
        expect.position >= wanted.first and (complete or expect.position <= last)
    ):
        return
    found = await _previous(fetch, tenant, expect.position + 1)
    if found != expect.hash:
        chain.add(FaultKind.ANCHOR_MISMATCH, expect.position)


def _told(chain: Chain, wanted: Wanted, seals: Sequence[Any], *, complete: bool) -> Verification:
    anchor = chain.last or Anchor(wanted.first - 1, chain.previous or ORIGIN)
    sealed = [
        Seal(position, at)
        for position, _, _, _, at in seals
        if wanted.first <= position <= anchor.position
    ]
    return Verification(
        entries=chain.entries,
        anonymised=chain.anonymised,
        first=wanted.first if chain.entries else None,
        anchor=anchor,
        complete=complete,
        seal=sealed[-1] if sealed else None,
        faults=chain.faults,
        fault_count=chain.fault_count,
    )


def fetching(transaction: Transaction) -> Fetch:
    """Reads in a transaction of the writing pool."""

    async def fetch(statement: Executable, values: Mapping[str, Any]) -> Sequence[Any]:
        rows: Sequence[Any] = (await transaction.session.execute(statement, dict(values))).all()
        return rows

    return fetch


async def seal(transaction: Transaction, keyring: Keyring) -> Verification:
    """Verify what was added since the last seal, and seal it where nothing is wrong."""
    tenant_id, fetch = transaction.principal.tenant_id, fetching(transaction)
    seals = await fetch(SEALS, {"tenant": tenant_id})
    before = seals[-1] if seals else None
    expect = None if before is None else Anchor(before[0], before[1])
    first = 1 if before is None else before[0] + 1
    verified = await verify(fetch, keyring, tenant_id, Wanted(first=first, expect=expect))
    if verified.fault_count == 0 and verified.entries:
        at = microseconds(transaction.now)
        anchor = verified.anchor
        made = seal_of(keyring, tenant_id, anchor, at, None if before is None else before[2])
        await transaction.session.execute(
            insert(HistorySeal)
            .values(
                tenant_id=tenant_id,
                position=anchor.position,
                hash=anchor.hash,
                seal=made,
                created_at=transaction.now,
            )
            # Another worker may have done the same.
            .on_conflict_do_nothing(index_elements=["tenant_id", "position"])
        )
    return verified
