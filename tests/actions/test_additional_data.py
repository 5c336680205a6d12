"""Additional data: what tenants define, and what is kept by it."""

import asyncio
from typing import Any

import pytest

from app import models
from app.schema.node import encode_id
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals
from tests.rows import EPOCH

GROUP = {
    "appliesTo": "CUSTOMER",
    "key": "customer_group",
    "label": "Kundengruppe",
    "type": "CHOICE",
    "choices": ["Privat", "Bildung"],
}
CLUB = {
    "appliesTo": "CUSTOMER",
    "key": "clubNumber",
    "label": "Clubnummer",
    "type": "TEXT",
    "pattern": "C-[0-9]{5}",
}
SHOWN = "additionalDataDefinition { id appliesTo key label type required pattern choices }"
SET = "customer { additionalData version }"


async def define(publisher: Publisher, *definitions: dict[str, Any]) -> list[str]:
    """Define additional data; the ids of the definitions."""
    ids = []
    for given in definitions:
        payload = await publisher.act("defineAdditionalData", given, SHOWN)
        assert payload["userErrors"] == []
        ids.append(payload["additionalDataDefinition"]["id"])
    return ids


async def keep(publisher: Publisher, customer: str, **values: Any) -> dict[str, Any]:
    """Set additional data of a customer."""
    given = {"customerId": customer, "values": values}
    return await publisher.act("setAdditionalData", given, SET)


async def test_a_definition_is_listed(publisher: Publisher, competitor: Publisher) -> None:
    (group, club) = await define(publisher, GROUP, CLUB)
    query = f"""{{ additionalDataDefinitions(where: {{appliesTo: {{eq: CUSTOMER}}}}) {{
        nodes {{ {SHOWN[len("additionalDataDefinition {") : -1]} }} }} }}"""
    found = (await publisher.data(query))["additionalDataDefinitions"]["nodes"]
    assert found == [
        {"id": club, **CLUB, "required": False, "choices": None},
        {"id": group, **GROUP, "required": False, "pattern": None},
    ]
    assert (await competitor.data(query))["additionalDataDefinitions"]["nodes"] == []


UNDEFINED: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "taken": ({}, ("KEY_TAKEN", "key")),
    "no key": ({"key": " "}, ("REQUIRED", "key")),
    "a key with a dot": ({"key": "a.b"}, ("INVALID", "key")),
    "a key that begins with a digit": ({"key": "1a"}, ("INVALID", "key")),
    "a long key": ({"key": "x" * 61}, ("TOO_LONG", "key")),
    "no label": ({"key": "a", "label": ""}, ("REQUIRED", "label")),
    "a long label": ({"key": "a", "label": "x" * 201}, ("TOO_LONG", "label")),
    "no choices": ({"key": "a", "choices": []}, ("DEFINITION_INVALID", "choices")),
    "a blank choice": ({"key": "a", "choices": ["x", " "]}, ("REQUIRED", "choices.1")),
    "a long choice": ({"key": "a", "choices": ["x" * 201]}, ("TOO_LONG", "choices.0")),
    "a choice twice": ({"key": "a", "choices": ["x", " x"]}, ("DEFINITION_INVALID", "choices")),
    "choices of a text": ({"key": "a", "type": "TEXT"}, ("DEFINITION_INVALID", "choices")),
    "a pattern of a choice": ({"key": "a", "pattern": "x"}, ("DEFINITION_INVALID", "pattern")),
    "a malformed pattern": (
        {"key": "a", "type": "TEXT", "choices": None, "pattern": "(x"},
        ("DEFINITION_INVALID", "pattern"),
    ),
    "a pattern that takes too much": (
        {"key": "a", "type": "TEXT", "choices": None, "pattern": "((x{100}){10}){10}"},
        ("DEFINITION_INVALID", "pattern"),
    ),
    "a long pattern": (
        {"key": "a", "type": "TEXT", "choices": None, "pattern": "x" * 501},
        ("TOO_LONG", "pattern"),
    ),
}


@pytest.mark.parametrize("case", UNDEFINED)
async def test_a_definition_is_refused(
    publisher: Publisher, everything: Everything, case: str
) -> None:
    await define(publisher, GROUP)
    more, expected = UNDEFINED[case]
    async with everything.unchanged():
        payload = await publisher.act("defineAdditionalData", GROUP | more)
    assert refusals(payload) == [expected]


