"""Goodwill: free issues, issues sent again, and free accounting periods."""

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import models
from app.schema.node import encode_id
from tests.actions.conftest import Clock
from tests.actions.readers import (
    FRIDAYS,
    WEDNESDAY,
    WHY,
    appear,
    deliver,
    paper,
    subscribe,
    subscription_id,
)
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals

ALL = """goodwill { id kind count reasonKind reason value { amount currency }
    subscription { id nextBillingOn issues { entitled free delivered open } }
    deliveries(orderBy: {field: PUBLISHING_ON, direction: ASC}) { nodes {
        kind status publishingOn quantity address { city } original { publishingOn } } }
    periods { nodes { kind startsOn endsOn price { amount } goodwill { kind } } } }"""
AHEAD = FRIDAYS[4:]


@pytest.fixture(autouse=True)
def _on_a_wednesday(clock: Clock) -> None:
    clock.at = WEDNESDAY


@pytest.fixture
async def reader(publisher: Publisher) -> int:
    """The key of a customer."""
    return await publisher.customer()


async def give(publisher: Publisher, action: str, **values: Any) -> dict[str, Any]:
    """Give something away that nothing stands against."""
    payload = await publisher.act(action, {**WHY, **values}, ALL)
    assert payload["userErrors"] == []
    goodwill: dict[str, Any] = payload["goodwill"]
    return goodwill


def delivered(goodwill: dict[str, Any], field: str = "publishingOn") -> list[Any]:
    """What came of a gift, in the order of days."""
    return [delivery[field] for delivery in goodwill["deliveries"]["nodes"]]


async def planned(publisher: Publisher, subscription: int) -> list[tuple[str, date]]:
    """The kinds and days of the deliveries that lie ahead, in the order of days."""
    rows = await publisher.owner.fetch(
        "SELECT kind, publishing_on FROM delivery WHERE tenant_id = $1 AND subscription_id = $2"
        " AND status = 'PLANNED' ORDER BY publishing_on",
        publisher.tenant_id,
        subscription,
    )
    return [tuple(row) for row in rows]


async def test_free_issues_come_after_those_paid_for(publisher: Publisher, reader: int) -> None:
    weekly = await paper(publisher, 6)
    counts = {"issues_entitled": 6, "issues_delivered": 4, "price": "40.00"}
    subscription = await subscribe(publisher, reader, weekly, issue_based=True, **counts)
    for day in FRIDAYS[:4]:
        await deliver(publisher, reader, subscription, weekly, day)
    await deliver(publisher, reader, subscription, weekly, AHEAD[0], status="PLANNED")
    goodwill = await give(
        publisher, "addFreeIssues", subscriptionId=subscription_id(subscription), count=2
    )
    # Two of the six issues that cost 40.00: 13.333..., and one that is open and was not planned.
    assert goodwill["value"] == {"amount": "13.33", "currency": "EUR"}
    assert goodwill["subscription"]["issues"] == {
        "entitled": 6,
        "free": 2,
        "delivered": 4,
        "open": 4,
    }
    assert await planned(publisher, subscription) == [
        ("REGULAR", AHEAD[0]),
        ("REGULAR", AHEAD[1]),
        ("FREE", AHEAD[2]),
        ("FREE", AHEAD[3]),
    ]
    assert delivered(goodwill) == [str(AHEAD[2]), str(AHEAD[3])]
    assert {name: goodwill[name] for name in ("kind", "count", "reasonKind", "reason")} == {
        "kind": "FREE_ISSUES",
        "count": 2,
        **WHY,
    }
    customer = encode_id("Customer", reader)
    (entry,) = await publisher.history(customer)
    of_subscription = f"Subscription:{subscription}"
    assert (entry["action"], entry["record_type"]) == ("goodwill.free_issues_added", "Goodwill")
    assert entry["before"][of_subscription] == {"issues_free": 0}
    assert entry["after"][of_subscription] == {"issues_free": 2}
    assert entry["after"]["value"] == "13.33"
    assert entry["after"]["personal"] == {"reason": "Kam nicht an."}
    (said,) = await publisher.diary(customer)
    assert said.endswith(": 2, worth 13.33 EUR. Kam nicht an.")


