"""Who may: every field asks for its permission, and refusing one leaves the others."""

from collections.abc import Iterator

import pytest
from graphql import GraphQLObjectType, GraphQLOutputType, get_named_type, is_non_null_type
from strawberry.schema.schema_converter import GraphQLCoreConverter

from app.auth.permissions import Permission
from app.resolvers.fields import ReadField
from app.resolvers.reads import RecordType, record_of
from app.schema.customer import Customer
from app.schema.inputs import list_inputs
from app.schema.node import encode_id
from tests.publisher import Publisher, codes
from tests.schema.documents import ACCOUNT, TABS, schema

NEEDS = {"activities": Permission.ACTIVITY_READ, "invoices": Permission.INVOICE_READ}


@pytest.mark.parametrize("tab", NEEDS)
async def test_a_tab_and_its_count_are_refused_without_the_others(
    publisher: Publisher, tab: str
) -> None:
    customer = encode_id("Customer", await publisher.full_account())
    token = await publisher.issue_token(*(set(Permission) - {NEEDS[tab]}))
    answer = await publisher.ask(ACCOUNT, token, id=customer)
    account = answer["data"]["customer"]
    assert account[tab] is None
    assert account["counts"][tab] is None
    refused = {tuple(error["path"][:3]) for error in answer["errors"]}
    assert {("customer", tab), ("customer", "counts", tab)} <= refused
    assert set(codes(answer)) == {"FORBIDDEN"}
    for other in set(TABS) - {tab}:
        assert account[other]["totalCount"] == 1


async def test_without_permission_to_see_customers_nothing_is_seen(publisher: Publisher) -> None:
    customer = encode_id("Customer", await publisher.full_account())
    token = await publisher.issue_token(*(set(Permission) - {Permission.CUSTOMER_READ}))
    answer = await publisher.ask(
        "query($id: ID!) { customer(by: {id: $id}) { id } customers { totalCount }"
        " node(id: $id) { id } nodes(ids: [$id]) { id } viewer { name } }",
        token,
        id=customer,
    )
    assert codes(answer) == ["FORBIDDEN"] * 4
    assert answer["data"] == {
        "customer": None,
        "customers": None,
        "node": None,
        "nodes": [None],
        "viewer": {"name": "Test"},
    }


async def test_a_link_needs_the_permission_of_what_it_leads_to(publisher: Publisher) -> None:
    await publisher.full_account()
    customer = await publisher.data("{ customers { nodes { id } } }")
    token = await publisher.issue_token(Permission.CUSTOMER_READ, Permission.INVOICE_READ)
    answer = await publisher.ask(
        "query($id: ID!) { customer(by: {id: $id}) { invoices { nodes { number items { title }"
        " order { number } pdf { name downloadUrl } } } } }",
        token,
        id=customer["customers"]["nodes"][0]["id"],
    )
    (invoice,) = answer["data"]["customer"]["invoices"]["nodes"]
    assert invoice["order"] is None
    assert invoice["items"] == [{"title": "Abo"}]
    assert invoice["pdf"] == {"name": "Brief.pdf", "downloadUrl": None}
    assert codes(answer) == ["FORBIDDEN"] * 2


@pytest.mark.parametrize(
    "arguments", ["where: {birthday: {isNull: true}}", "orderBy: {field: SORT_NAME}"]
)
async def test_nobody_filters_or_sorts_by_what_they_may_not_read(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch, arguments: str
) -> None:
    """What one may not read could else be guessed; no field of today's schema is in the way."""
    inputs = list_inputs(Customer)
    for field in (inputs.filterable["birthday"], inputs.sortable["sort_name"]):
        monkeypatch.setattr(field, "needs", Permission.STAFF_READ)
    token = await publisher.issue_token(*(set(Permission) - {Permission.STAFF_READ}))
    query = f"{{ customers({arguments}) {{ totalCount }} }}"
    assert codes(await publisher.ask(query, token)) == ["FORBIDDEN"]
    assert "errors" not in await publisher.ask(query)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer abo_partner_unknown"},
        {"Authorization": "Basic YTpi"},
    ],
)
async def test_nobody_gets_nothing(publisher: Publisher, headers: dict[str, str]) -> None:
    for query in ("{ __typename }", "{ viewer { name } }", "{ __schema { queryType { name } } }"):
        response = await publisher.client.post("/graphql", json={"query": query}, headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert codes(response.json()) == ["UNAUTHENTICATED"]
        assert "data" not in response.json()


async def test_the_viewer_sees_what_they_may(publisher: Publisher) -> None:
    token = await publisher.issue_token("order:read", "invoice:read")
    answer = await publisher.ask("{ viewer { kind name tenantId permissions } }", token)
    assert answer["data"]["viewer"] == {
        "kind": "PARTNER",
        "name": "Test",
        "tenantId": publisher.tenant_id,
        "permissions": ["invoice:read", "order:read"],
    }


def _fields() -> Iterator[tuple[str, RecordType | None, ReadField, GraphQLOutputType]]:
    """Every field of the schema: its name, the record it stands in, its declaration and type."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            if type_.name.endswith(("Connection", "Edge")):
                continue  # Whoever answers with a connection has asked for its records.
            parent = _record(type_)
            for name, field in type_.fields.items():
                read = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
                if isinstance(read, ReadField):
                    yield f"{type_.name}.{name}", parent, read, field.type


def _record(type_: GraphQLObjectType) -> RecordType | None:
    return record_of(type_.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].origin)


def test_a_field_that_can_be_refused_can_be_null() -> None:
    guarded = [(name, type_) for name, _parent, read, type_ in _fields() if read.needs is not None]
    assert len(guarded) > 60
    for name, type_ in guarded:
        assert not is_non_null_type(type_), name


def test_every_field_that_leads_to_a_record_asks_for_its_permission() -> None:
    """A link or list asks for what its records need, unless its parent has asked already."""
    checked = 0
    for name, parent, read, type_ in _fields():
        target = get_named_type(type_)
        if isinstance(target, GraphQLObjectType) and target.name.endswith("Connection"):
            target = get_named_type(target.fields["nodes"].type)
        record = _record(target) if isinstance(target, GraphQLObjectType) else None
        if record is not None:
            assert record.needs in {read.needs, parent.needs if parent else None}, name
            checked += 1
    assert checked > 80
