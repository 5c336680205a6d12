"""A bank account goes once nothing needs it, and leaves its record behind what it paid for."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app import models
from app.schema.customer import Customer
from app.schema.node import encode_id, key_of
from tests.actions.test_bank_accounts import ALL, IBAN, MASKED, OTHER, TODAY, accounts, add, made
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals


async def test_a_removed_account_is_seen_only_where_it_was_paid_from(
    publisher: Publisher, customer: str
) -> None:
    kept = await add(publisher, customer, iban=OTHER)
    account = await add(publisher, customer, preferred=True)
    payload = await publisher.act("removeBankAccount", {"bankAccountId": account["id"]}, ALL)
    removed = payload["bankAccount"]
    assert (removed["mandateState"], removed["preferred"]) == ("REVOKED", False)
    assert removed["removedAt"] == removed["mandateRevokedAt"] is not None
    assert await accounts(publisher, customer) == [(kept["id"], False)]
    query = """query ($id: ID!) { customer(by: {id: $id}) {
        transactions(orderBy: {field: CREATED_AT}) { nodes { bankAccount { id } } } } }"""
    nodes = (await publisher.data(query, id=customer))["customer"]["transactions"]["nodes"]
    assert [node["bankAccount"]["id"] for node in nodes] == [kept["id"], account["id"]]
    entry = (await publisher.history(customer))[-1]
    assert entry["action"] == "bank_account.removed"
    assert entry["before"] == {
        "mandate_state": "ACTIVE",
        "mandate_revoked_at": None,
        "preferred": True,
        "removed_at": None,
    }
    assert (await publisher.diary(customer))[-1] == f"Bank account removed: {MASKED}."
    # The same account can come back with another mandate.
    await add(publisher, customer)


async def test_the_overview_finds_an_iban_until_it_is_removed(
    publisher: Publisher, customer: str
) -> None:
    account = await add(publisher, customer)
    query = "query ($text: String!) { customers(search: $text) { nodes { id } } }"
    found = await publisher.data(query, text="DE89 3704 0044 0532 0130 00")
    assert found["customers"]["nodes"] == [{"id": customer}]
    await publisher.act("removeBankAccount", {"bankAccountId": account["id"]})
    assert (await publisher.data(query, text=IBAN))["customers"]["nodes"] == []


ALWAYS = date(2020, 1, 1)
SUBSCRIBED: dict[str, tuple[dict[str, Any], bool]] = {
    "active": ({"status": "ACTIVE"}, True),
    "paused": ({"status": "PAUSED"}, True),
    "running out": ({"status": "CANCELLED", "cancelled_for": TODAY + timedelta(2)}, True),
    "run out": ({"status": "CANCELLED", "cancelled_for": TODAY - timedelta(2)}, False),
    "ended": ({"status": "INACTIVE"}, False),
}


@pytest.mark.parametrize("case", SUBSCRIBED)
async def test_what_a_running_subscription_is_paid_from_stays(
    publisher: Publisher, customer: str, everything: Everything, case: str
) -> None:
    state, refused = SUBSCRIBED[case]
    account = await made(publisher, customer)
    offer = await publisher.make(models.Offer, product_id=await publisher.make(models.Product))
    if "cancelled_for" in state:
        state = {**state, "cancelled_at": datetime.now(UTC)}
    await publisher.make(
        models.Subscription,
        customer_id=key_of(customer, Customer),
        offer_id=offer,
        bank_account_id=await key(publisher, account),
        starts_on=ALWAYS,
        **state,
    )
    await stays(publisher, everything, account, refused=refused)


async def key(publisher: Publisher, account: str) -> int:
    """The key of a bank account's row."""
    found: int = await publisher.owner.fetchval(
        "SELECT max(id) FROM bank_account WHERE tenant_id = $1", publisher.tenant_id
    )
    assert encode_id("BankAccount", found) == account
    return found


async def stays(
    publisher: Publisher, everything: Everything, account: str, *, refused: bool
) -> None:
    """Try to remove a bank account, and see whether it is refused as being in use."""
    if not refused:
        payload = await publisher.act("removeBankAccount", {"bankAccountId": account})
        assert refusals(payload) == []
        return
    async with everything.unchanged():
        payload = await publisher.act("removeBankAccount", {"bankAccountId": account})
    assert refusals(payload) == [("BANK_ACCOUNT_IN_USE", "bankAccountId")]


@pytest.mark.parametrize("status", ["PENDING", "SUCCESS", "FAILURE"])
async def test_what_a_payment_is_under_way_from_stays(
    publisher: Publisher, customer: str, everything: Everything, status: str
) -> None:
    account = await made(publisher, customer)
    await publisher.make(
        models.Transaction,
        customer_id=key_of(customer, Customer),
        action="SEPA_DEBIT",
        status=status,
        bank_account_id=await key(publisher, account),
    )
    await stays(publisher, everything, account, refused=status == "PENDING")


@pytest.mark.parametrize(
    ("status", "method", "through", "refused"),
    [
        ("OPEN", "SEPA_DEBIT", "order", True),
        ("OPEN", "SEPA_DEBIT", "subscription", True),
        ("PAID", "SEPA_DEBIT", "order", False),
        ("OPEN", "INVOICE", "order", False),
        ("OPEN", "INVOICE", "subscription", False),
    ],
)
async def test_what_an_open_invoice_is_debited_from_stays(
    publisher: Publisher,
    customer: str,
    everything: Everything,
    status: str,
    method: str,
    through: str,
    refused: bool,
) -> None:
    account = await made(publisher, customer)
    own = {"customer_id": key_of(customer, Customer)}
    paid = {"bank_account_id": await key(publisher, account)}
    if through == "order":
        link = {"order_id": await publisher.make(models.Order, **own, **paid)}
    else:
        offer = await publisher.make(models.Offer, product_id=await publisher.make(models.Product))
        ended = {"status": "INACTIVE", "offer_id": offer}
        link = {
            "subscription_id": await publisher.make(models.Subscription, **own, **paid, **ended)
        }
    await publisher.make(
        models.Invoice,
        **own,
        **link,
        status=status,
        payment_method=method,
        paid_at=datetime.now(UTC) if status == "PAID" else None,
    )
    await stays(publisher, everything, account, refused=refused)
