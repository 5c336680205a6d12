"""What merging two customers would do: what moves, what differs, and what to know beforehand."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import text

from app.actions.merged_customer import (
    Choice,
    Difference,
    choices,
    differences,
    merged_values,
    takes_password,
)
from app.actions.merged_opt_ins import topics
from app.actions.merging import Pair, PreviewMergeInput, ask
from app.errors import Refusal
from app.models import merging
from app.models.base import record_name
from app.work.unit import Work


class MergeNoticeKind(StrEnum):
    """What somebody who merges customers ought to know."""

    SAME_OFFER = "SAME_OFFER"
    SAME_BANK_ACCOUNT = "SAME_BANK_ACCOUNT"
    OPT_INS_DIFFER = "OPT_INS_DIFFER"
    CONSENTS_LAPSE = "CONSENTS_LAPSE"
    ADDRESS_NOT_PREFERRED = "ADDRESS_NOT_PREFERRED"
    LOGIN_BLOCKED = "LOGIN_BLOCKED"
    ACCESS_BLOCKED = "ACCESS_BLOCKED"
    PASSWORD_TAKEN = "PASSWORD_TAKEN"  # noqa: S105  This is a kind of notice, no password.
    PASSWORD_ENDS = "PASSWORD_ENDS"  # noqa: S105  As above.
    TWO_FACTOR_ENDS = "TWO_FACTOR_ENDS"
    SESSIONS_END = "SESSIONS_END"


@dataclass(frozen=True)
class Moved:
    """Records of one kind: how many go over, and how many of them become one with another."""

    record: str
    count: int
    become_one: int


@dataclass(frozen=True)
class Outlook:
    """What merging would do."""

    refusals: Sequence[Refusal]
    choices: Sequence[Choice] = ()
    differences: Sequence[Difference] = ()
    moved: Sequence[Moved] = ()
    notices: Sequence[tuple[MergeNoticeKind, int]] = ()


_PAIRS = (
    "SELECT count(DISTINCT other.id) FROM {table} AS mine JOIN {table} AS other ON {same}"
    " WHERE mine.tenant_id = :tenant AND mine.customer_id = :kept"
    " AND other.tenant_id = :tenant AND other.customer_id = :duplicate"
)
_OF_DUPLICATE = (
    "SELECT count(*) FROM {table} AS t WHERE t.tenant_id = :tenant AND t.customer_id = :duplicate"
)

_RUNS = "{0}.status <> 'INACTIVE' AND coalesce({0}.ends_on >= :today, true)"

_COUNTED = {
    MergeNoticeKind.SAME_OFFER: _PAIRS.format(
        table="subscription",
        same=" AND ".join(
            ("mine.offer_id = other.offer_id", _RUNS.format("mine"), _RUNS.format("other"))
        ),
    ),
    MergeNoticeKind.SAME_BANK_ACCOUNT: _PAIRS.format(table="bank_account", same=merging.SAME_IBAN),
    MergeNoticeKind.OPT_INS_DIFFER: _PAIRS.format(
        table="opt_in", same=f"{merging.SAME_OPT_IN} AND mine.status <> other.status"
    ),
    MergeNoticeKind.ADDRESS_NOT_PREFERRED: _PAIRS.format(
        table="address",
        same="mine.type = other.type AND mine.preferred AND other.preferred"
        f" AND NOT {merging.same_address()} AND NOT "
        + merging.moves_to(
            "other", tenant=":tenant", kept=":kept", duplicate=":duplicate", day=":today"
        ),
    ),
    MergeNoticeKind.SESSIONS_END: _OF_DUPLICATE.format(table="access_token")
    + " AND t.revoked_at IS NULL AND t.expires_at > :now",
}
"""What is counted for a notice."""


async def preview_merge(work: Work, input: PreviewMergeInput) -> Outlook:
    """Tell what merging two customers would do.

    Raises:
        Refused: INVALID, where an id is none.
    """
    asked = await ask(work, input)
    if asked.pair is None:
        return Outlook(asked.refusals)
    pair, take = asked.pair, input.take or ()
    values = merged_values(pair, take)
    return Outlook(
        asked.refusals,
        choices(pair, take),
        differences(pair),
        await _moved(work, pair),
        [
            *await _counted(work, pair),
            *await _lapsing(work, pair, values),
            *_of_customers(pair, values),
        ],
    )


async def _moved(work: Work, pair: Pair) -> list[Moved]:
    tables = list(merging.moved())
    counts = await _count(work, pair, [_OF_DUPLICATE.format(table=table) for table in tables])
    same = {"address": merging.same_address(), "opt_in": merging.SAME_OPT_IN}
    asked = [_PAIRS.format(table=table, same=condition) for table, condition in same.items()]
    become_one = dict(zip(same, await _count(work, pair, asked), strict=True))
    return [
        Moved(record_name(table), count, become_one.get(table, 0))
        for table, count in zip(tables, counts, strict=True)
        if count
    ]


async def _counted(work: Work, pair: Pair) -> list[tuple[MergeNoticeKind, int]]:
    counts = await _count(work, pair, list(_COUNTED.values()))
    return [(kind, count) for kind, count in zip(_COUNTED, counts, strict=True) if count]


async def _count(work: Work, pair: Pair, queries: Sequence[str]) -> Sequence[int]:
    """What queries count, in one statement."""
    values = {
        "tenant": work.tenant_id,
        "kept": pair.kept.id,
        "duplicate": pair.duplicate.id,
        "today": await work.today(),
        "now": work.now,
    }
    statement = text("SELECT " + ", ".join(f"({query})" for query in queries))
    return list((await work.session.execute(statement, values)).one())


async def _lapsing(
    work: Work, pair: Pair, values: Mapping[str, Any]
) -> list[tuple[MergeNoticeKind, int]]:
    said = await topics(work, pair, values)
    count = sum(saying.consent_lapses for topic in said for saying in topic)
    return [(MergeNoticeKind.CONSENTS_LAPSE, count)] if count else []


def _of_customers(pair: Pair, values: Mapping[str, Any]) -> Iterator[tuple[MergeNoticeKind, int]]:
    kept, duplicate = pair
    if kept.login_blocked_at is None and values["login_blocked_at"] is not None:
        yield MergeNoticeKind.LOGIN_BLOCKED, 1
    if kept.access_blocked_at is None and values["access_blocked_at"] is not None:
        yield MergeNoticeKind.ACCESS_BLOCKED, 1
    if takes_password(pair):
        yield MergeNoticeKind.PASSWORD_TAKEN, 1
    elif duplicate.password_hash is not None:
        yield MergeNoticeKind.PASSWORD_ENDS, 1
    protected = values.get("two_factor_since", kept.two_factor_since) is not None
    if duplicate.two_factor_since is not None and not protected:
        yield MergeNoticeKind.TWO_FACTOR_ENDS, 1
