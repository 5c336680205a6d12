"""The daily run: what it does for subscriptions whose day has come, and what it leaves."""

import asyncio
from datetime import date
from typing import Any

import asyncpg
import pytest

from app import models
from app.billing.pauses import pause
from app.models import Customer
from app.schema.node import encode_id
from tests.billing.invariants import hold
from tests.billing.publishing import House
from tests.conftest import Database

TODAY = date(2024, 1, 15)


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The database in which these tests found their publishers, side by side."""
    return shared_database


async def subscription(house: House, key: int) -> Any:
    """A subscription's row."""
    [row] = await house.rows("SELECT * FROM subscription WHERE tenant_id = $1 AND id = $2", key)
    return row


async def periods(house: House) -> list[tuple[date, date]]:
    """The periods of all subscriptions."""
    rows = await house.rows(
        "SELECT starts_on, ends_on FROM subscription_period WHERE tenant_id = $1 ORDER BY 1"
    )
    return [tuple(row) for row in rows]


async def diary(house: House, key: int) -> list[str]:
    """What the diary of a subscription's account tells."""
    customer = (await subscription(house, key))["customer_id"]
    return await house.publisher.diary(encode_id(Customer.__name__, customer))


async def test_what_was_left_undone_is_made_up_for_in_order(house: House) -> None:
    key = await house.subscribe(await house.offer(), date(2023, 10, 31))
    tally = await house.renew()
    assert (tally.periods_opened, tally.invoices_issued) == (3, 3)
    assert {name: str(amount) for name, amount in tally.invoiced.items()} == {"EUR": "30.00"}
    assert await periods(house) == [
        (date(2023, 10, 31), date(2023, 11, 29)),
        (date(2023, 11, 30), date(2023, 12, 30)),
        (date(2023, 12, 31), date(2024, 1, 30)),
    ]
    assert (await subscription(house, key))["next_billing_on"] == date(2024, 1, 31)
    invoices = await house.rows(
        "SELECT number, issued_on, service_from FROM invoice WHERE tenant_id = $1 ORDER BY number"
    )
    assert [tuple(invoice) for invoice in invoices] == [
        ("RE-2024-0000001", TODAY, date(2023, 10, 31)),
        ("RE-2024-0000002", TODAY, date(2023, 11, 30)),
        ("RE-2024-0000003", TODAY, date(2023, 12, 31)),
    ]
    again = await house.renew()
    assert (again.periods_opened, again.invoices_issued, again.failures) == (0, 0, [])
    await hold(house)


async def test_each_step_is_in_the_history(house: House) -> None:
    key = await house.subscribe(await house.offer(), TODAY)
    await house.renew()
    [entry] = await house.rows(
        "SELECT action, actor_kind, record_type, record_id, before, after FROM history"
        " WHERE tenant_id = $1"
    )
    assert tuple(entry)[:4] == ("subscription.renewed", "SYSTEM", "Subscription", key)
    assert '"next_billing_on": "2024-01-15"' in entry["before"]
    assert '"next_billing_on": "2024-02-15"' in entry["after"]
    assert "RE-2024-0000001" in entry["after"]


async def test_nothing_is_opened_before_its_day(house: House) -> None:
    await house.subscribe(await house.offer(), date(2024, 1, 16))
    assert (await house.renew()).periods_opened == 0
    assert await periods(house) == []


async def test_the_day_is_the_tenants_own(house: House, owner: asyncpg.Connection) -> None:
    await house.subscribe(await house.offer(), date(2024, 1, 16))
    await owner.execute(
        "UPDATE tenant SET time_zone = 'Pacific/Kiritimati' WHERE id = $1", house.tenant_id
    )
    assert (await house.renew()).periods_opened == 1


async def test_an_earlier_day_leaves_what_came_later(house: House) -> None:
    await house.subscribe(await house.offer(), date(2023, 11, 1))
    assert (await house.renew(date(2023, 12, 1))).periods_opened == 2
    assert (await house.renew()).periods_opened == 1


async def test_a_later_day_bills_ahead_and_does_nothing_else(house: House) -> None:
    magazine = await house.publication(date(2024, 1, 1), date(2024, 12, 1))
    offer = await house.offer(kind="PRINT", publication=magazine)
    key = await house.subscribe(offer, TODAY)
    ending = await house.subscribe(
        offer, date(2023, 12, 15), ends_on=date(2024, 2, 14), next_billing_on=date(2024, 1, 15)
    )
    tally = await house.renew(date(2024, 3, 20))
    assert (tally.periods_opened, tally.invoices_issued) == (4, 4)
    assert (tally.deliveries_sent, tally.subscriptions_ended) == (0, 0)
    assert (await subscription(house, key))["next_billing_on"] == date(2024, 4, 15)
    assert (await subscription(house, ending))["status"] == "ACTIVE"
    days = await house.rows("SELECT DISTINCT issued_on FROM invoice WHERE tenant_id = $1")
    assert [row["issued_on"] for row in days] == [TODAY]


