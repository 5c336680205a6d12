"""Rows for tests: as few columns as the database lets through, and the test's own."""

import hashlib
import itertools
import json
import secrets
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
from sqlalchemy.dialects.postgresql import JSONB

from app.encryption import Keyring
from app.models import Base

EPOCH = datetime(2020, 1, 1, 12, tzinfo=UTC)
"""When what happens in tests begins."""

KEYRING = Keyring({"test": b"encrypts" * 4}, b"looks-up" * 4)
"""The keys that `tests.conftest` configures."""

_numbers = itertools.count(1)

_PERSON = {
    "last_name": "Muster",
    "street": "Hauptstraße",
    "postal_code": "10115",
    "city": "Berlin",
}
_PRICE = {"price": "10.00", "currency": "EUR"}
_AMOUNT = {"net": "9.35", "tax": "0.65", "gross": "10.00"}
_ITEM = {**_AMOUNT, "title": "Abo", "quantity": 1, "tax_percent": "7.00"}
_TERMS = {
    "term_count": 1,
    "term_unit": "MONTH",
    "accounting_count": 1,
    "accounting_unit": "MONTH",
    "notice_count": 1,
    "notice_unit": "MONTH",
}

_FIXED: dict[str, dict[str, Any]] = {
    "tenant": {"name": "Test"},
    "role": {"permissions": ["customer:read"]},
    "staff": {"name": "Erika"},
    "staff_invitation": {"name": "Erika", "expires_at": EPOCH},
    "address": {**_PERSON, "type": "INVOICE", "country": "DE"},
    "activity": {"kind": "NOTE"},
    "activity_attachment": {"position": 1},
    "file": {
        "purpose": "ATTACHMENT",
        "name": "Brief.pdf",
        "content_type": "application/pdf",
        "size_bytes": 3,
        "sha256": "0" * 64,
    },
    "bank_account": {
        "owner": "Muster",
        "iban_masked": "DE89 **** **** **** **30 00",
    },
    "publication": {"frequency": "DAILY"},
    "product": {"kind": "DIGITAL", "tax_class": "REDUCED"},
    "offer": {**_TERMS, **_PRICE, "name": "Abo"},
    "voucher": {"name": "Kampagne", "kind": "PERCENT", "percent": "10.00"},
    "customer_order": {
        **_AMOUNT,
        "currency": "EUR",
        "status": "ACTIVE",
        "ordered_at": EPOCH,
        "payment_method": "INVOICE",
        "invoice_address": _PERSON,
    },
    "order_item": _ITEM,
    "subscription": {**_TERMS, **_PRICE, "status": "ACTIVE", "payment_method": "INVOICE"},
    "subscription_period": {**_PRICE, "kind": "REGULAR"},
    "invoice": {
        **_AMOUNT,
        "currency": "EUR",
        "type": "INVOICE",
        "status": "OPEN",
        "payment_method": "INVOICE",
        "address": _PERSON,
    },
    "invoice_item": _ITEM,
    "invoice_tax": {**_AMOUNT, "tax_percent": "7.00"},
    "sepa_batch": {"debit_count": 0, "total": "0.00"},
    "payment_transaction": {
        "action": "BANK_TRANSFER",
        "status": "SUCCESS",
        "amount": "10.00",
        "currency": "EUR",
    },
    "goodwill": {
        "kind": "FREE_ISSUES",
        "count": 1,
        "reason": "Zeitung fehlte",
        "value": "1.50",
        "currency": "EUR",
    },
    "goodwill_limit": {"currency": "EUR"},
    "delivery": {"kind": "REGULAR", "status": "PLANNED"},
    "opt_in": {"channel": "EMAIL", "status": "NONE"},
    "additional_data_definition": {"label": "Feld", "type": "TEXT", "applies_to": "CUSTOMER"},
    "opt_in_text": {
        "purpose": "werbung",
        "channel": "EMAIL",
        "text": "Ja, ich will.",
        "sha256": hashlib.sha256(b"Ja, ich will.").hexdigest(),
    },
    "opt_in_entry": {"status": "SINGLE_OPT_IN", "source": "Formular"},
    "mail": {
        "template": "welcome",
        "recipient": "muster@example.org",
        "subject": "Willkommen",
        "status": "QUEUED",
    },
    "login": {"succeeded": True},
    "history": {"action": "customer.changed"},
    "access_right": {"access_id": "digital", "source": "MANUAL", "valid_from": EPOCH},
    "data_export": {"status": "EXPIRED"},
    "customer_merge": {"status": "DONE"},
}


def _day(number: int) -> date:
    return EPOCH.date() + timedelta(days=number)


def _random_hash(_number: int) -> bytes:
    return secrets.token_bytes(32)


def _absent(number: int) -> int:
    """A key that no row has."""
    return 10**12 + number


def _encrypted_iban(_number: int) -> bytes:
    """Never the same twice, so that one that is left behind can be told from others."""
    return KEYRING.encrypt("DE89370400440532013000", "bank_account.iban")