async def test_free_issues_are_planned_as_the_catalogue_learns_of_them(
    publisher: Publisher, reader: int
) -> None:
    weekly = await paper(publisher, 6, [AHEAD[0]])
    subscription = await subscribe(publisher, reader, weekly, issue_based=True)
    asked = {"subscriptionId": subscription_id(subscription)}
    first = await give(publisher, "addFreeIssues", **asked, count=2)
    assert delivered(first) == [str(AHEAD[0])]
    await appear(publisher, weekly, AHEAD[1])
    await appear(publisher, weekly, AHEAD[2])
    second = await give(publisher, "addFreeIssues", **asked, count=3)
    assert delivered(second) == [str(AHEAD[2])]
    data = await publisher.data(
        "query ($id: ID!) { node(id: $id) { ... on Goodwill {"
        " deliveries(orderBy: {field: PUBLISHING_ON, direction: ASC}) { nodes { publishingOn } } }"
        " } }",
        id=first["id"],
    )
    assert delivered(data["node"]) == [str(AHEAD[0]), str(AHEAD[1])]


async def test_free_issues_are_as_many_copies_as_the_subscription_has(
    publisher: Publisher, reader: int
) -> None:
    weekly = await paper(publisher, 4)
    subscription = await subscribe(
        publisher, reader, weekly, issue_based=True, quantity=3, price="36.00"
    )
    asked = {"subscriptionId": subscription_id(subscription), "count": 1}
    goodwill = await give(publisher, "addFreeIssues", **asked)
    # Its price is that of all copies: one of four issues at 36.00.
    assert goodwill["value"]["amount"] == "9.00"
    assert delivered(goodwill, "quantity") == [3]


@pytest.mark.parametrize(
    ("values", "first"),
    [
        ({"status": "CANCELLED", "cancelled_for": date(2026, 3, 4)}, AHEAD[0]),
        (
            {"status": "PAUSED", "paused_from": date(2026, 3, 1), "resumes_on": AHEAD[2]},
            AHEAD[2],
        ),
    ],
    ids=["cancelled", "paused"],
)
async def test_free_issues_go_to_whatever_runs(
    publisher: Publisher, reader: int, values: dict[str, Any], first: date
) -> None:
    weekly = await paper(publisher, 4)
    if "cancelled_for" in values:
        values = {**values, "ends_on": values["cancelled_for"], "cancelled_at": WEDNESDAY}
    subscription = await subscribe(publisher, reader, weekly, issue_based=True, **values)
    asked = {"subscriptionId": subscription_id(subscription), "count": 1}
    assert delivered(await give(publisher, "addFreeIssues", **asked)) == [str(first)]


async def test_sending_it_again_gives_nothing_more(publisher: Publisher, reader: int) -> None:
    weekly = await paper(publisher, 6)
    subscription = await subscribe(publisher, reader, weekly, issue_based=True)
    asked = {"subscriptionId": subscription_id(subscription), "count": 1, "idempotencyKey": "k"}
    first = await give(publisher, "addFreeIssues", **asked)
    assert await give(publisher, "addFreeIssues", **asked) == first
    payload = await publisher.act("addFreeIssues", {**WHY, **asked, "count": 2})
    assert refusals(payload) == [("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")]
    assert first["subscription"]["issues"]["free"] == 1


@pytest.mark.parametrize("day", [4, 6, 7, 8], ids=["Wednesday", "Friday", "Saturday", "Sunday"])
async def test_issues_are_sent_again_on_the_next_working_day(
    publisher: Publisher, reader: int, clock: Clock, day: int
) -> None:
    clock.at = WEDNESDAY.replace(day=day)
    weekly = await paper(publisher)
    home = await publisher.make(models.Address, customer_id=reader, city="Bonn")
    subscription = await subscribe(publisher, reader, weekly)
    sent = [
        await deliver(publisher, reader, subscription, weekly, FRIDAYS[1], address_id=home),
        await deliver(publisher, reader, subscription, weekly, FRIDAYS[0], status="RETURNED"),
    ]
    ids = [encode_id("Delivery", key) for key in sent]
    goodwill = await give(publisher, "redeliverIssues", deliveryIds=ids)
    # Four issues appear in February, the accounting period of both, and it costs 10.00.
    assert goodwill["value"]["amount"] == "5.00"
    next_day = "2026-03-05" if day == 4 else "2026-03-09"
    found = {
        delivery["original"]["publishingOn"]: delivery
        for delivery in goodwill["deliveries"]["nodes"]
    }
    for original, city in ((FRIDAYS[0], None), (FRIDAYS[1], {"city": "Bonn"})):
        assert found[str(original)] == {
            "kind": "REDELIVERY",
            "status": "PLANNED",
            "publishingOn": next_day,
            "quantity": 1,
            "address": city,
            "original": {"publishingOn": str(original)},
        }
    (entry,) = await publisher.history(encode_id("Customer", reader))
    assert entry["action"] == "goodwill.issues_redelivered"
    assert len([name for name in entry["after"] if name.startswith("Delivery:")]) == 2


