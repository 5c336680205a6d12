"""What only somebody hostile or careless sends, and what goes wrong behind an action's back."""

import asyncio
from typing import Any

import pytest

from app.context import Done
from app.errors import MOST_REFUSALS
from app.main import create_app
from app.scalars import MOST_LEVELS
from app.schema.customer import Customer
from app.schema.node import encode_id, key_of
from app.settings import Settings
from app.work.perform import Performer
from tests.actions.unchanged import Everything
from tests.asgi import client_of, lifespan
from tests.publisher import Publisher, codes, refusals


def _nested(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize("levels", [MOST_LEVELS, 900])
async def test_json_without_a_bottom_is_refused(
    publisher: Publisher, customer: str, everything: Everything, levels: int
) -> None:
    async with everything.unchanged():
        for values in (_nested(levels), [_nested(levels - 1)]):
            given = {"customerId": customer, "values": values}
            answer = await publisher.ask_to("setAdditionalData", given)
            assert codes(answer) == ["BAD_REQUEST"]
            assert "nested" in answer["errors"][0]["message"]


async def test_json_that_is_nested_is_an_input_like_any_other(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    async with everything.unchanged():
        payload = await publisher.act(
            "setAdditionalData", {"customerId": customer, "values": [_nested(MOST_LEVELS - 2)]}
        )
    assert refusals(payload) == [("ADDITIONAL_DATA_INVALID", "values")]


ENDLESS = {
    "never": ("addAccessRight", {"uniqueId": "abc", "validUntil": "9999-12-31T23:59:59.999999Z"}),
    "always": ("addAccessRight", {"uniqueId": "abc", "validFrom": "0001-01-01T00:00:00Z"}),
    "some day": ("addInvoiceAddress", {"country": "DE", "validFrom": "9999-12-31"}),
    "the first day": ("addInvoiceAddress", {"country": "DE", "validFrom": "0001-01-01"}),
}


@pytest.mark.parametrize("case", ENDLESS)
async def test_the_ends_of_the_calendar_are_no_days(
    publisher: Publisher, customer: str, everything: Everything, case: str
) -> None:
    name, given = ENDLESS[case]
    (field,) = {"validFrom", "validUntil"} & set(given)
    async with everything.unchanged():
        payload = await publisher.act(name, {"customerId": customer, **given})
    assert refusals(payload) == [("INVALID", field)]


async def test_the_last_second_but_one_is_kept_as_it_is(
    publisher: Publisher, customer: str
) -> None:
    given = {"customerId": customer, "uniqueId": "abc", "validUntil": "9999-12-31T23:59:59Z"}
    payload = await publisher.act("addAccessRight", given, "accessRight { validUntil }")
    assert payload["accessRight"] == {"validUntil": "9999-12-31T23:59:59+00:00"}


async def test_of_very_many_reasons_the_first_are_told(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    choices = {"appliesTo": "CUSTOMER", "key": "a", "label": "A", "type": "CHOICE"}
    many = range(MOST_REFUSALS + 1)
    async with everything.unchanged():
        payloads = [
            await publisher.act(
                "defineAdditionalData", choices | {"choices": ["\1" for _ in many]}
            ),
            await publisher.act(
                "setAdditionalData", {"customerId": customer, "values": {f"k{n}": n for n in many}}
            ),
        ]
    assert [len(payload["userErrors"]) for payload in payloads] == [MOST_REFUSALS] * 2


async def test_what_was_not_there_before_is_null_in_the_database(
    publisher: Publisher, customer: str
) -> None:
    await publisher.act("addInvoiceAddress", {"customerId": customer, **BERLIN})
    await publisher.act("updateCustomer", {"customerId": customer})
    assert (
        await publisher.owner.fetchval(
            "SELECT count(*) FROM history WHERE tenant_id = $1 AND before IS NULL",
            publisher.tenant_id,
        )
        == 2
    )


BERLIN = {
    "lastName": "Muster",
    "street": "Hauptstraße 5",
    "postalCode": "10115",
    "city": "Berlin",
    "country": "DE",
}


MEANWHILE = {
    "the token is revoked": ("revoked_at = now()", "UNAUTHENTICATED"),
    "a permission is taken away": ("permissions = '{}'", "FORBIDDEN"),
}


@pytest.mark.parametrize("case", MEANWHILE)
async def test_an_action_that_cannot_be_looked_at_afterwards_is_still_told_as_done(
    publisher: Publisher, customer: str, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    change, code = MEANWHILE[case]
    perform = Performer.perform

    async def and_meanwhile(*args: Any) -> Done:
        done = await perform(*args)
        await publisher.owner.execute(
            f"UPDATE access_token SET {change} WHERE tenant_id = $1",  # noqa: S608  It is ours.
            publisher.tenant_id,
        )
        return done

    monkeypatch.setattr(Performer, "perform", and_meanwhile)
    answer = await publisher.ask_to(
        "addTag", {"customerId": customer, "tag": "VIP"}, "customer { tags }"
    )
    assert answer["data"] == {"addTag": {"customer": None, "userErrors": []}}
    assert [(e["extensions"]["code"], e["path"]) for e in answer["errors"]] == [
        (code, ["addTag", "customer"])
    ]
    assert len(await publisher.history(customer)) == 1


async def test_a_request_that_takes_too_long_tells_what_was_done(
    settings: Settings, publisher: Publisher, customer: str
) -> None:
    other = encode_id("Customer", await publisher.customer())
    aliases = [f'n{n}: addTag(input: {{customerId: "{customer}", tag: "n{n}"}})' for n in range(8)]
    mutations = [f'done: addTag(input: {{customerId: "{other}", tag: "VIP"}})', *aliases]
    document = f"mutation {{ {' '.join(f'{m} {{ __typename }}' for m in mutations)} }}"
    impatient = settings.model_copy(
        update={"request_timeout_seconds": 3.0, "lock_timeout_seconds": 0.5}
    )
    app = create_app(impatient)
    async with lifespan(app), client_of(app) as publisher.client, publisher.owner.transaction():
        await publisher.owner.execute(
            "SELECT FROM customer WHERE id = $1 FOR UPDATE", key_of(customer, Customer)
        )
        answer = await publisher.ask(document)
    assert answer["data"].pop("done") == {"__typename": "AddTagPayload"}
    assert set(answer["data"].values()) == {None}
    assert set(codes(answer)) == {"UNAVAILABLE", "TIMEOUT"}
    assert len(await publisher.history(other)) == 1


async def test_who_waits_for_a_lock_leaves_a_connection_to_others(
    settings: Settings, publisher: Publisher, competitor: Publisher, customer: str
) -> None:
    theirs = encode_id("Customer", await competitor.customer())
    small = settings.model_copy(
        update={"database_write_pool_size": 2, "lock_timeout_seconds": 20.0}
    )
    app = create_app(small)
    async with lifespan(app), client_of(app) as client:
        publisher.client = competitor.client = client
        async with publisher.owner.transaction():
            await publisher.owner.execute(
                "SELECT FROM customer WHERE id = $1 FOR UPDATE", key_of(customer, Customer)
            )
            tags = [f"n{number}" for number in range(4)]
            waiting = [
                asyncio.create_task(publisher.act("addTag", {"customerId": customer, "tag": tag}))
                for tag in tags
            ]
            await asyncio.sleep(0.5)
            async with asyncio.timeout(4):
                payload = await competitor.act("addTag", {"customerId": theirs, "tag": "VIP"})
            assert payload["userErrors"] == []
            assert not any(task.done() for task in waiting)
        assert [refusals(payload) for payload in await asyncio.gather(*waiting)] == [[]] * 4
