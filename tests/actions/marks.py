"""An account that holds a mark in every place that can hold something personal.

The marks are made from the columns that are declared personal, so that a new one is marked as soon
as it is declared; and a new table of customers has to be filled here before anything is shown.
"""

# ruff: noqa: S608  The names are ours.

import json
import secrets
import string
from datetime import date, datetime, timedelta
from ipaddress import IPv6Address
from typing import Any

import asyncpg
from sqlalchemy import ARRAY, Column, Date
from sqlalchemy.dialects.postgresql import BYTEA, INET, JSONB

from app import models
from app.models import Base, erasure
from app.models.personal import personal_columns
from app.storage import Storage
from tests.publisher import Publisher

_FIRST_DAY = date(1901, 1, 1)

UNMARKABLE = {
    "address.country": "Two letters, which half of the tenant's customers have.",
    "address.salutation": "One of three words.",
    "customer.language": "Two letters.",
    "customer.salutation": "One of three words.",
}
"""Columns that take nothing that could be found again."""

_MORE = (
    models.Activity,
    models.Address,
    models.BankAccount,
    models.AccessRight,
    models.Login,
    models.Mail,
)
"""Tables of which the account has several rows."""


class Marks:
    """The marks of one account."""

    def __init__(self) -> None:
        self.erased: dict[str, str] = {}
        """The marks that have to go at once, with where each was."""

        self.retained: dict[str, str] = {}
        """The marks that stay with invoices."""

        self._salt = "".join(secrets.choice(string.ascii_uppercase) for _ in range(6))
        self._count = secrets.randbelow(5_000)

    def word(self, where: str, *, retained: bool = False) -> str:
        """A mark for a place, of 12 letters and digits."""
        self._count += 1
        mark = f"{self._salt}{self._count:06}"
        (self.retained if retained else self.erased)[mark.lower()] = where
        return mark

    def value(self, column: Column[Any]) -> Any:
        """A marked value that a column takes."""
        where = f"{column.table.name}.{column.name}"
        retained = bool(column.info["retained"])
        kept = self.retained if retained else self.erased
        if isinstance(column.type, BYTEA):
            random = secrets.token_bytes(32)
            kept[random.hex()] = where
            return random
        if isinstance(column.type, Date):
            self._count += 1
            day = _FIRST_DAY + timedelta(days=self._count)
            kept[day.isoformat()] = where
            return day
        if isinstance(column.type, INET):
            self._count += 1
            address = IPv6Address(f"2001:db8:{secrets.token_hex(2)}::{self._count:x}")
            kept[str(address)] = where
            return address
        if column.name == "bic":
            # Six letters begin it, two letters or digits follow.
            self._count += 1
            kept[f"{self._salt}{self._count % 36**2:02x}"[:8].lower()] = where
            return f"{self._salt}{self._count % 36**2:02x}"[:8].upper()
        mark = self.word(where, retained=retained)
        if isinstance(column.type, JSONB):
            return json.dumps({"street": mark} if retained else {"key": mark})
        if isinstance(column.type, ARRAY):
            return [mark]
        return f"{mark}@example.org" if column.name == "email" else mark


async def marked_account(publisher: Publisher, bucket: Storage, marks: Marks) -> int:
    """A customer whose every personal column and place is marked."""
    customer = await publisher.full_account()
    await _complete(publisher, customer)
    await _mark_columns(publisher.owner, publisher.tenant_id, customer, marks)
    await _mark_history(publisher, customer, marks)
    await _mark_outside(publisher, customer, marks)
    await _store_files(publisher, customer, bucket, marks)
    return customer


