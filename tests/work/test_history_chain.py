"""The history is one chain, whoever writes it, and stays one where it is anonymised."""

# ruff: noqa: S608  Tests name their own tables.

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import asyncpg
import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.history_chain import ORIGIN, Anchor, canonical
from app.models import History
from app.settings import Settings
from app.work import verification
from app.work.verification import PAGE, Wanted
from app.writing import Writing
from tests.conftest import Database
from tests.publisher import Publisher
from tests.rows import KEYRING
from tests.work.histories import (
    CHAIN_ANEW,
    ENTRIES,
    REMOVE,
    anonymise,
    faults,
    filled,
    forget,
    tampering,
    verified,
)

LAST = len(ENTRIES)


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


@pytest.fixture
async def writing(settings: Settings) -> AsyncIterator[Writing]:
    """Transactions of the application's role."""
    writing = Writing(settings)
    writing.open()
    yield writing
    await writing.close()


async def seal(writing: Writing, publisher: Publisher) -> verification.Verification:
    async with writing.system_transaction(publisher.tenant_id) as transaction:
        return await verification.seal(transaction, KEYRING)


async def test_a_history_that_nobody_touched_is_whole(publisher: Publisher) -> None:
    found = await verified(publisher)
    assert (found.faults, found.entries, found.first, found.complete) == ([], LAST, 1, True)
    [head] = await publisher.owner.fetch(
        "SELECT position, hash FROM history_chain WHERE tenant_id = $1", publisher.tenant_id
    )
    assert found.anchor == Anchor(*head) == Anchor(LAST, head["hash"])


async def test_there_may_be_none(owner: asyncpg.Connection) -> None:
    empty = await Publisher.found(owner, httpx2.AsyncClient())
    found = await verified(empty)
    assert (found.entries, found.first, found.anchor) == (0, None, Anchor(0, ORIGIN))
    assert await faults(empty, Wanted(expect=Anchor(0, ORIGIN))) == []
    assert await faults(empty, Wanted(expect=Anchor(1, ORIGIN))) == [("ANCHOR_MISMATCH", 1)]


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
)


