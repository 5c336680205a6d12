"""The report on goodwill: what was given away, by whom, why, of what kind and when."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from app import models
from app.auth.permissions import Permission
from tests.postgres_proxy import PostgresProxy
from tests.publisher import Publisher, codes

ASK = """query ($from: Date!, $until: Date!, $groupBy: GoodwillGrouping!) {
    goodwillReport(from: $from, until: $until, groupBy: $groupBy) {
        rows { agent { kind name } reasonKind kind month count values { amount currency } }
        count values { amount currency } } }"""
MARCH = {"from": "2026-03-01", "until": "2026-03-31"}
KEYS = {"agent": None, "reasonKind": None, "kind": None, "month": None}


def gift(at: str, value: str, **values: Any) -> dict[str, Any]:
    """A gift of a moment in UTC."""
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    return {"created_at": moment, "value": value, **values}


ANNA = {"actor_kind": "STAFF", "actor_id": 7}
GIFTS = [
    # The last moment of February in Berlin, and the first of March.
    gift("2026-02-28T22:59:59", "1.00", **ANNA, actor_name="Anna Alt", reason_kind="DAMAGED"),
    gift("2026-02-28T23:00:00", "2.00", **ANNA, actor_name="Anna Alt", reason_kind="DAMAGED"),
    gift("2026-03-10T10:00:00", "0.10", **ANNA, actor_name="Anna Neu", kind="FREE_PERIOD"),
    gift("2026-03-11T10:00:00", "0.20", **ANNA, actor_name="Anna Neu", currency="CHF"),
    gift("2026-03-12T10:00:00", "4.00", actor_kind="PARTNER", actor_id=7, actor_name="Shop"),
    # The last moment of March, where it is summer by then, and the first of April.
    gift("2026-03-31T21:59:59", "8.00", kind="REDELIVERY", actor_kind="SYSTEM"),
    gift("2026-03-31T22:00:00", "16.00", kind="REDELIVERY", actor_kind="SYSTEM"),
]


@pytest.fixture
async def giver(publisher: Publisher) -> Publisher:
    """A publisher that has given something away."""
    customer = await publisher.customer()
    product = await publisher.make(models.Product)
    offer = await publisher.make(models.Offer, product_id=product)
    subscription = await publisher.make(models.Subscription, customer_id=customer, offer_id=offer)
    for values in GIFTS:
        await publisher.make(
            models.Goodwill, customer_id=customer, subscription_id=subscription, **values
        )
    return publisher


async def report(publisher: Publisher, group_by: str, **days: str) -> dict[str, Any]:
    """A report, by default on March."""
    found = (await publisher.data(ASK, **{**MARCH, **days}, groupBy=group_by))["goodwillReport"]
    assert isinstance(found, dict)
    return found


def euros(amount: str) -> list[dict[str, str]]:
    """An amount in the only currency."""
    return [{"amount": amount, "currency": "EUR"}]


FRANCS = {"amount": "0.20", "currency": "CHF"}
ROWS: dict[str, list[dict[str, Any]]] = {
    "AGENT": [
        {
            "agent": {"kind": "STAFF", "name": "Anna Neu"},
            "count": 3,
            "values": [FRANCS, *euros("2.10")],
        },
        {"agent": {"kind": "PARTNER", "name": "Shop"}, "count": 1, "values": euros("4.00")},
        {"agent": {"kind": "SYSTEM", "name": None}, "count": 1, "values": euros("8.00")},
    ],
    "REASON": [
        {"reasonKind": "OTHER", "count": 4, "values": [FRANCS, *euros("12.10")]},
        {"reasonKind": "DAMAGED", "count": 1, "values": euros("2.00")},
    ],
    "KIND": [
        {"kind": "FREE_ISSUES", "count": 3, "values": [FRANCS, *euros("6.00")]},
        {"kind": "FREE_PERIOD", "count": 1, "values": euros("0.10")},
        {"kind": "REDELIVERY", "count": 1, "values": euros("8.00")},
    ],
    "MONTH": [{"month": "2026-03-01", "count": 5, "values": [FRANCS, *euros("14.10")]}],
}


@pytest.mark.parametrize("group_by", ROWS)
async def test_gifts_are_added_up(giver: Publisher, group_by: str) -> None:
    found = await report(giver, group_by)
    assert found["rows"] == [{**KEYS, **row} for row in ROWS[group_by]]
    assert (found["count"], found["values"]) == (5, [FRANCS, *euros("14.10")])


async def test_months_are_in_their_order_and_those_of_the_tenants_time_zone(
    giver: Publisher,
) -> None:
    found = await report(giver, "MONTH", **{"from": "2026-01-01", "until": "2026-12-31"})
    months = [(row["month"], row["count"]) for row in found["rows"]]
    assert months == [("2026-02-01", 1), ("2026-03-01", 5), ("2026-04-01", 1)]
    total = sum(
        Decimal(value["amount"])
        for row in found["rows"]
        for value in row["values"]
        if value["currency"] == "EUR"
    )
    assert found["values"] == [FRANCS, *euros(str(total))]


async def test_another_time_zone_has_other_days(giver: Publisher) -> None:
    await giver.owner.execute("UPDATE tenant SET time_zone = 'UTC' WHERE id = $1", giver.tenant_id)
    assert (await report(giver, "MONTH"))["count"] == 5
    # 28 February, 22:59:59 and 23:00, are the same day there.
    day = {"from": "2026-02-28", "until": "2026-02-28"}
    assert (await report(giver, "KIND", **day))["count"] == 2


async def test_where_nothing_was_given_there_are_no_rows(
    giver: Publisher, competitor: Publisher
) -> None:
    assert await report(competitor, "AGENT") == {"rows": [], "count": 0, "values": []}
    day = {"from": "2026-03-02", "until": "2026-03-09"}
    assert await report(giver, "AGENT", **day) == {"rows": [], "count": 0, "values": []}


@pytest.mark.parametrize(
    "days",
    [
        {"from": "2026-04-01"},
        {"from": "2016-03-01"},
        {"from": "9999-12-31", "until": "9999-12-31"},
    ],
    ids=["ends before it begins", "more than ten years", "the end of time"],
)
async def test_days_without_a_report_are_told(giver: Publisher, days: dict[str, str]) -> None:
    answer = await giver.ask(ASK, **{**MARCH, **days}, groupBy="KIND")
    assert (codes(answer), answer["data"]) == (["BAD_REQUEST"], {"goodwillReport": None})


async def test_it_needs_its_permission(giver: Publisher) -> None:
    token = await giver.issue_token(*(set(Permission) - {Permission.GOODWILL_REPORT}))
    answer = await giver.ask(ASK, token, **MARCH, groupBy="KIND")
    assert (codes(answer), answer["data"]) == (["FORBIDDEN"], {"goodwillReport": None})
    token = await giver.issue_token(Permission.GOODWILL_REPORT)
    answer = await giver.ask(ASK, token, **MARCH, groupBy="KIND")
    assert answer["data"]["goodwillReport"]["count"] == 5


async def test_it_is_one_statement(statements: PostgresProxy, giver: Publisher) -> None:
    await giver.data(ASK, **MARCH, groupBy="KIND")
    with statements.counting() as counted:
        await giver.data(ASK, **MARCH, groupBy="KIND")
    assert len(counted) == 1
