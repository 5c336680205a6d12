"""What a subscription says of its end, its pause and its next offer."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app import models
from app.domain.periods import Period
from app.schema.node import encode_id
from tests.publisher import Publisher

QUERY = """query($id: ID!) { node(id: $id) { ... on Subscription {
    earliestEnd lastCancellationDay orderedOn consumer pausedFrom resumesOn nextOffer { name }
    periods { nodes { pausedDays } } } } }"""
YEAR, MONTH, DAY = Period(1, "YEAR"), Period(1, "MONTH"), timedelta(days=1)
FOR_A_YEAR = {"term_unit": "YEAR", "notice_unit": "MONTH"}


def today() -> date:
    """The day it is where tenants of tests are."""
    return datetime.now(UTC).astimezone(ZoneInfo("Europe/Berlin")).date()


async def read(publisher: Publisher, **values: Any) -> dict[str, Any]:
    """A subscription that began today, unless told."""
    product = await publisher.make(models.Product)
    offer = await publisher.make(models.Offer, product_id=product, name="Premium")
    row = {"starts_on": today(), "ordered_on": today(), **values}
    if row.pop("changes", False):
        row["next_offer_id"] = offer
    key = await publisher.make(
        models.Subscription, customer_id=await publisher.customer(), offer_id=offer, **row
    )
    await publisher.make(models.SubscriptionPeriod, subscription_id=key)
    data = await publisher.data(QUERY, id=encode_id("Subscription", key))
    found: dict[str, Any] = data["node"]
    return found


async def test_it_ends_with_its_first_term_at_the_earliest(publisher: Publisher) -> None:
    found = await read(publisher, **FOR_A_YEAR)
    last = YEAR.after(today()) - DAY
    assert found["earliestEnd"] == last.isoformat()
    assert found["lastCancellationDay"] >= MONTH.after(last, -1).isoformat()
    assert found["lastCancellationDay"] < last.isoformat()


async def test_after_that_it_ends_on_any_day_with_notice(publisher: Publisher) -> None:
    first = YEAR.after(today(), -2)
    found = await read(publisher, **FOR_A_YEAR, starts_on=first, ordered_on=first)
    assert found["earliestEnd"] == MONTH.after(today()).isoformat()
    assert found["lastCancellationDay"] >= today().isoformat()


async def test_companies_are_bound_by_what_was_agreed(publisher: Publisher) -> None:
    first = YEAR.after(today(), -1) + timedelta(days=90)
    own = {**FOR_A_YEAR, "starts_on": YEAR.after(first, -1), "ordered_on": first}
    company = await read(publisher, **own, consumer=False)
    consumer = await read(publisher, **own, consumer=True)
    assert company["earliestEnd"] == (YEAR.after(YEAR.after(first, -1), 2) - DAY).isoformat()
    assert consumer["earliestEnd"] == MONTH.after(today()).isoformat()
    assert (company["consumer"], consumer["consumer"]) == (False, True)


OVER: dict[str, dict[str, Any]] = {
    "cancelled": {
        "status": "CANCELLED",
        "cancelled_at": datetime(2020, 1, 1, tzinfo=UTC),
        "cancelled_for": today(),
        "ends_on": today(),
    },
    "over": {"status": "INACTIVE"},
    "longer than the calendar": {"term_count": 9_999, "term_unit": "YEAR"},
}


@pytest.mark.parametrize("case", OVER)
async def test_what_can_not_be_cancelled_says_no_day(publisher: Publisher, case: str) -> None:
    found = await read(publisher, **OVER[case])
    assert (found["earliestEnd"], found["lastCancellationDay"]) == (None, None)


async def test_what_is_to_come_is_told(publisher: Publisher) -> None:
    pause = {"paused_from": date(2030, 1, 2), "resumes_on": date(2030, 2, 1)}
    found = await read(publisher, changes=True, **pause)
    assert found["nextOffer"] == {"name": "Premium"}
    assert (found["pausedFrom"], found["resumesOn"]) == ("2030-01-02", "2030-02-01")
    assert found["orderedOn"] == today().isoformat()
    assert found["periods"] == {"nodes": [{"pausedDays": 0}]}
