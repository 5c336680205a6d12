"""Debits that came back, and what comes of it."""

from datetime import date
from typing import Any

import pytest

from app.auth.permissions import Permission
from app.schema.node import encode_id, global_key
from tests.actions.conftest import Clock
from tests.actions.debits import (
    COLLECTED,
    NOON,
    PRESENTED,
    a_debit,
    an_account,
    an_invoice,
    rows,
)
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, codes, refusals

RETURN = """
    transaction {
        id action status amount { amount } executedOn errorCode errorMessage
        original { id returnedOn status refundableUntil } invoice { status outstanding { amount } }
    }
"""
PAID = {"status": "PAID", "paid_at": NOON}


@pytest.fixture(autouse=True)
def noon(clock: Clock) -> None:
    """Let it be one day in all of these tests."""
    clock.at = NOON


async def came_back(publisher: Publisher, **given: Any) -> dict[str, Any]:
    """Write down a return; the payload."""
    return await publisher.act("recordSepaReturn", {"reasonCode": "AM04", **given}, RETURN)


async def paid_by_debit(publisher: Publisher, customer: str, **account: Any) -> str:
    """The opaque id of a debit that was collected a week ago, for an invoice that is paid."""
    invoice = await an_invoice(publisher, customer, **PAID)
    used = {"mandate_last_used_on": date(2026, 6, 8), **account}
    key = await an_account(publisher, customer, **used)
    return await a_debit(publisher, invoice, key, due_on=date(2026, 6, 8), **COLLECTED)


@pytest.mark.parametrize("by", ["transactionId", "endToEndId"])
async def test_its_money_is_outstanding_again_and_the_customer_is_told(
    publisher: Publisher, by: str
) -> None:
    customer = encode_id("Customer", await publisher.customer(email="erika@example.org"))
    debit = await paid_by_debit(publisher, customer)
    payload = await came_back(
        publisher,
        **{by: debit if by == "transactionId" else "10001-1"},
        returnedOn="2026-06-12",
        amount={"amount": "10.00", "currency": "EUR"},
        fee={"amount": "3.50", "currency": "EUR"},
    )
    returned = payload["transaction"]
    assert returned.pop("id") != debit
    assert returned == {
        "action": "SEPA_DEBIT_RETURN",
        "status": "SUCCESS",
        "amount": {"amount": "10.00"},
        "executedOn": "2026-06-12",
        "errorCode": "AM04",
        "errorMessage": "There is not enough money on the account.",
        "original": {
            "id": debit,
            "returnedOn": "2026-06-12",
            "status": "SUCCESS",
            "refundableUntil": None,
        },
        "invoice": {"status": "NOT_PAID", "outstanding": {"amount": "10.00"}},
    }
    [account] = await rows(publisher, "bank_account")
    assert account["mandate_state"] == "ACTIVE"
    [mail] = await rows(publisher, "mail")
    assert (mail["template"], mail["recipient"]) == ("payment_returned", "erika@example.org")
    [diary] = await publisher.diary(customer)
    assert diary == (
        "Debit of 10.00 EUR returned, AM04: There is not enough money on the account."
        " The bank charges 3.50 EUR."
    )
    [entry] = await publisher.history(customer)
    assert (entry["action"], entry["record_type"]) == ("payment.returned", "Transaction")


async def test_other_money_can_cover_the_invoice_still(publisher: Publisher, customer: str) -> None:
    debit = await paid_by_debit(publisher, customer)
    [invoice] = await rows(publisher, "invoice")
    transfer = {"amount": "10.00", "currency": "EUR"}
    given = {"invoiceId": encode_id("Invoice", invoice["id"]), "amount": transfer}
    paid = await publisher.act("markInvoicePaid", {**given, "acceptOverpayment": True})
    assert paid["userErrors"] == []
    payload = await came_back(publisher, transactionId=debit)
    assert payload["transaction"]["invoice"]["status"] == "PAID"


@pytest.mark.parametrize("code", ["AC01", "AC04", "AG01", "MD01", "MD07"])
async def test_a_mandate_ends_with_what_it_draws_from(publisher: Publisher, code: str) -> None:
    customer = encode_id("Customer", await publisher.customer(email="erika@example.org"))
    debit = await paid_by_debit(publisher, customer)
    assert (await came_back(publisher, transactionId=debit, reasonCode=code))["userErrors"] == []
    [account] = await rows(publisher, "bank_account")
    assert (account["mandate_state"], account["mandate_revoked_at"]) == ("REVOKED", NOON)
    [diary] = await publisher.diary(customer)
    assert diary.endswith("The mandate has ended.")
    # Nobody writes to the dead of debts.
    assert len(await rows(publisher, "mail")) == (code != "MD07")


async def test_what_the_bank_did_not_collect_was_no_use_of_the_mandate(
    publisher: Publisher, customer: str
) -> None:
    invoice = await an_invoice(publisher, customer)
    account = await an_account(publisher, customer, mandate_last_used_on=date(2026, 6, 22))
    debit = await a_debit(publisher, invoice, account, **PRESENTED)
    payload = await came_back(publisher, endToEndId="10001-1", reasonCode="RC01")
    rejected = payload["transaction"]
    assert (rejected["id"], rejected["action"], rejected["status"]) == (
        debit,
        "SEPA_DEBIT",
        "FAILURE",
    )
    assert rejected["invoice"] == {"status": "NOT_PAID", "outstanding": {"amount": "10.00"}}
    [kept] = await rows(publisher, "bank_account")
    assert kept["mandate_last_used_on"] is None
    assert len(await rows(publisher, "payment_transaction")) == 1