async def test_issues_are_sent_again_elsewhere_and_on_another_day(
    publisher: Publisher, reader: int
) -> None:
    weekly = await paper(publisher, 6)
    address = await publisher.make(
        models.Address, customer_id=reader, city="Köln", valid_from=date(2026, 4, 1)
    )
    subscription = await subscribe(
        publisher, reader, weekly, issue_based=True, quantity=2, price="60.00"
    )
    sent = await deliver(publisher, reader, subscription, weekly, FRIDAYS[1], quantity=1)
    goodwill = await give(
        publisher,
        "redeliverIssues",
        deliveryIds=[encode_id("Delivery", sent)],
        deliveryAddressId=encode_id("Address", address),
        shipsOn="2026-04-01",
    )
    # One of two copies of one of six issues, which cost 60.00 together.
    assert goodwill["value"]["amount"] == "5.00"
    assert delivered(goodwill) == ["2026-04-01"]
    assert delivered(goodwill, "address") == [{"city": "Köln"}]
    assert goodwill["subscription"]["issues"]["free"] == 0


async def test_what_was_sent_again_is_replaced_once_but_can_be_lost_in_turn(
    publisher: Publisher, reader: int, everything: Everything
) -> None:
    weekly = await paper(publisher)
    subscription = await subscribe(publisher, reader, weekly)
    sent = await deliver(publisher, reader, subscription, weekly, FRIDAYS[1])
    first = {"deliveryIds": [encode_id("Delivery", sent)]}
    await give(publisher, "redeliverIssues", **first)
    again = await publisher.owner.fetchval(
        "SELECT id FROM delivery WHERE tenant_id = $1 AND original_id = $2",
        publisher.tenant_id,
        sent,
    )
    second = {"deliveryIds": [encode_id("Delivery", again)]}
    for given_, code in ((first, "ALREADY_REDELIVERED"), (second, "DELIVERY_NOT_SENT")):
        async with everything.unchanged():
            payload = await publisher.act("redeliverIssues", {**WHY, **given_})
        assert refusals(payload) == [(code, "deliveryIds.0")]
    await publisher.owner.execute(
        "UPDATE delivery SET status = 'SENT', sent_at = now() WHERE id = $1", again
    )
    goodwill = await give(publisher, "redeliverIssues", **second)
    # It is worth what the issue is, whatever month it is sent in.
    assert goodwill["value"]["amount"] == "2.50"
    await publisher.owner.execute(
        "UPDATE delivery SET status = 'CANCELLED' WHERE original_id = $1", again
    )
    assert (await give(publisher, "redeliverIssues", **second))["count"] == 1


async def test_the_next_accounting_period_is_free(publisher: Publisher, reader: int) -> None:
    weekly = await paper(publisher)
    begun = {"starts_on": date(2026, 1, 31), "next_billing_on": date(2026, 3, 31)}
    subscription = await subscribe(publisher, reader, weekly, quantity=2, **begun)
    asked = {"subscriptionId": subscription_id(subscription)}
    goodwill = await give(publisher, "addFreePeriod", **asked)
    assert goodwill["value"] == {"amount": "10.00", "currency": "EUR"}
    assert goodwill["subscription"]["nextBillingOn"] == "2026-04-30"
    assert goodwill["periods"]["nodes"] == [
        {
            "kind": "FREE",
            "startsOn": "2026-03-31",
            "endsOn": "2026-04-29",
            "price": {"amount": "0.00"},
            "goodwill": {"kind": "FREE_PERIOD"},
        }
    ]
    within = [day for day in FRIDAYS if date(2026, 3, 31) <= day <= date(2026, 4, 29)]
    assert await planned(publisher, subscription) == [("REGULAR", day) for day in within]
    (entry,) = await publisher.history(encode_id("Customer", reader))
    assert entry["action"] == "goodwill.free_period_added"
    assert entry["before"][f"Subscription:{subscription}"] == {"next_billing_on": "2026-03-31"}
    more = await give(publisher, "addFreePeriod", **asked)
    assert more["periods"]["nodes"][0]["startsOn"] == "2026-04-30"
    assert more["subscription"]["nextBillingOn"] == "2026-05-31"
    count = "SELECT count(*) FROM invoice WHERE tenant_id = $1"
    assert await publisher.owner.fetchval(count, publisher.tenant_id) == 0


