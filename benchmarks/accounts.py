"""Fills accounts up, so that there is something to read in each tab.

Customers made by the million are slim. Each tab here gets up to 29 records, a different number in
each tab and account (14.5 on average, which makes 3.5 million rows of 20,000 customers), and every
hundredth account gets 25 in all tabs, so that its first pages are full.

Records are copies of what the account, or another one where it has none, holds already, further
back in time. Their texts and sums are therefore what the application writes.
"""

import asyncio
import json
from dataclasses import asdict, dataclass
from typing import Any

import asyncpg
from rich.console import Console

from app.demo.bulk import seed_customers
from app.settings import Settings
from benchmarks.tenants import connect

CUSTOMERS = 20_000

TENANT = f"bench-{CUSTOMERS}"

FULL = 25
"""How many records each tab of a full account holds."""

_MOST = 30
_FULL_EVERY = 100

_OLDER = {"created_at": "source.created_at - step * interval '3 days 7 hours 13 seconds'"}
_NUMBERED = {"number": "'BM-' || account.id || '-' || step"}

_COPIES: dict[str, tuple[dict[str, str], str]] = {
    "activity": ({}, "true"),
    "address": ({"preferred": "false"}, "true"),
    "access_right": (
        {"source": "'MANUAL'", "order_id": "NULL", "subscription_id": "NULL"},
        "true",
    ),
    "bank_account": (
        {
            "preferred": "false",
            "mandate_state": "'LAPSED'",
            "mandate_reference": "'BM/' || account.id || '/' || step",
        },
        "true",
    ),
    "customer_order": (_NUMBERED, "true"),
    "subscription": ({**_NUMBERED, "starts_on": "source.starts_on - step * 30"}, "true"),
    "invoice": (
        {**_NUMBERED, "issued_on": "source.issued_on - step * 30"},
        "type = 'INVOICE'",
    ),
    # An invoice has at most one debit, so copies are transfers.
    "payment_transaction": (
        {
            "action": "'BANK_TRANSFER'",
            "status": "'SUCCESS'",
            **dict.fromkeys(
                (
                    "original_id",
                    "due_on",
                    "end_to_end_id",
                    "sequence_type",
                    "sepa_batch_id",
                    "returned_on",
                    "error_code",
                    "error_message",
                ),
                "NULL",
            ),
        },
        "action = 'SEPA_DEBIT'",
    ),
    "delivery": (
        {
            "kind": "'REGULAR'",
            "status": "'CANCELLED'",
            "original_id": "NULL",
            "goodwill_id": "NULL",
            "publishing_on": "source.publishing_on - step * 7",
        },
        "true",
    ),
    "goodwill": ({}, "true"),
    "mail": ({}, "true"),
    "login": ({}, "true"),
}
"""Per table: what a copy has of its own, and which rows can be copied."""


@dataclass(frozen=True)
class Accounts:
    """The customers that are measured, by the keys of their rows."""

    tenant: int
    full: tuple[int, ...]
    mixed: tuple[int, ...]
    all: tuple[int, ...]


def filled_accounts(settings: Settings, console: Console) -> Accounts:
    """See that there are filled accounts, which is done once per database."""
    slug = TENANT
    kept = settings.var_directory / f"accounts-{slug}.json"
    if kept.exists():
        known = json.loads(kept.read_text())
        return Accounts(known["tenant"], *(tuple(known[n]) for n in ("full", "mixed", "all")))
    seed_customers(settings, CUSTOMERS, console, tenant=slug)
    with console.status("Filling the accounts"):
        accounts = asyncio.run(_fill(settings, slug))
    kept.write_text(json.dumps(asdict(accounts)))
    return accounts