async def test_a_key_is_free_on_other_records_and_for_other_tenants(
    publisher: Publisher, competitor: Publisher
) -> None:
    await define(publisher, GROUP, {**GROUP, "appliesTo": "ORDER"})
    await define(competitor, GROUP)


async def test_there_can_be_only_so_many(publisher: Publisher, everything: Everything) -> None:
    for number in range(100):
        await publisher.make(
            models.AdditionalDataDefinition,
            key=f"k{number}",
            label="x",
            type="TEXT",
            applies_to="CUSTOMER",
        )
    async with everything.unchanged():
        payload = await publisher.act("defineAdditionalData", GROUP)
    assert refusals(payload) == [("TOO_MANY_DEFINITIONS", "")]
    await define(publisher, {**GROUP, "appliesTo": "ORDER"})


async def test_values_are_put_over_those_that_are_there(
    publisher: Publisher, customer: str
) -> None:
    await define(publisher, GROUP, CLUB)
    await keep(publisher, customer, customer_group="Privat", clubNumber=" C-12345 ")
    payload = await keep(publisher, customer, customer_group="Bildung")
    assert payload["customer"] == {
        "additionalData": {"customer_group": "Bildung", "clubNumber": "C-12345"},
        "version": 3,
    }
    payload = await keep(publisher, customer, clubNumber=None)
    assert payload["customer"]["additionalData"] == {"customer_group": "Bildung"}
    history = await publisher.history(customer)
    assert [entry["action"] for entry in history] == ["customer.additional_data_set"] * 3
    assert history[1]["before"] == {
        "personal": {
            "additional_data": {"customer_group": "Privat", "clubNumber": "C-12345"},
        }
    }
    assert history[2]["after"] == {"personal": {"additional_data": {"customer_group": "Bildung"}}}
    assert await publisher.diary(customer) == [
        "Additional data changed: clubNumber, customer_group.",
        "Additional data changed: customer_group.",
        "Additional data changed: clubNumber.",
    ]


@pytest.mark.parametrize(
    ("values", "paths"),
    [
        ({"customer_group": "privat"}, ["values.customer_group"]),
        (
            {"customer_group": "x", "clubNumber": "x"},
            ["values.customer_group", "values.clubNumber"],
        ),
        ({"customer_group": None, "un_known": 1}, ["values.un_known"]),
        ({"": "x"}, ["values."]),
        ({"clubNumber": ["C-12345"]}, ["values.clubNumber"]),
        ([], ["values"]),
        ("x", ["values"]),
        (5, ["values"]),
    ],
)
async def test_what_is_not_as_defined_is_refused(
    publisher: Publisher, customer: str, everything: Everything, values: Any, paths: list[str]
) -> None:
    await define(publisher, GROUP, CLUB)
    await keep(publisher, customer, customer_group="Privat")
    async with everything.unchanged():
        given = {"customerId": customer, "values": values}
        payload = await publisher.act("setAdditionalData", given, SET)
    assert refusals(payload) == [("ADDITIONAL_DATA_INVALID", path) for path in paths]
    assert payload["customer"] is None