async def test_a_free_period_that_is_cut_short_is_worth_less(
    publisher: Publisher, reader: int
) -> None:
    weekly = await paper(publisher)
    values = {"next_billing_on": date(2026, 4, 1), "ends_on": date(2026, 4, 15), "price": "29.00"}
    subscription = await subscribe(publisher, reader, weekly, **values)
    goodwill = await give(publisher, "addFreePeriod", subscriptionId=subscription_id(subscription))
    # 1 to 30 April are 29 days, of which one of first and last counts; 14 of them are used.
    assert goodwill["value"]["amount"] == "14.00"
    assert goodwill["subscription"]["nextBillingOn"] is None
    assert goodwill["periods"]["nodes"][0]["endsOn"] == "2026-04-15"


ISSUES = {"issue_based": True, "issues_entitled": 6}
ENDED = {"ends_on": date(2026, 3, 3)}
BILLED = {"next_billing_on": date(2026, 4, 1)}
REFUSED: dict[str, tuple[str, dict[str, Any], dict[str, Any], list[tuple[str, str]]]] = {
    "issues by time": ("addFreeIssues", {}, {}, [("NOT_ISSUE_BASED", "subscriptionId")]),
    "issues after the end": (
        "addFreeIssues",
        {**ISSUES, **ENDED},
        {},
        [("SUBSCRIPTION_ENDED", "subscriptionId")],
    ),
    "issues after cancellation": (
        "addFreeIssues",
        {**ISSUES, "status": "CANCELLED", "cancelled_for": date(2026, 3, 3)},
        {},
        [("SUBSCRIPTION_ENDED", "subscriptionId")],
    ),
    "issues of what does not run": (
        "addFreeIssues",
        {**ISSUES, "status": "INACTIVE"},
        {},
        [("SUBSCRIPTION_ENDED", "subscriptionId")],
    ),
    "no issues": ("addFreeIssues", ISSUES, {"count": 0}, [("INVALID", "count")]),
    "issues taken back": ("addFreeIssues", ISSUES, {"count": -1}, [("INVALID", "count")]),
    "101 issues": ("addFreeIssues", ISSUES, {"count": 101}, [("INVALID", "count")]),
    "no reason": ("addFreeIssues", ISSUES, {"reason": " "}, [("REQUIRED", "reason")]),
    "a long reason": (
        "addFreeIssues",
        ISSUES,
        {"reason": "x" * 1001},
        [("TOO_LONG", "reason")],
    ),
    "a period in issues": (
        "addFreePeriod",
        {**ISSUES, **BILLED},
        {},
        [("NOT_TIME_BASED", "subscriptionId")],
    ),
    "a period after the end": (
        "addFreePeriod",
        {**BILLED, **ENDED},
        {},
        [("SUBSCRIPTION_ENDED", "subscriptionId")],
    ),
    "a period where none begins": (
        "addFreePeriod",
        {"ends_on": date(2026, 3, 31)},
        {},
        [("SUBSCRIPTION_ENDED", "subscriptionId")],
    ),
    "a period of what is cancelled": (
        "addFreePeriod",
        {**BILLED, "status": "CANCELLED", "cancelled_for": date(2026, 5, 31)},
        {},
        [("SUBSCRIPTION_CANCELLED", "subscriptionId")],
    ),
    "a period of what rests": (
        "addFreePeriod",
        {**BILLED, "status": "PAUSED", "paused_from": date(2026, 3, 1)},
        {},
        [("SUBSCRIPTION_PAUSED", "subscriptionId")],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_a_subscription_can_not_be_given(
    publisher: Publisher, reader: int, everything: Everything, case: str
) -> None:
    action, values, asked, expected = REFUSED[case]
    if "cancelled_for" in values:
        values = {**values, "ends_on": values["cancelled_for"], "cancelled_at": WEDNESDAY}
    weekly = await paper(publisher, 6 if values.get("issue_based") else None)
    subscription = await subscribe(publisher, reader, weekly, **values)
    given_: dict[str, Any] = {**WHY, "subscriptionId": subscription_id(subscription)}
    if action == "addFreeIssues":
        given_["count"] = 1
    async with everything.unchanged():
        payload = await publisher.act(action, given_ | asked)
    assert refusals(payload) == expected


async def test_what_can_not_be_sent_again(
    publisher: Publisher, reader: int, everything: Everything
) -> None:
    weekly = await paper(publisher)
    subscription = await subscribe(publisher, reader, weekly)
    other = await subscribe(publisher, reader, weekly)
    stranger = await publisher.customer()
    elsewhere = await subscribe(publisher, stranger, weekly)
    later = await publisher.make(models.Address, customer_id=reader, valid_from=date(2026, 3, 6))
    theirs = await publisher.make(models.Address, customer_id=stranger)
    make = {
        "sent": (reader, subscription, FRIDAYS[0], "SENT"),
        "planned": (reader, subscription, AHEAD[0], "PLANNED"),
        "cancelled": (reader, subscription, FRIDAYS[1], "CANCELLED"),
        "another subscription's": (reader, other, FRIDAYS[0], "SENT"),
        "another customer's": (stranger, elsewhere, FRIDAYS[0], "SENT"),
    }
    ids = {
        name: encode_id("Delivery", await deliver(publisher, c, s, weekly, day, status=status))
        for name, (c, s, day, status) in make.items()
    }
    places = {
        "planned": "DELIVERY_NOT_SENT",
        "cancelled": "DELIVERY_NOT_SENT",
        "another subscription's": "INVALID",
        "another customer's": "NOT_FOUND",
    }
    cases: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
        (
            {"deliveryIds": [ids["sent"], *(ids[name] for name in places)]},
            [(code, f"deliveryIds.{n}") for n, code in enumerate(places.values(), 1)],
        ),
        ({"deliveryIds": []}, [("REQUIRED", "deliveryIds")]),
        ({"deliveryIds": [ids["sent"]] * 2}, [("INVALID", "deliveryIds.1")]),
        (
            {"deliveryIds": [encode_id("Delivery", 10**9 + n) for n in range(101)]},
            [("INVALID", "deliveryIds")],
        ),
        ({"deliveryIds": [ids["sent"], " "]}, [("REQUIRED", "deliveryIds.1")]),
        ({"shipsOn": "2026-03-04"}, [("DATE_NOT_IN_FUTURE", "shipsOn")]),
        ({"shipsOn": "2027-03-06"}, [("INVALID", "shipsOn")]),
        (
            {"deliveryAddressId": encode_id("Address", later)},
            [("ADDRESS_INVALID", "deliveryAddressId")],
        ),
        ({"deliveryAddressId": encode_id("Address", theirs)}, [("NOT_FOUND", "deliveryAddressId")]),
    ]
    async with everything.unchanged():
        for values, expected in cases:
            given_ = {**WHY, "deliveryIds": [ids["sent"]], **values}
            assert refusals(await publisher.act("redeliverIssues", given_)) == expected


async def test_goodwill_keeps_its_reason_apart_from_the_old(
    publisher: Publisher, reader: int
) -> None:
    weekly = await paper(publisher, 6)
    subscription = await subscribe(publisher, reader, weekly, issue_based=True)
    await publisher.make(models.Goodwill, customer_id=reader, subscription_id=subscription)
    asked = {"subscriptionId": subscription_id(subscription), "count": 1}
    await give(publisher, "addFreeIssues", **{**asked, "reasonKind": "RETENTION"})
    data = await publisher.data(
        "query ($id: ID!) { customer(by: {id: $id}) { goodwill(where: {reasonKind:"
        " {eq: RETENTION}}) { nodes { reasonKind } } old: goodwill(where: {reasonKind:"
        " {eq: OTHER}}) { totalCount } } }",
        id=encode_id("Customer", reader),
    )
    assert data["customer"]["goodwill"]["nodes"] == [{"reasonKind": "RETENTION"}]
    assert data["customer"]["old"]["totalCount"] == 1


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("give"), st.integers(1, 5)),
        st.tuples(st.just("send"), st.integers(1, 4)),
        st.tuples(st.just("appear"), st.integers(1, 3)),
        st.tuples(st.just("drop"), st.just(1)),
    ),
    min_size=3,
    max_size=8,
)