@pytest.mark.parametrize("values", [{"price": "0.00"}, {"payment_method": "FREE"}])
async def test_what_costs_nothing_gets_no_invoice(house: House, values: dict[str, Any]) -> None:
    await house.subscribe(await house.offer(), TODAY, **values)
    tally = await house.renew()
    assert (tally.periods_opened, tally.invoices_issued, tally.failures) == (1, 0, [])


async def test_the_last_period_costs_and_entitles_less_where_it_is_cut(house: House) -> None:
    magazine = await house.publication(date(2024, 1, 1), date(2024, 12, 1))
    offer = await house.offer(
        "60.00", every=(6, "MONTH"), kind="PRINT", publication=magazine, issues=6
    )
    key = await house.subscribe(offer, TODAY, ends_on=date(2024, 3, 15))
    await house.renew()
    # 60 of 181 days count: 60.00 x 60 / 181 = 19.889..., and 61 of 182 days have 2.01 issues.
    [price] = await house.rows("SELECT price FROM subscription_period WHERE tenant_id = $1")
    assert str(price["price"]) == "19.89"
    assert (await subscription(house, key))["issues_entitled"] == 3
    assert (await subscription(house, key))["next_billing_on"] is None


async def test_customers_that_are_closed_get_no_new_period_and_blocked_ones_do(
    house: House,
) -> None:
    offer = await house.offer()
    at = house.calendar(None)  # type: ignore[arg-type]  # It takes no time.
    closed = await house.customer(anonymized_at=at)
    blocked = await house.customer(access_blocked_at=at)
    await house.subscribe(offer, TODAY, customer_id=closed)
    key = await house.subscribe(offer, TODAY, customer_id=blocked, access_blocked_at=at)
    assert (await house.renew()).periods_opened == 1
    rows = await house.rows("SELECT subscription_id FROM subscription_period WHERE tenant_id = $1")
    assert [row["subscription_id"] for row in rows] == [key]


async def debited(house: House, **account: Any) -> int:
    """A subscription that is paid by debit."""
    customer = await house.customer()
    given = {"mandate_signed_on": date(2023, 6, 1), **account}
    key = await house.publisher.make(models.BankAccount, customer_id=customer, **given)
    return await house.subscribe(
        await house.offer(),
        TODAY,
        customer_id=customer,
        payment_method="SEPA_DEBIT",
        bank_account_id=key,
    )


async def invoice_and_debits(house: House) -> tuple[str, int]:
    """How the one invoice is paid, and how many debits there are."""
    [invoice] = await house.rows("SELECT payment_method FROM invoice WHERE tenant_id = $1")
    debits = await house.rows("SELECT id FROM payment_transaction WHERE tenant_id = $1")
    return invoice["payment_method"], len(debits)


async def test_a_debit_is_planned(house: House) -> None:
    key = await debited(house)
    await house.renew()
    assert await invoice_and_debits(house) == ("SEPA_DEBIT", 1)
    assert await diary(house, key) == []


@pytest.mark.parametrize(
    "account",
    [
        {"mandate_state": "REVOKED"},
        {"mandate_state": "REVOKED", "removed_at": None},
        {"mandate_signed_on": date(2021, 1, 15)},
    ],
)
async def test_without_a_mandate_it_is_paid_by_invoice(
    house: House, account: dict[str, Any]
) -> None:
    key = await debited(house, **account)
    await house.renew()
    assert await invoice_and_debits(house) == ("INVOICE", 0)
    [*_lapsed, said] = await diary(house, key)
    assert said == (
        "Invoice RE-2024-0000001 is to be paid by transfer:"
        " there is no mandate that it could be debited by."
    )


async def test_mandates_lapse(house: House) -> None:
    customer = await house.customer()
    make, model = house.publisher.make, models.BankAccount
    old = date(2020, 1, 15)
    gone = await make(model, customer_id=customer, mandate_signed_on=old, preferred=True)
    used = await make(
        model, customer_id=customer, mandate_signed_on=old, mandate_last_used_on=date(2021, 1, 16)
    )
    assert (await house.renew()).mandates_lapsed == 1
    states = await house.rows(
        "SELECT id, mandate_state, preferred FROM bank_account WHERE tenant_id = $1 ORDER BY id"
    )
    assert [tuple(row) for row in states] == [(gone, "LAPSED", False), (used, "ACTIVE", False)]
    assert (await house.renew()).mandates_lapsed == 0


