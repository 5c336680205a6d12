"""A history to tamper with, and the owner of the tables who does."""

# ruff: noqa: S608  Tests name their own tables.

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import Executable

from app.database import Statement
from app.domain.history_chain import Fault
from app.models import Customer, History
from app.work.verification import Verification, Wanted, verify
from tests.publisher import Publisher
from tests.rows import KEYRING

ENTRIES: list[dict[str, Any]] = [
    {"action": "customer.created", "after": {"number": "K-1", "personal": {"last_name": "Muster"}}},
    {"note": 'Sagt: "später"\n\t\u0001\\ \U0001f600', "actor_kind": "STAFF", "actor_name": "Erika"},
    {
        "before": {"personal": {"email": "a@example.org", "Address:17": {"street": None}}},
        "after": {"personal": {"email": "ä@example.org", "Address:17": {"street": "Weg 1"}}},
        "record_type": "Customer",
        "record_id": 17,
        "actor_id": 3,
    },
    {"before": {"tags": []}, "after": {"tags": ["b", "a"], "z": 1, "ab": {}, "b": [1.50, True]}},
    {"action": "product.created", "customer_id": None, "after": {"name": "Abo", "\U0001f600": 1}},
    {"actor_kind": "CUSTOMER", "actor_name": "Max", "note": "Ich.", "before": {}},
    {},
]
"""What entries are like: with and without what is personal, and of no account."""


async def filled(publisher: Publisher) -> list[int]:
    """Give a publisher a history with each kind of entry; the customers it is about."""
    customers = [await publisher.customer(), await publisher.customer()]
    for place, entry in enumerate(ENTRIES):
        await publisher.make(History, **{"customer_id": customers[place % 2], **entry})
    return customers


async def verified(publisher: Publisher, wanted: Wanted | None = None) -> Verification:
    """Verify a publisher's history in the transaction that its owner has open."""

    async def fetch(statement: Executable, values: Mapping[str, Any]) -> Sequence[Any]:
        compiled = Statement.of(statement)
        return await publisher.owner.fetch(compiled.sql, *compiled.arguments(values))

    return await verify(fetch, KEYRING, publisher.tenant_id, wanted or Wanted())


async def faults(publisher: Publisher, wanted: Wanted | None = None) -> list[tuple[str, int]]:
    """What is wrong with it, and where."""
    found: Sequence[Fault] = (await verified(publisher, wanted)).faults
    return [(fault.kind.value, fault.position or 0) for fault in found]


class _UndoneError(Exception):
    """Ends a transaction that nothing is to be left of."""


@asynccontextmanager
async def tampering(owner: asyncpg.Connection) -> AsyncIterator[None]:
    """A transaction in which the owner of the tables may everything, undone in the end."""
    try:
        async with owner.transaction():
            await owner.execute("ALTER TABLE history DISABLE TRIGGER USER")
            await owner.execute("ALTER TABLE history_seal DISABLE TRIGGER USER")
            constraints = await owner.fetch(
                "SELECT conname FROM pg_constraint WHERE conrelid = 'history'::regclass"
                " AND contype IN ('c', 'f', 'p', 'u') ORDER BY conname"
            )
            dropped = [f"DROP CONSTRAINT {row['conname']}" for row in constraints]
            optional = [
                f"ALTER {column.name} DROP NOT NULL"
                for column in History.__table__.columns
                if not column.nullable and column.name != "id"
            ]
            await owner.execute(f"ALTER TABLE history {', '.join([*dropped, *optional])}")
            yield
            raise _UndoneError
    except _UndoneError:
        pass


async def anonymise(publisher: Publisher, customer: int) -> None:
    """Remove what is personal from the entries of an account, as `History` says."""
    await publisher.owner.execute("SET LOCAL abokonto.erasure = 'on'")
    await publisher.owner.execute(
        "UPDATE history SET before = before - 'personal', after = after - 'personal', note = NULL,"
        " personal_salt = NULL, actor_name = NULL, actor_salt = NULL"
        " WHERE (tenant_id, customer_id) = ($1, $2)",
        publisher.tenant_id,
        customer,
    )


async def forget(publisher: Publisher, customer: int) -> None:
    """Remove a customer, and leave what was done in the account anonymised in the history."""
    await anonymise(publisher, customer)
    key = (publisher.tenant_id, customer)
    await publisher.owner.execute(
        "UPDATE history SET customer_id = NULL WHERE (tenant_id, customer_id) = ($1, $2)", *key
    )
    table = Customer.__tablename__
    await publisher.owner.execute(f"DELETE FROM {table} WHERE (tenant_id, id) = ($1, $2)", *key)


REMOVE = "DELETE FROM history WHERE (tenant_id, position) = ($1, $2)"
MAKE_ROOM = "UPDATE history SET position = position + 1 WHERE tenant_id = $1 AND position >= $2"
CLOSE_UP = "UPDATE history SET position = position - 1 WHERE tenant_id = $1 AND position > $2"
EXCHANGE = (
    "UPDATE history SET position = $2::bigint + $3 - position"
    " WHERE tenant_id = $1 AND position IN ($2, $3)"
)
COPY = (
    "INSERT INTO history (tenant_id, customer_id, account_id, action, hash, position)"
    " SELECT tenant_id, customer_id, account_id, 'customer.changed', hash, $2"
    " FROM history WHERE (tenant_id, position) = ($1, $3)"
)
REWIND = (
    "UPDATE history_chain AS head SET position = last.position, hash = last.hash FROM ("
    " SELECT tenant_id, position, hash FROM history WHERE tenant_id = $1"
    " ORDER BY position DESC LIMIT 1) AS last WHERE head.tenant_id = last.tenant_id"
)
CHAIN_ANEW = """
    DO $body$
    DECLARE
        entry public.history;
        head public.history_chain;
    BEGIN
        SELECT {tenant}, 0, decode(repeat('00', 32), 'hex') INTO head;
        FOR entry IN SELECT * FROM history WHERE tenant_id = {tenant} ORDER BY position LOOP
            entry := abokonto.linked_history(entry, head.position, head.hash);
            UPDATE history SET position = entry.position, hash = entry.hash,
                account_id = entry.account_id, personal_salt = entry.personal_salt,
                personal_digest = entry.personal_digest, actor_salt = entry.actor_salt,
                actor_digest = entry.actor_digest
            WHERE (tenant_id, id) = (entry.tenant_id, entry.id);
            head.position := entry.position;
            head.hash := entry.hash;
        END LOOP;
        UPDATE history_chain SET position = head.position, hash = head.hash
        WHERE tenant_id = {tenant};
    END
    $body$
"""
"""What somebody does who can write all tables and knows how hashes are computed."""