async def test_one_that_was_used_before_is_used_since_then(
    publisher: Publisher, customer: str
) -> None:
    before = await paid_by_debit(publisher, customer, mandate_last_used_on=date(2026, 6, 22))
    account = (await rows(publisher, "bank_account"))[0]["id"]
    again = await an_invoice(publisher, customer)
    values = {**PRESENTED, "end_to_end_id": "10002-1"}
    debit = await a_debit(publisher, again, account, **values)
    await came_back(publisher, transactionId=debit)
    [kept] = await rows(publisher, "bank_account")
    assert kept["mandate_last_used_on"] == date(2026, 6, 8)
    assert global_key(before).key != global_key(debit).key


async def test_what_comes_back_before_it_was_settled_here_was_collected(
    publisher: Publisher, customer: str
) -> None:
    invoice = await an_invoice(publisher, customer)
    account = await an_account(publisher, customer)
    await a_debit(publisher, invoice, account, due_on=date(2026, 6, 15), **PRESENTED)
    payload = await came_back(publisher, endToEndId="10001-1")
    returned = payload["transaction"]
    assert returned["action"] == "SEPA_DEBIT_RETURN"
    assert returned["original"]["status"] == "SUCCESS"
    assert returned["invoice"]["status"] == "NOT_PAID"


async def test_debits_of_the_anonymised_come_back_too_and_nobody_is_written_to(
    publisher: Publisher,
) -> None:
    customer = encode_id("Customer", await publisher.customer(anonymized_at=NOON))
    debit = await paid_by_debit(publisher, customer)
    payload = await came_back(publisher, transactionId=debit)
    assert payload["transaction"]["invoice"]["status"] == "NOT_PAID"
    assert [mail["status"] for mail in await rows(publisher, "mail")] == ["SUPPRESSED"]


@pytest.mark.parametrize(
    "debit",
    [
        {"status": "PENDING"},
        {"status": "FAILURE"},
        {**COLLECTED, "returned_on": date(2026, 6, 9)},
        {"action": "BANK_TRANSFER", "status": "SUCCESS", "due_on": None},
    ],
)
async def test_what_the_bank_does_not_have_does_not_come_back(
    publisher: Publisher, customer: str, everything: Everything, debit: dict[str, Any]
) -> None:
    invoice = await an_invoice(publisher, customer)
    made = await a_debit(publisher, invoice, await an_account(publisher, customer), **debit)
    async with everything.unchanged():
        payload = await came_back(publisher, transactionId=made)
    assert refusals(payload) == [("DEBIT_NOT_RETURNABLE", "transactionId")]


REFUSED: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({"reasonCode": "XX99"}, ("RETURN_CODE_UNKNOWN", "reasonCode")),
    ({"reasonCode": " "}, ("REQUIRED", "reasonCode")),
    ({"endToEndId": "10001-1"}, ("REQUIRED", "transactionId")),
    ({"transactionId": None}, ("REQUIRED", "transactionId")),
    ({"transactionId": None, "endToEndId": "nobody"}, ("NOT_FOUND", "endToEndId")),
    ({"returnedOn": "2026-06-16"}, ("DATE_IN_FUTURE", "returnedOn")),
    ({"returnedOn": "2026-06-07"}, ("INVALID", "returnedOn")),
    ({"amount": {"amount": "9.99", "currency": "EUR"}}, ("AMOUNT_MISMATCH", "amount")),
    ({"amount": {"amount": "10.00", "currency": "CHF"}}, ("AMOUNT_MISMATCH", "amount")),
    ({"amount": {"amount": "-1.00", "currency": "EUR"}}, ("PRICE_INVALID", "amount.amount")),
    ({"fee": {"amount": "-1.00", "currency": "EUR"}}, ("PRICE_INVALID", "fee.amount")),
]


@pytest.mark.parametrize(("given", "refused"), REFUSED)
async def test_refused_returns_leave_no_trace(
    publisher: Publisher,
    customer: str,
    everything: Everything,
    given: dict[str, Any],
    refused: tuple[str, str],
) -> None:
    debit = await paid_by_debit(publisher, customer)
    async with everything.unchanged():
        payload = await came_back(publisher, **{"transactionId": debit, **given})
    assert (payload["transaction"], refusals(payload)) == (None, [refused])


async def test_another_tenants_debit_is_not_found(
    publisher: Publisher, competitor: Publisher, everything: Everything
) -> None:
    theirs = encode_id("Customer", await competitor.customer())
    debit = await paid_by_debit(competitor, theirs)
    async with everything.unchanged():
        by_id = await came_back(publisher, transactionId=debit)
        by_end_to_end_id = await came_back(publisher, endToEndId="10001-1")
    assert refusals(by_id) == [("NOT_FOUND", "transactionId")]
    assert refusals(by_end_to_end_id) == [("NOT_FOUND", "endToEndId")]


async def test_it_needs_its_permission_and_happens_once(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    debit = await paid_by_debit(publisher, customer)
    given = {"transactionId": debit, "reasonCode": "MS03", "idempotencyKey": "k"}
    token = await publisher.issue_token(*(set(Permission) - {Permission.PAYMENT_WRITE}))
    async with everything.unchanged():
        assert codes(await publisher.ask_to("recordSepaReturn", given, "", token)) == ["FORBIDDEN"]
    first, again = [await publisher.act("recordSepaReturn", given, RETURN) for _ in range(2)]
    assert first == again
    assert len(await rows(publisher, "payment_transaction")) == 2