async def test_what_fails_fails_for_one_subscription_alone(house: House) -> None:
    offer = await house.offer()
    await house.owner.execute("UPDATE tenant SET country = 'JP' WHERE id = $1", house.tenant_id)
    foreign = await house.publisher.customer()
    await house.publisher.make(models.Address, customer_id=foreign, preferred=True, country="JP")
    homeless = await house.publisher.customer()
    keys = [
        await house.subscribe(offer, TODAY, customer_id=foreign),
        await house.subscribe(offer, TODAY, customer_id=homeless),
        await house.subscribe(offer, TODAY),
    ]
    tally = await house.renew()
    numbers = {key: (await subscription(house, key))["number"] for key in keys}
    assert {(failure.subscription, failure.code) for failure in tally.failures} == {
        (numbers[keys[0]], "NO_TAX_RATE"),
        (numbers[keys[1]], "ADDRESS_REQUIRED"),
    }
    assert (tally.periods_opened, tally.invoices_issued) == (1, 1)
    assert len(await house.rows("SELECT id FROM history WHERE tenant_id = $1")) == 1
    await hold(house)


async def test_what_nobody_foresaw_fails_for_one_subscription_alone(house: House) -> None:
    offer = await house.offer()
    broken = await house.subscribe(offer, TODAY)
    await house.subscribe(offer, TODAY)
    # A period that overlaps the next one: the database refuses it.
    await house.publisher.make(
        models.SubscriptionPeriod,
        subscription_id=broken,
        starts_on=date(2024, 1, 20),
        ends_on=date(2024, 1, 21),
    )
    tally = await house.renew()
    assert [failure.code for failure in tally.failures] == ["INTERNAL"]
    assert "Muster" not in str(tally.failures)
    assert tally.periods_opened == 1
    assert len(await house.rows("SELECT id FROM invoice WHERE tenant_id = $1")) == 1


async def test_pauses_begin_and_end(house: House) -> None:
    key = await house.subscribe(await house.offer(), TODAY)
    await house.renew()
    await house.do(key, lambda work, row: pause(work, row, date(2024, 1, 20), date(2024, 2, 10)))
    house.calendar.today = date(2024, 1, 19)
    assert (await house.renew()).subscriptions_paused == 0
    house.calendar.today = date(2024, 1, 20)
    assert (await house.renew()).subscriptions_paused == 1
    assert (await subscription(house, key))["status"] == "PAUSED"
    house.calendar.today = date(2024, 2, 20)
    tally = await house.renew()
    assert (tally.subscriptions_resumed, tally.periods_opened) == (1, 0)
    row = await subscription(house, key)
    # Of the period until 14 February, 26 days were left; they follow after 21 days of rest.
    assert (row["status"], row["next_billing_on"]) == ("ACTIVE", date(2024, 3, 7))


async def test_subscriptions_and_their_orders_end(house: House) -> None:
    magazine = await house.publication(date(2024, 1, 1), date(2024, 12, 1))
    by_time = await house.offer(kind="PRINT", publication=magazine)
    by_issues = await house.offer(
        "60.00", every=(6, "MONTH"), kind="PRINT", publication=magazine, issues=6
    )
    ends = {"ends_on": date(2024, 2, 14)}
    first = await house.subscribe(by_time, TODAY, **ends)
    second = await house.subscribe(by_issues, TODAY, **ends)
    await house.renew()
    house.calendar.today = date(2024, 2, 14)
    tally = await house.renew()
    assert (tally.subscriptions_ended, tally.orders_done) == (0, 0)
    house.calendar.today = date(2024, 2, 15)
    tally = await house.renew()
    # A part of the issues was paid for: 31 of 182 days are 1.02 of 6, so two, of which one is out.
    assert (tally.subscriptions_ended, tally.orders_done) == (2, 1)
    assert {(await subscription(house, key))["status"] for key in (first, second)} == {"INACTIVE"}
    rights = await house.rows("SELECT valid_until FROM access_right WHERE tenant_id = $1")
    assert {str(row["valid_until"]) for row in rights} == {"2024-02-14 23:00:00+00:00"}
    house.calendar.today = date(2024, 3, 5)
    tally = await house.renew()
    assert (tally.deliveries_sent, tally.orders_done) == (1, 1)
    assert (await subscription(house, second))["issues_open"] == 0


