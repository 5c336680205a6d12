"""Invoices, bank accounts and debits for the tests of payments, in June 2026."""

from datetime import UTC, date, datetime
from typing import Any

from app import models
from app.schema.node import encode_id, global_key
from tests.publisher import Publisher

NOON = datetime(2026, 6, 15, 10, tzinfo=UTC)
"""A Monday; it is the 15th in Berlin."""

TODAY = date(2026, 6, 15)
PRESENTED = {"end_to_end_id": "10001-1", "sequence_type": "RCUR"}
COLLECTED = {**PRESENTED, "status": "SUCCESS", "executed_on": date(2026, 6, 8)}


async def ready(publisher: Publisher) -> None:
    """Say who the creditor is."""
    await publisher.owner.execute(
        "UPDATE billing_profile SET creditor_id = 'DE98ZZZ09999999999',"
        " iban = 'DE89370400440532013000' WHERE tenant_id = $1",
        publisher.tenant_id,
    )


async def an_invoice(publisher: Publisher, customer: str, **values: Any) -> str:
    """The opaque id of an invoice of 10 euros, which was due a week ago."""
    own: dict[str, Any] = {
        "customer_id": global_key(customer).key,
        "issued_on": date(2026, 6, 1),
        "due_on": date(2026, 6, 8),
        **values,
    }
    return encode_id("Invoice", await publisher.make(models.Invoice, **own))


async def an_account(publisher: Publisher, customer: str, **values: Any) -> int:
    """The key of a bank account whose mandate can be used."""
    own = {"customer_id": global_key(customer).key, "mandate_signed_on": date(2026, 1, 31)}
    return await publisher.make(models.BankAccount, **{**own, **values})


async def a_debit(publisher: Publisher, invoice: str, account: int, **values: Any) -> str:
    """The opaque id of a debit of an invoice, planned unless other values say otherwise."""
    key = global_key(invoice).key
    planned = {
        "action": "SEPA_DEBIT",
        "status": "PENDING",
        "due_on": date(2026, 6, 22),
        "invoice_id": key,
        "bank_account_id": account,
        "customer_id": await publisher.owner.fetchval(
            "SELECT customer_id FROM invoice WHERE id = $1", key
        ),
    }
    made = await publisher.make(models.Transaction, **{**planned, **values})
    return encode_id("Transaction", made)


async def a_due_debit(publisher: Publisher, customer: str, **account: Any) -> str:
    """The opaque id of a planned debit from an account of its own."""
    invoice = await an_invoice(publisher, customer)
    return await a_debit(publisher, invoice, await an_account(publisher, customer, **account))


async def rows(publisher: Publisher, table: str) -> list[dict[str, Any]]:
    """All rows of a publisher's table, in the order of their keys."""
    found = await publisher.owner.fetch(
        f"SELECT * FROM {table} WHERE tenant_id = $1 ORDER BY id",  # noqa: S608  Tests name tables.
        publisher.tenant_id,
    )
    return [dict(row) for row in found]
