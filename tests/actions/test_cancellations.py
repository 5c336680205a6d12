"""Cancelling subscriptions by their terms, for a day and at once, and withdrawing that."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.auth.permissions import Permission
from tests.actions.conftest import Clock
from tests.actions.contracts import YEARLY, Contract, noon
from tests.actions.selling import Shop
from tests.actions.unchanged import Everything
from tests.publisher import Publisher

MONTHLY_FOR_A_YEAR: dict[str, Any] = {"term_count": 1, "term_unit": "YEAR"}
IN_WEEKS: dict[str, Any] = {
    "term_count": 4,
    "term_unit": "WEEK",
    "accounting_count": 4,
    "accounting_unit": "WEEK",
    "notice_count": 1,
    "notice_unit": "WEEK",
}

REGULAR: dict[str, tuple[str, dict[str, Any], bool, str, str]] = {
    # The first term is 2026: a notice of a month is in time for its end.
    "in the first term": ("2026-01-01", MONTHLY_FOR_A_YEAR, False, "2026-06-16", "2026-12-31"),
    # 5 December is later than a month before the end, so the notice counts from its day: 5 January.
    "too late for the first term": (
        "2026-01-01", MONTHLY_FOR_A_YEAR, False, "2026-12-05", "2027-01-05",
    ),
    # 30 November is the last day in time.
    "on the last day for it": (
        "2026-01-01", MONTHLY_FOR_A_YEAR, False, "2026-11-30", "2026-12-31",
    ),
    # Companies are bound by what was agreed: another year.
    "a company too late": ("2026-01-01", MONTHLY_FOR_A_YEAR, True, "2026-12-05", "2027-12-31"),
    # In an indefinite time a month's notice from 31 January ends on the last day of February.
    "at a month's end": ("2025-01-01", MONTHLY_FOR_A_YEAR, False, "2026-01-31", "2026-02-28"),
    # Terms of four weeks: the first is over on 28 January, and a week's notice from the 30th.
    "in weeks": ("2026-01-01", IN_WEEKS, False, "2026-01-30", "2026-02-06"),
}  # fmt: skip


@pytest.mark.parametrize("case", REGULAR)
async def test_it_ends_as_early_as_terms_and_law_allow(
    publisher: Publisher, clock: Clock, case: str
) -> None:
    first, offer, business, today, last = REGULAR[case]
    contract = await Contract.ordered(publisher, clock, first, business=business, **offer)
    after = await contract.on(today).act("cancelSubscription", mode="REGULAR")
    assert (after["status"], after["endsOn"], after["cancelledFor"]) == ("CANCELLED", last, last)
    [until] = await contract.access_ends()
    assert until is not None
    assert until.date() == date.fromisoformat(last)
    assert await contract.mails() == ["subscription_cancelled"]


async def test_a_contract_of_before_2022_keeps_its_terms(
    publisher: Publisher, clock: Clock
) -> None:
    terms = {**MONTHLY_FOR_A_YEAR, "notice_count": 3}
    contract = await Contract.ordered(publisher, clock, "2021-03-01", **terms)
    after = await contract.on("2026-06-16").act("cancelSubscription", mode="REGULAR")
    # It was renewed by a year each 1 March, and three months before the next one are left.
    assert after["endsOn"] == "2027-02-28"
    await contract.act("undoCancellation")
    after = await contract.on("2026-12-16").act("cancelSubscription", mode="REGULAR")
    assert after["endsOn"] == "2028-02-29"


async def test_days_that_were_paid_and_are_not_used_are_refunded(
    publisher: Publisher, clock: Clock
) -> None:
    # Bound for a month and paid for a year: since February it ends on any day.
    contract = await Contract.ordered(
        publisher, clock, "2025-01-01", **YEARLY | {"term_unit": "MONTH"}
    )
    await contract.pay()
    after = await contract.on("2025-06-16").act("cancelSubscription", mode="REGULAR")
    # Until 16 July. 2025 has 364 counted days, and 196 are used: 240.00 * 196 / 364 = 129.2307...
    assert after["endsOn"] == "2025-07-16"
    assert after["nextBillingOn"] is None
    [period] = after["periods"]["nodes"]
    assert (period["endsOn"], period["price"]["amount"]) == ("2025-07-16", "129.23")
    assert await contract.documents() == [
        ("INVOICE", "240.00", "CANCELLED"),
        ("CANCELLATION", "-240.00", "PAID"),
        ("CORRECTION", "129.23", "PAID"),
    ]
    assert await contract.money() == [
        ("BANK_TRANSFER", "240.00", "SUCCESS"),
        ("REFUND", "110.77", "PENDING"),
    ]
    assert await contract.lines() == [("2025-01-01", "2025-07-16", "129.23")]
    # Withdrawn, all of it is owed again, and paid; the refund was not made yet.
    after = await contract.on("2025-07-01").act("undoCancellation")
    assert (after["status"], after["endsOn"], after["nextBillingOn"]) == (
        "ACTIVE", None, "2026-01-01",
    )  # fmt: skip
    [period] = after["periods"]["nodes"]
    assert (period["endsOn"], period["price"]["amount"]) == ("2025-12-31", "240.00")
    assert (await contract.documents())[2:] == [
        ("CORRECTION", "129.23", "CANCELLED"),
        ("CANCELLATION_CORRECTION", "-129.23", "PAID"),
        ("CORRECTION", "240.00", "PAID"),
    ]
    assert (await contract.money())[1:] == [("REFUND", "110.77", "FAILURE")]
    assert await contract.access_ends() == [None]


# One of the first and the last day counts: price, days in all, used ones, what is owed for these.
AT_ONCE: dict[str, Any] = {
    # 235.20 * 303 / 364 = 195.7846...; 31 October is 303 days after 1 January.
    "the golden case": ("235.20", "2026-01-01", "2026-10-31", "195.78"),
    # 100.00 * 31 / 365 = 8.4931...; 2028 has 366 days, of which 365 count.
    "in a leap year": ("100.00", "2028-01-01", "2028-02-01", "8.49"),
    # 0.01 * 200 / 364 = 0.0054..., rounded to a cent.
    "a cent": ("0.01", "2026-01-01", "2026-07-20", "0.01"),
    # 89.90 * 87 / 364 = 21.4871...; the night of 29 March has no third hour.
    "over a change of clocks": ("89.90", "2026-01-01", "2026-03-29", "21.49"),
}


@pytest.mark.parametrize("case", AT_ONCE)
async def test_at_once_what_was_used_is_owed(publisher: Publisher, clock: Clock, case: str) -> None:
    price, first, today, used = AT_ONCE[case]
    contract = await Contract.ordered(publisher, clock, first, **{**YEARLY, "price": price})
    await contract.pay()
    after = await contract.on(today).act("cancelSubscription", mode="IMMEDIATELY", reason="Umzug")
    assert (after["status"], after["endsOn"], after["nextBillingOn"]) == ("INACTIVE", today, None)
    assert (await contract.documents())[2:] == [("CORRECTION", used, "PAID")]
    refund = Decimal(price) - Decimal(used)
    expected = [("REFUND", str(refund), "PENDING")] if refund else []
    assert (await contract.money())[1:] == expected
    assert await contract.access_ends() == [noon(today)]


async def test_at_once_on_the_first_day_nothing_is_owed(publisher: Publisher, clock: Clock) -> None:
    contract = await Contract.ordered(publisher, clock, "2026-01-01", **YEARLY)
    await contract.act("cancelSubscription", mode="IMMEDIATELY")
    assert await contract.documents() == [
        ("INVOICE", "240.00", "CANCELLED"),
        ("CANCELLATION", "-240.00", "PAID"),
    ]
    assert await contract.money() == []


async def test_what_has_not_begun_is_taken_back_as_a_whole(
    publisher: Publisher, clock: Clock
) -> None:
    contract = await Contract.ordered(publisher, clock, "2026-01-01", **YEARLY)
    owner, tenant = publisher.owner, publisher.tenant_id
    await owner.execute(
        "UPDATE access_right SET valid_from = '2026-03-01' WHERE tenant_id = $1", tenant
    )
    await owner.execute(
        "UPDATE subscription_period SET starts_on = '2026-03-01', ends_on = '2027-02-28'"
        " WHERE tenant_id = $1",
        tenant,
    )
    await owner.execute(
        "UPDATE subscription SET starts_on = '2026-03-01', accounting_from = '2026-03-01'"
        " WHERE tenant_id = $1",
        tenant,
    )
    await contract.pay()
    after = await contract.on("2026-02-01").act("cancelSubscription", mode="IMMEDIATELY")
    assert (after["status"], after["endsOn"]) == ("INACTIVE", "2026-03-01")
    assert await contract.money() == [
        ("BANK_TRANSFER", "240.00", "SUCCESS"),
        ("REFUND", "240.00", "PENDING"),
    ]
    assert await contract.access_ends() == [datetime(2026, 3, 1, tzinfo=UTC)]


async def test_issues_that_were_not_delivered_are_refunded_at_once(
    publisher: Publisher, clock: Clock
) -> None:
    contract = await _magazine(publisher, clock)
    await contract.pay()
    await publisher.owner.execute(
        "UPDATE delivery SET status = 'SENT', sent_at = now() WHERE tenant_id = $1"
        " AND publishing_on < '2026-04-15'",
        publisher.tenant_id,
    )
    await publisher.owner.execute(
        "UPDATE subscription SET issues_delivered = 3 WHERE tenant_id = $1", publisher.tenant_id
    )
    after = await contract.on("2026-04-15").act("cancelSubscription", mode="IMMEDIATELY")
    # Three of twelve: 240.00 * 3 / 12 = 60.00.
    assert after["issues"] == {"entitled": 3, "delivered": 3, "open": 0}
    assert (await contract.documents())[2:] == [("CORRECTION", "60.00", "PAID")]
    assert (await contract.money())[1:] == [("REFUND", "180.00", "PENDING")]
    assert await contract.planned() == []


async def test_issues_that_were_paid_are_delivered_after_a_regular_end(
    publisher: Publisher, clock: Clock
) -> None:
    contract = await _magazine(publisher, clock)
    planned = await contract.planned()
    assert len(planned) == 12
    await contract.on("2026-04-15").act("cancelSubscription", mode="REGULAR")
    assert await contract.planned() == planned
    assert await contract.documents() == [("INVOICE", "240.00", "OPEN")]


async def _magazine(publisher: Publisher, clock: Clock) -> Contract:
    clock.at = noon("2026-01-01")
    shop = await Shop.open(publisher)
    days = [date(2026, month, 10) for month in range(2, 13)] + [date(2027, 1, 10)]
    magazine = await shop.publication(*days)
    product = await shop.product(kind="PRINT", publication_id=magazine)
    terms = {**YEARLY, "publication_id": magazine, "issues_per_period": 12}
    return await Contract.of(shop, clock, await shop.offer(product, **terms))


async def test_a_letter_counts_from_the_day_it_was_received(
    publisher: Publisher, clock: Clock
) -> None:
    contract = await Contract.ordered(publisher, clock, "2026-01-01", **MONTHLY_FOR_A_YEAR)
    given = {"mode": "REGULAR", "receivedOn": "2026-11-30"}
    after = await contract.on("2026-12-05").act("cancelSubscription", **given)
    assert after["endsOn"] == "2026-12-31"


async def test_a_letter_found_late_ends_it_in_the_past(publisher: Publisher, clock: Clock) -> None:
    contract = await Contract.ordered(publisher, clock, "2026-01-01", **IN_WEEKS)
    await contract.pay()
    given = {"mode": "REGULAR", "receivedOn": "2026-01-02"}
    after = await contract.on("2026-02-05").act("cancelSubscription", **given)
    assert (after["status"], after["endsOn"]) == ("INACTIVE", "2026-01-28")
    assert await contract.money() == [("BANK_TRANSFER", "10.00", "SUCCESS")]


async def test_a_later_day_of_choice(publisher: Publisher, clock: Clock) -> None:
    contract = await Contract.ordered(publisher, clock, "2026-01-01", **MONTHLY_FOR_A_YEAR)
    given = {"mode": "AT_DATE", "endsOn": "2027-03-15"}
    after = await contract.on("2026-06-16").act("cancelSubscription", **given)
    assert (after["status"], after["endsOn"]) == ("CANCELLED", "2027-03-15")
    assert after["nextBillingOn"] is not None


async def test_only_some_may_end_it_earlier(
    publisher: Publisher, clock: Clock, everything: Everything
) -> None:
    contract = await Contract.ordered(publisher, clock, "2026-01-01", **MONTHLY_FOR_A_YEAR)
    agent = await publisher.issue_token(Permission.SUBSCRIPTION_WRITE, Permission.SUBSCRIPTION_READ)
    given = {"mode": "AT_DATE", "endsOn": "2026-12-30"}
    contract.on("2026-06-16")
    async with everything.unchanged():
        refused = await contract.refused("cancelSubscription", agent, **given)
    assert refused == [("NOTICE_PERIOD", "endsOn")]
    after = await contract.act("cancelSubscription", **given)
    assert after["endsOn"] == "2026-12-30"


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "a letter of tomorrow": (
        {"mode": "REGULAR", "receivedOn": "2026-06-17"}, "DATE_IN_FUTURE", "receivedOn",
    ),
    "a letter before the order": (
        {"mode": "REGULAR", "receivedOn": "2025-12-31"}, "PERIOD_INVALID", "receivedOn",
    ),
    "no day": ({"mode": "AT_DATE"}, "REQUIRED", "endsOn"),
    "yesterday": ({"mode": "AT_DATE", "endsOn": "2026-06-15"}, "PERIOD_INVALID", "endsOn"),
    "in twenty years": ({"mode": "AT_DATE", "endsOn": "2046-06-15"}, "PERIOD_INVALID", "endsOn"),
    "of another version": (
        {"mode": "REGULAR", "expectedVersion": 99}, "STALE_VERSION", "expectedVersion",
    ),
    "too long a reason": ({"mode": "REGULAR", "reason": "x" * 501}, "TOO_LONG", "reason"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_what_can_not_be_asked_for_changes_nothing(
    publisher: Publisher, clock: Clock, everything: Everything, case: str
) -> None:
    contract = await Contract.ordered(publisher, clock, "2026-01-01", **MONTHLY_FOR_A_YEAR)
    given, code, field = REFUSED[case]
    contract.on("2026-06-16")
    async with everything.unchanged():
        refused = await contract.refused("cancelSubscription", **given)
    assert refused == [(code, field)]


async def test_it_is_cancelled_once(
    publisher: Publisher, clock: Clock, everything: Everything
) -> None:
    contract = await Contract.ordered(publisher, clock, "2026-01-01", **MONTHLY_FOR_A_YEAR)
    contract.on("2026-06-16")
    async with everything.unchanged():
        undone = await contract.refused("undoCancellation")
    assert undone == [("SUBSCRIPTION_NOT_CANCELLED", "subscriptionId")]
    await contract.act("cancelSubscription", mode="REGULAR")
    async with everything.unchanged():
        again = await contract.refused("cancelSubscription", mode="REGULAR")
        paused = await contract.refused("pauseSubscription")
        changed = await contract.refused(
            "changeSubscriptionOffer", offerId=contract.offer, at="AT_NEXT_PERIOD"
        )
    cancelled = [("SUBSCRIPTION_CANCELLED", "subscriptionId")]
    assert (again, paused, changed) == (cancelled, cancelled, cancelled)


OF_WHAT_RUNS: dict[str, Any] = {
    "cancelSubscription": {"mode": "REGULAR"},
    "undoCancellation": {},
    "pauseSubscription": {},
    "resumeSubscription": {},
    "changeSubscriptionAddress": {},
    "changeSubscriptionPayment": {"paymentMethod": "INVOICE"},
    "changeSubscriptionOffer": {"at": "NOW"},
}


async def test_nothing_is_done_to_what_is_over(
    publisher: Publisher, clock: Clock, everything: Everything
) -> None:
    contract = await Contract.ordered(publisher, clock, "2026-01-01", **MONTHLY_FOR_A_YEAR)
    await contract.on("2026-06-16").act("cancelSubscription", mode="REGULAR")
    # The day after the last one, be that written down by the daily run or not.
    contract.on("2027-01-01")
    async with everything.unchanged():
        for name, given in OF_WHAT_RUNS.items():
            more = {"offerId": contract.offer} if name == "changeSubscriptionOffer" else {}
            refused = await contract.refused(name, **given, **more)
            assert (name, refused) == (name, [("SUBSCRIPTION_ENDED", "subscriptionId")])
