"""Exports are followed as they are made, in both ways, by whoever may and while they may."""

import asyncio
from itertools import pairwise

import asyncpg
import pytest

from app import models
from app.auth.permissions import Permission
from app.auth.tokens import hash_token
from app.jobs.exports import export as make
from app.schema.node import encode_id
from app.settings import Settings
from tests import exports
from tests.conftest import Database
from tests.jobs.conftest import context_of
from tests.publisher import Publisher
from tests.rows import EPOCH
from tests.server.subscriptions.client import (
    Follow,
    asked,
    at,
    client_of,
    codes,
    progress,
    running,
    served,
    shown,
    streamed,
)


async def test_an_export_is_seen_from_its_order_to_its_end(
    publisher: Publisher, follow: Follow, settings: Settings
) -> None:
    customer = await publisher.customer(email="erika@example.org")
    key = await exports.order(publisher, customer)
    query = "subscription ($id: ID!) { exportChanged(id: $id) { status percent step downloadUrl } }"
    async with context_of(settings) as context, follow(publisher, key, query=query) as followed:
        first = (await followed.next())["data"]["exportChanged"]
        assert (first["status"], first["percent"]) == ("QUEUED", 0)
        making = asyncio.ensure_future(make(context, publisher.tenant_id, {"export": key}))
        seen = [first]
        while (response := await followed.next()) is not None:
            seen.append(response["data"]["exportChanged"])
        await making
    statuses = list(dict.fromkeys(export["status"] for export in seen))
    assert statuses == ["QUEUED", "RUNNING", "READY"]
    assert [e["percent"] for e in seen] == sorted(e["percent"] for e in seen)
    assert all(one != other for one, other in pairwise(seen))
    assert [export["downloadUrl"] is None for export in seen] == [True] * (len(seen) - 1) + [False]


async def test_each_change_comes_in_its_order(publisher: Publisher, follow: Follow) -> None:
    export = await running(publisher)
    async with follow(publisher, export) as followed:
        assert await followed.next() == shown(0)
        for percent in (7, 40, 99):
            await progress(publisher, export, percent)
            assert await followed.next() == shown(percent)
        await progress(publisher, export, 99, status="FAILED")
        assert await followed.next() == shown(99, "FAILED")
        assert await followed.next() is None


async def test_graphql_core_follows_as_well(publisher: Publisher, settings: Settings) -> None:
    update = {"compiled_reads": False}
    export = await running(publisher)
    async with (
        served(settings.model_copy(update=update)) as server,
        client_of(server) as client,
        streamed(at(publisher, client), asked(export)) as stream,
    ):
        assert await stream.next() == shown(0)
        await progress(publisher, export, 50)
        assert await stream.next() == shown(50)
        await progress(publisher, export, 50, status="FAILED")
        assert await stream.rest() == [shown(50, "FAILED")]


@pytest.mark.parametrize("status", ["FAILED", "EXPIRED"])
async def test_what_is_over_comes_once(publisher: Publisher, follow: Follow, status: str) -> None:
    export = await running(publisher, status=status, percent=100)
    async with follow(publisher, export) as followed:
        assert await followed.next() == shown(100, status)
        assert await followed.next() is None


async def test_changes_in_haste_come_as_few(publisher: Publisher, follow: Follow) -> None:
    export = await running(publisher)
    async with follow(publisher, export) as followed:
        assert await followed.next() == shown(0)
        for percent in range(1, 100):
            await progress(publisher, export, percent)
        await progress(publisher, export, 100, status="FAILED")
        seen = []
        while (response := await followed.next()) is not None:
            seen.append(response["data"]["exportChanged"])
    assert seen[-1] == {"status": "FAILED", "percent": 100}
    assert [e["percent"] for e in seen] == sorted(e["percent"] for e in seen)


