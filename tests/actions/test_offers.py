"""Offers: at which prices and on which terms products are sold."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app import models
from app.auth.permissions import Permission
from app.schema.catalogue import Offer, Product
from app.schema.node import key_of
from tests.actions.catalogue import (
    DIGITAL,
    MONTH,
    OFFER,
    YEAR,
    assortment,
    done,
    euros,
    offer,
    printed,
    product,
)
from tests.actions.conftest import Clock
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, codes, refusals

SHOWN = """offer { id code name description price { amount currency }
    firstPrice { amount currency } term { count unit } accountingPeriod { count unit }
    notice { count unit } issuesPerPeriod validFrom validUntil onSale version
    product { id } publication { title } alsoGrants { id } predecessor { id } successor { id } }"""


@pytest.fixture
def clock(clock: Clock) -> Clock:
    """It is noon on a day of the year 2031 where the publishers are."""
    clock.at = datetime(2031, 5, 15, 10, tzinfo=UTC)
    return clock


async def sell(publisher: Publisher, offer_id: str) -> None:
    """Let a customer subscribe to an offer."""
    await publisher.make(
        models.Subscription,
        customer_id=await publisher.customer(),
        offer_id=key_of(offer_id, Offer),
    )


async def test_an_offer_is_created(publisher: Publisher) -> None:
    sold, beside = await printed(publisher), await product(publisher)
    given = {
        **OFFER,
        "productId": sold,
        "description": "Zwölf Hefte",
        "price": euros("82.8"),
        "firstPrice": euros("40"),
        "term": YEAR,
        "accountingPeriod": {"count": 6, "unit": "MONTH"},
        "issuesPerPeriod": 6,
        "alsoGrants": [beside],
        "validUntil": "2031-12-31",
    }
    made = await done(publisher, "createOffer", given, SHOWN)
    assert made == {
        **{name: value for name, value in given.items() if name != "productId"},
        "id": made["id"],
        "price": euros("82.80"),
        "firstPrice": euros("40.00"),
        "validFrom": "2031-05-15",
        # The database's own day is another one than that of the test's clock.
        "onSale": False,
        "version": 1,
        "product": {"id": sold},
        "publication": {"title": "Heft"},
        "alsoGrants": [{"id": beside}],
        "predecessor": None,
        "successor": None,
    }
    *_, entry = await publisher.tenant_history()
    assert (entry["action"], entry["record_id"]) == ("offer.created", key_of(made["id"], Offer))
    assert entry["after"]["price"] == "82.80"
    assert {"product_id": key_of(beside, Product)}.items() <= next(
        value for name, value in entry["after"].items() if name.startswith("OfferGrant:")
    ).items()


async def test_what_was_not_sold_can_become_another(publisher: Publisher) -> None:
    products = await assortment(publisher)
    made = await offer(publisher, products["own"], alsoGrants=[products["beside"]])
    given = {
        "offerId": made,
        "expectedVersion": 1,
        "code": "neu",
        "name": "Neu",
        "description": "Anders",
        "price": {"amount": "11", "currency": "CHF"},
        "firstPrice": {"amount": "1", "currency": "CHF"},
        "term": YEAR,
        "accountingPeriod": YEAR,
        "notice": MONTH,
        "alsoGrants": [],
        "validFrom": "2031-06-01",
        "validUntil": "2031-06-30",
    }
    changed = await done(publisher, "updateOffer", given, SHOWN)
    assert {name: changed[name] for name in given if name in changed} == {
        name: value for name, value in given.items() if name in changed
    } | {
        "price": {"amount": "11.00", "currency": "CHF"},
        "firstPrice": {"amount": "1.00", "currency": "CHF"},
    }
    *_, entry = await publisher.tenant_history()
    assert entry["action"] == "offer.updated"
    assert (entry["before"]["price"], entry["after"]["price"]) == ("9.90", "11.00")
    assert any(name.startswith("OfferGrant:") for name in entry["before"])
    back = {"offerId": made, "firstPrice": None, "description": None, "validUntil": None}
    changed = await done(publisher, "updateOffer", back, SHOWN)
    assert (changed["firstPrice"], changed["description"]) == (None, None)


SOLD: dict[str, Any] = {
    "code": "neu",
    "price": euros("9.91"),
    "firstPrice": euros("1"),
    "term": YEAR,
    "accountingPeriod": {"count": 4, "unit": "WEEK"},
    "notice": MONTH,
    "alsoGrants": ["beside"],
    "validFrom": "2031-05-14",
}


async def test_what_was_sold_stays(publisher: Publisher, everything: Everything) -> None:
    products = await assortment(publisher)
    weeks = {"term": {"count": 8, "unit": "WEEK"}, "accountingPeriod": {"count": 2, "unit": "WEEK"}}
    monthly = await offer(publisher, products["own"])
    weekly = await offer(publisher, products["own"], code="weekly", **weeks)
    for made in (monthly, weekly):
        await sell(publisher, made)
    async with everything.unchanged():
        for name, value in SOLD.items():
            made = weekly if name == "accountingPeriod" else monthly
            given = [products["beside"]] if name == "alsoGrants" else value
            payload = await publisher.act("updateOffer", {"offerId": made, name: given})
            assert refusals(payload) == [("OFFER_ALREADY_SOLD", name)]


async def test_the_issues_of_what_was_sold_stay(
    publisher: Publisher, everything: Everything
) -> None:
    made = await offer(publisher, await printed(publisher), issuesPerPeriod=6)
    await sell(publisher, made)
    async with everything.unchanged():
        for count in (5, None):
            given = {"offerId": made, "issuesPerPeriod": count}
            payload = await publisher.act("updateOffer", given)
            assert refusals(payload) == [("OFFER_ALREADY_SOLD", "issuesPerPeriod")]


async def test_a_first_price_is_not_taken_for_one_in_another_currency(
    publisher: Publisher, everything: Everything
) -> None:
    made = await offer(publisher, await product(publisher), firstPrice=euros("1"))
    given: dict[str, Any] = {"offerId": made, "price": {"amount": "9.90", "currency": "CHF"}}
    async with everything.unchanged():
        payload = await publisher.act("updateOffer", given)
        assert refusals(payload) == [("PRICE_INVALID", "firstPrice")]
    changed = await done(publisher, "updateOffer", given | {"firstPrice": None}, SHOWN)
    assert (changed["price"]["currency"], changed["firstPrice"]) == ("CHF", None)


async def test_what_stands_in_an_order_was_sold(publisher: Publisher) -> None:
    made = await offer(publisher, await product(publisher))
    order = await publisher.make(models.Order, customer_id=await publisher.customer())
    await publisher.make(models.OrderItem, order_id=order, offer_id=key_of(made, Offer))
    payload = await publisher.act("updateOffer", {"offerId": made, "price": euros("1")})
    assert refusals(payload) == [("OFFER_ALREADY_SOLD", "price")]


async def test_names_and_the_last_day_of_what_was_sold_change(publisher: Publisher) -> None:
    made = await offer(publisher, await product(publisher))
    await sell(publisher, made)
    same = {key: OFFER[key] for key in ("code", "price", "term", "accountingPeriod", "notice")}
    given = {"offerId": made, "name": "Neu", "description": "Neu", "validUntil": "2031-05-14"}
    payload = await publisher.act("updateOffer", given | same)
    assert refusals(payload) == [("PERIOD_INVALID", "validUntil")]
    changed = await done(
        publisher, "updateOffer", given | {"validUntil": "2031-05-15"} | same, SHOWN
    )
    assert (changed["name"], changed["validUntil"]) == ("Neu", "2031-05-15")
    assert (await done(publisher, "updateOffer", {"offerId": made, "validUntil": None}, SHOWN))[
        "validUntil"
    ] is None


async def test_a_code_is_free_on_other_days_and_for_other_tenants(
    publisher: Publisher, competitor: Publisher, everything: Everything
) -> None:
    sold = await product(publisher)
    await offer(publisher, sold, validUntil="2031-05-31")
    june = await offer(publisher, sold, validFrom="2031-06-01", validUntil="2031-06-30")
    async with everything.unchanged():
        payload = await publisher.act("updateOffer", {"offerId": june, "validFrom": "2031-05-31"})
    assert refusals(payload) == [("CODE_TAKEN", "code")]
    await offer(competitor, await product(competitor))


async def test_an_offer_ends(publisher: Publisher, everything: Everything, clock: Clock) -> None:
    made = await offer(publisher, await product(publisher))
    async with everything.unchanged():
        for wrong in ("2031-05-13", "2031-05-14"):
            payload = await publisher.act("endOffer", {"offerId": made, "validUntil": wrong})
            assert refusals(payload) == [("PERIOD_INVALID", "validUntil")]
    given = {"offerId": made, "validUntil": "2031-06-30", "expectedVersion": 1}
    assert (await done(publisher, "endOffer", given, SHOWN))["validUntil"] == "2031-06-30"
    ended = await done(publisher, "endOffer", {"offerId": made}, SHOWN)
    assert (ended["validUntil"], ended["version"]) == ("2031-05-15", 3)
    async with everything.unchanged():
        payload = await publisher.act("endOffer", {"offerId": made, "validUntil": "2031-05-16"})
        assert refusals(payload) == [("PERIOD_INVALID", "validUntil")]
    assert clock.at is not None
    clock.at += timedelta(days=1)
    given = {"offerId": made, "validUntil": "2031-05-15"}
    assert (await done(publisher, "endOffer", given, SHOWN))["validUntil"] == "2031-05-15"


async def test_an_offer_of_a_retired_product_is_not_opened_again(
    publisher: Publisher, everything: Everything, clock: Clock
) -> None:
    sold = await product(publisher)
    made = await offer(publisher, sold, validUntil="2031-05-15")
    assert clock.at is not None
    clock.at += timedelta(days=1)
    await done(publisher, "retireProduct", {"productId": sold}, "product { id }")
    async with everything.unchanged():
        payload = await publisher.act("updateOffer", {"offerId": made, "validUntil": None})
        assert refusals(payload) == [("PRODUCT_RETIRED", "offerId")]
        given = {"offerId": made, "validFrom": "2031-06-01"}
        assert refusals(await publisher.act("replaceOffer", given)) == [
            ("PRODUCT_RETIRED", "offerId")
        ]
    renamed = await done(publisher, "updateOffer", {"offerId": made, "name": "Alt"}, SHOWN)
    assert renamed["name"] == "Alt"


async def test_selling_and_changing_at_once_leave_no_contract_at_a_changed_price(
    publisher: Publisher,
) -> None:
    """Whoever changes an offer waits for whoever sells it, and is refused then."""
    made = await offer(publisher, await product(publisher))
    async with publisher.owner.transaction():
        await sell(publisher, made)
        changing = asyncio.create_task(
            publisher.act("updateOffer", {"offerId": made, "price": euros("1")})
        )
        await asyncio.sleep(0.3)
        assert not changing.done()
    assert refusals(await changing) == [("OFFER_ALREADY_SOLD", "price")]


OTHERS: dict[str, dict[str, Any]] = {
    "updateOffer": {"name": "Neu"},
    "replaceOffer": {"validFrom": "2031-07-01"},
    "endOffer": {},
}


async def test_who_may_not_or_is_another_tenant_changes_nothing(
    publisher: Publisher, competitor: Publisher, everything: Everything
) -> None:
    sold = await product(publisher)
    made = await offer(publisher, sold)
    token = await publisher.issue_token(*(set(Permission) - {Permission.CATALOGUE_WRITE}))
    async with everything.unchanged():
        for action, given in OTHERS.items():
            given = {**given, "offerId": made}
            assert codes(await publisher.ask_to(action, given, token=token)) == ["FORBIDDEN"]
            assert refusals(await competitor.act(action, given)) == [("NOT_FOUND", "offerId")]
            payload = await publisher.act(action, given | {"expectedVersion": 2})
            assert refusals(payload) == [("STALE_VERSION", "expectedVersion")]
        answer = await publisher.ask_to("createOffer", OFFER | {"productId": sold}, token=token)
        assert codes(answer) == ["FORBIDDEN"]
    own = await product(competitor, **DIGITAL)
    for given in ({"productId": sold}, {"productId": own, "alsoGrants": [sold]}):
        payload = await competitor.act("createOffer", OFFER | given)
        [(code, _)] = refusals(payload)
        assert code == "NOT_FOUND"


async def test_what_is_on_sale_today_is_listed(publisher: Publisher, clock: Clock) -> None:
    clock.at = None
    sold = await product(publisher)
    today = await offer(publisher, sold, validUntil=None)
    await offer(publisher, sold, code="over", validFrom="2020-01-01", validUntil="2020-12-31")
    await offer(publisher, sold, code="ahead", validFrom="2999-01-01")
    query = (
        "query ($on: Boolean) { offers(where: {onSale: {eq: $on}}) { totalCount nodes { id } } }"
    )
    assert (await publisher.data(query, on=True))["offers"] == {
        "totalCount": 1,
        "nodes": [{"id": today}],
    }
    assert (await publisher.data(query, on=False))["offers"]["totalCount"] == 2
