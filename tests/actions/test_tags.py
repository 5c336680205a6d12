from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals


async def test_a_tag_is_put_on_and_taken_off(publisher: Publisher, customer: str) -> None:
    payload = await publisher.act(
        "addTag", {"customerId": customer, "tag": " VIP "}, "customer { tags version }"
    )
    assert payload == {"customer": {"tags": ["VIP"], "version": 2}, "userErrors": []}
    payload = await publisher.act(
        "removeTag", {"customerId": customer, "tag": "VIP"}, "customer { tags version }"
    )
    assert payload == {"customer": {"tags": [], "version": 3}, "userErrors": []}


async def test_a_tag_that_is_there_is_refused(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    await publisher.act("addTag", {"customerId": customer, "tag": "VIP"})
    async with everything.unchanged():
        payload = await publisher.act("addTag", {"customerId": customer, "tag": "VIP"})
    assert refusals(payload) == [("ALREADY_TAGGED", "tag")]
