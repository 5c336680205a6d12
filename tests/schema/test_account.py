"""The account page: every tab, its count and its first page in one query."""

import httpx2
import pytest

from app import models
from app.schema.node import encode_id
from app.settings import Settings
from app.storage import Storage
from tests.postgres_proxy import PostgresProxy
from tests.publisher import Publisher
from tests.schema.documents import ACCOUNT, TABS, everything, schema


async def test_one_query_answers_the_whole_account(
    statements: PostgresProxy, publisher: Publisher
) -> None:
    customer = encode_id("Customer", await publisher.full_account())
    await publisher.data(ACCOUNT, id=customer)
    with statements.counting() as counted:
        account = (await publisher.data(ACCOUNT, id=customer))["customer"]
    assert account["id"] == customer
    assert account["counts"] == dict.fromkeys(TABS, 1)
    for tab in TABS:
        assert account[tab]["totalCount"] == 1, tab
        assert len(account[tab]["nodes"]) == 1, tab
    assert len(counted) <= 3


@pytest.mark.parametrize("tab", TABS)
async def test_every_field_of_every_tab_answers(publisher: Publisher, tab: str) -> None:
    customer = encode_id("Customer", await publisher.full_account())
    type_ = schema.type_map["Customer"].fields[tab].type  # type: ignore[attr-defined]  # An object.
    query = f"query($id: ID!) {{ customer(by: {{id: $id}}) {{ {tab} {everything(type_, 3)} }} }}"
    account = (await publisher.data(query, id=customer))["customer"]
    assert account[tab]["totalCount"] == 1
    (node,), (edge,) = account[tab]["nodes"], account[tab]["edges"]
    assert node["id"] == edge["node"]["id"]
    assert node["customer"]["id"] == customer


async def test_no_field_is_computed_when_it_is_not_selected(
    statements: PostgresProxy, publisher: Publisher
) -> None:
    customer = encode_id("Customer", await publisher.full_account())
    query = "query($id: ID!) { customer(by: {id: $id}) { activities { nodes { kind } } } }"
    await publisher.data(query, id=customer)
    with statements.counting() as counted:
        await publisher.data(query, id=customer)
    assert len(counted) == 2
    assert not any("count(" in statement for statement in counted)
    assert not any("activity" in statement for statement in counted[:1])


@pytest.mark.parametrize("size", [5, 50])
async def test_the_overview_takes_as_many_statements_for_fifty_as_for_five(
    statements: PostgresProxy, publisher: Publisher, size: int
) -> None:
    for number in range(size):
        customer = await publisher.customer()
        for _ in range(number % 4):
            await publisher.make(models.Activity, customer_id=customer)
    query = """query($first: Int) { customers(first: $first) { totalCount nodes {
        number counts { activities addresses orders invoices }
        activities(first: 3) { nodes { text } } addresses(first: 3) { nodes { city } } } } }"""
    await publisher.data(query, first=1)
    with statements.counting() as counted:
        overview = (await publisher.data(query, first=size))["customers"]
    assert overview["totalCount"] == size
    assert [len(node["activities"]["nodes"]) for node in overview["nodes"]] == [
        number % 4 for number in reversed(range(size))
    ]
    assert len(counted) == 2


async def test_aliases_and_fragments_are_read_together(
    statements: PostgresProxy, publisher: Publisher
) -> None:
    customer = encode_id("Customer", await publisher.full_account())
    query = """query($id: ID!) {
        one: customer(by: {id: $id}) { ...Name a: activities(first: 1) { nodes { kind } } }
        two: customer(by: {id: $id}) { number b: activities(last: 1) { ...Texts } }
        node(id: $id) { __typename id ... on Record { createdAt } ... on Customer { lastName } }
    }
    fragment Name on Customer { lastName }
    fragment Texts on ActivityConnection { edges { node { ... on Record { id } text } } }"""
    await publisher.data(query, id=customer)
    with statements.counting() as counted:
        data = await publisher.data(query, id=customer)
    assert len(counted) == 2
    assert data["one"]["lastName"] == data["node"]["lastName"] == "Muster"
    assert data["one"]["a"]["nodes"] == [{"kind": "NOTE"}]
    assert data["two"]["b"]["edges"][0]["node"]["text"].startswith("Notiz")
    assert data["node"]["__typename"] == "Customer"
    assert data["node"]["createdAt"].endswith("+00:00")


async def test_values_have_the_forms_that_the_scalars_promise(publisher: Publisher) -> None:
    customer = await publisher.full_account()
    data = await publisher.data(
        """query($id: ID!) { customer(by: {id: $id}) { tags additionalData birthday
            invoices { nodes { issuedOn paidAt gross { amount currency }
                taxes { taxPercent } address { city company } } }
            subscriptions { nodes { issues { entitled open } term { count unit } } }
            logins { nodes { ip } } history { nodes { recordId before } } } }""",
        id=encode_id("Customer", customer),
    )
    account = data["customer"]
    assert account["tags"] == []
    assert account["additionalData"] == {}
    (invoice,) = account["invoices"]["nodes"]
    assert invoice["gross"] == {"amount": "10.00", "currency": "EUR"}
    assert invoice["taxes"] == [{"taxPercent": "7.00"}]
    assert invoice["address"] == {"city": "Berlin", "company": None}
    assert invoice["issuedOn"][:3] == "202"
    (subscription,) = account["subscriptions"]["nodes"]
    assert subscription["issues"] == {"entitled": 6, "open": 6}
    assert subscription["term"] == {"count": 1, "unit": "MONTH"}
    assert account["logins"]["nodes"] == [{"ip": "2001:db8::1"}]
    (entry,) = account["history"]["nodes"]
    assert entry == {"recordId": encode_id("Customer", customer), "before": {"last_name": "Alt"}}


async def test_a_file_is_downloaded_by_its_signed_address(
    publisher: Publisher, settings: Settings
) -> None:
    customer = await publisher.customer()
    activity = await publisher.make(models.Activity, customer_id=customer)
    key, name = f"{publisher.tenant_id}/{activity}", 'Kündigung "2026".pdf'
    file = await publisher.make(models.File, customer_id=customer, key=key, name=name)
    await publisher.make(models.ActivityAttachment, activity_id=activity, file_id=file)
    await Storage(settings).put(key, b"%PDF", "application/pdf")
    data = await publisher.data(
        "query($id: ID!) { node(id: $id) { ... on Activity {"
        " attachments { name size downloadUrl } } } }",
        id=encode_id("Activity", activity),
    )
    (attachment,) = data["node"]["attachments"]
    assert attachment["name"] == name
    async with httpx2.AsyncClient() as client:
        response = await client.get(attachment["downloadUrl"])
    assert response.content == b"%PDF"
    assert response.headers["content-disposition"].startswith("attachment")
    assert "K%C3%BCndigung" in response.headers["content-disposition"]
