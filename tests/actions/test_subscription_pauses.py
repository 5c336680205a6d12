"""Letting subscriptions rest, and run again: their days, access and deliveries."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.actions.conftest import Clock
from tests.actions.contracts import YEARLY, Contract, noon
from tests.actions.selling import Shop
from tests.actions.unchanged import Everything
from tests.publisher import Publisher


@pytest.fixture
async def contract(publisher: Publisher, clock: Clock) -> Contract:
    """A subscription by the month, on the fifth day of its January."""
    contract = await Contract.ordered(publisher, clock, "2026-01-01")
    return contract.on("2026-01-05")


async def weekly(publisher: Publisher, clock: Clock, **terms: Any) -> Contract:
    """A subscription to a paper of Fridays."""
    clock.at = noon("2026-01-01")
    shop = await Shop.open(publisher)
    fridays = [date.fromisocalendar(2026, week, 5) for week in range(1, 16)]
    paper = await shop.publication(*fridays)
    product = await shop.product(kind="PRINT", publication_id=paper)
    return await Contract.of(shop, clock, await shop.offer(product, publication_id=paper, **terms))


async def test_paid_days_of_a_pause_are_appended(contract: Contract) -> None:
    resting = await contract.act("pauseSubscription", pausedFrom="2026-01-05")
    assert (resting["status"], resting["pausedFrom"]) == ("PAUSED", "2026-01-05")
    assert resting["nextBillingOn"] is None
    assert await contract.access_ends() == [datetime(2026, 1, 4, 23, tzinfo=UTC)]
    after = await contract.on("2026-01-15").act("resumeSubscription")
    assert (after["status"], after["pausedFrom"]) == ("ACTIVE", None)
    # January has 31 days, and ten of them follow in February.
    [period] = after["periods"]["nodes"]
    assert (period["startsOn"], period["endsOn"]) == ("2026-01-01", "2026-02-10")
    assert period["pausedDays"] == 10
    assert after["nextBillingOn"] == "2026-02-11"
    assert await contract.access_ends() == [None]
    assert await contract.documents() == [("INVOICE", "10.00", "OPEN")]
    assert await contract.mails() == ["subscription_paused", "subscription_resumed"]


async def test_the_next_periods_are_counted_from_the_day_after(contract: Contract) -> None:
    await contract.act("pauseSubscription")
    await contract.on("2026-01-15").act("resumeSubscription")
    [(counted,)] = await contract.rows(
        "SELECT accounting_from FROM subscription WHERE tenant_id = $1"
    )
    assert counted == date(2026, 2, 11)


async def test_days_of_a_pause_cost_nothing_when_it_is_cancelled(contract: Contract) -> None:
    await contract.pay()
    await contract.act("pauseSubscription")
    await contract.on("2026-01-15").act("cancelSubscription", mode="IMMEDIATELY")
    # Four of thirty counted days were used, since the pause began on the fifth: 10.00 * 4 / 30.
    assert (await contract.documents())[2:] == [("CORRECTION", "1.33", "PAID")]
    assert (await contract.money())[1:] == [("REFUND", "8.67", "PENDING")]


async def test_a_pause_that_lies_ahead_leaves_access_until_then(contract: Contract) -> None:
    given = {"pausedFrom": "2026-01-10", "resumesOn": "2026-01-20"}
    ahead = await contract.act("pauseSubscription", **given)
    assert (ahead["status"], ahead["resumesOn"]) == ("ACTIVE", "2026-01-20")
    assert await contract.access_ends() == [datetime(2026, 1, 9, 23, tzinfo=UTC)]
    assert ahead["nextBillingOn"] is None
    called_off = await contract.act("resumeSubscription")
    assert (called_off["pausedFrom"], called_off["nextBillingOn"]) == (None, "2026-02-01")
    [period] = called_off["periods"]["nodes"]
    assert period["endsOn"] == "2026-01-31"
    assert await contract.access_ends() == [None]


async def test_a_pause_after_the_paid_days_lets_the_next_period_begin(
    contract: Contract,
) -> None:
    after = await contract.act("pauseSubscription", pausedFrom="2026-02-10")
    assert after["nextBillingOn"] == "2026-02-01"


async def test_nothing_paid_is_lost_where_the_pause_follows_the_paid_days(
    contract: Contract,
) -> None:
    await contract.act("pauseSubscription", pausedFrom="2026-02-01")
    after = await contract.on("2026-02-15").act("resumeSubscription")
    assert after["nextBillingOn"] == "2026-02-15"
    [period] = after["periods"]["nodes"]
    assert period["endsOn"] == "2026-01-31"


async def test_its_end_can_be_moved(contract: Contract) -> None:
    await contract.act("pauseSubscription", resumesOn="2026-03-01")
    moved = await contract.act("resumeSubscription", resumesOn="2026-02-01")
    assert (moved["status"], moved["resumesOn"]) == ("PAUSED", "2026-02-01")


async def test_issues_of_a_pause_are_not_delivered(publisher: Publisher, clock: Clock) -> None:
    paper = await weekly(publisher, clock)
    assert await paper.planned() == [f"2026-01-{day:02}" for day in (2, 9, 16, 23, 30)]
    await paper.on("2026-01-05").act(
        "pauseSubscription", pausedFrom="2026-01-10", resumesOn="2026-01-24"
    )
    assert await paper.planned() == ["2026-01-02", "2026-01-09", "2026-01-30"]
    await paper.on("2026-01-24").act("resumeSubscription")
    assert await paper.planned() == [
        "2026-01-02", "2026-01-09", "2026-01-30", "2026-02-06", "2026-02-13",
    ]  # fmt: skip


async def test_issues_that_are_owed_follow_after_it(publisher: Publisher, clock: Clock) -> None:
    paper = await weekly(publisher, clock, issues_per_period=4)
    assert await paper.planned() == [f"2026-01-{day:02}" for day in (2, 9, 16, 23)]
    paper.on("2026-01-05")
    await paper.act("pauseSubscription", pausedFrom="2026-01-10", resumesOn="2026-01-24")
    expected = ["2026-01-02", "2026-01-09", "2026-01-30", "2026-02-06"]
    assert await paper.planned() == expected
    after = await paper.on("2026-01-24").act("resumeSubscription")
    assert await paper.planned() == expected
    assert after["issues"] == {"entitled": 4, "delivered": 0, "open": 4}


async def test_without_an_end_nothing_is_planned_until_it_is_resumed(
    publisher: Publisher, clock: Clock
) -> None:
    paper = await weekly(publisher, clock, issues_per_period=4)
    await paper.on("2026-01-05").act("pauseSubscription")
    assert await paper.planned() == ["2026-01-02"]
    await paper.on("2026-02-02").act("resumeSubscription")
    assert await paper.planned() == ["2026-01-02", "2026-02-06", "2026-02-13", "2026-02-20"]


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "since yesterday": ({"pausedFrom": "2026-01-04"}, "PERIOD_INVALID", "pausedFrom"),
    "in two years": ({"pausedFrom": "2028-01-04"}, "PERIOD_INVALID", "pausedFrom"),
    "without a day": (
        {"pausedFrom": "2026-01-10", "resumesOn": "2026-01-10"}, "PERIOD_INVALID", "resumesOn",
    ),
    "for more than a year": ({"resumesOn": "2027-01-06"}, "PERIOD_INVALID", "resumesOn"),
    "of another version": ({"expectedVersion": 99}, "STALE_VERSION", "expectedVersion"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_no_other_days_can_be_rested(
    contract: Contract, everything: Everything, case: str
) -> None:
    given, code, field = REFUSED[case]
    async with everything.unchanged():
        assert await contract.refused("pauseSubscription", **given) == [(code, field)]


async def test_a_year_is_the_longest_pause(contract: Contract) -> None:
    await contract.act("pauseSubscription", resumesOn="2027-01-05")


async def test_it_rests_once_and_runs_once(contract: Contract, everything: Everything) -> None:
    async with everything.unchanged():
        running = await contract.refused("resumeSubscription")
    assert running == [("SUBSCRIPTION_NOT_PAUSED", "subscriptionId")]
    await contract.act("pauseSubscription")
    contract.on("2026-01-10")
    async with everything.unchanged():
        resting = await contract.refused("pauseSubscription")
        changed = await contract.refused(
            "changeSubscriptionOffer", offerId=contract.offer, at="AT_NEXT_PERIOD"
        )
        past = await contract.refused("resumeSubscription", resumesOn="2026-01-09")
        late = await contract.refused("resumeSubscription", resumesOn="2027-01-06")
    assert resting == changed == [("SUBSCRIPTION_PAUSED", "subscriptionId")]
    assert past == late == [("PERIOD_INVALID", "resumesOn")]


async def test_a_cancellation_ends_the_pause(publisher: Publisher, clock: Clock) -> None:
    contract = await Contract.ordered(publisher, clock, "2026-01-01", **YEARLY)
    await contract.on("2026-03-01").act("pauseSubscription")
    after = await contract.on("2026-03-11").act("cancelSubscription", mode="REGULAR")
    assert (after["status"], after["pausedFrom"], after["endsOn"]) == (
        "CANCELLED", None, "2026-12-31",
    )  # fmt: skip
    # Ten days of the year that was paid for lie behind its end: of 364 days, 354 are used.
    # 240.00 * 354 / 364 = 233.4065...
    assert (await contract.documents())[2:] == [("CORRECTION", "233.41", "OPEN")]