async def test_issues_that_the_catalogue_learns_of_are_planned_and_sent(house: House) -> None:
    magazine = await house.publication(date(2024, 2, 1), date(2024, 2, 28))
    offer = await house.offer(kind="PRINT", publication=magazine)
    by_issues = await house.offer(
        "60.00", every=(6, "MONTH"), kind="PRINT", publication=magazine, issues=6
    )
    await house.subscribe(offer, TODAY)
    key = await house.subscribe(by_issues, TODAY)
    assert (await house.renew()).deliveries_planned == 2
    await house.publisher.make(
        models.Issue,
        publication_id=magazine,
        publishing_on=date(2024, 2, 12),
        closing_on=date(2024, 2, 1),
    )
    assert (await house.renew()).deliveries_planned == 2
    assert (await house.renew()).deliveries_planned == 0
    house.calendar.today = date(2024, 2, 5)
    assert (await house.renew()).deliveries_sent == 2
    assert (await subscription(house, key))["issues_delivered"] == 1
    await hold(house)


async def test_redeliveries_are_sent_and_count_as_no_issue(house: House) -> None:
    magazine = await house.publication(date(2024, 1, 1), date(2024, 2, 28))
    offer = await house.offer(kind="PRINT", publication=magazine, issues=6)
    key = await house.subscribe(offer, date(2024, 1, 1), ordered_on=date(2023, 12, 1))
    await house.renew()
    [made] = await house.rows("SELECT * FROM delivery WHERE tenant_id = $1 AND status = 'SENT'")
    await house.publisher.make(
        models.Delivery,
        customer_id=made["customer_id"],
        subscription_id=key,
        issue_id=made["issue_id"],
        publishing_on=TODAY,
        kind="REDELIVERY",
        original_id=made["id"],
    )
    assert (await house.renew()).deliveries_sent == 1
    assert (await subscription(house, key))["issues_delivered"] == 1


async def test_an_address_whose_day_comes_is_taken_over(house: House) -> None:
    customer = await house.publisher.customer()
    make, model = house.publisher.make, models.Address
    old = await make(model, customer_id=customer, preferred=True)
    chosen = await make(model, customer_id=customer, city="Kiel")
    new = await make(
        model, customer_id=customer, preferred=True, valid_from=date(2024, 2, 1), country="AT"
    )
    offer = await house.offer()
    given = {"customer_id": customer}
    follows = await house.subscribe(offer, TODAY, invoice_address_id=old, **given)
    stays = await house.subscribe(offer, TODAY, invoice_address_id=chosen, **given)
    assert (await house.renew()).addresses_changed == 0
    house.calendar.today = date(2024, 2, 15)
    assert (await house.renew()).addresses_changed == 1
    assert (await subscription(house, follows))["invoice_address_id"] == new
    assert (await subscription(house, stays))["invoice_address_id"] == chosen
    countries = await house.rows(
        "SELECT address->>'country' AS country FROM invoice WHERE tenant_id = $1"
        " AND issued_on = '2024-02-15' ORDER BY 1"
    )
    assert [row["country"] for row in countries] == ["AT", "DE"]
    assert (await house.renew()).addresses_changed == 0


async def test_overdue_invoices_are_marked(house: House) -> None:
    key = await house.subscribe(await house.offer(), TODAY)
    await house.renew()
    house.calendar.today = date(2024, 1, 29)
    assert (await house.renew()).invoices_overdue == 0
    house.calendar.today = date(2024, 1, 30)
    assert (await house.renew()).invoices_overdue == 1
    assert await diary(house, key) == ["Invoice RE-2024-0000001 is overdue."]


async def test_two_runs_at_once_share_the_work(house: House) -> None:
    offer = await house.offer()
    keys = [await house.subscribe(offer, date(2023, 12, 1)) for _ in range(120)]
    one, other = await asyncio.gather(house.renew(), house.renew())
    assert one.failures == other.failures == []
    assert one.periods_opened + other.periods_opened == 2 * len(keys)
    assert one.invoices_issued + other.invoices_issued == 2 * len(keys)
    await hold(house)


async def test_a_run_waits_for_an_account_that_somebody_works_in(house: House) -> None:
    key = await house.subscribe(await house.offer(), TODAY)
    customer = (await subscription(house, key))["customer_id"]
    async with house.owner.transaction():
        await house.owner.execute(
            "SELECT 1 FROM customer WHERE (tenant_id, id) = ($1, $2) FOR UPDATE",
            house.tenant_id,
            customer,
        )
        running = asyncio.create_task(house.renew())
        await asyncio.sleep(0.5)
        assert not running.done()
    assert (await running).periods_opened == 1
