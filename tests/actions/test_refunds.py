"""Refunds that were planned, and are made."""

from typing import Any

import pytest

from app.auth.permissions import Permission
from app.schema.node import encode_id
from tests.actions.conftest import Clock
from tests.actions.debits import NOON, TODAY, a_debit, an_account, an_invoice, rows
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals

SELECT = "transaction { action status executedOn reference }"


@pytest.fixture(autouse=True)
def noon(clock: Clock) -> None:
    """Let it be one day in all of these tests."""
    clock.at = NOON


async def refund(publisher: Publisher, **given: Any) -> dict[str, Any]:
    """Record a refund; the payload."""
    return await publisher.act("recordRefund", given, SELECT)


async def planned(publisher: Publisher, customer: str) -> str:
    """The id of the refund that cancelling a paid invoice plans."""
    invoice = await an_invoice(publisher, customer)
    await publisher.act("markInvoicePaid", {"invoiceId": invoice})
    cancelled = {"invoiceId": invoice, "reason": "Irrtum"}
    payload = await publisher.act("cancelInvoice", cancelled, "invoice { id }")
    assert payload["userErrors"] == []
    [row] = [
        row for row in await rows(publisher, "payment_transaction") if row["action"] == "REFUND"
    ]
    assert row["status"] == "PENDING"
    return encode_id("Transaction", row["id"])


async def test_it_is_made_once(publisher: Publisher, customer: str, everything: Everything) -> None:
    transaction = await planned(publisher, customer)
    payload = await refund(publisher, transactionId=transaction, paidOn="2026-06-12")
    assert payload["userErrors"] == []
    made = payload["transaction"]
    assert (made["action"], made["status"], made["executedOn"]) == (
        "REFUND",
        "SUCCESS",
        "2026-06-12",
    )
    entry = (await publisher.history(customer))[-1]
    assert entry["action"] == "refund.made"
    assert (entry["before"]["status"], entry["after"]["status"]) == ("PENDING", "SUCCESS")
    assert "paid back" in (await publisher.diary(customer))[-1]
    async with everything.unchanged():
        again = await refund(publisher, transactionId=transaction)
    assert refusals(again) == [("REFUND_NOT_PENDING", "transactionId")]


async def test_it_is_of_today_and_may_say_what_the_bank_says(
    publisher: Publisher, customer: str
) -> None:
    transaction = await planned(publisher, customer)
    payload = await refund(publisher, transactionId=transaction, reference="Erstattung 7")
    assert payload["transaction"]["executedOn"] == TODAY.isoformat()
    assert payload["transaction"]["reference"] == "Erstattung 7"


async def test_what_is_no_planned_refund_is_refused(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    invoice = await an_invoice(publisher, customer)
    debit = await a_debit(publisher, invoice, await an_account(publisher, customer))
    ahead = await planned(publisher, customer)
    async with everything.unchanged():
        assert refusals(await refund(publisher, transactionId=debit)) == [
            ("REFUND_NOT_PENDING", "transactionId")
        ]
        assert refusals(await refund(publisher, transactionId=ahead, paidOn="2099-01-01")) == [
            ("DATE_IN_FUTURE", "paidOn")
        ]


async def test_it_can_be_made_after_the_account_was_anonymised(
    publisher: Publisher, customer: str
) -> None:
    transaction = await planned(publisher, customer)
    await publisher.owner.execute(
        "UPDATE customer SET anonymized_at = now() WHERE tenant_id = $1", publisher.tenant_id
    )
    payload = await refund(publisher, transactionId=transaction)
    assert payload["transaction"]["status"] == "SUCCESS"


async def test_it_needs_its_permission(publisher: Publisher, customer: str) -> None:
    transaction = await planned(publisher, customer)
    token = await publisher.issue_token(Permission.TRANSACTION_READ)
    answer = await publisher.ask_to("recordRefund", {"transactionId": transaction}, SELECT, token)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
