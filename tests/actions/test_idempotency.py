"""A request with a key has one effect and one answer, however often it is sent."""

import asyncio
from datetime import timedelta
from typing import Any

from tests.actions.conftest import Clock
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals

SELECT = "customer { id number }"
REQUEST: dict[str, Any] = {"firstName": "Erika", "email": "e@example.org", "idempotencyKey": "k1"}


async def count(publisher: Publisher, table: str) -> int:
    found: int = await publisher.owner.fetchval(
        f"SELECT count(*) FROM {table} WHERE tenant_id = $1",  # noqa: S608  The table is ours.
        publisher.tenant_id,
    )
    return found


async def test_the_same_again_has_the_same_answer_and_no_effect(
    publisher: Publisher, everything: Everything
) -> None:
    first = await publisher.act("createCustomer", REQUEST, SELECT)
    async with everything.unchanged():
        again = await publisher.act("createCustomer", REQUEST, SELECT)
        spaced = await publisher.act("createCustomer", REQUEST | {"firstName": " Erika "}, SELECT)
    assert first["userErrors"] == []
    assert first == again == spaced


async def test_another_input_is_refused(publisher: Publisher, everything: Everything) -> None:
    await publisher.act("createCustomer", REQUEST)
    for change in ({"firstName": "Max"}, {"lastName": None}):
        async with everything.unchanged():
            payload = await publisher.act("createCustomer", REQUEST | change)
        assert refusals(payload) == [("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")]


async def test_of_several_at_once_one_has_an_effect(publisher: Publisher) -> None:
    payloads = await asyncio.gather(
        *(publisher.act("createCustomer", REQUEST, SELECT) for _ in range(5))
    )
    assert all(payload == payloads[0] for payload in payloads)
    assert payloads[0]["customer"] is not None
    for table in ("customer", "history", "activity", "idempotency_key"):
        assert await count(publisher, table) == 1


async def test_a_twin_that_takes_too_long_is_not_waited_for(publisher: Publisher) -> None:
    await publisher.act("createCustomer", REQUEST)
    async with publisher.owner.transaction():
        await publisher.owner.execute(
            "DELETE FROM idempotency_key WHERE tenant_id = $1", publisher.tenant_id
        )
        payload = await publisher.act("createCustomer", REQUEST)
    assert refusals(payload) == [("IDEMPOTENCY_IN_PROGRESS", "idempotencyKey")]


async def test_what_was_refused_may_be_sent_again(publisher: Publisher) -> None:
    taken = await publisher.customer(email="E@example.org")
    assert refusals(await publisher.act("createCustomer", REQUEST)) == [("EMAIL_TAKEN", "email")]
    assert await count(publisher, "idempotency_key") == 0
    await publisher.owner.execute(
        "UPDATE customer SET email = NULL WHERE tenant_id = $1 AND id = $2",
        publisher.tenant_id,
        taken,
    )
    assert (await publisher.act("createCustomer", REQUEST))["userErrors"] == []


async def test_keys_of_others_are_others(publisher: Publisher, competitor: Publisher) -> None:
    made = [
        await publisher.act("createCustomer", REQUEST | {"email": None}, SELECT),
        await competitor.act("createCustomer", REQUEST | {"email": None}, SELECT),
    ]
    publisher.token = await publisher.issue_token("customer:create", "customer:read")
    made.append(await publisher.act("createCustomer", REQUEST | {"email": None}, SELECT))
    assert len({payload["customer"]["id"] for payload in made}) == 3


async def test_after_a_day_a_key_is_forgotten(publisher: Publisher, clock: Clock) -> None:
    for key in ("k1", "k2"):
        await publisher.act("createCustomer", {"idempotencyKey": key})
    clock.ahead = timedelta(hours=24)
    payload = await publisher.act("createCustomer", {"idempotencyKey": "k1", "firstName": "Max"})
    assert payload["userErrors"] == []
    assert await count(publisher, "customer") == 3
    assert await count(publisher, "idempotency_key") == 1


async def test_without_a_key_each_request_has_an_effect(publisher: Publisher) -> None:
    for _ in range(2):
        await publisher.act("createCustomer", {"firstName": "Erika"})
    assert await count(publisher, "customer") == 2
    assert await count(publisher, "idempotency_key") == 0
