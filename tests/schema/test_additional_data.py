"""Lists of customers and contracts, filtered by the tenant's own fields."""

from typing import Any

import pytest

from app import models
from app.schema.node import encode_id
from tests.publisher import Publisher, codes

DATA: dict[str, dict[str, Any]] = {
    "1": {"group": "Privat", "points": 5, "vip": True},
    "2": {"group": "Bildung", "points": 5.5, "since": "2026-11-22"},
    "3": {"group": "privat", "points": "5", "vip": False},
    "4": {},
    "5": {"Gruppe": "Privat", "nested": {"group": "Privat"}, "list": ["Privat"]},
}
FILTERS: dict[str, tuple[str, str]] = {
    "a text": ('{key: "group", eq: "Privat"}', "1"),
    "a number": ('{key: "points", eq: 5}', "1"),
    "the same number": ('{key: "points", eq: 5.0}', "1"),
    "another number": ('{key: "points", eq: 5.5}', "2"),
    "a text of digits": ('{key: "points", eq: "5"}', "3"),
    "yes": ('{key: "vip", eq: true}', "1"),
    "no": ('{key: "vip", eq: false}', "3"),
    "a day": ('{key: "since", eq: "2026-11-22"}', "2"),
    "one of some": ('{key: "group", oneOf: ["Privat", "Bildung", "Privat"]}', "12"),
    "one of different types": ('{key: "points", oneOf: [5, "5", 5.0]}', "13"),
    "one of none": ('{key: "group", oneOf: []}', ""),
    "no value": ('{key: "group", isNull: true}', "45"),
    "any value": ('{key: "group", isNull: false}', "123"),
    "two keys": ('[{key: "group", eq: "Privat"}, {key: "vip", eq: true}]', "1"),
    "two keys that no one has": ('[{key: "group", eq: "Privat"}, {key: "vip", eq: false}]', ""),
    "one key that is two values": ('[{key: "vip", eq: true}, {key: "vip", eq: 1}]', ""),
    "two comparisons": ('{key: "group", oneOf: ["Privat", "privat"], eq: "privat"}', "3"),
    "nothing said of a key": ('{key: "group"}', "12345"),
    "nulls": ('{key: "group", eq: null, oneOf: null, isNull: null}', "12345"),
    "no filter": ("[]", "12345"),
    "a key nobody has": ('{key: "x", eq: "Privat"}', ""),
    "no key": ('{key: "", eq: "Privat"}', ""),
    "odd characters": ('{key: "\\"}", eq: "\'; \\\\ \U0001f600"}', ""),
}


@pytest.mark.parametrize("case", FILTERS)
async def test_customers_are_found_by_what_they_hold(
    publisher: Publisher, competitor: Publisher, case: str
) -> None:
    for number, data in DATA.items():
        await publisher.customer(number=number, additional_data=data)
        await competitor.customer(number=number, additional_data=data)
    where, expected = FILTERS[case]
    query = f"""{{ customers(where: {{additionalData: {where}}}, orderBy: {{field: NUMBER}}) {{
        totalCount nodes {{ number }} }} }}"""
    found = (await publisher.data(query))["customers"]
    assert "".join(node["number"] for node in found["nodes"]) == expected
    assert found["totalCount"] == len(expected)


@pytest.mark.parametrize("tab", ["orders", "subscriptions"])
async def test_contracts_are_found_by_what_they_hold(publisher: Publisher, tab: str) -> None:
    customer = await publisher.customer()
    product = await publisher.make(models.Product)
    offer = await publisher.make(models.Offer, product_id=product)
    model = models.Order if tab == "orders" else models.Subscription
    more = {} if tab == "orders" else {"offer_id": offer}
    for number, data in DATA.items():
        own = {"customer_id": customer, "number": number, "additional_data": data}
        await publisher.make(model, **own, **more)
    query = f"""query ($id: ID!, $where: [KeyFilter!]) {{ customer(by: {{id: $id}}) {{
        {tab}(where: {{additionalData: $where}}, orderBy: {{field: NUMBER}}) {{
            nodes {{ number additionalData }} }} }} }}"""
    for where, expected in (
        ([{"key": "group", "eq": "Privat"}], ["1"]),
        ([{"key": "points", "oneOf": [5, 5.5]}, {"key": "vip", "isNull": True}], ["2"]),
        ([{"key": "group", "isNull": True}], ["4", "5"]),
        (None, list(DATA)),
    ):
        data = await publisher.data(query, id=encode_id("Customer", customer), where=where)
        nodes = data["customer"][tab]["nodes"]
        assert [node["number"] for node in nodes] == expected
        assert [node["additionalData"] for node in nodes] == [DATA[n] for n in expected]


BAD = {
    "an object": '{key: "a", eq: {}}',
    "a list": '{key: "a", eq: []}',
    "null among others": '{key: "a", oneOf: ["x", {b: null}]}',
    "infinity": '{key: "a", eq: 1e999}',
    "too large a number": '{key: "a", eq: 10000000000000001}',
    "too long a text": f'{{key: "a", eq: "{"x" * 501}"}}',
    "NUL": '{key: "a", eq: "\\u0000"}',
    "NUL in a key": '{key: "\\u0000", isNull: true}',
    "too many values": f'{{key: "a", oneOf: [{"1, " * 101}]}}',
    "too many keys": "[" + '{key: "a"} ' * 101 + "]",
}


@pytest.mark.parametrize("case", BAD)
async def test_what_cannot_be_compared_is_said(publisher: Publisher, case: str) -> None:
    query = f"{{ customers(where: {{additionalData: {BAD[case]}}}) {{ totalCount }} }}"
    assert codes(await publisher.ask(query)) == ["BAD_REQUEST"]


async def test_a_page_goes_on_where_the_last_one_ended(publisher: Publisher) -> None:
    for number in range(5):
        data = {"group": "Privat" if number % 2 else "Bildung"}
        await publisher.customer(number=str(number), additional_data=data)
    query = """query ($after: String) { customers(first: 2, after: $after,
        orderBy: {field: NUMBER}, where: {additionalData: {key: "group", eq: "Bildung"}}) {
        nodes { number } pageInfo { endCursor hasNextPage } } }"""
    first = (await publisher.data(query))["customers"]
    assert [node["number"] for node in first["nodes"]] == ["0", "2"]
    rest = await publisher.data(query, after=first["pageInfo"]["endCursor"])
    assert [node["number"] for node in rest["customers"]["nodes"]] == ["4"]
