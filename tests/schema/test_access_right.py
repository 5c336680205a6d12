"""What access rights are worth at the time they are read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app import models
from app.schema.node import encode_id
from tests.publisher import Publisher

HOUR = timedelta(hours=1)

RIGHTS = """query($id: ID!, $status: AccessRightStatus) { customer(by: {id: $id}) {
    accessRights(where: {status: {eq: $status}}) { nodes { status } } } }"""


@pytest.mark.parametrize(
    ("begins", "ends", "blocked", "status"),
    [
        (-HOUR, None, False, "ACTIVE"),
        (-HOUR, HOUR, False, "ACTIVE"),
        (HOUR, None, False, "PENDING"),
        (-2 * HOUR, -HOUR, False, "EXPIRED"),
        (-HOUR, HOUR, True, "BLOCKED"),
        (HOUR, None, True, "BLOCKED"),
        (-2 * HOUR, -HOUR, True, "BLOCKED"),
    ],
)
async def test_the_period_decides_unless_the_right_is_blocked(
    publisher: Publisher, begins: timedelta, ends: timedelta | None, blocked: bool, status: str
) -> None:
    now = datetime.now(UTC)
    customer = await publisher.customer()
    await publisher.make(
        models.AccessRight,
        customer_id=customer,
        valid_from=now + begins,
        valid_until=None if ends is None else now + ends,
        blocked_at=now if blocked else None,
    )

    async def found(wanted: str | None) -> list[dict[str, Any]]:
        data = await publisher.data(RIGHTS, id=encode_id("Customer", customer), status=wanted)
        nodes: list[dict[str, Any]] = data["customer"]["accessRights"]["nodes"]
        return nodes

    assert await found(None) == [{"status": status}]
    for wanted in ("ACTIVE", "PENDING", "EXPIRED", "BLOCKED"):
        assert await found(wanted) == ([{"status": status}] if wanted == status else [])


async def test_a_blocked_subscription_blocks_its_rights(publisher: Publisher) -> None:
    now = datetime.now(UTC)
    customer = await publisher.customer()
    product = await publisher.make(models.Product)
    offer = await publisher.make(models.Offer, product_id=product)
    for blocked in (None, now):
        subscription = await publisher.make(
            models.Subscription, customer_id=customer, offer_id=offer, access_blocked_at=blocked
        )
        await publisher.make(
            models.AccessRight,
            customer_id=customer,
            source="SUBSCRIPTION",
            subscription_id=subscription,
        )
    for status in ("ACTIVE", "BLOCKED"):
        data = await publisher.data(RIGHTS, id=encode_id("Customer", customer), status=status)
        assert data["customer"]["accessRights"]["nodes"] == [{"status": status}]
    answer = await publisher.ask(
        'query($id: ID!) { hasAccess(customer: {id: $id}, uniqueId: "digital") {'
        " allowed reason validFrom validUntil __typename } }",
        id=encode_id("Customer", customer),
    )
    assert answer["data"]["hasAccess"]["allowed"] is True
