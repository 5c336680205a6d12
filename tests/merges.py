"""Customers who are there twice, and merging them, for tests."""

import json
from typing import Any

from app.jobs import merges
from app.jobs.registry import JobContext
from app.models import Base
from app.schema.node import encode_id, global_key
from tests.publisher import Publisher, refusals

PREVIEW = """
    query ($input: PreviewMergeInput!) { previewMerge(input: $input) {
        defaultFields { field value } alternateFields { field value }
        additionalData { key chosen other }
        records { record count becomeOne } notices { kind count }
        userErrors { code field message }
    } }
"""


def both(kept: int, duplicate: int, **more: Any) -> dict[str, Any]:
    """The input that names two customers."""
    ids = {"customerId": kept, "duplicateId": duplicate}
    return {**{name: encode_id("Customer", key) for name, key in ids.items()}, **more}


async def order(publisher: Publisher, kept: int, duplicate: int, **more: Any) -> int:
    """Order a merge, which must not be refused; its key."""
    given = both(kept, duplicate, **more)
    payload = await publisher.act("mergeCustomers", given, "customerMerge { id status }")
    assert refusals(payload) == []
    assert payload["customerMerge"]["status"] == "QUEUED"
    return global_key(payload["customerMerge"]["id"]).key


async def carry_out(context: JobContext, publisher: Publisher, key: int) -> dict[str, Any]:
    """Do an ordered merge as a worker does; its row."""
    await merges.merge(context, publisher.tenant_id, {"customermerge": key})
    return await row_of(publisher, key)


async def row_of(publisher: Publisher, key: int) -> dict[str, Any]:
    """A merge's row."""
    row = await publisher.owner.fetchrow(
        "SELECT * FROM customer_merge WHERE tenant_id = $1 AND id = $2", publisher.tenant_id, key
    )
    assert row is not None
    return dict(row)


async def merge(
    context: JobContext, publisher: Publisher, kept: int, duplicate: int, **more: Any
) -> dict[str, Any]:
    """Order a merge and do it; its row, which is DONE."""
    key = await order(publisher, kept, duplicate, **more)
    row = await carry_out(context, publisher, key)
    assert (row["status"], row["error"]) == ("DONE", None)
    return row


async def counts(publisher: Publisher, *customers: int) -> dict[str, int]:
    """How many rows of each table name one of the customers, where there are any."""
    tables = [table for table in Base.metadata.sorted_tables if "customer_id" in table.columns]
    found = " UNION ALL ".join(
        f"SELECT '{table.name}' AS name, count(*) FROM {table.name}"  # noqa: S608  The names are ours.
        " WHERE tenant_id = $1 AND customer_id = ANY ($2)"
        for table in tables
    )
    rows = await publisher.owner.fetch(found, publisher.tenant_id, list(customers))
    return {row["name"]: row["count"] for row in rows if row["count"]}


async def everything_written(publisher: Publisher) -> str:
    """All rows of a publisher, as one text."""
    tables = [table for table in Base.metadata.sorted_tables if "tenant_id" in table.columns]
    found = []
    for table in tables:
        rows = await publisher.owner.fetch(
            f"SELECT to_jsonb(r)::text AS row FROM {table.name} AS r WHERE tenant_id = $1",  # noqa: S608  The names are ours.
            publisher.tenant_id,
        )
        found += [f"{table.name} {row['row']}" for row in rows]
    return json.dumps(found, ensure_ascii=False)