_NUMBERED: dict[str, dict[str, Callable[[int], object]]] = {
    "tenant": {"slug": "tenant-{}".format},
    "role": {"name": "role-{}".format},
    "staff": {"email": "staff{}@example.org".format},
    "staff_invitation": {"email": "staff{}@example.org".format, "hash": _random_hash},
    "customer": {"number": "K-{:05}".format},
    "activity": {"text": "Notiz {:05}".format},
    "customer_merge": {"former_number": "Z-{:05}".format, "former_id": _absent},
    "unclaimed_file": {"expires_at": lambda _: EPOCH},
    "bank_account": {
        "iban": _encrypted_iban,
        "iban_hash": _random_hash,
        "mandate_reference": "M{:05}".format,
        "mandate_signed_on": _day,
    },
    "publication": {"title": "Blatt {:05}".format},
    "issue": {"number": "{:05}".format, "publishing_on": _day, "closing_on": _day},
    "product": {"name": "Digital {:05}".format, "access_id": "digital-{:05}".format},
    "offer": {"code": "{:05}".format, "valid_from": _day},
    "voucher": {"code": "V-{:05}".format, "valid_from": _day},
    "customer_order": {"number": "B-{:05}".format},
    "order_item": {"position": int},
    "subscription": {"number": "A-{:05}".format, "starts_on": _day, "ordered_on": _day},
    "subscription_period": {"starts_on": _day, "ends_on": _day},
    "invoice": {"number": "R-{:05}".format, "issued_on": _day, "due_on": _day},
    "invoice_item": {"position": int},
    "delivery": {"publishing_on": _day},
    "sepa_batch": {"number": str, "collected_until": _day},
    "opt_in": {"purpose": "werbung-{:05}".format},
    "opt_in_text": {"version": "{:05}".format},
    "additional_data_definition": {"key": "field_{:05}".format},
}
"""What differs from row to row, by the row's number."""


async def insert(
    connection: asyncpg.Connection, table: str, number: int | None = None, /, **values: Any
) -> int:
    """Insert a row and return its id. What the table needs and nobody named is filled in."""
    number = number or next(_numbers)
    numbered = {name: make(number) for name, make in _NUMBERED.get(table, {}).items()}
    row = {**_FIXED.get(table, {}), **numbered, **values}
    if table == "subscription":
        row.setdefault("accounting_from", row["starts_on"])
    if table in ("file", "unclaimed_file"):
        # Such a key is one of ours: what is deleted is swept, by whichever test comes to that.
        row.setdefault("key", f"{row['tenant_id']}/{number:032x}")
    columns = Base.metadata.tables[table].c
    for name, value in row.items():
        if isinstance(columns[name].type, JSONB) and isinstance(value, dict):
            row[name] = json.dumps(value)
    places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places}) RETURNING id"  # noqa: S608  Tests name their own tables.
    inserted: int = await connection.fetchval(statement, *row.values())
    return inserted


async def insert_account(connection: asyncpg.Connection) -> dict[str, int]:
    """A tenant with one customer and one of nearly everything, by the tables' names."""
    ids = {"tenant_id": await insert(connection, "tenant")}
    tenant = ids["tenant_id"]
    ids["customer"] = await insert(connection, "customer", tenant_id=tenant)
    of = {"tenant_id": tenant, "customer_id": ids["customer"]}
    for table in ("address", "activity", "file", "bank_account", "login", "history"):
        ids[table] = await insert(connection, table, **of)
    ids["publication"] = await insert(connection, "publication", tenant_id=tenant)
    ids["issue"] = await insert(
        connection, "issue", tenant_id=tenant, publication_id=ids["publication"]
    )
    ids["product"] = await insert(connection, "product", tenant_id=tenant)
    ids["offer"] = await insert(connection, "offer", tenant_id=tenant, product_id=ids["product"])
    ids["customer_order"] = await insert(connection, "customer_order", **of)
    ids["subscription"] = await insert(
        connection, "subscription", **of, offer_id=ids["offer"], issues_entitled=12
    )
    ids["subscription_period"] = await insert(
        connection,
        "subscription_period",
        tenant_id=tenant,
        subscription_id=ids["subscription"],
        starts_on=date(2026, 1, 1),
        ends_on=date(2026, 1, 31),
    )
    ids["invoice"] = await insert(connection, "invoice", **of)
    for table in ("invoice_item", "invoice_tax"):
        ids[table] = await insert(connection, table, tenant_id=tenant, invoice_id=ids["invoice"])
    ids["payment_transaction"] = await insert(connection, "payment_transaction", **of)
    ids["goodwill"] = await insert(
        connection, "goodwill", **of, subscription_id=ids["subscription"]
    )
    ids["delivery"] = await insert(
        connection,
        "delivery",
        **of,
        subscription_id=ids["subscription"],
        issue_id=ids["issue"],
    )
    ids["opt_in_text"] = await insert(connection, "opt_in_text", tenant_id=tenant)
    ids["opt_in"] = await insert(connection, "opt_in", **of)
    ids["opt_in_entry"] = await insert(connection, "opt_in_entry", **of, opt_in_id=ids["opt_in"])
    return ids
