"""Exports over HTTP: ordered, seen, downloaded by a link, and what stands against it."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from app import models
from app.auth.permissions import Permission
from app.exports.links import Link, address_of
from app.jobs.registry import JobContext
from app.schema.node import encode_id
from app.settings import Settings
from app.storage import Storage
from tests import exports
from tests.actions.unchanged import Everything
from tests.jobs.conftest import context_of
from tests.publisher import Publisher, codes, refusals
from tests.rows import EPOCH, KEYRING


@pytest.fixture
async def context(settings: Settings) -> AsyncIterator[JobContext]:
    """What a worker beside the server has at hand."""
    async with context_of(settings) as context:
        yield context


@pytest.fixture
async def person(publisher: Publisher) -> int:
    """A customer whose export is small."""
    return await publisher.customer(email="erika@example.org")


def _ordered(customer: int) -> dict[str, Any]:
    return {"customerId": encode_id("Customer", customer)}


async def test_an_export_is_ordered(publisher: Publisher, person: int) -> None:
    payload = await publisher.act("exportCustomerData", _ordered(person), exports.SHOWN)
    assert payload["userErrors"] == []
    nothing = dict.fromkeys(("step", "size", "finishedAt", "expiresAt", "error", "downloadUrl"))
    shown = {**payload["export"]}
    key = exports.key_of_export(shown)
    del shown["id"]
    assert shown == {"status": "QUEUED", "percent": 0, **nothing}
    rows = await publisher.owner.fetch(
        "SELECT payload FROM abokonto.pgqueuer"
        " WHERE entrypoint = 'customer.export' AND headers ->> 'tenant' = $1",
        str(publisher.tenant_id),
    )
    assert [row["payload"] for row in rows] == [b'{"export":%d}' % key]
    assert await publisher.diary(encode_id("Customer", person)) == ["Data export ordered."]
    [entry] = await publisher.history(encode_id("Customer", person))
    assert (entry["action"], entry["record_id"]) == ("export.ordered", key)


@pytest.mark.parametrize("status", ["QUEUED", "RUNNING"])
async def test_one_is_made_at_a_time(
    publisher: Publisher, person: int, everything: Everything, status: str
) -> None:
    await publisher.make(models.Export, customer_id=person, status=status)
    async with everything.unchanged():
        payload = await publisher.act("exportCustomerData", _ordered(person))
        assert refusals(payload) == [("EXPORT_RUNNING", "")]


async def test_an_anonymised_account_has_nothing_to_export(
    publisher: Publisher, everything: Everything
) -> None:
    nobody = await publisher.customer(anonymized_at=EPOCH)
    async with everything.unchanged():
        payload = await publisher.act("exportCustomerData", _ordered(nobody))
        assert refusals(payload) == [("CUSTOMER_ANONYMIZED", "")]


async def test_another_tenants_customer_is_not_found(
    competitor: Publisher, person: int, everything: Everything
) -> None:
    async with everything.unchanged():
        payload = await competitor.act("exportCustomerData", _ordered(person))
        assert refusals(payload) == [("NOT_FOUND", "customerId")]


async def test_a_package_is_downloaded_by_its_link_and_each_time_is_kept(
    publisher: Publisher, person: int, context: JobContext, client: httpx2.AsyncClient
) -> None:
    export = await exports.made(context, publisher, person)
    assert (export["status"], export["percent"], export["step"]) == ("READY", 100, None)
    assert export["file"]["downloadUrl"] is None
    assert export["file"]["contentType"] == "application/zip"
    assert export["downloadUrl"].startswith("/exports/")
    for _ in range(2):
        exports.verify(await exports.downloaded(client, export))
    entries = await publisher.history(encode_id("Customer", person))
    actions = ["export.ordered", "export.begun", "export.made", *["export.downloaded"] * 2]
    assert [entry["action"] for entry in entries] == actions
    told = entries[-1]
    assert (told["actor_kind"], told["actor_name"]) == ("PARTNER", "Test")
    assert (told["record_type"], told["record_id"]) == (
        "Export",
        exports.key_of_export(export),
    )


async def test_what_is_in_the_store_says_nothing(
    publisher: Publisher, person: int, context: JobContext, bucket: Storage
) -> None:
    export = await exports.made(context, publisher, person)
    key = await publisher.owner.fetchval(
        "SELECT key FROM file WHERE tenant_id = $1 AND purpose = 'EXPORT'", publisher.tenant_id
    )
    stored = await bucket.get(key)
    assert len(stored) > export["size"]
    assert b"manifest.json" not in stored
    assert b"PK\x03\x04" not in stored[:200]


async def test_the_answer_to_a_download_is_kept_nowhere(
    publisher: Publisher, person: int, context: JobContext, client: httpx2.AsyncClient
) -> None:
    export = await exports.made(context, publisher, person)
    answer = await client.get(export["downloadUrl"])
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["x-content-type-options"] == "nosniff"
    head = await client.head(export["downloadUrl"])
    assert head.status_code == 405
    entries = await publisher.history(encode_id("Customer", person))
    assert [e["action"] for e in entries].count("export.downloaded") == 1


async def test_only_whoever_may_export_gets_a_link(
    publisher: Publisher, person: int, context: JobContext
) -> None:
    export = await exports.made(context, publisher, person)
    token = await publisher.issue_token(*{*Permission} - {Permission.EXPORT_WRITE})
    query = "query ($id: ID!) { node(id: $id) { ... on Export { status downloadUrl } } }"
    answer = await publisher.ask(query, token=token, id=export["id"])
    assert codes(answer) == ["FORBIDDEN"]


class TestLinks:
    """Links that lead nowhere."""

    @pytest.fixture
    async def ready(self, publisher: Publisher, person: int, context: JobContext) -> dict[str, Any]:
        """An export that can be downloaded."""
        return await exports.made(context, publisher, person)

    async def nothing(
        self, client: httpx2.AsyncClient, everything: Everything, address: str
    ) -> None:
        """Nothing is here, and nothing was written."""
        async with everything.unchanged():
            answer = await client.get(address)
            assert answer.status_code == 404
            assert answer.json() == {"error": "Nothing is here."}

    def link(self, publisher: Publisher, export: dict[str, Any], **changes: Any) -> str:
        """The address of a link to an export, which we alone can make."""
        key = exports.key_of_export(export)
        until = datetime.now(UTC) + timedelta(minutes=1)
        link = Link(publisher.tenant_id, key, until, "PARTNER", 1, "Test")
        return address_of(link._replace(**changes), KEYRING, None)

    async def test_one_that_is_right_leads_somewhere(
        self, publisher: Publisher, client: httpx2.AsyncClient, ready: dict[str, Any]
    ) -> None:
        assert (await client.get(self.link(publisher, ready))).status_code == 200

    async def test_one_whose_time_is_over(
        self,
        publisher: Publisher,
        client: httpx2.AsyncClient,
        everything: Everything,
        ready: dict[str, Any],
    ) -> None:
        past = datetime.now(UTC) - timedelta(seconds=1)
        await self.nothing(client, everything, self.link(publisher, ready, until=past))

    async def test_one_of_another_tenant(
        self,
        publisher: Publisher,
        competitor: Publisher,
        client: httpx2.AsyncClient,
        everything: Everything,
        ready: dict[str, Any],
    ) -> None:
        address = self.link(publisher, ready, tenant_id=competitor.tenant_id)
        await self.nothing(client, everything, address)

    async def test_one_that_was_made_for_something_else(
        self,
        publisher: Publisher,
        client: httpx2.AsyncClient,
        everything: Everything,
        ready: dict[str, Any],
    ) -> None:
        key = exports.key_of_export(ready)
        content = json.dumps([publisher.tenant_id, key, 2**32, "PARTNER", 1, "Test"])
        sealed = KEYRING.encrypt(content, "oidc.question")
        address = f"/exports/{base64.urlsafe_b64encode(sealed).decode()}"
        await self.nothing(client, everything, address)

    @pytest.mark.parametrize("change", ["x", "", "A" * 5000, "\N{SNOWMAN}", "===="])
    async def test_one_that_nobody_made(
        self,
        client: httpx2.AsyncClient,
        everything: Everything,
        ready: dict[str, Any],
        change: str,
    ) -> None:
        address = ready["downloadUrl"]
        await self.nothing(client, everything, address[:-4] + change)

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE data_export SET expires_at = now() WHERE tenant_id = $1",
            "UPDATE data_export SET status = 'EXPIRED' WHERE tenant_id = $1",
            "UPDATE customer SET anonymized_at = now() WHERE tenant_id = $1",
        ],
    )
    async def test_one_to_what_is_no_more(
        self,
        publisher: Publisher,
        client: httpx2.AsyncClient,
        everything: Everything,
        ready: dict[str, Any],
        statement: str,
    ) -> None:
        await publisher.owner.execute(statement, publisher.tenant_id)
        await self.nothing(client, everything, ready["downloadUrl"])

    async def test_one_to_a_package_that_was_changed_in_the_store(
        self,
        publisher: Publisher,
        client: httpx2.AsyncClient,
        bucket: Storage,
        everything: Everything,
        ready: dict[str, Any],
    ) -> None:
        query = "SELECT key FROM file WHERE tenant_id = $1 AND purpose = 'EXPORT'"
        key = await publisher.owner.fetchval(query, publisher.tenant_id)
        stored = await bucket.get(key)
        await bucket.put(key, stored[:-1], "application/octet-stream")
        async with everything.unchanged():
            assert (await client.get(ready["downloadUrl"])).status_code == 503
