"""Accounts that were anonymised, and purged after retention: all of it can still be read."""

from datetime import timedelta

import pytest

from app.schema.node import encode_id
from app.settings import Settings
from app.work.purge import purge_expired
from tests.actions.conftest import Clock
from tests.jobs.conftest import context_of
from tests.publisher import refusals
from tests.schema.compared import Compared
from tests.schema.documents import TABS, everything, schema

FAR = timedelta(days=20 * 366)


@pytest.fixture
async def purged(publisher: Compared, settings: Settings) -> str:
    """The id of a customer of whom nothing is left."""
    customer = encode_id("Customer", await publisher.full_account())
    given = {"customerId": customer, "endSubscriptions": True, "acceptOpenPayments": True}
    publisher.oracle, oracle = None, publisher.oracle
    assert refusals(await publisher.act("anonymizeCustomer", given)) == []
    publisher.oracle = oracle
    clock = Clock()
    clock.ahead = FAR
    async with context_of(settings) as context:
        context.performer._clock = clock
        counts = await purge_expired(context.performer, publisher.tenant_id)
    assert {"customer_order", "invoice", "invoice_item", "mail"} <= counts.keys()
    return customer


async def test_every_field_of_every_tab_answers_in_both_ways(
    publisher: Compared, purged: str
) -> None:
    fields = schema.type_map["Customer"].fields  # type: ignore[attr-defined]  # An object.
    for tab in TABS:
        selection = everything(fields[tab].type, 2)
        query = f"query($id: ID!) {{ customer(by: {{id: $id}}) {{ {tab} {selection} }} }}"
        await publisher.data(query, id=purged)


async def test_snapshots_are_empty_where_retention_is_over(
    publisher: Compared, purged: str
) -> None:
    data = await publisher.data(
        """query($id: ID!) { customer(by: {id: $id}) {
            orders { nodes { number invoiceAddress { lastName city } deliveryAddress { city } } }
            invoices { nodes { number reason address { lastName street city }
                items { title } pdf { name } } } } }""",
        id=purged,
    )
    [order] = data["customer"]["orders"]["nodes"]
    assert order["number"].startswith("erased-")
    assert order["invoiceAddress"] == {"lastName": None, "city": None}
    [invoice] = data["customer"]["invoices"]["nodes"]
    assert invoice["address"] == {"lastName": None, "street": None, "city": None}
    assert invoice["items"] == [{"title": "Anonymised."}]