async def test_merges_are_followed_as_well(publisher: Publisher) -> None:
    kept, duplicate = await publisher.customer(), await publisher.customer()
    merge = await publisher.make(
        models.CustomerMerge,
        customer_id=kept,
        duplicate_id=duplicate,
        status="RUNNING",
        former_id=None,
        former_number=None,
    )
    content = {
        "query": "subscription ($id: ID!) { mergeChanged(id: $id) { status } }",
        "variables": {"id": encode_id("CustomerMerge", merge)},
    }
    async with streamed(publisher, content) as stream:
        assert await stream.next() == {"data": {"mergeChanged": {"status": "RUNNING"}}}
        await publisher.owner.execute(
            "UPDATE customer_merge SET status = 'FAILED', error = 'No.' WHERE tenant_id = $1",
            publisher.tenant_id,
        )
        assert await stream.rest() == [{"data": {"mergeChanged": {"status": "FAILED"}}}]


async def test_what_nobody_sees_of_a_change_is_not_sent(
    publisher: Publisher, follow: Follow
) -> None:
    export = await running(publisher)
    query = "subscription ($id: ID!) { exportChanged(id: $id) { status } }"
    async with follow(publisher, export, query=query) as followed:
        assert await followed.next() == {"data": {"exportChanged": {"status": "RUNNING"}}}
        await progress(publisher, export, 50)
        await progress(publisher, export, 50, status="FAILED")
        assert await followed.next() == {"data": {"exportChanged": {"status": "FAILED"}}}


async def test_fields_that_may_not_be_seen_are_null_each_time(
    publisher: Publisher, follow: Follow
) -> None:
    export = await running(publisher)
    token = await publisher.issue_token(Permission.EXPORT_READ)
    query = "subscription ($id: ID!) { exportChanged(id: $id) { percent downloadUrl } }"
    async with follow(publisher, export, token, query) as followed:
        for percent in (0, 1):
            await progress(publisher, export, percent)
            response = await followed.next()
            assert response["data"]["exportChanged"] == {"percent": percent, "downloadUrl": None}
            assert [e["extensions"]["code"] for e in response["errors"]] == ["FORBIDDEN"]


async def test_another_tenants_export_is_not_found(
    publisher: Publisher, follow: Follow, owner: asyncpg.Connection
) -> None:
    export = await running(publisher)
    competitor = await Publisher.found(owner, publisher.client)
    async with follow(competitor, export) as followed:
        assert codes(await followed.next()) == ["NOT_FOUND"]


async def test_an_export_that_goes_is_not_found_any_more(
    publisher: Publisher, follow: Follow
) -> None:
    export = await running(publisher)
    async with follow(publisher, export) as followed:
        await followed.next()
        await publisher.owner.execute(
            "DELETE FROM data_export WHERE tenant_id = $1 AND id = $2", publisher.tenant_id, export
        )
        assert codes(await followed.next()) == ["NOT_FOUND"]


async def test_it_needs_the_permission(publisher: Publisher, follow: Follow) -> None:
    export = await running(publisher)
    token = await publisher.issue_token(*{*Permission} - {Permission.EXPORT_READ})
    async with follow(publisher, export, token) as followed:
        assert codes(await followed.next()) == ["FORBIDDEN"]


ENDS = {
    "UPDATE access_token SET revoked_at = now() WHERE hash = $1": "UNAUTHENTICATED",
    "UPDATE access_token SET idle_seconds = 1, last_used_at = now() - interval '1 hour'"
    " WHERE hash = $1": "UNAUTHENTICATED",
    "UPDATE access_token SET permissions = '{customer:read}' WHERE hash = $1": "FORBIDDEN",
}
"""What ends a subscription, and how: a token revoked, a session that was left, a right taken."""


@pytest.mark.parametrize("changes", [True, False])
async def test_it_ends_with_what_the_token_may(
    publisher: Publisher, follow: Follow, changes: bool
) -> None:
    for statement, code in ENDS.items():
        export, token = await running(publisher), await publisher.issue_token(*Permission)
        async with follow(publisher, export, token) as followed:
            assert await followed.next() == shown(0)
            await publisher.owner.execute(statement, hash_token(token))
            if changes:
                await progress(publisher, export, 50)
            assert codes(await followed.next()) == [code]