async def _complete(publisher: Publisher, customer: int) -> None:
    """Fill the tables that a checkout leaves empty, and the others with more."""
    own: dict[str, Any] = {"customer_id": customer}
    owner, tenant = publisher.owner, publisher.tenant_id
    for model in _MORE * 3:
        await publisher.make(model, **own, actor_kind="CUSTOMER", actor_id=customer)
    for purpose in ("ATTACHMENT", "EXPORT", "INVOICE"):
        file = await publisher.make(models.File, purpose=purpose, **own)
        if purpose == "EXPORT":
            await publisher.make(
                models.Export,
                status="READY",
                file_id=file,
                size_bytes=3,
                expires_at=datetime(2099, 1, 1).astimezone(),
                **own,
            )
        elif purpose == "INVOICE":
            await publisher.make(models.Invoice, file_id=file, **own)
        else:
            activity = await publisher.make(models.Activity, **own)
            await publisher.make(models.ActivityAttachment, activity_id=activity, file_id=file)
    for statement in (
        "INSERT INTO customer_sign_in (tenant_id, customer_id) VALUES ($1, $2)",
        "INSERT INTO customer_recovery_code (tenant_id, customer_id, hash) VALUES ($1, $2, 'c')",
        "INSERT INTO customer_device (tenant_id, customer_id, hash) VALUES ($1, $2, 'd')",
        "INSERT INTO voucher_redemption (tenant_id, voucher_id, order_id) SELECT $1,"
        " (SELECT max(id) FROM voucher WHERE tenant_id = $1), max(id) FROM customer_order"
        " WHERE tenant_id = $1 AND customer_id = $2",
        "INSERT INTO anonymization_request (tenant_id, customer_id, actor_kind, actor_id,"
        " end_subscriptions, accept_open_payments) VALUES ($1, $2, 'STAFF', 1, true, true)",
        "UPDATE subscription SET status = 'INACTIVE', starts_on = '2020-01-01',"
        " ends_on = '2021-12-31', next_billing_on = NULL"
        " WHERE tenant_id = $1 AND customer_id = $2",
    ):
        await owner.execute(statement, tenant, customer)
    await publisher.sign_in(customer)


async def _mark_columns(
    owner: asyncpg.Connection, tenant: int, customer: int, marks: Marks
) -> None:
    """Mark every personal column of every row; as the owner, who may change also what proves."""
    async with owner.transaction():
        await owner.execute("SET LOCAL abokonto.erasure = 'on'")
        for table, condition in erasure.customers_tables().items():
            if table in erasure.KEPT_BY_TRIGGERS:
                continue
            of = condition.replace("the_tenant", str(tenant)).replace("the_customer", str(customer))
            rows = await owner.fetch(f"SELECT t.ctid::text AS place FROM {table} AS t WHERE {of}")
            assert rows, f"Nothing of the account is in {table}."
            columns = _columns(table)
            for row in rows if columns else ():
                await _mark_row(owner, table, row["place"], columns, marks)
        await _say_whose(owner, tenant, customer)


def _columns(table: str) -> list[Column[Any]]:
    return [
        column
        for column in personal_columns()
        if column.table.name == table
        and column.computed is None
        and table != "history"
        and f"{table}.{column.name}" not in UNMARKABLE
    ]


_AND = {
    "access_right": "blocked_at = now()",
    "customer": "two_factor_since = now(), login_blocked_at = now(), access_blocked_at = now()",
    "mail": "status = 'FAILED', sent_at = NULL",
    "subscription": "access_blocked_at = now()",
}
"""What has to be said for all columns of a table to have a value."""


async def _mark_row(
    owner: asyncpg.Connection, table: str, place: str, columns: list[Column[Any]], marks: Marks
) -> None:
    values = [marks.value(column) for column in columns]
    changes = [f"{column.name} = ${at}" for at, column in enumerate(columns, start=1)]
    changes += [_AND[table]] if table in _AND else []
    await owner.execute(f"UPDATE {table} SET {', '.join(changes)} WHERE ctid = '{place}'", *values)


async def _say_whose(owner: asyncpg.Connection, tenant: int, customer: int) -> None:
    """Let the customer be the actor of all that is in the account."""
    for table in Base.metadata.sorted_tables:
        if {"actor_kind", "customer_id", "actor_name"} <= set(table.columns.keys()):
            if table.name == "history":
                continue
            await owner.execute(
                f"UPDATE {table.name} SET actor_kind = 'CUSTOMER', actor_id = $2"
                " WHERE tenant_id = $1 AND customer_id = $2",
                tenant,
                customer,
            )
    await owner.execute(
        "UPDATE customer SET actor_kind = 'CUSTOMER', actor_id = $2"
        " WHERE tenant_id = $1 AND id = $2",
        tenant,
        customer,
    )


