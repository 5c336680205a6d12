"""Offers that contradict themselves or the catalogue."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.schema.node import encode_id
from tests.actions.catalogue import MONTH, OFFER, YEAR, assortment, euros, offer, product
from tests.actions.conftest import Clock
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals


@pytest.fixture
def clock(clock: Clock) -> Clock:
    """It is noon on a day of the year 2031 where the publishers are."""
    clock.at = datetime(2031, 5, 15, 10, tzinfo=UTC)
    return clock


REFUSED: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "no code": ({"code": ""}, [("REQUIRED", "code")]),
    "a long code": ({"code": "x" * 61}, [("TOO_LONG", "code")]),
    "a code that is taken": ({}, [("CODE_TAKEN", "code")]),
    "nobody's product": (
        {"productId": encode_id("Product", 2**63 - 1)},
        [("NOT_FOUND", "productId")],
    ),
    "no currency": (
        {"code": "b", "price": {"amount": "1", "currency": "EURO"}},
        [("TOO_LONG", "price.currency")],
    ),
    "a currency that there is not": (
        {"code": "b", "price": {"amount": "1", "currency": "ABC"}},
        [("INVALID", "price.currency")],
    ),
    "a currency of three decimals": (
        {"code": "b", "price": {"amount": "1", "currency": "KWD"}},
        [("INVALID", "price.currency")],
    ),
    "a negative price": (
        {"code": "b", "price": euros("-0.01")},
        [("PRICE_INVALID", "price.amount")],
    ),
    "a price of half cents": (
        {"code": "b", "price": euros("1.005")},
        [("PRICE_INVALID", "price.amount")],
    ),
    "half a yen": (
        {"code": "b", "price": {"amount": "100.5", "currency": "JPY"}},
        [("PRICE_INVALID", "price.amount")],
    ),
    "a price beyond all": (
        {"code": "b", "price": euros("1000000000000")},
        [("PRICE_INVALID", "price.amount")],
    ),
    "a first period that costs more": (
        {"code": "b", "firstPrice": euros("9.91")},
        [("PRICE_INVALID", "firstPrice")],
    ),
    "a first period in another currency": (
        {"code": "b", "firstPrice": {"amount": "1", "currency": "CHF"}},
        [("PRICE_INVALID", "firstPrice.currency")],
    ),
    "no term": ({"code": "b", "term": {"count": 0, "unit": "DAY"}}, [("TERMS_INVALID", "term")]),
    "a negative term": (
        {"code": "b", "term": {"count": -1, "unit": "DAY"}},
        [("INVALID", "term.count")],
    ),
    "an endless term": (
        {"code": "b", "term": {"count": 1201, "unit": "DAY"}},
        [("INVALID", "term.count")],
    ),
    "billed for longer than bound": (
        {"code": "b", "accountingPeriod": YEAR},
        [("TERMS_INVALID", "accountingPeriod")],
    ),
    "billed by weeks and bound by months": (
        {"code": "b", "accountingPeriod": {"count": 1, "unit": "WEEK"}},
        [("TERMS_INVALID", "accountingPeriod")],
    ),
    "a notice beyond the term": (
        {"code": "b", "notice": {"count": 31, "unit": "DAY"}},
        [("TERMS_INVALID", "notice")],
    ),
    "issues of what is digital": (
        {"code": "b", "issuesPerPeriod": 1},
        [("INVALID", "issuesPerPeriod")],
    ),
    "no issues": ({"code": "b", "issuesPerPeriod": 0}, [("INVALID", "issuesPerPeriod")]),
    "itself beside itself": ({"code": "b", "alsoGrants": ["own"]}, [("INVALID", "alsoGrants.0")]),
    "access to what is printed": (
        {"code": "b", "alsoGrants": ["printed"]},
        [("INVALID", "alsoGrants.0")],
    ),
    "twice the same": (
        {"code": "b", "alsoGrants": ["beside", "beside"]},
        [("INVALID", "alsoGrants.1")],
    ),
    "a retired one beside it": (
        {"code": "b", "alsoGrants": ["retired"]},
        [("PRODUCT_RETIRED", "alsoGrants.0")],
    ),
    "too many beside it": (
        {"code": "b", "alsoGrants": ["beside"] * 21},
        [("INVALID", "alsoGrants")],
    ),
    "a retired product": (
        {"code": "b", "productId": "retired"},
        [("PRODUCT_RETIRED", "productId")],
    ),
    "an end before the beginning": (
        {"code": "b", "validFrom": "2031-06-01", "validUntil": "2031-05-31"},
        [("PERIOD_INVALID", "validUntil")],
    ),
}


async def test_offers_are_refused(publisher: Publisher, everything: Everything) -> None:
    products = await assortment(publisher)
    await offer(publisher, products["own"])
    async with everything.unchanged():
        for case, (more, expected) in REFUSED.items():
            given = {**OFFER, "productId": "own", **more}
            given["productId"] = products.get(given["productId"], given["productId"])
            given["alsoGrants"] = [products[name] for name in given.get("alsoGrants", [])]
            payload = await publisher.act("createOffer", given, "offer { id }")
            assert (payload["offer"], refusals(payload)) == (None, expected), case


async def test_a_notice_as_long_as_the_term_will_do(publisher: Publisher) -> None:
    sold = await product(publisher)
    for notice in ({"count": 30, "unit": "DAY"}, {"count": 4, "unit": "WEEK"}, MONTH):
        assert await offer(publisher, sold, code=f"per {notice['unit']}", notice=notice)