@settings(
    derandomize=True,
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=STEPS,
    price=st.integers(0, 99_999),
    per_period=st.integers(1, 12),
    entitled=st.integers(0, 6),
)
async def test_counts_add_up_whatever_is_given_and_sent(
    publisher: Publisher,
    steps: list[tuple[str, int]],
    price: int,
    per_period: int,
    entitled: int,
) -> None:
    customer = await publisher.customer()
    weekly = await paper(publisher, per_period, AHEAD[:3])
    cost = f"{price // 100}.{price % 100:02}"
    values = {"issue_based": True, "issues_entitled": entitled, "price": cost}
    subscription = await subscribe(publisher, customer, weekly, **values)
    for step, count in [*steps, ("give", 1)]:
        if step == "give":
            asked = {"subscriptionId": subscription_id(subscription), "count": count}
            worth = await give(publisher, "addFreeIssues", **asked)
            exact = Fraction(price * count, per_period * 100)
            off = Fraction(worth["value"]["amount"]) - exact
            assert abs(off) <= Fraction(1, 200)
        elif step == "send":
            await _send(publisher, subscription, count)
        elif step == "appear":
            for _ in range(count):
                await appear(publisher, weekly, max(weekly.issues) + timedelta(weeks=1))
        else:
            await _drop(publisher, subscription)
    await _check(publisher, subscription, len(weekly.issues))


