"""What runs goes on to run when its customer becomes part of another one."""

from datetime import date
from typing import Any

import pytest

from app import models
from app.jobs.merges import merged
from tests.billing.invariants import hold
from tests.billing.publishing import House
from tests.conftest import Database

TODAY = date(2024, 1, 15)


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The database in which these tests found their publishers, side by side."""
    return shared_database


async def merge(house: House, kept: int, duplicate: int) -> None:
    """Make one customer of two."""
    key = await house.publisher.make(
        models.CustomerMerge,
        customer_id=kept,
        duplicate_id=duplicate,
        status="QUEUED",
        former_id=None,
        former_number=None,
    )
    assert await house.performer.run(merged, key, house.tenant_id) == key


async def debited(house: House, offer: int, customer: int) -> tuple[int, int, int]:
    """A magazine's subscription that is paid by debit: its key, bank account and address."""
    account = await house.publisher.make(
        models.BankAccount,
        customer_id=customer,
        iban_hash=b"i" * 32,
        mandate_signed_on=date(2023, 12, 1),
        preferred=True,
    )
    address = await house.publisher.make(
        models.Address, customer_id=customer, type="DELIVERY", preferred=True, city=f"{customer}"
    )
    key = await house.subscribe(
        offer,
        TODAY,
        customer_id=customer,
        payment_method="SEPA_DEBIT",
        bank_account_id=account,
        delivery_address_id=address,
    )
    return key, account, address


async def told(house: House, subscription: int) -> dict[str, list[Any]]:
    """What was billed, drawn and planned for a subscription, without its customer."""
    queries = {
        "invoices": "SELECT issued_on, gross, status, service_from, address FROM invoice"
        " WHERE tenant_id = $1 AND subscription_id = $2 ORDER BY service_from",
        "debits": "SELECT t.status, t.amount, t.due_on, t.bank_account_id"
        " FROM payment_transaction AS t JOIN invoice ON invoice.id = t.invoice_id"
        " WHERE t.tenant_id = $1 AND invoice.subscription_id = $2 ORDER BY t.due_on",
        "deliveries": "SELECT publishing_on, status, address_id FROM delivery"
        " WHERE tenant_id = $1 AND subscription_id = $2 ORDER BY publishing_on",
        "periods": "SELECT starts_on, ends_on FROM subscription_period"
        " WHERE tenant_id = $1 AND subscription_id = $2 ORDER BY starts_on",
    }
    return {
        name: [tuple(row) for row in await house.rows(query, subscription)]
        for name, query in queries.items()
    }


async def test_a_debited_subscription_goes_on_as_if_nothing_had_been(house: House) -> None:
    publication = await house.publication(date(2024, 1, 1), date(2024, 6, 30))
    offer = await house.offer(kind="PRINT", publication=publication, issues=1)
    kept, duplicate = await house.customer(), await house.customer()
    own, own_account, _ = await debited(house, offer, kept)
    others, others_account, address = await debited(house, offer, duplicate)
    await house.renew()
    before = {key: await told(house, key) for key in (own, others)}
    assert all(before[others].values())
    await merge(house, kept, duplicate)
    assert {key: await told(house, key) for key in (own, others)} == before
    for house.calendar.today in (date(2024, 1, 31), date(2024, 2, 16), date(2024, 3, 20)):
        tally = await house.renew()
        assert tally.failures == []
    after = {key: await told(house, key) for key in (own, others)}
    assert len(after[others]["periods"]) == 3
    # Both were alike, and still are, but for what each is drawn from and delivered to.
    for name, places in (("invoices", slice(4)), ("debits", slice(3)), ("deliveries", slice(2))):
        first, second = ([row[places] for row in after[key][name]] for key in (own, others))
        assert first == second, name
    assert {row[3] for row in after[own]["debits"]} == {own_account}
    assert {row[3] for row in after[others]["debits"]} == {others_account}
    assert {row[2] for row in after[others]["deliveries"]} == {address}
    for table in ("invoice", "payment_transaction", "delivery", "mail"):
        assert {
            row["customer_id"]
            for row in await house.rows(f"SELECT customer_id FROM {table} WHERE tenant_id = $1")  # noqa: S608  The names are ours.
        } <= {kept}
    await hold(house)
