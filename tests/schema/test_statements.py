"""How many statements a query takes, whichever way it is answered."""

import pytest

from app import models
from app.auth.permissions import Permission
from app.database import LONGEST_PREPARED
from app.schema.node import encode_id
from app.settings import Settings
from tests.postgres_proxy import PostgresProxy
from tests.publisher import Publisher
from tests.schema.documents import ACCOUNT

COMPILED = 1
"""A compiled operation is one statement, which authenticates as well."""

ROWS = 2
"""Without, the records come first, and then in one go all that hangs below them."""


@pytest.fixture(params=[COMPILED, ROWS], ids=["compiled", "rows"])
def most(request: pytest.FixtureRequest) -> int:
    """How many statements there may be."""
    return int(request.param)


@pytest.fixture
def settings(settings: Settings, most: int) -> Settings:
    """A configuration for one of the two ways."""
    return settings.model_copy(update={"compiled_reads": most == COMPILED})


async def test_the_account_page_takes_as_few_statements_as_any_page(
    statements: PostgresProxy, publisher: Publisher, most: int
) -> None:
    customer = encode_id("Customer", await publisher.full_account())
    await publisher.data(ACCOUNT, id=customer)
    with statements.counting() as counted:
        await publisher.data(ACCOUNT, id=customer)
    assert len(counted) == most


async def test_a_compiled_operation_is_one_round_trip(
    statements: PostgresProxy, publisher: Publisher, most: int
) -> None:
    customer = encode_id("Customer", await publisher.full_account())
    await publisher.data(ACCOUNT, id=customer)
    before = len(statements.executed)
    await publisher.data(ACCOUNT, id=customer)
    executed = statements.executed[before:]
    if most == COMPILED:
        assert len(executed) == 1
        assert "abokonto.authenticate" in executed[0]
        # A longer one would be planned anew for each request.
        assert len(executed[0]) < LONGEST_PREPARED
    else:
        assert executed[0].startswith("BEGIN")


async def test_no_field_is_computed_when_it_is_not_selected(
    statements: PostgresProxy, publisher: Publisher, most: int
) -> None:
    customer = encode_id("Customer", await publisher.full_account())
    query = "query($id: ID!) { customer(by: {id: $id}) { activities { nodes { kind } } } }"
    await publisher.data(query, id=customer)
    with statements.counting() as counted:
        await publisher.data(query, id=customer)
    assert len(counted) == most
    assert not any("count(" in statement for statement in counted)
    assert not any("created_at AS" in statement for statement in counted)


@pytest.mark.parametrize("size", [5, 50])
async def test_the_overview_takes_as_many_statements_for_fifty_as_for_five(
    statements: PostgresProxy, publisher: Publisher, size: int, most: int
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
    assert len(counted) == most


async def test_aliases_and_fragments_are_read_together(
    statements: PostgresProxy, publisher: Publisher, most: int
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
    assert len(counted) == most
    assert data["one"]["lastName"] == data["node"]["lastName"] == "Muster"
    assert data["one"]["a"]["nodes"] == [{"kind": "NOTE"}]
    assert data["two"]["b"]["edges"][0]["node"]["text"].startswith("Notiz")
    assert data["node"]["__typename"] == "Customer"
    assert data["node"]["createdAt"].endswith("+00:00")


async def test_signed_addresses_and_refusals_cost_no_statement(
    statements: PostgresProxy, publisher: Publisher, most: int
) -> None:
    customer = encode_id("Customer", await publisher.full_account())
    token = await publisher.issue_token(*(set(Permission) - {Permission.INVOICE_READ}))
    query = """query($id: ID!) { customer(by: {id: $id}) {
        invoices { nodes { number } } counts { invoices orders }
        activities { edges { node { attachments { address: downloadUrl downloadUrl } } } } }
        invoice: node(id: "SW52b2ljZTox") { id } nodes(ids: [$id, "-", $id]) { id } }"""
    await publisher.ask(query, token, id=customer)
    with statements.counting() as counted:
        answer = await publisher.ask(query, token, id=customer)
    assert len(counted) == most
    account = answer["data"]["customer"]
    assert account["invoices"] is None
    assert account["counts"] == {"invoices": None, "orders": 1}
    (edge,) = account["activities"]["edges"]
    assert all(file["address"] == file["downloadUrl"] for file in edge["node"]["attachments"])
    assert edge["node"]["attachments"][0]["address"].startswith("http")
    assert answer["data"]["nodes"] == [{"id": customer}, None, {"id": customer}]
    assert sorted(tuple(error["path"]) for error in answer["errors"]) == [
        ("customer", "counts", "invoices"),
        ("customer", "invoices"),
        ("invoice",),
        ("nodes", 1),
    ]
