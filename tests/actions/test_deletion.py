"""Deleting customers: what stands against it, that nothing is left, and races with orders."""

import asyncio
from typing import Any

import asyncpg
import pytest

from app import models
from app.models import Base, erasure
from app.schema.node import encode_id
from app.settings import Settings
from app.storage import Storage
from app.work.sweep import Sweep
from app.writing import Writing
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals
from tests.work.histories import faults

ROUNDS = 20


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A configuration with patience for locks: here one waits for the other."""
    return settings.model_copy(update={"lock_timeout_seconds": 20.0})


async def left(owner: asyncpg.Connection, tenant_id: int, customer: int) -> dict[str, int]:
    """How many rows of a customer are left, table by table."""
    found = {}
    for table in Base.metadata.sorted_tables:
        column = {"customer": "id"}.get(table.name, "customer_id")
        if column not in table.columns or "tenant_id" not in table.columns:
            continue
        count = await owner.fetchval(
            f"SELECT count(*) FROM {table.name} WHERE tenant_id = $1 AND {column} = $2",  # noqa: S608  The names are ours.
            tenant_id,
            customer,
        )
        if count:
            found[table.name] = count
    return found


async def account_without_contracts(publisher: Publisher, bucket: Storage) -> tuple[int, str]:
    """A customer with all that does not keep them, and the key of a stored file."""
    customer = await publisher.customer(email="weg@example.org")
    own: dict[str, Any] = {"customer_id": customer}
    key = f"{publisher.tenant_id}/{customer:032x}"
    await bucket.put(key, b"Ein Brief.", "application/pdf")
    file = await publisher.make(models.File, key=key, **own)
    activity = await publisher.make(models.Activity, **own)
    await publisher.make(models.ActivityAttachment, activity_id=activity, file_id=file)
    tabs = ("Address", "BankAccount", "AccessRight", "Mail", "Login", "Export")
    for model in (getattr(models, name) for name in tabs):
        await publisher.make(model, **own)
    opt_in = await publisher.make(models.OptIn, **own)
    single = await publisher.make(models.OptInEntry, opt_in_id=opt_in, **own)
    await publisher.make(
        models.OptInEntry, opt_in_id=opt_in, status="DOUBLE_OPT_IN", confirms_id=single, **own
    )
    await publisher.make(
        models.History, after={"personal": {"email": "alt@example.org"}}, note="Sagt.", **own
    )
    await publisher.sign_in(customer)
    return customer, key


async def test_everything_of_a_customer_goes_and_a_tombstone_stays(
    publisher: Publisher, owner: asyncpg.Connection, bucket: Storage, settings: Settings
) -> None:
    customer, key = await account_without_contracts(publisher, bucket)
    given = {"customerId": encode_id("Customer", customer)}
    payload = await publisher.act("deleteCustomer", given, "customer { id } deletedCustomerId")
    assert payload == {
        "customer": None,
        "deletedCustomerId": given["customerId"],
        "userErrors": [],
    }
    assert await left(owner, publisher.tenant_id, customer) == {}
    entries = await publisher.tenant_history()
    assert [entry["action"] for entry in entries][-1] == "customer.deleted"
    stone = entries[-1]
    assert (stone["record_type"], stone["record_id"]) == ("Customer", customer)
    assert (stone["actor_name"], stone["before"], stone["after"], stone["note"]) == (
        "Test",
        None,
        None,
        None,
    )
    assert "example.org" not in str(entries)
    assert await faults(publisher) == []
    writing = Writing(settings)
    writing.open()
    await Sweep(writing, bucket).expired()
    await writing.close()
    assert [one.key async for page in bucket.pages() for one in page if one.key == key] == []


async def test_a_deleted_customer_is_not_found(publisher: Publisher, customer: str) -> None:
    assert refusals(await publisher.act("deleteCustomer", {"customerId": customer})) == []
    again = await publisher.act("deleteCustomer", {"customerId": customer})
    assert refusals(again) == [("NOT_FOUND", "customerId")]


async def test_every_blocker_is_told_with_its_count(
    publisher: Publisher, everything: Everything
) -> None:
    customer = await publisher.full_account()
    await publisher.make(models.Order, customer_id=customer)
    async with everything.unchanged():
        payload = await publisher.act(
            "deleteCustomer", {"customerId": encode_id("Customer", customer)}
        )
    assert refusals(payload) == [("HAS_TRANSACTION_DATA", "")] * len(erasure.TRANSACTION_DATA)
    messages = [error["message"] for error in payload["userErrors"]]
    assert messages[0] == "There are orders in this account. 2 of them."
    assert messages[1] == "There are subscriptions in this account. One of them."


@pytest.mark.parametrize("table", erasure.TRANSACTION_DATA)
def test_what_blocks_is_a_table_of_customers(table: str) -> None:
    assert "customer_id" in Base.metadata.tables[table].columns


async def test_an_order_at_the_same_time_is_either_kept_whole_or_refused(
    publisher: Publisher, owner: asyncpg.Connection
) -> None:
    product = await publisher.make(models.Product)
    offer = encode_id("Offer", await publisher.make(models.Offer, product_id=product))
    outcomes = set()
    for place in range(ROUNDS):
        key = await publisher.customer()
        address = await publisher.make(models.Address, customer_id=key)
        customer = encode_id("Customer", key)
        order = {
            "customerId": customer,
            "invoiceAddressId": encode_id("Address", address),
            "lines": [{"offerId": offer}],
            "paymentMethod": "INVOICE",
        }
        both = [
            publisher.act("placeOrder", order, "order { id }"),
            publisher.act("deleteCustomer", {"customerId": customer}),
        ]
        # The other one is first every second time.
        turn = both if place % 2 else both[::-1]
        answers = await asyncio.gather(*turn)
        ordered, deleted = answers if place % 2 else answers[::-1]
        kept = await left(owner, publisher.tenant_id, key)
        if refusals(deleted):
            assert {code for code, _ in refusals(deleted)} == {"HAS_TRANSACTION_DATA"}
            assert ordered["order"]
            assert {"customer", "customer_order", "subscription", "invoice"} <= kept.keys()
        else:
            assert refusals(ordered) == [("NOT_FOUND", "customerId")]
            assert kept == {}
        outcomes.add(bool(refusals(deleted)))
    assert outcomes == {True, False}
    assert await faults(publisher) == []