async def _fill(settings: Settings, slug: str) -> Accounts:
    connection = await connect(settings)
    try:
        await connection.execute("SET synchronous_commit = off")
        tenant = await connection.fetchval("SELECT id FROM tenant WHERE slug = $1", slug)
        for place, (table, (own, copied)) in enumerate(_COPIES.items()):
            statement = _copy(table, own, copied, await _columns(connection, table))
            await connection.execute(statement, tenant, place)
        await _attach_files(connection, tenant)
        await connection.execute("VACUUM ANALYZE")
        return await _chosen(connection, tenant)
    finally:
        await connection.close()


async def _columns(connection: "asyncpg.Connection[Any]", table: str) -> list[str]:
    """What has to be given for a row: no keys, and nothing that PostgreSQL computes."""
    rows = await connection.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = $1"
        " AND table_schema = 'public' AND is_generated = 'NEVER'"
        " AND column_name NOT IN ('tenant_id', 'id', 'customer_id')",
        table,
    )
    return [row["column_name"] for row in rows]


def _copy(table: str, own: dict[str, str], copied: str, columns: list[str]) -> str:
    """The statement that fills a tab; its parameters are the tenant and the tab's place."""
    values = {**_OLDER, **own}
    selected = ", ".join(values.get(column, f"source.{column}") for column in columns)
    # The names are those of our own tables.
    return f"""
        INSERT INTO {table} (tenant_id, customer_id, {", ".join(columns)})
        SELECT $1, account.id, {selected}
        FROM (
            SELECT customer.id,
                CASE WHEN customer.id % {_FULL_EVERY} = 0 THEN {FULL}
                    ELSE (customer.id * 7 + $2::integer * 11) % {_MOST} END AS wanted,
                (SELECT count(*) FROM {table} AS present
                    WHERE present.tenant_id = $1 AND present.customer_id = customer.id) AS present,
                (SELECT customer_id FROM {table} WHERE tenant_id = $1 AND {copied} LIMIT 1) AS other
            FROM customer WHERE customer.tenant_id = $1
        ) AS account
        CROSS JOIN LATERAL (
            SELECT * FROM (
                (SELECT * FROM {table} WHERE tenant_id = $1 AND customer_id = account.id
                    AND {copied} LIMIT 1)
                UNION ALL
                (SELECT * FROM {table} WHERE tenant_id = $1 AND customer_id = account.other
                    AND {copied} LIMIT 1)
            ) AS either LIMIT 1
        ) AS source
        CROSS JOIN LATERAL generate_series(1, (account.wanted - account.present)::integer) AS step
    """  # noqa: S608


async def _attach_files(connection: "asyncpg.Connection[Any]", tenant: int) -> None:
    """Give every fourth activity of the full accounts a file; nobody will download it."""
    await connection.execute(
        """
        INSERT INTO file
            (tenant_id, customer_id, purpose, key, name, content_type, size_bytes, sha256)
        SELECT tenant_id, customer_id, 'ATTACHMENT', 'bench/' || id, 'Brief ' || id || '.pdf',
            'application/pdf', 1000 + id % 1000, encode(sha256(id::text::bytea), 'hex')
        FROM activity WHERE tenant_id = $1 AND customer_id % $2 = 0 AND id % 4 = 0
        """,
        tenant,
        _FULL_EVERY,
    )
    await connection.execute(
        """
        INSERT INTO activity_attachment (tenant_id, activity_id, file_id, position)
        SELECT tenant_id, substr(key, 7)::bigint, id, 1
        FROM file WHERE tenant_id = $1 AND key LIKE 'bench/%'
        """,
        tenant,
    )


async def _chosen(connection: "asyncpg.Connection[Any]", tenant: int) -> Accounts:
    rows = await connection.fetch(
        "SELECT id FROM customer WHERE tenant_id = $1 ORDER BY md5(id::text)", tenant
    )
    keys = [row["id"] for row in rows]
    return Accounts(
        tenant=tenant,
        full=tuple(key for key in keys if key % _FULL_EVERY == 0)[:100],
        mixed=tuple(key for key in keys if key % _FULL_EVERY != 0)[:100],
        all=tuple(keys[:1000]),
    )