async def test_a_customer_follows_their_own_until_they_are_blocked(
    publisher: Publisher, follow: Follow
) -> None:
    export, other = await running(publisher), await running(publisher)
    customer = await publisher.owner.fetchval(
        "SELECT customer_id FROM data_export WHERE tenant_id = $1 AND id = $2",
        publisher.tenant_id,
        export,
    )
    token = await publisher.sign_in(customer)
    # No role of customers has it today.
    await publisher.owner.execute(
        "UPDATE access_token SET permissions = permissions || '{export:read}'"
        " WHERE tenant_id = $1 AND customer_id = $2",
        publisher.tenant_id,
        customer,
    )
    async with follow(publisher, other, token) as followed:
        assert codes(await followed.next()) == ["NOT_FOUND"]
    async with follow(publisher, export, token) as followed:
        assert await followed.next() == shown(0)
        await publisher.owner.execute(
            "UPDATE customer SET login_blocked_at = $1 WHERE tenant_id = $2 AND id = $3",
            EPOCH,
            publisher.tenant_id,
            customer,
        )
        await progress(publisher, export, 50)
        assert codes(await followed.next()) == ["UNAUTHENTICATED"]


WRONG: dict[str, tuple[str, str]] = {
    "no document": ("subscription {", "GRAPHQL_PARSE_FAILED"),
    "two fields": (
        'subscription { a: exportChanged(id: "x") { id } b: exportChanged(id: "y") { id } }',
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "no field": (
        "subscription ($id: ID!) { exportChanged(id: $id) @skip(if: true) { id } }",
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "only its type": ("subscription { __typename }", "GRAPHQL_VALIDATION_FAILED"),
    "no id": ('subscription { exportChanged(id: "x") { id } }', "BAD_REQUEST"),
    "another type's id": (
        'subscription { exportChanged(id: "Q3VzdG9tZXI6MQ") { id } }',
        "BAD_REQUEST",
    ),
    "an undefined variable": (
        "subscription ($id: ID!, $n: Int!) { exportChanged(id: $id) { id @skip(if: true) } }",
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "a missing variable": (
        "subscription ($id: ID!, $no: Boolean!) { exportChanged(id: $id) { id @skip(if: $no) } }",
        "BAD_REQUEST",
    ),
    "too deep": (
        "subscription ($id: ID!) { exportChanged(id: $id) {"
        + "customer { exports { nodes {" * 6
        + "id"
        + "}}}" * 6
        + "} }",
        "QUERY_TOO_COMPLEX",
    ),
    "too much": (
        "subscription ($id: ID!) { exportChanged(id: $id) { customer { exports(first: 100)"
        " { nodes { customer { invoices(first: 100) { nodes { customer {"
        " orders(first: 100) { nodes { id } } } } } } } } } } }",
        "QUERY_TOO_COMPLEX",
    ),
}


async def test_what_is_wrong_is_refused(publisher: Publisher, follow: Follow) -> None:
    found = {}
    for name, (query, _) in WRONG.items():
        async with follow(publisher, 1, query=query) as followed:
            found[name] = codes(await followed.next())
    assert found == {name: [code] * len(found[name]) for name, (_, code) in WRONG.items()}


async def test_nothing_is_missed_while_nobody_listens(
    publisher: Publisher, follow: Follow, database: Database
) -> None:
    export = await running(publisher)
    superuser = await asyncpg.connect(database.superuser_url)
    async with follow(publisher, export) as followed:
        assert await followed.next() == shown(0)
        ended = await superuser.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'abokonto-changes'"
        )
        assert ended >= 1
        # It is told to a connection that is gone.
        await progress(publisher, export, 50)
        assert await followed.next() == shown(50)
        # It listens again.
        await progress(publisher, export, 60)
        assert await followed.next() == shown(60)
    await superuser.close()
