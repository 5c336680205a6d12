"""Transfers that came in, debits drawn again, and what is still owed."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app import models
from app.auth.permissions import Permission
from app.domain.direct_debits import collected_on
from app.schema.node import encode_id, global_key
from tests.actions.conftest import Clock
from tests.actions.debits import (
    COLLECTED,
    NOON,
    PRESENTED,
    TODAY,
    a_debit,
    an_account,
    an_invoice,
    ready,
    rows,
)
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, codes, refusals

STATE = "invoice { status paidAt outstanding { amount currency } }"


@pytest.fixture(autouse=True)
def noon(clock: Clock) -> None:
    """Let it be one day in all of these tests."""
    clock.at = NOON


async def pay(publisher: Publisher, invoice: str, amount: str = "", **given: Any) -> dict[str, Any]:
    """Mark an invoice paid; the payload."""
    if amount:
        given["amount"] = {"amount": amount, "currency": "EUR"}
    return await publisher.act("markInvoicePaid", {"invoiceId": invoice, **given}, STATE)


async def test_what_is_owed_is_paid_by_default(publisher: Publisher, customer: str) -> None:
    invoice = await an_invoice(publisher, customer, status="NOT_PAID")
    payload = await pay(publisher, invoice, paidOn="2026-06-12", reference="RG 1")
    assert payload == {
        "invoice": {
            "status": "PAID",
            # Midnight in Berlin.
            "paidAt": "2026-06-11T22:00:00+00:00",
            "outstanding": {"amount": "0.00", "currency": "EUR"},
        },
        "userErrors": [],
    }
    [transfer] = await rows(publisher, "payment_transaction")
    assert transfer["action"] == "BANK_TRANSFER"
    assert (transfer["status"], transfer["amount"]) == ("SUCCESS", Decimal("10.00"))
    assert (transfer["executed_on"], transfer["reference"]) == (date(2026, 6, 12), "RG 1")
    [entry] = await publisher.history(customer)
    assert entry["action"] == "invoice.payment_received"
    assert entry["before"]["status"] == "NOT_PAID"
    assert entry["after"]["status"] == "PAID"
    [diary] = await publisher.diary(customer)
    assert diary.endswith("10.00 EUR received.")


async def test_it_is_paid_once_all_parts_came_in(publisher: Publisher, customer: str) -> None:
    invoice = await an_invoice(publisher, customer)
    first = (await pay(publisher, invoice, "4.00"))["invoice"]
    assert (first["status"], first["outstanding"]["amount"]) == ("OPEN", "6.00")
    second = (await pay(publisher, invoice, "5.99"))["invoice"]
    assert (second["status"], second["outstanding"]["amount"]) == ("OPEN", "0.01")
    third = (await pay(publisher, invoice))["invoice"]
    assert (third["status"], third["paidAt"]) == ("PAID", "2026-06-15T10:00:00+00:00")
    assert [row["amount"] for row in await rows(publisher, "payment_transaction")] == [
        Decimal("4.00"),
        Decimal("5.99"),
        Decimal("0.01"),
    ]


async def test_too_much_is_written_down_when_told_so(publisher: Publisher, customer: str) -> None:
    invoice = await an_invoice(publisher, customer)
    assert refusals(await pay(publisher, invoice, "10.01")) == [("OVERPAYMENT", "amount.amount")]
    payload = await pay(publisher, invoice, "10.01", acceptOverpayment=True)
    assert payload["invoice"]["status"] == "PAID"
    again = await pay(publisher, invoice, "10.00", acceptOverpayment=True)
    assert again["invoice"]["outstanding"]["amount"] == "0.00"
    assert len(await rows(publisher, "payment_transaction")) == 2


async def test_an_anonymised_customer_can_pay(publisher: Publisher) -> None:
    customer = encode_id("Customer", await publisher.customer(anonymized_at=NOON))
    payload = await pay(publisher, await an_invoice(publisher, customer))
    assert payload["invoice"]["status"] == "PAID"


async def test_a_planned_debit_draws_the_rest_or_is_given_up(
    publisher: Publisher, customer: str
) -> None:
    invoice = await an_invoice(publisher, customer)
    await a_debit(publisher, invoice, await an_account(publisher, customer))
    await pay(publisher, invoice, "4.00")
    debit, _ = await rows(publisher, "payment_transaction")
    assert (debit["status"], debit["amount"]) == ("PENDING", Decimal("6.00"))
    await pay(publisher, invoice)
    debit, *_ = await rows(publisher, "payment_transaction")
    assert (debit["status"], debit["error_code"]) == ("FAILURE", "DROPPED")


async def test_what_the_bank_has_already_is_not_paid_twice(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    invoice = await an_invoice(publisher, customer)
    await a_debit(publisher, invoice, await an_account(publisher, customer), **PRESENTED)
    async with everything.unchanged():
        assert refusals(await pay(publisher, invoice)) == [("DEBIT_PENDING", "invoiceId")]
        assert refusals(await pay(publisher, invoice, "1.00")) == [("OVERPAYMENT", "amount.amount")]
    payload = await pay(publisher, invoice, "10.00", acceptOverpayment=True)
    assert payload["invoice"]["status"] == "PAID"
    debit, _ = await rows(publisher, "payment_transaction")
    assert debit["status"] == "PENDING"


PAYING: list[tuple[dict[str, Any], dict[str, Any], tuple[str, str]]] = [
    ({"status": "CANCELLED"}, {}, ("INVOICE_ALREADY_CANCELLED", "invoiceId")),
    ({"status": "PAID", "paid_at": NOON}, {}, ("INVOICE_ALREADY_PAID", "invoiceId")),
    (
        {"status": "PAID", "paid_at": NOON},
        {"acceptOverpayment": True},
        ("REQUIRED", "amount"),
    ),
    (
        {"gross": "0.00", "net": "0.00", "tax": "0.00"},
        {},
        ("INVOICE_NOT_PAYABLE", "invoiceId"),
    ),
    ({}, {"paidOn": "2026-06-16"}, ("DATE_IN_FUTURE", "paidOn")),
    (
        {},
        {"amount": {"amount": "1.00", "currency": "CHF"}},
        ("AMOUNT_MISMATCH", "amount.currency"),
    ),
    ({}, {"amount": {"amount": "0.00", "currency": "EUR"}}, ("PRICE_INVALID", "amount.amount")),
    ({}, {"amount": {"amount": "-1.00", "currency": "EUR"}}, ("PRICE_INVALID", "amount.amount")),
    ({}, {"reference": "x" * 141}, ("TOO_LONG", "reference")),
]


@pytest.mark.parametrize(("row", "given", "refused"), PAYING)
async def test_refused_payments_leave_no_trace(
    publisher: Publisher,
    customer: str,
    everything: Everything,
    row: dict[str, Any],
    given: dict[str, Any],
    refused: tuple[str, str],
) -> None:
    invoice = await an_invoice(publisher, customer, **row)
    async with everything.unchanged():
        payload = await publisher.act("markInvoicePaid", {"invoiceId": invoice, **given}, STATE)
    assert payload["invoice"] is None
    assert refusals(payload) == [refused]


async def test_another_tenants_invoice_is_not_found(
    publisher: Publisher, competitor: Publisher, everything: Everything
) -> None:
    theirs = encode_id("Customer", await competitor.customer())
    invoice = await an_invoice(competitor, theirs)
    async with everything.unchanged():
        assert refusals(await pay(publisher, invoice)) == [("NOT_FOUND", "invoiceId")]
        payload = await publisher.act("retryDebit", {"invoiceId": invoice})
        assert refusals(payload) == [("NOT_FOUND", "invoiceId")]


@pytest.mark.parametrize("action", ["markInvoicePaid", "retryDebit"])
async def test_payments_need_their_permission(
    publisher: Publisher, customer: str, everything: Everything, action: str
) -> None:
    invoice = await an_invoice(publisher, customer)
    token = await publisher.issue_token(*(set(Permission) - {Permission.PAYMENT_WRITE}))
    async with everything.unchanged():
        answer = await publisher.ask_to(action, {"invoiceId": invoice}, "", token)
    assert codes(answer) == ["FORBIDDEN"]


async def test_a_transfer_that_is_sent_twice_counts_once(
    publisher: Publisher, customer: str
) -> None:
    invoice = await an_invoice(publisher, customer)
    for _ in range(2):
        payload = await pay(publisher, invoice, "4.00", idempotencyKey="k")
        assert payload["invoice"]["outstanding"]["amount"] == "6.00"
    assert len(await rows(publisher, "payment_transaction")) == 1


DEBIT = (
    "transaction { action status dueOn endToEndId amount { amount } invoice { status }"
    " refundableUntil contestableUntil }"
)


async def test_what_came_back_is_drawn_again_after_the_customer_was_told(
    publisher: Publisher, customer: str
) -> None:
    await ready(publisher)
    await publisher.owner.execute(
        "UPDATE customer SET email = 'erika@example.org' WHERE id = $1",
        global_key(customer).key,
    )
    invoice = await an_invoice(publisher, customer, status="NOT_PAID")
    account = await an_account(publisher, customer, mandate_last_used_on=date(2026, 6, 8))
    back = date(2026, 6, 10)
    debit = await a_debit(publisher, invoice, account, **COLLECTED, returned_on=back)
    await publisher.make(
        models.Transaction,
        action="SEPA_DEBIT_RETURN",
        customer_id=global_key(customer).key,
        invoice_id=global_key(invoice).key,
        original_id=global_key(debit).key,
    )
    await pay(publisher, invoice, "4.00")
    payload = await publisher.act("retryDebit", {"invoiceId": invoice}, DEBIT)
    assert payload["transaction"] == {
        "action": "SEPA_DEBIT",
        "status": "PENDING",
        "dueOn": collected_on(TODAY, TODAY, 14).isoformat(),
        "endToEndId": None,
        "amount": {"amount": "6.00"},
        "invoice": {"status": "NOT_PAID"},
        "refundableUntil": None,
        "contestableUntil": None,
    }
    mail = await publisher.owner.fetchrow(
        "SELECT * FROM mail WHERE tenant_id = $1", publisher.tenant_id
    )
    assert mail is not None
    assert (mail["template"], mail["status"]) == ("sepa_pre_notification", "QUEUED")
    assert "6,00" in mail["body"]
    assert (await publisher.history(customer))[-1]["action"] == "invoice.debit_retried"


async def test_an_invoice_can_be_debited_from_an_account_that_is_named(
    publisher: Publisher, customer: str
) -> None:
    await ready(publisher)
    invoice = await an_invoice(publisher, customer)
    account = await an_account(publisher, customer)
    assert refusals(await publisher.act("retryDebit", {"invoiceId": invoice})) == [
        ("REQUIRED", "bankAccountId")
    ]
    given = {"invoiceId": invoice, "bankAccountId": encode_id("BankAccount", account)}
    assert (await publisher.act("retryDebit", given, DEBIT))["userErrors"] == []
    assert refusals(await publisher.act("retryDebit", given)) == [("DEBIT_PENDING", "invoiceId")]


RETRYING: list[tuple[dict[str, Any], dict[str, Any], tuple[str, str]]] = [
    ({"status": "CANCELLED"}, {}, ("INVOICE_ALREADY_CANCELLED", "invoiceId")),
    ({"status": "PAID", "paid_at": NOON}, {}, ("INVOICE_ALREADY_PAID", "invoiceId")),
    ({"currency": "CHF"}, {}, ("INVOICE_NOT_PAYABLE", "invoiceId")),
    ({}, {"mandate_state": "REVOKED"}, ("MANDATE_REVOKED", "bankAccountId")),
    ({}, {"mandate_signed_on": date(2023, 6, 15)}, ("MANDATE_LAPSED", "bankAccountId")),
    (
        {},
        {"mandate_state": "REVOKED", "removed_at": NOON},
        ("BANK_ACCOUNT_REMOVED", "bankAccountId"),
    ),
]


@pytest.mark.parametrize(("row", "account", "refused"), RETRYING)
async def test_refused_retries_leave_no_trace(
    publisher: Publisher,
    customer: str,
    everything: Everything,
    row: dict[str, Any],
    account: dict[str, Any],
    refused: tuple[str, str],
) -> None:
    await ready(publisher)
    invoice = await an_invoice(publisher, customer, **row)
    await a_debit(
        publisher, invoice, await an_account(publisher, customer, **account), status="FAILURE"
    )
    async with everything.unchanged():
        payload = await publisher.act("retryDebit", {"invoiceId": invoice}, DEBIT)
    assert (payload["transaction"], refusals(payload)) == (None, [refused])


async def test_without_a_creditor_nothing_is_drawn(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    invoice = await an_invoice(publisher, customer)
    await a_debit(publisher, invoice, await an_account(publisher, customer), status="FAILURE")
    async with everything.unchanged():
        payload = await publisher.act("retryDebit", {"invoiceId": invoice})
    assert refusals(payload) == [("CREDITOR_INCOMPLETE", "")]


async def test_what_is_outstanding_follows_from_what_moved(
    publisher: Publisher, customer: str
) -> None:
    invoice = await an_invoice(publisher, customer, status="NOT_PAID")
    moved = {"customer_id": global_key(customer).key, "invoice_id": global_key(invoice).key}
    for action, status, amount, owed in (
        ("BANK_TRANSFER", "PENDING", "9.00", "10.00"),
        ("BANK_TRANSFER", "FAILURE", "9.00", "10.00"),
        ("BANK_TRANSFER", "SUCCESS", "9.00", "1.00"),
        ("SEPA_DEBIT", "SUCCESS", "3.00", "0.00"),
        ("SEPA_DEBIT_RETURN", "SUCCESS", "3.00", "1.00"),
        ("REFUND", "SUCCESS", "0.50", "1.50"),
        ("SEPA_MANDATE_CREATION", "SUCCESS", "0.00", "1.50"),
    ):
        await publisher.make(
            models.Transaction, action=action, status=status, amount=amount, **moved
        )
        found = await publisher.data(
            "query ($id: ID!) { node(id: $id) { ... on Invoice { outstanding { amount } } } }",
            id=invoice,
        )
        assert found["node"]["outstanding"]["amount"] == owed
