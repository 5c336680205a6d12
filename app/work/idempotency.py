"""Idempotency keys: a request that is sent twice has one effect and one answer."""

import dataclasses
import hashlib
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from strawberry import UNSET

from app.errors import Refused, UserErrorCode
from app.models import IdempotencyKey
from app.models.base import TenantRow
from app.scalars import UploadedFile
from app.work.inputs import Repeatable
from app.work.unit import Work

KEPT = timedelta(hours=24)
LOCK_NOT_AVAILABLE = "55P03"

_KEY = "idempotency_key"
_UNIQUE = ("tenant_id", "actor_kind", "actor_id", "action", "key")
_CLEARED = 10
"""How many keys that have had their day each new one clears away."""


class DoneBefore(Exception):  # noqa: N818  It is an answer, not an error.
    """What is asked for was done before: nothing is written, and the answer is the same record.

    For rules that know it without a key, such as the second click on a link.
    """

    def __init__(self, row: TenantRow) -> None:
        super().__init__()
        self.key = row.id


async def claim(work: Work, input: object) -> int | None:
    """Take the request's key, or give the key of the record that it gave before.

    A twin that is under way has written the same row, so this waits for it, as long as
    locks are waited for.

    Raises:
        Refused: IDEMPOTENCY_KEY_REUSED with another input, IDEMPOTENCY_IN_PROGRESS when the twin
            takes too long.
    """
    if not isinstance(input, Repeatable) or not input.idempotency_key:
        return None
    actor = work.actor
    unique = {
        "tenant_id": work.tenant_id,
        "actor_kind": actor["actor_kind"],
        "actor_id": actor["actor_id"],
        "action": work.action.name,
        "key": input.idempotency_key,
    }
    input_hash = work.keyring.lookup_hash(f"idempotency:{_written(input)}")
    try:
        work.claim = await _insert(work, unique, input_hash)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        raise Refused(
            UserErrorCode.IDEMPOTENCY_IN_PROGRESS,
            "The first request with this key is still under way. Ask again soon.",
            _KEY,
        ) from error
    if work.claim is not None:
        return None
    known = (
        await work.session.execute(
            select(IdempotencyKey.input_hash, IdempotencyKey.record_id).filter_by(**unique)
        )
    ).one()
    if known.input_hash != input_hash:
        raise Refused(
            UserErrorCode.IDEMPOTENCY_KEY_REUSED,
            "This key was used with another input within the last 24 hours.",
            _KEY,
        )
    record_id: int = known.record_id
    return record_id


async def _insert(work: Work, unique: dict[str, Any], input_hash: bytes) -> int | None:
    """Write the key, in place of an equal one that has had its day; None where one holds."""
    oldest = work.now - KEPT
    fresh = {"input_hash": input_hash, "record_id": None, "created_at": work.now}
    outdated = (
        select(IdempotencyKey.id)
        .where(
            IdempotencyKey.tenant_id == work.tenant_id,
            IdempotencyKey.created_at < oldest,
            IdempotencyKey.key != unique["key"],
        )
        .order_by(IdempotencyKey.created_at)
        .limit(_CLEARED)
        .with_for_update(skip_locked=True)
    )
    cleared = delete(IdempotencyKey).where(
        IdempotencyKey.tenant_id == work.tenant_id, IdempotencyKey.id.in_(outdated)
    )
    statement = (
        insert(IdempotencyKey)
        .values(**unique, **fresh)
        .on_conflict_do_update(
            index_elements=_UNIQUE, set_=fresh, where=IdempotencyKey.created_at < oldest
        )
        .returning(IdempotencyKey.id)
        .add_cte(cleared.cte("cleared"))
    )
    return await work.session.scalar(statement)


def _written(input: object) -> str:
    """An input without its key, in one way of writing it down."""
    return orjson.dumps(_values(input), option=orjson.OPT_SORT_KEYS, default=str).decode()


def _values(value: Any) -> Any:
    if isinstance(value, list):
        return [_values(member) for member in value]
    if isinstance(value, UploadedFile):
        return [value.name, hashlib.sha256(value.content).hexdigest()]
    if dataclasses.is_dataclass(value):
        pairs = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {name: _values(v) for name, v in pairs if v is not UNSET and name != _KEY}
    return value
