"""Filters, orders and search of the lists."""

from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type

from app import models
from app.domain.iban import mask
from app.encryption import Keyring
from app.schema.node import encode_id
from app.settings import Settings
from tests.publisher import Publisher, codes
from tests.rows import EPOCH
from tests.schema.documents import TABS, schema

CUSTOMERS = """query($search: String, $where: CustomerWhere, $orderBy: CustomerOrder) {
    customers(search: $search, where: $where, orderBy: $orderBy) {
        totalCount nodes { number } } }"""


async def found(publisher: Publisher, **arguments: Any) -> list[str]:
    """The numbers of the customers that a list holds."""
    customers = (await publisher.data(CUSTOMERS, **arguments))["customers"]
    numbers = [node["number"] for node in customers["nodes"]]
    assert customers["totalCount"] == len(numbers)
    return numbers


@pytest.fixture
async def people(publisher: Publisher, settings: Settings) -> Publisher:
    """Three customers to tell apart."""
    erika = await publisher.customer(
        number="K-2024-0001",
        first_name="Erika",
        last_name="Müller-Lüdenscheidt",
        email="Erika.Mueller@example.org",
        external_id="CRM/77",
        tags=["vip"],
        language="de",
    )
    await publisher.customer(number="20002", first_name="Jörg", last_name="Maier", company="Acme")
    await publisher.customer(
        number="30003", last_name="Ólafsdóttir", language="en", login_blocked_at=EPOCH
    )
    await publisher.make(models.Address, customer_id=erika, street="Schönhauser Allee", city="Köln")
    await publisher.make(models.Invoice, customer_id=erika, number="RE-2025-000042")
    iban = "DE89370400440532013000"
    await publisher.make(
        models.BankAccount,
        customer_id=erika,
        iban_hash=Keyring.from_settings(settings).lookup_hash(iban),
        iban_masked=mask(iban),
    )
    return publisher


@pytest.mark.parametrize(
    ("search", "numbers"),
    [
        ("müller", ["K-2024-0001"]),
        ("Mueller", ["K-2024-0001"]),
        ("muller", ["K-2024-0001"]),
        ("lüden", ["K-2024-0001"]),
        ("erika müll", ["K-2024-0001"]),
        ("erika maier", []),
        ("erika.mueller@example.org", ["K-2024-0001"]),
        ("ERIKA.MUELLER@", ["K-2024-0001"]),
        ("k-2024-0001", ["K-2024-0001"]),
        ("K-2024", ["K-2024-0001"]),
        ("crm/77", ["K-2024-0001"]),
        ("schönhauser köln", ["K-2024-0001"]),
        ("RE-2025-000042", ["K-2024-0001"]),
        ("DE89 3704 0044 0532 0130 00", ["K-2024-0001"]),
        ("de89370400440532013000", ["K-2024-0001"]),
        ("DE02120300000000202051", []),
        ("acme", ["20002"]),
        ("jorg", ["20002"]),
        ("Olafsdottir", ["30003"]),
        ("m", ["20002", "K-2024-0001"]),
        ("  ", ["30003", "20002", "K-2024-0001"]),
        ("200", ["20002"]),
        ("0002", []),
    ],
)
async def test_customers_are_found_by_what_agents_know(
    people: Publisher, search: str, numbers: list[str]
) -> None:
    assert await found(people, search=search) == numbers


@pytest.mark.parametrize(
    ("search", "permission"),
    [
        ("schönhauser", "address:read"),
        ("DE89370400440532013000", "bank_account:read"),
        ("RE-2025-000042", "invoice:read"),
    ],
)
async def test_a_search_tells_only_what_the_caller_may_read(
    people: Publisher, search: str, permission: str
) -> None:
    query = "query($search: String) { customers(search: $search) { totalCount } }"
    for permissions, count in (
        (["customer:read"], 0),
        (["customer:read", permission], 1),
    ):
        token = await people.issue_token(*permissions)
        answer = await people.ask(query, token, search=search)
        assert answer["data"]["customers"]["totalCount"] == count


@pytest.mark.parametrize("search", ["!", "---", "x" * 501, "a\0b"])
async def test_a_search_for_nothing_is_refused(people: Publisher, search: str) -> None:
    assert codes(await people.ask(CUSTOMERS, search=search)) == ["BAD_REQUEST"]


async def test_search_does_not_reach_another_tenant(
    people: Publisher, competitor: Publisher
) -> None:
    assert await found(people, search="müller") == ["K-2024-0001"]
    assert await found(competitor, search="müller") == []


@pytest.mark.parametrize(
    ("where", "numbers"),
    [
        ({"number": {"eq": "20002"}}, ["20002"]),
        ({"number": {"oneOf": ["20002", "30003", "x"]}}, ["30003", "20002"]),
        ({"number": {"oneOf": []}}, []),
        ({"lastName": {"contains": "müLLER"}}, ["K-2024-0001"]),
        ({"lastName": {"contains": "%"}}, []),
        ({"email": {"isNull": True}}, ["30003", "20002"]),
        ({"email": {"isNull": False}}, ["K-2024-0001"]),
        ({"tags": {"contains": "vip"}}, ["K-2024-0001"]),
        ({"loginBlocked": {"eq": True}}, ["30003"]),
        ({"loginBlocked": {"eq": False}, "language": {"eq": "de"}}, ["20002", "K-2024-0001"]),
        ({"createdAt": {"gte": "2099-01-01T00:00:00Z"}}, []),
        ({"createdAt": {"lte": "2099-01-01T00:00:00+02:00"}}, ["30003", "20002", "K-2024-0001"]),
        ({"number": None}, ["30003", "20002", "K-2024-0001"]),
    ],
)
async def test_customers_are_filtered(
    people: Publisher, where: dict[str, Any], numbers: list[str]
) -> None:
    assert await found(people, where=where) == numbers


