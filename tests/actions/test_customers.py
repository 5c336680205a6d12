from typing import Any

import pytest

from app.schema.node import encode_id
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals

ALL = "customer { id number externalId email salutation firstName company phone birthday language }"


async def test_a_customer_is_created_with_what_is_given(publisher: Publisher) -> None:
    given = {
        "number": "K-1",
        "externalId": "crm-1",
        "email": "Erika@example.org",
        "salutation": "MS",
        "firstName": "Erika",
        "company": "Muster KG",
        "phone": "+4930901820",
        "birthday": "1980-02-29",
        "language": "fr",
    }
    payload = await publisher.act("createCustomer", given, ALL)
    assert payload["userErrors"] == []
    created = payload["customer"]
    assert created | given == created
    assert await publisher.diary(created["id"]) == ["Customer created."]


async def test_what_is_left_out_comes_from_the_tenant(publisher: Publisher) -> None:
    await publisher.customer(number="20007")
    await publisher.customer(number="A-30000")
    await publisher.owner.execute(
        "UPDATE tenant SET language = 'nl' WHERE id = $1", publisher.tenant_id
    )
    found = []
    for _ in range(2):
        payload = await publisher.act("createCustomer", {}, ALL)
        found.append((payload["customer"]["number"], payload["customer"]["language"]))
    assert found == [("20008", "nl"), ("20009", "nl")]


async def test_a_number_that_is_taken_by_hand_is_stepped_over(publisher: Publisher) -> None:
    select = "customer { number }"
    first = await publisher.act("createCustomer", {}, select)
    await publisher.act("createCustomer", {"number": "10002"})
    second = await publisher.act("createCustomer", {}, select)
    assert [p["customer"]["number"] for p in (first, second)] == ["10001", "10003"]


async def test_a_thousand_numbers_taken_by_hand_are_stepped_over(publisher: Publisher) -> None:
    select = "customer { number }"
    first = await publisher.act("createCustomer", {}, select)
    await publisher.owner.execute(
        "INSERT INTO customer (tenant_id, number) SELECT $1, n::text FROM generate_series(10002,"
        " 11500) AS n",
        publisher.tenant_id,
    )
    others = [await publisher.act("createCustomer", {}, select) for _ in range(2)]
    assert [p["customer"]["number"] for p in (first, *others)] == ["10001", "11501", "11502"]


async def test_what_is_left_out_stays_and_null_removes(publisher: Publisher) -> None:
    key = await publisher.customer(number="7", first_name="Max", title="Dr.", company="KG")
    customer = encode_id("Customer", key)
    payload = await publisher.act(
        "updateCustomer",
        {"customerId": customer, "title": None, "company": "  ", "lastName": " Mu\u0308ller "},
        "customer { number firstName title company lastName version }",
    )
    assert payload["customer"] == {
        "number": "7",
        "firstName": "Max",
        "title": None,
        "company": None,
        "lastName": "Müller",
        "version": 2,
    }


TAKEN = {
    "number": ("7", "NUMBER_TAKEN"),
    "email": ("ERIKA@EXAMPLE.ORG", "EMAIL_TAKEN"),
    "externalId": ("crm-1", "EXTERNAL_ID_TAKEN"),
}


@pytest.mark.parametrize("field", TAKEN)
async def test_what_another_customer_has_is_refused(
    publisher: Publisher, customer: str, everything: Everything, field: str
) -> None:
    await publisher.customer(number="7", email="erika@example.org", external_id="crm-1")
    value, code = TAKEN[field]
    async with everything.unchanged():
        created = await publisher.act("createCustomer", {"firstName": "Max", field: value})
        updated = await publisher.act("updateCustomer", {"customerId": customer, field: value})
    assert refusals(created) == refusals(updated) == [(code, field)]


async def test_the_same_is_not_taken_at_another_publisher(
    publisher: Publisher, competitor: Publisher
) -> None:
    for one in (publisher, competitor):
        payload = await one.act("createCustomer", {"number": "1", "email": "a@example.org"})
        assert payload["userErrors"] == []


WRONG: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "no e-mail address": ({"email": "erika"}, [("INVALID", "email")]),
    "an e-mail address with NUL": ({"email": "e\0@example.org"}, [("INVALID", "email")]),
    "no telephone number": ({"phone": "0049"}, [("INVALID", "phone")]),
    "a telephone number too short": ({"phone": "+491"}, [("INVALID", "phone")]),
    "no language": ({"language": "xx"}, [("INVALID", "language")]),
    "a language in capitals": ({"language": "DE"}, [("INVALID", "language")]),
    "a long language": ({"language": "deu"}, [("TOO_LONG", "language")]),
    "NUL": ({"lastName": "a\0b"}, [("INVALID", "lastName")]),
    "two lines": ({"lastName": "a\nb"}, [("INVALID", "lastName")]),
    "too long": ({"lastName": "x" * 201}, [("TOO_LONG", "lastName")]),
    "a long number": ({"number": "1" * 61}, [("TOO_LONG", "number")]),
    "born tomorrow": ({"birthday": "9999-12-31"}, [("INVALID", "birthday")]),
    "born long ago": ({"birthday": "1850-01-01"}, [("INVALID", "birthday")]),
    "all at once": (
        {"title": "x" * 61, "email": "@", "firstName": "ok", "company": "\x7f"},
        [("INVALID", "email"), ("TOO_LONG", "title"), ("INVALID", "company")],
    ),
}


@pytest.mark.parametrize("case", WRONG)
async def test_values_that_cannot_be_kept_are_refused(
    publisher: Publisher, customer: str, everything: Everything, case: str
) -> None:
    values, expected = WRONG[case]
    async with everything.unchanged():
        created = await publisher.act("createCustomer", values)
        updated = await publisher.act("updateCustomer", {"customerId": customer, **values})
    assert refusals(created) == refusals(updated) == expected


async def test_as_long_as_the_database_takes_is_taken(publisher: Publisher) -> None:
    longest = {"title": "x" * 60, "lastName": "\U0001f600" * 200, "company": "ä" * 200}
    assert (await publisher.act("createCustomer", longest))["userErrors"] == []


async def test_number_and_language_cannot_be_removed(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    async with everything.unchanged():
        payload = await publisher.act(
            "updateCustomer", {"customerId": customer, "number": None, "language": None}
        )
    assert refusals(payload) == [("REQUIRED", "number"), ("REQUIRED", "language")]


async def test_what_was_changed_meanwhile_is_not_overwritten(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    change = {"customerId": customer, "expectedVersion": 1, "firstName": "Max"}
    assert (await publisher.act("updateCustomer", change))["userErrors"] == []
    async with everything.unchanged():
        payload = await publisher.act("updateCustomer", change)
    assert refusals(payload) == [("STALE_VERSION", "expectedVersion")]
    again = await publisher.act("updateCustomer", change | {"expectedVersion": 2})
    assert again["userErrors"] == []