async def _mark_history(publisher: Publisher, customer: int, marks: Marks) -> None:
    """Entries with personal values, of the account and of the tenant about one of its records."""
    for place in range(40):
        await publisher.make(
            models.History,
            customer_id=customer,
            before={"personal": {"email": marks.word("history: an old e-mail address")}},
            after={"personal": {"Address:1": {"street": marks.word("history: an old street")}}},
            note=marks.word("history: a note"),
            actor_kind="CUSTOMER" if place % 2 else "IMPORT",
            actor_id=customer,
            actor_name=marks.word("history: the actor"),
        )
    key = await publisher.owner.fetchval(
        "SELECT max(id) FROM bank_account WHERE tenant_id = $1 AND customer_id = $2",
        publisher.tenant_id,
        customer,
    )
    await publisher.make(
        models.History,
        customer_id=None,
        action="sepa_batch.created",
        after={"personal": {f"BankAccount:{key}": {"owner": marks.word("history: of a batch")}}},
    )
    salts = await publisher.owner.fetch(
        "SELECT personal_salt FROM history WHERE tenant_id = $1 AND customer_id = $2"
        " AND personal_salt IS NOT NULL",
        publisher.tenant_id,
        customer,
    )
    for row in salts:
        marks.erased[row["personal_salt"].hex()] = "history.personal_salt"


async def _mark_outside(publisher: Publisher, customer: int, marks: Marks) -> None:
    """Jobs that wait, and idempotency keys."""
    mail, activity = [
        await publisher.owner.fetchval(
            f"SELECT max(id) FROM {table} WHERE tenant_id = $1 AND customer_id = $2",
            publisher.tenant_id,
            customer,
        )
        for table in ("mail", "activity")
    ]
    mark = marks.word("a job")
    # A payload is bytes.
    marks.erased[mark.encode().hex()] = marks.erased.pop(mark.lower())
    payload = {"mail": mail, "recipient": mark}
    await publisher.owner.execute(
        "INSERT INTO abokonto.pgqueuer (priority, status, entrypoint, payload, headers)"
        " VALUES (0, 'queued', 'mail.send', $1, $2)",
        json.dumps(payload).encode(),
        json.dumps({"tenant": str(publisher.tenant_id)}),
    )
    for kind, actor, record in (("PARTNER", 1, activity), ("CUSTOMER", customer, None)):
        await publisher.owner.execute(
            "INSERT INTO idempotency_key (tenant_id, actor_kind, actor_id, action, key,"
            " input_hash, record_id) VALUES ($1, $2, $3, 'add_activity', $4, $5, $6)",
            publisher.tenant_id,
            kind,
            actor,
            marks.word("an idempotency key"),
            secrets.token_bytes(32),
            record,
        )


async def _store_files(publisher: Publisher, customer: int, bucket: Storage, marks: Marks) -> None:
    """Put an object behind each file, with a picture beside it."""
    files = await publisher.owner.fetch(
        "SELECT file.id, EXISTS (SELECT FROM invoice WHERE invoice.tenant_id = file.tenant_id"
        " AND invoice.file_id = file.id) AS kept, file.name FROM file"
        " WHERE tenant_id = $1 AND customer_id = $2",
        publisher.tenant_id,
        customer,
    )
    for row in files:
        key = f"{publisher.tenant_id}/{secrets.token_hex(16)}"
        await publisher.owner.execute(
            "UPDATE file SET key = $3, has_thumbnail = true WHERE tenant_id = $1 AND id = $2",
            publisher.tenant_id,
            row["id"],
            key,
        )
        if row["kept"]:
            # Its name is the invoice's.
            mark = row["name"].lower()
            marks.retained[mark] = marks.erased.pop(mark)
        for suffix in ("", ".thumbnail"):
            content = marks.word("the contents of a file", retained=row["kept"])
            await bucket.put(key + suffix, content.encode(), "application/pdf")
