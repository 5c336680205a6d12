"""Vouchers at the checkout: what they take off, and when they can't be had."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.actions.conftest import Clock
from tests.actions.selling import Shop
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals

ITEMS = "gross { amount } items { title gross voucherCode }"


@pytest.fixture
def clock(clock: Clock) -> Clock:
    """It is noon on a day of the year 2031 where the publishers are."""
    clock.at = datetime(2031, 5, 15, 10, tzinfo=UTC)
    return clock


@pytest.fixture
async def shop(publisher: Publisher) -> Shop:
    """Somebody to sell something to."""
    return await Shop.open(publisher)


def told(order: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    """What became of the lines."""
    return [(item["title"], item["gross"], item["voucherCode"]) for item in order["items"]]


async def test_percents_are_taken_off_the_first_period(publisher: Publisher, shop: Shop) -> None:
    await shop.voucher("ZEHN", percent="10.00")
    offer = await shop.offer(price="19.99", name="Abo")
    order = await shop.order(shop.input(offer, voucherCode="zehn"), ITEMS)
    # 10 percent of 19.99 are 1.999, so 2.00.
    assert told(order) == [("Abo", "17.99", "ZEHN")]
    rows = await publisher.owner.fetch(
        "SELECT s.price::text AS later, p.price::text AS first FROM subscription s"
        " JOIN subscription_period p ON p.tenant_id = s.tenant_id AND p.subscription_id = s.id"
        " WHERE s.tenant_id = $1",
        publisher.tenant_id,
    )
    assert [tuple(row) for row in rows] == [("19.99", "17.99")]


async def test_an_amount_is_distributed_over_what_it_is_for(shop: Shop) -> None:
    paper = await shop.publication()
    bundle = await shop.bundle(paper, price="30.00", name="Beides")
    cheap = await shop.offer(price="10.00", name="Klein")
    other = await shop.offer(price="8.00", name="Anderes")
    await shop.voucher(
        "FUENF", bundle, cheap, kind="AMOUNT", percent=None, amount="5.00", currency="EUR"
    )
    order = await shop.order(shop.input(bundle, other, cheap, voucherCode="FUENF"), ITEMS)
    # 5.00 over 30.00 and 10.00 is 3.75 and 1.25; 26.25 at 70 to 30 is 18.375, so 18.38 and 7.87.
    assert told(order) == [
        ("Beides", "18.38", "FUENF"),
        ("Beides", "7.87", "FUENF"),
        ("Anderes", "8.00", None),
        ("Klein", "8.75", "FUENF"),
    ]
    assert order["gross"]["amount"] == "43.00"


async def test_no_more_is_taken_off_than_it_costs(shop: Shop) -> None:
    await shop.voucher("VIEL", kind="AMOUNT", percent=None, amount="50.00", currency="EUR")
    select = f"{ITEMS} invoices {{ nodes {{ number }} }}"
    order = await shop.order(shop.input(await shop.offer(), voucherCode="VIEL"), select)
    assert order["gross"]["amount"] == "0.00"
    assert order["invoices"]["nodes"] == []


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "not yet": ({"valid_from": date(2031, 5, 16)}, "It can be used from 2031-05-16 on."),
    "expired": ({"valid_until": date(2031, 5, 14)}, "It could be used until 2031-05-14."),
    "used up": ({"usage_limit": 3, "used": 3}, "It was used as often as it can be."),
    "in another currency": (
        {"kind": "AMOUNT", "percent": None, "amount": "1.00", "currency": "CHF"},
        "It is in CHF, and what is ordered is not.",
    ),
}


@pytest.mark.parametrize("case", WRONG)
async def test_a_voucher_that_is_none_for_the_order_is_refused(
    shop: Shop, everything: Everything, case: str
) -> None:
    values, message = WRONG[case]
    await shop.voucher("ZEHN", **values)
    await _refused(shop, everything, shop.input(await shop.offer(), voucherCode="ZEHN"), message)


async def test_an_unknown_code_is_refused(shop: Shop, everything: Everything) -> None:
    given = shop.input(await shop.offer(), voucherCode="#!")
    await _refused(shop, everything, given, "There is no voucher with this code.")


async def test_a_voucher_for_other_offers_is_refused(shop: Shop, everything: Everything) -> None:
    await shop.voucher("ZEHN", await shop.offer())
    given = shop.input(await shop.offer(), voucherCode="ZEHN")
    await _refused(shop, everything, given, "It is not for what is ordered.")


async def test_a_voucher_that_takes_nothing_off_is_refused(
    shop: Shop, everything: Everything
) -> None:
    await shop.voucher("ZEHN")
    given = shop.input(await shop.offer(first_price="0.00"), voucherCode="ZEHN")
    await _refused(shop, everything, given, "What it is for costs nothing to begin with.")


async def test_nobody_uses_it_more_often_than_they_may(shop: Shop, everything: Everything) -> None:
    await shop.voucher("ZEHN", limit_per_customer=1)
    offer = await shop.offer()
    given = shop.input(offer, voucherCode="ZEHN")
    await shop.order(given)
    await _refused(shop, everything, given, "The customer has used it as often as they can.")
    other = await Shop.open(shop.publisher)
    await other.order(other.input(offer, voucherCode="ZEHN"))


async def _refused(shop: Shop, everything: Everything, given: dict[str, Any], message: str) -> None:
    async with everything.unchanged():
        payload = await shop.publisher.act("placeOrder", given, "order { id }")
    assert refusals(payload) == [("VOUCHER_INVALID", "voucherCode")]
    assert payload["userErrors"][0]["message"] == message
    assert (await shop.preview(given))["userErrors"] == payload["userErrors"]


async def test_of_many_who_redeem_it_at_once_no_more_can_than_may(
    publisher: Publisher, shop: Shop
) -> None:
    voucher = await shop.voucher("DREI", usage_limit=3)
    offer = await shop.offer()
    shops = [await Shop.open(publisher) for _ in range(6)]
    payloads = await asyncio.gather(
        *(
            publisher.act("placeOrder", one.input(offer, voucherCode="DREI"), "order { number }")
            for one in shops
        )
    )
    assert sum(payload["order"] is not None for payload in payloads) == 3
    refused = [refusals(payload) for payload in payloads if payload["order"] is None]
    assert refused == [[("VOUCHER_INVALID", "voucherCode")]] * 3
    used = await publisher.owner.fetchval(
        "SELECT used FROM voucher WHERE tenant_id = $1 AND id = $2", publisher.tenant_id, voucher
    )
    assert used == 3