async def test_what_is_required_has_to_be_there(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    await define(publisher, {**GROUP, "required": True}, CLUB)
    missing = [("ADDITIONAL_DATA_INVALID", "values.customer_group")]
    async with everything.unchanged():
        assert refusals(await keep(publisher, customer, clubNumber="C-12345")) == missing
    assert refusals(await keep(publisher, customer, customer_group="Privat")) == []
    assert refusals(await keep(publisher, customer, clubNumber="C-12345")) == []
    async with everything.unchanged():
        assert refusals(await keep(publisher, customer, customer_group=None)) == missing


async def test_what_others_changed_is_not_written_over(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    await define(publisher, GROUP)
    await keep(publisher, customer, customer_group="Privat")
    given = {"customerId": customer, "values": {"customer_group": "Bildung"}}
    async with everything.unchanged():
        payload = await publisher.act("setAdditionalData", {**given, "expectedVersion": 1})
        assert refusals(payload) == [("STALE_VERSION", "expectedVersion")]
    payload = await publisher.act("setAdditionalData", {**given, "expectedVersion": 2})
    assert refusals(payload) == []


async def test_agents_at_once_lose_nothing(publisher: Publisher, customer: str) -> None:
    keys = [f"key{number}" for number in range(8)]
    await define(publisher, *({**CLUB, "pattern": None, "key": key} for key in keys))
    await asyncio.gather(*(keep(publisher, customer, **{key: key}) for key in keys))
    payload = await keep(publisher, customer)
    assert payload["customer"]["additionalData"] == {key: key for key in keys}


@pytest.mark.parametrize("noun", ["order", "subscription"])
async def test_contracts_have_additional_data_of_their_own(
    publisher: Publisher, competitor: Publisher, everything: Everything, noun: str
) -> None:
    customer = await publisher.full_account()
    await define(publisher, GROUP, {**CLUB, "appliesTo": noun.upper(), "key": "costCentre"})
    query = f"""query ($id: ID!) {{ customer(by: {{id: $id}}) {{
        {noun}s {{ nodes {{ id number }} }} }} }}"""
    account = encode_id("Customer", customer)
    (record,) = (await publisher.data(query, id=account))["customer"][f"{noun}s"]["nodes"]
    name = f"set{noun.capitalize()}AdditionalData"
    given = {f"{noun}Id": record["id"], "values": {"costCentre": "C-12345"}}
    async with everything.unchanged():
        wrong = {**given, "values": {"customer_group": "Privat"}}
        expected = [("ADDITIONAL_DATA_INVALID", "values.customer_group")]
        assert refusals(await publisher.act(name, wrong)) == expected
        assert refusals(await competitor.act(name, given)) == [("NOT_FOUND", f"{noun}Id")]
        stale = {**given, "expectedVersion": 7}
        assert refusals(await publisher.act(name, stale)) == [("STALE_VERSION", "expectedVersion")]
    payload = await publisher.act(name, given, f"{noun} {{ id additionalData version }}")
    assert payload[noun] == {
        "id": record["id"],
        "additionalData": {"costCentre": "C-12345"},
        "version": 2,
    }
    assert (await publisher.diary(account))[-1] == (
        f"Additional data of {noun} {record['number']} changed: costCentre."
    )
    assert (await publisher.history(account))[-1]["after"] == {
        "personal": {"additional_data": {"costCentre": "C-12345"}}
    }


async def test_an_anonymised_account_is_closed(
    publisher: Publisher, everything: Everything
) -> None:
    await define(publisher, GROUP)
    customer = encode_id("Customer", await publisher.customer(anonymized_at=EPOCH))
    async with everything.unchanged():
        payload = await keep(publisher, customer, customer_group="Privat")
    assert refusals(payload) == [("CUSTOMER_ANONYMIZED", "")]


HELD: list[tuple[dict[str, Any], dict[str, Any], list[tuple[str, str]]]] = [
    (GROUP, {"label": "Gruppe", "required": True}, []),
    (GROUP, {"choices": ["Bildung", "Gastronomie", "Privat"]}, []),
    (GROUP, {"choices": ["Privat"]}, []),
    (GROUP, {"choices": ["Bildung"]}, [("DEFINITION_IN_USE", "choices")]),
    (GROUP, {"type": "TEXT"}, []),
    (GROUP, {"type": "TEXT", "pattern": ".*"}, [("DEFINITION_IN_USE", "pattern")]),
    (GROUP, {"type": "NUMBER"}, [("DEFINITION_IN_USE", "type")]),
    (GROUP, {"choices": None}, [("DEFINITION_INVALID", "choices")]),
    (GROUP, {"pattern": "x"}, [("DEFINITION_INVALID", "pattern")]),
    (GROUP, {"label": None}, [("REQUIRED", "label")]),
    (GROUP, {"type": None, "required": None}, [("REQUIRED", "type"), ("REQUIRED", "required")]),
    (CLUB, {"pattern": None}, []),
    (CLUB, {"pattern": "C-[0-9]{5}"}, []),
    (CLUB, {"pattern": "C-[0-9]+"}, [("DEFINITION_IN_USE", "pattern")]),
    (CLUB, {"type": "CHOICE", "choices": ["C-12345"]}, [("DEFINITION_IN_USE", "type")]),
    (CLUB, {"type": "DATE"}, [("DEFINITION_IN_USE", "type")]),
]


@pytest.mark.parametrize(("definition", "change", "expected"), HELD)
async def test_a_definition_that_values_need_changes_only_to_a_wider_one(
    publisher: Publisher,
    customer: str,
    everything: Everything,
    definition: dict[str, Any],
    change: dict[str, Any],
    expected: list[tuple[str, str]],
) -> None:
    (known,) = await define(publisher, definition)
    value = "Privat" if definition is GROUP else "C-12345"
    await keep(publisher, customer, **{definition["key"]: value})
    given = {"definitionId": known, **change}
    if expected:
        async with everything.unchanged():
            payload = await publisher.act("updateAdditionalDataDefinition", given, SHOWN)
        assert refusals(payload) == expected
        return
    payload = await publisher.act("updateAdditionalDataDefinition", given, SHOWN)
    assert payload["userErrors"] == []
    assert payload["additionalDataDefinition"] | change == payload["additionalDataDefinition"]
    # What is there is still what the definition asks for.
    assert refusals(await keep(publisher, customer, **{definition["key"]: value})) == []


async def test_a_definition_that_nothing_needs_changes_to_whatever_makes_sense(
    publisher: Publisher, competitor: Publisher
) -> None:
    (known,) = await define(publisher, GROUP)
    (theirs,) = await define(competitor, GROUP)
    other = encode_id("Customer", await competitor.customer())
    await keep(competitor, other, customer_group="Privat")
    given = {"definitionId": known, "type": "NUMBER"}
    payload = await publisher.act("updateAdditionalDataDefinition", given, SHOWN)
    assert payload["additionalDataDefinition"]["type"] == "NUMBER"
    assert payload["additionalDataDefinition"]["choices"] is None
    for name in ("updateAdditionalDataDefinition", "removeAdditionalDataDefinition"):
        payload = await publisher.act(name, {"definitionId": theirs})
        assert refusals(payload) == [("NOT_FOUND", "definitionId")]


async def test_a_definition_is_removed_when_no_value_needs_it(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    (group,) = await define(publisher, GROUP)
    await define(publisher, {**GROUP, "appliesTo": "ORDER"})
    await keep(publisher, customer, customer_group="Privat")
    async with everything.unchanged():
        payload = await publisher.act("removeAdditionalDataDefinition", {"definitionId": group})
    assert refusals(payload) == [("DEFINITION_IN_USE", "definitionId")]
    await keep(publisher, customer, customer_group=None)
    payload = await publisher.act("removeAdditionalDataDefinition", {"definitionId": group}, SHOWN)
    assert payload == {"additionalDataDefinition": None, "userErrors": []}
    kept = await publisher.owner.fetch(
        "SELECT applies_to FROM additional_data_definition WHERE tenant_id = $1",
        publisher.tenant_id,
    )
    assert [row["applies_to"] for row in kept] == ["ORDER"]
    entries = await publisher.owner.fetch(
        "SELECT action, customer_id FROM history WHERE tenant_id = $1 AND record_id = $2"
        " AND record_type = 'AdditionalDataDefinition' ORDER BY id",
        publisher.tenant_id,
        await publisher.owner.fetchval(
            "SELECT record_id FROM history WHERE tenant_id = $1 ORDER BY id LIMIT 1",
            publisher.tenant_id,
        ),
    )
    assert [tuple(row) for row in entries] == [
        ("additional_data.defined", None),
        ("additional_data.definition_removed", None),
    ]


async def test_removing_and_setting_at_once_leaves_no_value_without_a_definition(
    publisher: Publisher, customer: str
) -> None:
    for _ in range(5):
        (group,) = await define(publisher, GROUP)
        removed, kept = await asyncio.gather(
            publisher.act("removeAdditionalDataDefinition", {"definitionId": group}),
            keep(publisher, customer, customer_group="Privat"),
        )
        outcome = bool(refusals(removed)), bool(refusals(kept))
        assert outcome in {(True, False), (False, True)}
        if outcome == (True, False):
            await keep(publisher, customer, customer_group=None)
            await publisher.act("removeAdditionalDataDefinition", {"definitionId": group})
