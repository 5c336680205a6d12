"""Whatever is done to the history behind the application's back, verifying it finds it."""

# ruff: noqa: S608  Tests name their own tables.

from typing import Any

import asyncpg
import httpx2
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, DateTime, Integer, Text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB

from app.models import History
from app.work.verification import Wanted
from tests.conftest import Database
from tests.publisher import Publisher
from tests.work.histories import (
    CLOSE_UP,
    COPY,
    ENTRIES,
    EXCHANGE,
    MAKE_ROOM,
    REMOVE,
    REWIND,
    faults,
    filled,
    tampering,
    verified,
)

LAST = len(ENTRIES)
PLACES = st.integers(1, LAST)

tampered = settings(
    derandomize=True,
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The database in which these tests found their publishers, side by side."""
    return shared_database


@pytest.fixture
async def publisher(owner: asyncpg.Connection) -> Publisher:
    """A publisher with a history."""
    publisher = await Publisher.found(owner, httpx2.AsyncClient())
    await filled(publisher)
    return publisher


CHANGES: dict[type[Any], tuple[str, ...]] = {
    BigInteger: ("coalesce({c}, 0) + 1", "NULL", "-1"),
    Integer: ("{other}",),
    Text: ("coalesce({c}, '') || 'x'", "NULL", "''"),
    DateTime: ("{c} + interval '1 microsecond'", "'infinity'", "'4000-01-01 BC'", "NULL"),
    BYTEA: ("sha256({c})", "'\\x00'", "NULL", "sha256('')"),
    JSONB: (
        "NULL",
        "'{{}}'",
        "'[1]'",
        "coalesce({c}, '{{}}') || '{{\"x\": 1}}'",
        "coalesce({c}, '{{}}') || '{{\"personal\": null}}'",
        'coalesce({c}, \'{{}}\') || \'{{"personal": {{"email": "b@example.org"}}}}\'',
        "{c} - 'personal'",
        "{c} #- '{{tags,0}}'",
        "replace({c}::text, '1.50', '1.5')::jsonb",
        "(repeat('[', 3000) || repeat(']', 3000))::jsonb",
    ),
}
COLUMNS = st.sampled_from(list(History.__table__.columns)).flatmap(
    lambda column: st.tuples(st.just(column), st.sampled_from(CHANGES[type(column.type)]))
)


@settings(tampered, max_examples=150)
@given(column=COLUMNS, place=PLACES)
async def test_a_changed_value_is_found(publisher: Publisher, column: Any, place: int) -> None:
    changed, value = column
    # Identity columns can't be null.
    assume((changed.name, value) != ("id", "NULL"))
    async with tampering(publisher.owner):
        other = await publisher.owner.fetchval("SELECT max(id) + 1 FROM tenant")
        new = value.format(c=changed.name, other=other)
        done = await publisher.owner.execute(
            f"UPDATE history SET {changed.name} = {new} WHERE (tenant_id, position) = ($1, $2)"
            f" AND {changed.name} IS DISTINCT FROM {new}",
            publisher.tenant_id,
            place,
        )
        found = await faults(publisher)
        assert found if done == "UPDATE 1" else not found


@tampered
@given(place=PLACES, closing_up=st.booleans())
async def test_a_removed_entry_is_found(
    publisher: Publisher, place: int, *, closing_up: bool
) -> None:
    async with tampering(publisher.owner):
        await publisher.owner.execute(REMOVE, publisher.tenant_id, place)
        if not closing_up:
            assert await faults(publisher) == [("MISSING", place)]
            return
        await publisher.owner.execute(CLOSE_UP, publisher.tenant_id, place)
        await publisher.owner.execute(REWIND, publisher.tenant_id)
        # Whether there were newer ones, only who knows of them can tell.
        assert bool(await faults(publisher)) == (place < LAST)


@tampered
@given(place=st.integers(1, LAST + 1), like=PLACES, making_room=st.booleans())
async def test_an_inserted_entry_is_found(
    publisher: Publisher, place: int, like: int, *, making_room: bool
) -> None:
    async with tampering(publisher.owner):
        tenant = publisher.tenant_id
        if making_room:
            await publisher.owner.execute(MAKE_ROOM, tenant, place)
            like += like >= place
        await publisher.owner.execute(COPY, tenant, place, like)
        assert "INSERTED" in [kind for kind, _ in await faults(publisher)]
        if making_room and place <= LAST:
            await publisher.owner.execute(REWIND, tenant)
            assert await faults(publisher) == [("INSERTED", place)]


@tampered
@given(one=PLACES, other=PLACES)
async def test_entries_that_changed_places_are_found(
    publisher: Publisher, one: int, other: int
) -> None:
    assume(one != other)
    async with tampering(publisher.owner):
        await publisher.owner.execute(EXCHANGE, publisher.tenant_id, one, other)
        assert min(one, other) in [position for _, position in await faults(publisher)]


@tampered
@given(kept=st.integers(0, LAST - 1), rewinding=st.booleans())
async def test_an_end_that_was_cut_off_is_found(
    publisher: Publisher, kept: int, *, rewinding: bool
) -> None:
    anchor = (await verified(publisher)).anchor
    async with tampering(publisher.owner):
        tenant = publisher.tenant_id
        await publisher.owner.execute(
            "DELETE FROM history WHERE tenant_id = $1 AND position > $2", tenant, kept
        )
        if rewinding:
            await publisher.owner.execute("DELETE FROM history_chain WHERE tenant_id = $1", tenant)
            await publisher.owner.execute(
                "INSERT INTO history_chain SELECT tenant_id, position, hash FROM history"
                " WHERE (tenant_id, position) = ($1, $2)",
                tenant,
                kept,
            )
            assert await faults(publisher) == []
        else:
            missing = [("MISSING", place) for place in range(kept + 1, LAST + 1)]
            assert await faults(publisher) == missing
        assert ("ANCHOR_MISMATCH", LAST) in await faults(publisher, Wanted(expect=anchor))


async def test_what_is_cut_off_is_missed_when_the_history_goes_on(publisher: Publisher) -> None:
    async with tampering(publisher.owner):
        await publisher.owner.execute(REMOVE, publisher.tenant_id, LAST)
        await publisher.owner.execute("ALTER TABLE history ENABLE TRIGGER USER")
        await publisher.make(History)
        assert await faults(publisher) == [("MISSING", LAST)]


async def test_an_entry_leaves_an_account_only_when_that_is_gone(publisher: Publisher) -> None:
    async with tampering(publisher.owner):
        await publisher.owner.execute(
            "UPDATE history SET customer_id = NULL WHERE (tenant_id, position) = ($1, $2)",
            publisher.tenant_id,
            LAST,
        )
        assert await faults(publisher) == [("CHANGED", LAST)]


async def test_of_very_much_only_how_much_is_told(publisher: Publisher) -> None:
    async with tampering(publisher.owner):
        await publisher.owner.execute(
            "UPDATE history_chain SET position = $2 WHERE tenant_id = $1",
            publisher.tenant_id,
            10**15,
        )
        found = await verified(publisher)
        assert (len(found.faults), found.fault_count) == (100, 10**15 - LAST)
