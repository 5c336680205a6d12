"""Seals: how far a history had got at some time, under a key that the database does not know.

Whoever can write the tables, and no more, can compute all hashes anew; not the seals. Each is also
over the one before it, so that none can be left out but the newest.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Integer, Text, bindparam, cast, extract, func, literal_column, select

from app.domain.history_chain import Anchor, canonical
from app.encryption import Keyring
from app.models import HistorySeal

TENANT = bindparam("tenant", type_=Integer)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(column: Any) -> Any:
    """A time in microseconds since 1970, as text, which has room for whatever stands there."""
    return cast(func.trunc(extract("epoch", column) * literal_column("1000000")), Text)


def microseconds(at: datetime) -> str:
    """The same, of a time that is known."""
    return str((at - _EPOCH) // timedelta(microseconds=1))


SEALS = (
    select(
        HistorySeal.position,
        HistorySeal.hash,
        HistorySeal.seal,
        moment(HistorySeal.created_at),
        HistorySeal.created_at,
    )
    .where(HistorySeal.tenant_id == TENANT)
    .order_by(HistorySeal.position, HistorySeal.id)
)


def forged(keyring: Keyring, tenant_id: int, seals: Sequence[Any]) -> list[int]:
    """The positions of seals that our key has not made, or that follow others than they did."""
    forged = []
    before = None
    for position, sealed, seal, at, _ in seals:
        if seal_of(keyring, tenant_id, Anchor(position, sealed), at, before) != seal:
            forged.append(position)
        before = seal
    return forged


def seal_of(
    keyring: Keyring, tenant_id: int, anchor: Anchor, at: str, before: bytes | None
) -> bytes:
    """A seal under what was sealed, when, and the seal before it."""
    sealed = {
        "tenant_id": tenant_id,
        "position": anchor.position,
        "hash": anchor.hash.hex(),
        "sealed_at": at,
        "before": None if before is None else before.hex(),
    }
    return keyring.seal(canonical(sealed))
