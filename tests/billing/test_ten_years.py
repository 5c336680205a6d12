"""Ten years of a publisher, in which each day's run sees to subscriptions of all kinds."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import date, timedelta
from itertools import cycle
from typing import Any

import asyncpg
import pytest

from app import models
from app.billing.deliveries import plan
from app.billing.endings import end_on, go_on
from app.billing.pauses import pause
from app.billing.periods import open_period
from app.models import Goodwill, Offer, Subscription
from app.models.goodwill import GoodwillKind
from app.settings import Settings
from app.work.unit import Work
from tests.billing.invariants import hold
from tests.billing.publishing import House, opened_house
from tests.conftest import Database

FIRST, LAST = date(2016, 1, 1), date(2026, 1, 1)
STEPS = (1, 61, 30, 92, 7, 31, 120)
"""So many days pass between two runs, again and again: workers are not always there."""

Deed = Callable[[Work, Subscription], Awaitable[Any]]


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The database in which these tests found their publishers, side by side."""
    return shared_database


@pytest.fixture
async def house(settings: Settings, owner: asyncpg.Connection) -> AsyncIterator[House]:
    """A new publisher's house, on the first day of ten years."""
    async with opened_house(settings, owner, FIRST) as house:
        yield house


def rest(first: date, until: date) -> Deed:
    """A pause between two days."""
    return lambda work, subscription: pause(work, subscription, first, until)


def cancel(last: date) -> Deed:
    """A cancellation for a day."""
    return lambda work, subscription: end_on(work, subscription, last, "Test")


async def think_better(work: Work, subscription: Subscription) -> None:
    """Take a cancellation back."""
    await go_on(work, subscription, "Test")


async def give_period(work: Work, subscription: Subscription) -> None:
    """Give the next period away."""
    gift = _gift(subscription, GoodwillKind.FREE_PERIOD, 1)
    work.add(gift)
    await work.flush()
    open_period(work, subscription, goodwill_id=gift.id)
    offer = await work.session.get_one(Offer, (work.tenant_id, subscription.offer_id))
    await plan(work, subscription, offer)


async def give_issues(work: Work, subscription: Subscription) -> None:
    """Give three issues away."""
    work.add(_gift(subscription, GoodwillKind.FREE_ISSUES, 3))
    subscription.issues_free += 3
    offer = await work.session.get_one(Offer, (work.tenant_id, subscription.offer_id))
    await plan(work, subscription, offer)


def _gift(subscription: Subscription, kind: GoodwillKind, count: int) -> Goodwill:
    return Goodwill(
        customer_id=subscription.customer_id,
        subscription_id=subscription.id,
        kind=kind.value,
        count=count,
        reason="Test",
        value=subscription.price,
        currency=subscription.currency,
    )


def days(first: date, last: date) -> set[date]:
    """The days from one to another."""
    return {first + timedelta(days=count) for count in range((last - first).days + 1)}


async def test_ten_years(house: House) -> None:
    magazine = await house.publication(date(2015, 12, 1), date(2027, 1, 1))
    monthly = await house.offer()
    bundle = await house.offer(
        "23.90", shares={"REDUCED": "70.00", "STANDARD": "30.00"}, publication=magazine
    )
    in_issues = await house.offer(
        "48.00", every=(6, "MONTH"), kind="PRINT", publication=magazine, issues=6
    )
    printed = await house.offer("9.50", kind="PRINT", publication=magazine)
    keys = {
        "month's end": await house.subscribe(monthly, date(2016, 1, 31)),
        "leap day": await house.subscribe(
            await house.offer("99.00", every=(1, "YEAR"), term=(2, "YEAR")), date(2016, 2, 29)
        ),
        "weeks": await house.subscribe(
            await house.offer("7.30", every=(13, "WEEK")), date(2016, 1, 4)
        ),
        "days": await house.subscribe(
            await house.offer("1.99", every=(100, "DAY"), tax_class="STANDARD"), date(2016, 3, 1)
        ),
        "bundle": await house.subscribe(bundle, date(2016, 1, 15), quantity=2, price="47.80"),
        "printed": await house.subscribe(printed, date(2016, 2, 10)),
        "issues": await house.subscribe(in_issues, date(2016, 1, 20)),
        "issues, cancelled": await house.subscribe(in_issues, date(2017, 1, 20)),
        "for nothing": await house.subscribe(monthly, date(2016, 5, 1), price="0.00"),
        "free": await house.subscribe(printed, date(2016, 5, 1), payment_method="FREE"),
        "cancelled": await house.subscribe(bundle, date(2016, 6, 10)),
        "undone": await house.subscribe(printed, date(2016, 6, 30)),
    }
    keys["debited"] = await debited(house, monthly)
    deeds: list[tuple[date, str, Deed]] = [
        (date(2016, 5, 2), "printed", rest(date(2016, 6, 15), date(2016, 8, 20))),
        (date(2016, 7, 1), "month's end", give_period),
        (date(2017, 2, 1), "leap day", rest(date(2017, 2, 10), date(2017, 3, 3))),
        (date(2017, 5, 1), "issues", give_issues),
        (date(2018, 1, 1), "bundle", give_period),
        (date(2018, 1, 2), "bundle", give_period),
        (date(2018, 4, 1), "issues, cancelled", give_issues),
        (date(2018, 5, 1), "issues, cancelled", cancel(date(2018, 9, 25))),
        (date(2019, 3, 1), "undone", cancel(date(2019, 6, 12))),
        (date(2019, 5, 30), "undone", think_better),
        (date(2020, 1, 20), "issues", rest(date(2020, 2, 1), date(2020, 5, 1))),
        (date(2020, 9, 1), "cancelled", cancel(date(2021, 2, 2))),
        (date(2023, 3, 1), "weeks", rest(date(2023, 3, 20), date(2023, 4, 10))),
    ]
    rests = {
        keys["printed"]: days(date(2016, 6, 15), date(2016, 8, 19)),
        keys["leap day"]: days(date(2017, 2, 10), date(2017, 3, 2)),
        keys["issues"]: days(date(2020, 2, 1), date(2020, 4, 30)),
        keys["weeks"]: days(date(2023, 3, 20), date(2023, 4, 9)),
    }
    for today in passing_days({day for day, _name, _deed in deeds}):
        house.calendar.today = today
        tally = await house.renew()
        assert tally.failures == []
        for day, name, deed in deeds:
            if day == today:
                await house.do(keys[name], deed)
        if today.month == 1 and today.year % 3 == 0:
            await hold(house, rests)
    assert (await house.renew()).periods_opened == 0
    await hold(house, rests)


def passing_days(needed: set[date]) -> Iterator[date]:
    """The days on which there is a run."""
    today, steps = FIRST, cycle(STEPS)
    while today < LAST:
        yield today
        following = min(today + timedelta(days=next(steps)), LAST)
        today = min({following, *(day for day in needed if day > today)})
    yield LAST


async def debited(house: House, offer: int) -> int:
    """A subscription whose mandate nobody ever presents a debit by, so that it lapses."""
    customer = await house.customer()
    account = await house.publisher.make(
        models.BankAccount, customer_id=customer, mandate_signed_on=date(2016, 1, 1), preferred=True
    )
    return await house.subscribe(
        offer,
        date(2016, 4, 1),
        customer_id=customer,
        payment_method="SEPA_DEBIT",
        bank_account_id=account,
    )
