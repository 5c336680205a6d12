"""Offers that take the place of others: another price for those who come, none for who is there."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from app import models
from app.schema.catalogue import Offer
from app.schema.node import key_of
from tests.actions.catalogue import MONTH, done, euros, offer, product
from tests.actions.conftest import Clock
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals

SHOWN = """offer { id code price { amount currency } term { count unit } alsoGrants { id }
    predecessor { id } }"""


@pytest.fixture
def clock(clock: Clock) -> Clock:
    """It is noon on a day of the year 2031 where the publishers are."""
    clock.at = datetime(2031, 5, 15, 10, tzinfo=UTC)
    return clock


async def test_a_price_rises_for_new_customers_only(publisher: Publisher) -> None:
    beside = await product(publisher, uniqueId="beside")
    old = await offer(publisher, await product(publisher), alsoGrants=[beside])
    voucher = await done(
        publisher,
        "createVoucher",
        {"code": "SOMMER", "name": "Sommer", "percent": "10", "offerIds": [old]},
        "voucher { id }",
    )
    await publisher.make(
        models.Subscription, customer_id=await publisher.customer(), offer_id=key_of(old, Offer)
    )
    given = {
        "offerId": old,
        "validFrom": "2031-07-01",
        "price": euros("10.90"),
        "idempotencyKey": "k",
    }
    new = await done(publisher, "replaceOffer", given, SHOWN)
    assert await done(publisher, "replaceOffer", given, SHOWN) == new
    assert (new["code"], new["price"], new["term"]) == ("DIGI-M", euros("10.90"), MONTH)
    assert (new["predecessor"], new["alsoGrants"]) == ({"id": old}, [{"id": beside}])
    query = "query ($id: ID!) { node(id: $id) { ... on Offer { validUntil price { amount }"
    query += " successor { id } } ... on Voucher { offers { id } } } }"
    assert (await publisher.data(query, id=old))["node"] == {
        "validUntil": "2031-06-30",
        "price": {"amount": "9.90"},
        "successor": {"id": new["id"]},
    }
    assert (await publisher.data(query, id=voucher["id"]))["node"] == {
        "offers": [{"id": old}, {"id": new["id"]}]
    }
    *_, entry = await publisher.tenant_history()
    assert entry["action"] == "offer.replaced"
    assert entry["before"] == {f"Offer:{key_of(old, Offer)}": {"valid_until": None}}
    assert entry["after"]["predecessor_id"] == key_of(old, Offer)


NOT_REPLACED: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "yesterday": ({"validFrom": "2031-05-14"}, [("PERIOD_INVALID", "validFrom")]),
    "on its first day": ({"validFrom": "2031-05-15"}, [("PERIOD_INVALID", "validFrom")]),
    "ending before": ({"validUntil": "2031-06-30"}, [("PERIOD_INVALID", "validUntil")]),
    "at no price": ({"price": None}, [("REQUIRED", "price")]),
    "with another's code": ({"code": "other"}, [("CODE_TAKEN", "code")]),
    "with a first price above": (
        {"firstPrice": euros("10")},
        [("PRICE_INVALID", "firstPrice")],
    ),
    "with a term that is no whole number of periods": (
        {"term": {"count": 45, "unit": "DAY"}},
        [("TERMS_INVALID", "accountingPeriod")],
    ),
    "seen at another version": ({"expectedVersion": 2}, [("STALE_VERSION", "expectedVersion")]),
}


async def test_offers_are_not_replaced(publisher: Publisher, everything: Everything) -> None:
    made = await offer(publisher, await product(publisher))
    await offer(publisher, await product(publisher, uniqueId="p2"), code="other")
    async with everything.unchanged():
        for case, (more, expected) in NOT_REPLACED.items():
            given = {"offerId": made, "validFrom": "2031-07-01", **more}
            payload = await publisher.act("replaceOffer", given, SHOWN)
            assert (payload["offer"], refusals(payload)) == (None, expected), case


async def test_an_offer_is_replaced_once(publisher: Publisher, everything: Everything) -> None:
    made = await offer(publisher, await product(publisher))
    given = [{"offerId": made, "validFrom": f"2031-07-0{day}", "code": f"n{day}"} for day in (1, 2)]
    payloads = await asyncio.gather(*(publisher.act("replaceOffer", one) for one in given))
    assert sorted(map(refusals, payloads)) == [[], [("OFFER_ALREADY_REPLACED", "offerId")]]
    async with everything.unchanged():
        payload = await publisher.act("updateOffer", {"offerId": made, "validUntil": "2031-05-13"})
        assert refusals(payload) == [("PERIOD_INVALID", "validUntil")]
