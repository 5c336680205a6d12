"""The account page: every tab, its count and its first page in one query."""

import httpx2
import pytest

from app import models
from app.schema.node import encode_id
from app.settings import Settings
from app.storage import Storage
from tests.publisher import Publisher
from tests.schema.documents import ACCOUNT, TABS, everything, schema


async def test_one_query_answers_the_whole_account(publisher: Publisher) -> None:
    customer = encode_id("Customer", await publisher.full_account())
    account = (await publisher.data(ACCOUNT, id=customer))["customer"]
    assert account["id"] == customer
    assert account["counts"] == dict.fromkeys(TABS, 1)
    for tab in TABS:
        assert account[tab]["totalCount"] == 1, tab
        assert len(account[tab]["nodes"]) == 1, tab


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