@settings(
    derandomize=True,
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(JSON)
async def test_the_database_and_we_write_json_alike(owner: asyncpg.Connection, value: Any) -> None:
    written = await owner.fetchval("SELECT $1::jsonb::text", canonical(value))
    assert written == canonical(value)


async def test_a_history_chained_anew_is_not_what_was_sealed(
    publisher: Publisher, writing: Writing
) -> None:
    sealed = await seal(writing, publisher)
    assert (await verified(publisher)).seal is not None
    async with tampering(publisher.owner):
        tenant = publisher.tenant_id
        await publisher.owner.execute("UPDATE history SET action = 'a.b' WHERE position = 2")
        await publisher.owner.execute(CHAIN_ANEW.format(tenant=tenant))
        assert await faults(publisher) == [("ANCHOR_MISMATCH", LAST)]
        # A seal of one's own needs the key, and to have none is to be seen.
        await publisher.owner.execute(
            "UPDATE history_seal SET hash = head.hash FROM history_chain AS head"
            " WHERE head.tenant_id = history_seal.tenant_id AND head.tenant_id = $1",
            tenant,
        )
        assert await faults(publisher) == [("ANCHOR_MISMATCH", LAST)]
        await publisher.owner.execute("DELETE FROM history_seal WHERE tenant_id = $1", tenant)
        found = await verified(publisher)
        assert (found.faults, found.seal) == ([], None)
        expecting = Wanted(expect=sealed.anchor)
        assert await faults(publisher, expecting) == [("ANCHOR_MISMATCH", LAST)]


async def test_a_seal_can_be_neither_left_out_nor_moved_nor_made(
    publisher: Publisher, writing: Writing
) -> None:
    for _ in range(3):
        await seal(writing, publisher)
        await publisher.make(History)
    positions = [LAST, LAST + 1, LAST + 2]
    for change, wrong in (
        ("DELETE FROM history_seal WHERE position = $1", [LAST + 1]),
        ("UPDATE history_seal SET created_at = now() WHERE position = $1", [LAST]),
        ("UPDATE history_seal SET seal = sha256(seal) WHERE position = $1", [LAST, LAST + 1]),
    ):
        async with tampering(publisher.owner):
            await publisher.owner.execute(f"{change} AND tenant_id = $2", LAST, publisher.tenant_id)
            assert await faults(publisher) == [("ANCHOR_MISMATCH", place) for place in wrong]
    kept = await publisher.owner.fetch(
        "SELECT position FROM history_seal WHERE tenant_id = $1 ORDER BY id", publisher.tenant_id
    )
    assert [row["position"] for row in kept] == positions


async def test_only_what_is_new_and_whole_is_sealed(publisher: Publisher, writing: Writing) -> None:
    assert (await seal(writing, publisher)).entries == LAST
    assert (await seal(writing, publisher)).entries == 0
    count = "SELECT count(*) FROM history_seal WHERE tenant_id = $1"
    assert await publisher.owner.fetchval(count, publisher.tenant_id) == 1
    await publisher.make(History)
    async with publisher.owner.transaction():
        await publisher.owner.execute("SET LOCAL abokonto.erasure = 'on'")
        await publisher.owner.execute(
            "UPDATE history SET action = 'a.b' WHERE (tenant_id, position) = ($1, $2)",
            publisher.tenant_id,
            LAST + 1,
        )
    assert (await seal(writing, publisher)).fault_count > 0
    assert await publisher.owner.fetchval(count, publisher.tenant_id) == 1


@pytest.mark.parametrize("gone", [anonymise, forget])
async def test_what_is_personal_can_go_and_nothing_else(publisher: Publisher, gone: Any) -> None:
    [customer, _] = await publisher.owner.fetch(
        "SELECT id FROM customer WHERE tenant_id = $1 ORDER BY id", publisher.tenant_id
    )
    before = await verified(publisher)
    async with publisher.owner.transaction():
        await gone(publisher, customer["id"])
    after = await verified(publisher)
    assert (after.faults, after.anchor) == ([], before.anchor)
    # Of the entries 1, 3, 5 and 7 the first two had something; the 5th is of no account.
    assert after.anonymised == 2
    for change in (
        "record_id = 18",
        "after = '{}'",
        "note = 'Nie gesagt.'",
        "actor_name = 'Niemand'",
        "personal_salt = '\\x00'",
        "customer_id = (SELECT max(id) FROM customer WHERE tenant_id = history.tenant_id)",
        "account_id = account_id + 1",
    ):
        async with tampering(publisher.owner):
            await publisher.owner.execute(
                f"UPDATE history SET {change} WHERE (tenant_id, position) = ($1, 1)",
                publisher.tenant_id,
            )
            assert ("CHANGED", 1) in await faults(publisher), change


async def test_a_part_is_verified_from_where_one_left_off(publisher: Publisher) -> None:
    whole = await verified(publisher)
    part = await verified(publisher, Wanted(first=1, most=3))
    assert (part.entries, part.complete, part.anchor.position) == (3, False, 3)
    rest = await verified(publisher, Wanted(first=4, expect=part.anchor))
    assert (rest.entries, rest.complete, rest.anchor, rest.faults) == (
        LAST - 3,
        True,
        whole.anchor,
        [],
    )
    wrong = replace(Wanted(first=4, last=5), expect=Anchor(3, ORIGIN))
    assert await faults(publisher, wrong) == [("ANCHOR_MISMATCH", 3)]
    ahead = replace(wrong, expect=Anchor(6, ORIGIN))
    assert await faults(publisher, ahead) == [("ANCHOR_MISMATCH", 6)]


async def test_pages_make_no_difference(publisher: Publisher) -> None:
    more = 2 * PAGE + 500
    await publisher.owner.execute(
        "INSERT INTO history (tenant_id, action) SELECT $1, 'a.b' FROM generate_series(1, $2)",
        publisher.tenant_id,
        more,
    )
    found = await verified(publisher)
    assert (found.entries, found.faults) == (LAST + more, [])
    async with tampering(publisher.owner):
        removed = [PAGE, PAGE + 1, 2 * PAGE]
        for place in removed:
            await publisher.owner.execute(REMOVE, publisher.tenant_id, place)
        assert await faults(publisher) == [("MISSING", place) for place in removed]


async def test_a_statement_of_many_is_chained_in_a_row(publisher: Publisher) -> None:
    other = await Publisher.found(publisher.owner, httpx2.AsyncClient())
    await publisher.owner.copy_records_to_table(
        "history",
        columns=["tenant_id", "action", "position", "note"],
        records=[
            ([publisher, other][place % 2].tenant_id, "a.b", 1, str(place)) for place in range(100)
        ],
    )
    for of, count in ((publisher, LAST + 50), (other, 50)):
        found = await verified(of)
        assert (found.entries, found.anchor.position, found.faults) == (count, count, [])


async def test_the_application_chooses_neither_place_nor_hash(
    publisher: Publisher, application: asyncpg.Connection
) -> None:
    tenant = publisher.tenant_id
    async with application.transaction():
        await application.execute("SELECT set_config('abokonto.tenant_id', $1, true)", str(tenant))
        await application.execute(
            "INSERT INTO history (tenant_id, action, position, hash, account_id, personal_salt)"
            " VALUES ($1, 'a.b', 1, '\\x00', 5, '\\x00')",
            tenant,
        )
    found = await verified(publisher)
    assert (found.entries, found.faults) == (LAST + 1, [])


async def test_what_is_rolled_back_leaves_no_gap(publisher: Publisher) -> None:
    insert = "INSERT INTO history (tenant_id, action) VALUES ($1, 'a.b')"
    for outcome in ("ROLLBACK", "COMMIT", "ROLLBACK", "COMMIT"):
        await publisher.owner.execute("BEGIN")
        await publisher.owner.execute(insert, publisher.tenant_id)
        await publisher.owner.execute(outcome)
    found = await verified(publisher)
    assert (found.entries, found.anchor.position, found.faults) == (LAST + 2, LAST + 2, [])


async def test_many_writers_make_one_chain_each(publisher: Publisher, settings: Settings) -> None:
    """Each inserts in a transaction of its own, some of which come to nothing."""
    other = await Publisher.found(publisher.owner, httpx2.AsyncClient())
    url = settings.database_url
    assert url is not None

    async def write(number: int) -> None:
        tenant = [publisher, other][number % 2].tenant_id
        connection = await asyncpg.connect(url.get_secret_value())
        try:
            await connection.execute("BEGIN")
            await connection.execute(
                "SELECT set_config('abokonto.tenant_id', $1, true)", str(tenant)
            )
            await connection.execute(
                "INSERT INTO history (tenant_id, action, note) VALUES ($1, 'a.b', $2)",
                tenant,
                str(number),
            )
            await connection.execute("ROLLBACK" if number % 10 > 7 else "COMMIT")
        finally:
            await connection.close()

    await asyncio.gather(*(write(number) for number in range(50)))
    for of, count in ((publisher, LAST + 20), (other, 20)):
        found = await verified(of)
        assert (found.entries, found.anchor.position, found.faults) == (count, count, [])
