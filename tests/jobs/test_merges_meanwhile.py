"""What is done to customers between the order of a merge and its end, and what it takes."""

import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx2
import pytest
from sqlalchemy import text

from app.actions import uniting
from app.domain.files.sealed import unsealed
from app.exports import downloads
from app.jobs.registry import JobContext
from app.schema.node import encode_id
from app.work.jobs import JobKind
from app.work.unit import Work
from tests import exports
from tests.conftest import Database
from tests.merges import both, carry_out, merge, order
from tests.publisher import Publisher, refusals
from tests.work.histories import faults


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The database in which these tests found their publishers, side by side."""
    return shared_database


@pytest.fixture
async def publisher(owner: asyncpg.Connection, client: httpx2.AsyncClient) -> Publisher:
    """A publisher whose merges are ordered and seen over HTTP."""
    return await Publisher.found(owner, client)


async def test_one_whose_customer_is_anonymised_fails_and_sets_the_duplicate_free(
    context: JobContext, publisher: Publisher
) -> None:
    kept, duplicate, other = [await publisher.customer() for _ in range(3)]
    key = await order(publisher, kept, duplicate)
    anonymised = {"customerId": encode_id("Customer", kept)}
    assert refusals(await publisher.act("anonymizeCustomer", anonymised)) == []
    left = await publisher.owner.fetchval(
        "SELECT count(*) FROM abokonto.pgqueuer"
        " WHERE entrypoint = $1 AND (headers ->> 'tenant')::integer = $2",
        JobKind.MERGE_CUSTOMERS.value,
        publisher.tenant_id,
    )
    assert left == 1
    row = await carry_out(context, publisher, key)
    assert (row["status"], row["refusals"]) == ("FAILED", ["CUSTOMER_ANONYMIZED"])
    await merge(context, publisher, other, duplicate)
    assert await faults(publisher) == []


async def test_an_order_that_is_sent_again_after_the_merge_gives_the_same_one(
    context: JobContext, publisher: Publisher
) -> None:
    kept, duplicate = await publisher.customer(), await publisher.customer()
    given = both(kept, duplicate, idempotencyKey="once")
    row = await merge(context, publisher, kept, duplicate, idempotencyKey="once")
    again = await publisher.act("mergeCustomers", given, "customerMerge { id status }")
    assert again["customerMerge"] == {
        "id": encode_id("CustomerMerge", row["id"]),
        "status": "DONE",
    }
    another = await publisher.act("mergeCustomers", both(kept, duplicate))
    assert refusals(another) == [("NOT_FOUND", "duplicateId")]


async def test_a_package_whose_customer_becomes_part_of_another_one_is_given(
    context: JobContext,
    publisher: Publisher,
    client: httpx2.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept, duplicate = await publisher.customer(), await publisher.customer()
    export = await exports.made(context, publisher, duplicate)

    async def merged_meanwhile(*given: Any) -> AsyncIterator[bytes]:
        await merge(context, publisher, kept, duplicate)
        async for data in unsealed(*given):
            yield data

    with monkeypatch.context() as patched:
        patched.setattr(downloads, unsealed.__name__, merged_meanwhile)
        package = await exports.downloaded(client, export)
    assert exports.records(package, "customer")[0]["id"]
    # The link goes on to lead there, and whose account it is in knows of each time.
    answer = await client.get(export["downloadUrl"])
    assert zipfile.ZipFile(io.BytesIO(answer.content)).namelist() == package.namelist()
    actions = [entry["action"] for entry in await publisher.history(encode_id("Customer", kept))]
    assert actions[-3:] == ["customer.merged", "export.downloaded", "export.downloaded"]


async def test_it_takes_the_time_that_a_big_account_needs(
    context: JobContext, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []
    leave = uniting._leave_tombstone

    async def look(work: Work, *both: Any) -> None:
        found.append(str(await work.session.scalar(text("SHOW statement_timeout"))))
        await leave(work, *both)

    monkeypatch.setattr(uniting, "_leave_tombstone", look)
    await merge(context, publisher, await publisher.customer(), await publisher.customer())
    assert found == ["0"]