@pytest.mark.parametrize(
    ("order", "numbers"),
    [
        ({"field": "NUMBER"}, ["20002", "30003", "K-2024-0001"]),
        ({"field": "SORT_NAME"}, ["20002", "K-2024-0001", "30003"]),
        ({"field": "CREATED_AT", "direction": "ASC"}, ["K-2024-0001", "20002", "30003"]),
    ],
)
async def test_customers_are_sorted(
    people: Publisher, order: dict[str, str], numbers: list[str]
) -> None:
    assert await found(people, orderBy=order) == numbers
    down = await found(people, orderBy={**order, "direction": "DESC"})
    if order.get("direction") != "ASC":
        assert down == numbers[::-1]


async def test_totals_follow_as_customers_come_and_go(publisher: Publisher) -> None:
    first = await publisher.customer()
    await publisher.customer()
    query = "{ customers { totalCount } }"
    assert (await publisher.data(query))["customers"]["totalCount"] == 2
    await publisher.owner.execute("DELETE FROM customer WHERE id = $1", first)
    assert (await publisher.data(query))["customers"]["totalCount"] == 1


def _lists() -> list[tuple[str, str]]:
    customer = schema.type_map["Customer"]
    assert isinstance(customer, GraphQLObjectType)
    return [(tab, get_named_type(customer.fields[tab].type).name) for tab in TABS]


@pytest.mark.parametrize(("tab", "connection"), _lists())
async def test_every_tab_sorts_and_filters_by_every_field_it_names(
    publisher: Publisher, tab: str, connection: str
) -> None:
    """Each order and each comparison reaches the database and comes back with the record."""
    customer = encode_id("Customer", await publisher.full_account())
    name = connection.removesuffix("Connection")
    orders = schema.type_map[f"{name}OrderField"].values  # type: ignore[attr-defined]  # An enum.
    fields = schema.type_map[f"{name}Where"].fields  # type: ignore[attr-defined]  # An input.
    parts = [
        f"{direction.lower()}_{field}: {tab}(orderBy: {{field: {field}, direction: {direction}}})"
        " { nodes { id } pageInfo { endCursor } }"
        for field in orders
        for direction in ("ASC", "DESC")
    ]
    for field, argument in fields.items():
        if get_named_type(argument.type).name == "KeyFilter":
            continue  # Which keys there are is for each tenant to say; see test_additional_data.
        for operator, operand in get_named_type(argument.type).fields.items():
            value = _value(get_named_type(operand.type), operator)
            parts.append(
                f"{field}_{operator}: {tab}(where: {{{field}: {{{operator}: {value}}}}})"
                " { totalCount nodes { id } }"
            )
    query = f"query($id: ID!) {{ customer(by: {{id: $id}}) {{ {' '.join(parts)} }} }}"
    account = (await publisher.data(query, id=customer))["customer"]
    for alias, page in account.items():
        if alias.startswith(("asc_", "desc_")):
            assert len(page["nodes"]) == 1, alias
            after = page["pageInfo"]["endCursor"]
            field, direction = alias.split("_", 1)[1], alias.split("_")[0].upper()
            again = await publisher.data(
                f"query($id: ID!, $after: String) {{ customer(by: {{id: $id}}) {{ {tab}(after:"
                f" $after, orderBy: {{field: {field}, direction: {direction}}}) {{ nodes {{ id }}"
                " } } }",
                id=customer,
                after=after,
            )
            assert again["customer"][tab]["nodes"] == [], alias
        elif alias.endswith("_isNull"):
            continue
        else:
            assert page["totalCount"] == len(page["nodes"]), alias
    nulls = {alias: page["totalCount"] for alias, page in account.items() if "_isNull" in alias}
    assert set(nulls.values()) <= {0, 1}


def _value(type_: Any, operator: str) -> str:
    """A literal that a comparison takes."""
    samples = {
        "String": '"a"',
        "Boolean": "true",
        "Int": "1",
        "Decimal": '"1.5"',
        "Date": '"2020-01-01"',
        "DateTime": '"2020-01-01T00:00:00Z"',
    }
    value = samples.get(type_.name) or next(iter(type_.values))
    return f"[{value}]" if operator == "oneOf" else value


@pytest.mark.parametrize(
    ("tab", "search", "count"),
    [
        ("activities", "NOTIZ", 1),
        ("activities", "otiz 0", 1),
        ("activities", "notiz xyz", 0),
        ("activities", "n%z", 0),
        ("activities", "not_z", 0),
        ("activities", "\\", 0),
        ("mails", "willk", 1),
    ],
)
async def test_tabs_with_text_are_searched(
    publisher: Publisher, tab: str, search: str, count: int
) -> None:
    customer = encode_id("Customer", await publisher.full_account())
    data = await publisher.data(
        f"query($id: ID!, $search: String) {{ customer(by: {{id: $id}}) {{"
        f" {tab}(search: $search) {{ totalCount nodes {{ id }} }} }} }}",
        id=customer,
        search=search,
    )
    page = data["customer"][tab]
    assert (page["totalCount"], len(page["nodes"])) == (count, count)


async def test_operands_are_bounded(publisher: Publisher) -> None:
    for where in (
        {"number": {"oneOf": ["x"] * 101}},
        {"number": {"eq": "x" * 501}},
        {"number": {"contains": "a\0b"}},
    ):
        assert codes(await publisher.ask(CUSTOMERS, where=where)) == ["BAD_REQUEST"]