async def _send(publisher: Publisher, subscription: int, count: int) -> None:
    """Send the next issues, as the daily run does."""
    sent = await publisher.owner.execute(
        "UPDATE delivery SET status = 'SENT', sent_at = now() WHERE id IN (SELECT id FROM delivery"
        " WHERE subscription_id = $1 AND status = 'PLANNED' ORDER BY publishing_on LIMIT $2)",
        subscription,
        count,
    )
    await publisher.owner.execute(
        "UPDATE subscription SET issues_delivered = issues_delivered + $2 WHERE id = $1",
        subscription,
        int(sent.removeprefix("UPDATE ")),
    )


async def _drop(publisher: Publisher, subscription: int) -> None:
    """Take all plans back, as a pause does."""
    await publisher.owner.execute(
        "UPDATE delivery SET status = 'CANCELLED' WHERE subscription_id = $1"
        " AND status = 'PLANNED'",
        subscription,
    )


async def _check(publisher: Publisher, subscription: int, issues: int) -> None:
    fetch = publisher.owner.fetch
    (counts,) = await fetch(
        "SELECT issues_entitled, issues_free, issues_delivered, issues_open FROM subscription"
        " WHERE id = $1",
        subscription,
    )
    entitled, free, sent, still_open = counts
    assert entitled + free == sent + still_open
    gifts = await fetch(
        "SELECT g.count, g.value, count(d.id) AS made FROM goodwill AS g LEFT JOIN delivery AS d"
        " ON d.goodwill_id = g.id AND d.status <> 'CANCELLED' WHERE g.subscription_id = $1"
        " GROUP BY g.tenant_id, g.id, g.count, g.value ORDER BY g.id",
        subscription,
    )
    assert sum(gift["count"] for gift in gifts) == free
    assert all(gift["value"] >= 0 for gift in gifts)
    assert all(gift["made"] <= gift["count"] for gift in gifts)
    # No later gift is delivered while an earlier one still owes something.
    owing = [gift["made"] < gift["count"] for gift in gifts]
    first = owing.index(True) if True in owing else len(owing)
    assert all(not gift["made"] for gift in gifts[first + 1 :])
    kinds = [
        row["kind"]
        for row in await fetch(
            "SELECT kind FROM delivery WHERE subscription_id = $1 AND status <> 'CANCELLED'"
            " ORDER BY publishing_on",
            subscription,
        )
    ]
    assert kinds == sorted(kinds, reverse=True), "Free issues come after those paid for."
    assert len(kinds) <= min(issues, entitled + free)
    assert kinds.count("FREE") == sum(gift["made"] for gift in gifts)
