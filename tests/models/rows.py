"""Rows for tests: as few columns as the database lets through, and the test's own."""

import itertools
from datetime import UTC, date, datetime
from typing import Any

import asyncpg

_numbers = itertools.count(1)

_DAY = date(2026, 1, 1)
_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
_MONEY = {"net": 10, "tax": 1, "gross": 11, "currency": "EUR"}
_TERMS = {
    "term_count": 1,
    "term_unit": "YEAR",
    "accounting_count": 1,
    "accounting_unit": "MONTH",
    "notice_count": 1,
    "notice_unit": "MONTH",
}

_LEAST: dict[str, dict[str, Any]] = {
    "tenant": {"name": "Verlag"},
    "role": {"permissions": ["customer:read"]},
    "staff": {"name": "Erika"},
    "customer": {},
    "address": {
        "type": "INVOICE",
        "last_name": "Muster",
        "street": "Weg",
        "postal_code": "10115",
        "city": "Berlin",
        "country": "DE",
    },
    "activity": {"kind": "NOTE", "text": "Called."},
    "file": {
        "purpose": "ATTACHMENT",
        "name": "a.pdf",
        "content_type": "application/pdf",
        "size_bytes": 1,
        "sha256": "0" * 64,
    },
    "bank_account": {
        "owner": "Erika Muster",
        "iban": b"secret",
        "iban_hash": b"h" * 32,
        "iban_masked": "DE89",
        "mandate_signed_on": _DAY,
    },
    "publication": {"frequency": "MONTHLY"},
    "issue": {"number": "1", "publishing_on": _DAY, "closing_on": _DAY},
    "product": {"kind": "DIGITAL", "name": "Digital", "tax_class": "REDUCED"},
    "offer": {"name": "Year", "price": 10, "currency": "EUR", "valid_from": _DAY, **_TERMS},
    "customer_order": {
        "status": "DONE",
        "ordered_at": _MOMENT,
        "payment_method": "INVOICE",
        "invoice_address": "{}",
        **_MONEY,
    },
    "subscription": {
        "status": "ACTIVE",
        "starts_on": _DAY,
        "price": 10,
        "currency": "EUR",
        "payment_method": "INVOICE",
        **_TERMS,
    },
    "subscription_period": {
        "kind": "REGULAR",
        "starts_on": _DAY,
        "ends_on": date(2026, 1, 31),
        "price": 10,
        "currency": "EUR",
    },
    "invoice": {
        "type": "INVOICE",
        "status": "OPEN",
        "issued_on": _DAY,
        "due_on": _DAY,
        "payment_method": "INVOICE",
        "address": "{}",
        **_MONEY,
    },
    "invoice_item": {
        "position": 1,
        "title": "Year",
        "quantity": 1,
        "net": 10,
        "tax": 1,
        "gross": 11,
        "tax_percent": 10,
    },
    "invoice_tax": {"net": 10, "tax": 1, "gross": 11, "tax_percent": 10},
    "payment_transaction": {
        "action": "SEPA_DEBIT",
        "status": "SUCCESS",
        "amount": 11,
        "currency": "EUR",
    },
    "goodwill": {
        "kind": "FREE_ISSUES",
        "count": 1,
        "reason": "Late",
        "value": 3,
        "currency": "EUR",
    },
    "delivery": {"kind": "REGULAR", "status": "PLANNED", "publishing_on": _DAY},
    "opt_in": {"purpose": "newsletter", "channel": "EMAIL", "status": "SINGLE_OPT_IN"},
    "opt_in_entry": {"status": "SINGLE_OPT_IN", "source": "front end"},
    "login": {"succeeded": True},
    "history": {"action": "customer.blocked"},
    "access_right": {"access_id": "digital", "source": "MANUAL", "valid_from": _MOMENT},
    "data_export": {"status": "QUEUED"},
}

_UNIQUE = {
    "tenant": ("slug", "tenant-{}"),
    "role": ("name", "role-{}"),
    "staff": ("email", "staff{}@example.org"),
    "customer": ("number", "C-{}"),
    "file": ("key", "key-{}"),
    "bank_account": ("mandate_reference", "MANDATE-{}"),
    "publication": ("title", "Title {}"),
    "product": ("access_id", "product-{}"),
    "offer": ("code", "offer-{}"),
    "customer_order": ("number", "O-{}"),
    "subscription": ("number", "S-{}"),
    "invoice": ("number", "I-{}"),
}


async def insert(connection: asyncpg.Connection, table: str, **values: Any) -> int:
    """Insert a row and return its id."""
    row = {**_LEAST[table], **values}
    if table in _UNIQUE:
        column, form = _UNIQUE[table]
        row.setdefault(column, form.format(next(_numbers)))
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
        connection, "subscription_period", tenant_id=tenant, subscription_id=ids["subscription"]
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
    ids["opt_in"] = await insert(connection, "opt_in", **of)
    ids["opt_in_entry"] = await insert(connection, "opt_in_entry", **of, opt_in_id=ids["opt_in"])
    return ids
