"""Placing orders: everything that comes of one."""

from tests.actions.selling import Shop
from tests.publisher import Publisher


async def test_what_is_ordered_can_be_read_at_once(publisher: Publisher) -> None:
    shop = await Shop.open(publisher)
    product = await shop.product(access_id="archiv")
    await shop.order(shop.input(await shop.offer(product)))
    asked = 'query ($id: ID!) { hasAccess(customer: {id: $id}, uniqueId: "archiv") { allowed } }'
    answer = await publisher.data(asked, id=shop.customer)
    assert answer["hasAccess"] == {"allowed": True}
