import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

import asyncpg
import httpx2
import pytest
from rich.console import Console
from schwifty import IBAN

from app.auth.tokens import hash_token
from app.demo.accounts import FIRST_NUMBER
from app.demo.seed import PUBLISHER, Size, ensure
from app.encryption import Keyring
from app.models.file import thumbnail_key
from app.settings import Settings
from app.storage import Storage
from tests.conftest import Database, cloned, in_a_loop_of_its_own, settings_of
from tests.services import Services

SIZE = Size(customers=40, long_activities=300, long_deliveries=120, other_customers=3)
TODAY = date(2026, 3, 17)
TABS = (
    "activity",
    "address",
    "access_right",
    "bank_account",
    "customer_order",
    "subscription",
    "invoice",
    "payment_transaction",
    "delivery",
    "goodwill",
    "opt_in",
    "mail",
    "login",
    "data_export",
    "customer_merge",
    "history",
)

Connection = asyncpg.Connection


Seeded = tuple[Database, dict[str, Any]]


async def _seed(settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = await ensure(settings, Console(quiet=True), SIZE, TODAY)
    return found


@pytest.fixture(scope="module")
def seeded(
    services: Services, storage_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Seeded]:
    """A demonstration, made once: each test has a copy of it."""
    with in_a_loop_of_its_own(cloned(services)) as database:
        var = tmp_path_factory.mktemp("seeded") / "var"
        yield database, asyncio.run(_seed(settings_of(database, storage_settings, var)))


@pytest.fixture
async def database(services: Services, seeded: Seeded) -> AsyncIterator[Database]:
    async with cloned(services, seeded[0].name) as database:
        yield database


@pytest.fixture
def demo(seeded: Seeded) -> dict[str, Any]:
    return seeded[1]


def _key(id: str) -> int:
    name, key = base64.urlsafe_b64decode(id + "=" * (-len(id) % 4)).decode().split(":")
    assert name == "Customer"
    return int(key)


async def test_every_tab_of_the_shown_accounts_has_something(
    demo: dict[str, Any], owner: Connection
) -> None:
    assert len(demo["customerIds"]) == 5
    for customer in demo["customerIds"]:
        for table in TABS:
            count = await owner.fetchval(
                f"SELECT count(*) FROM {table} JOIN tenant ON tenant.id = {table}.tenant_id"  # noqa: S608
                " WHERE customer_id = $1 AND slug = $2",
                _key(customer),
                PUBLISHER.slug,
            )
            assert count > 0, (customer, table)


async def test_the_first_account_has_the_long_tabs(demo: dict[str, Any], owner: Connection) -> None:
    row = await owner.fetchrow(
        "SELECT number, c.tenant_id,"
        " (SELECT count(*) FROM activity a WHERE a.tenant_id = c.tenant_id AND customer_id = c.id)"
        "   AS activities,"
        " (SELECT count(*) FROM delivery d WHERE d.tenant_id = c.tenant_id AND customer_id = c.id)"
        "   AS deliveries"
        " FROM customer c JOIN tenant ON tenant.id = c.tenant_id WHERE slug = $1 AND c.id = $2",
        PUBLISHER.slug,
        _key(demo["customerIds"][0]),
    )
    assert row is not None
    assert row["number"] == str(FIRST_NUMBER)
    assert (row["activities"], row["deliveries"]) == (300, 120)
    count = "SELECT count(*) FROM customer WHERE tenant_id = $1"
    assert await owner.fetchval(count, row["tenant_id"]) == SIZE.customers


_BROKEN = {
    "an invoice is not the sum of its lines": """
        SELECT invoice.id FROM invoice
        JOIN invoice_item AS item ON (item.tenant_id, invoice_id) = (invoice.tenant_id, invoice.id)
        GROUP BY invoice.tenant_id, invoice.id
        HAVING (invoice.net, invoice.tax, invoice.gross)
            <> (sum(item.net), sum(item.tax), sum(item.gross))""",
    "an invoice is not the sum of its rates": """
        SELECT invoice.id FROM invoice LEFT JOIN invoice_tax AS part
            ON (part.tenant_id, invoice_id) = (invoice.tenant_id, invoice.id)
        GROUP BY invoice.tenant_id, invoice.id
        HAVING (invoice.net, invoice.tax, invoice.gross)
            IS DISTINCT FROM (sum(part.net), sum(part.tax), sum(part.gross))""",
    "the tax of a line is not that of its rate": """
        SELECT id FROM invoice_item
        WHERE abs(tax - net * tax_percent / 100) > 0.01""",
    "a rate is not the law's on that day": """
        SELECT item.id FROM invoice_item AS item
        JOIN invoice ON (invoice.tenant_id, invoice.id) = (item.tenant_id, invoice_id)
        WHERE NOT EXISTS (SELECT FROM tax_rate WHERE country = address->>'country'
            AND percent = tax_percent AND valid_from <= invoice.service_from
            AND coalesce(valid_until, 'infinity') >= invoice.service_from)""",
    "a number is missing in a year": """
        SELECT tenant_id FROM invoice
        GROUP BY tenant_id, split_part(number, '-', 2)
        HAVING max(split_part(number, '-', 3)::int) <> count(*)
            OR min(split_part(number, '-', 3)::int) <> 1""",
    "numbers do not follow the days of issue": """
        SELECT id FROM (SELECT id, issued_on,
            lag(issued_on) OVER (PARTITION BY tenant_id ORDER BY number) AS before
            FROM invoice) AS ordered WHERE before > issued_on""",
    "a paid invoice has no payment that was kept": """
        SELECT id FROM invoice WHERE status = 'PAID' AND type <> 'CANCELLATION'
            AND payment_method IN ('SEPA_DEBIT', 'INVOICE') AND gross <> (
                SELECT coalesce(sum(CASE action WHEN 'SEPA_DEBIT_RETURN' THEN -amount ELSE amount
                    END), 0)
                FROM payment_transaction AS moved
                WHERE (moved.tenant_id, invoice_id) = (invoice.tenant_id, invoice.id))""",
    "a returned debit counts as paid": """
        SELECT debit.id FROM payment_transaction AS debit
        JOIN payment_transaction AS back
            ON (back.tenant_id, back.original_id) = (debit.tenant_id, debit.id)
        WHERE back.amount <> debit.amount OR back.invoice_id <> debit.invoice_id""",
    "a batch is not what its debits add up to": """
        SELECT batch.id FROM sepa_batch AS batch
        WHERE (debit_count, total) <> (SELECT count(*), sum(amount)
            FROM payment_transaction AS debit
            WHERE (debit.tenant_id, sepa_batch_id) = (batch.tenant_id, batch.id))""",
    "a debit is drawn on no business day": """
        SELECT id FROM payment_transaction WHERE extract(isodow FROM due_on) > 5""",
    "a cancellation does not take back its precursor": """
        SELECT taken.id FROM invoice AS taken
        JOIN invoice AS original
            ON (original.tenant_id, original.id) = (taken.tenant_id, taken.precursor_id)
        WHERE taken.type = 'CANCELLATION'
            AND (taken.gross <> -original.gross OR original.status <> 'CANCELLED')""",
    "a running subscription has no period today": """
        SELECT id FROM subscription WHERE status = 'ACTIVE' AND NOT EXISTS (
            SELECT FROM subscription_period AS period
            WHERE (period.tenant_id, subscription_id) = (subscription.tenant_id, subscription.id)
            AND $1 BETWEEN period.starts_on AND period.ends_on)""",
    "periods have holes": """
        SELECT id FROM (SELECT id, starts_on, lag(ends_on) OVER (
            PARTITION BY tenant_id, subscription_id ORDER BY starts_on) AS before
            FROM subscription_period) AS ordered WHERE before <> starts_on - 1""",
    "a delivery is in the wrong state for its day": """
        SELECT id FROM delivery WHERE kind <> 'REDELIVERY'
            AND (status = 'PLANNED') <> (publishing_on >= $1)""",
    "a delivery is not of the subscription's publication": """
        SELECT delivery.id FROM delivery
        JOIN subscription ON (subscription.tenant_id, subscription.id)
            = (delivery.tenant_id, subscription_id)
        JOIN offer ON (offer.tenant_id, offer.id) = (subscription.tenant_id, offer_id)
        JOIN issue ON (issue.tenant_id, issue.id) = (delivery.tenant_id, issue_id)
        WHERE issue.publication_id IS DISTINCT FROM offer.publication_id
            OR delivery.kind <> 'REDELIVERY' AND issue.publishing_on <> delivery.publishing_on
            OR delivery.kind = 'REDELIVERY' AND issue.publishing_on >= delivery.publishing_on""",
    "goodwill does not say what came of it": """
        SELECT id FROM goodwill WHERE NOT EXISTS (SELECT FROM delivery
            WHERE (delivery.tenant_id, goodwill_id) = (goodwill.tenant_id, goodwill.id))
            AND NOT EXISTS (SELECT FROM subscription_period AS period
            WHERE (period.tenant_id, goodwill_id) = (goodwill.tenant_id, goodwill.id))
            AND kind <> 'FREE_ISSUES'""",
    "an opt-in is not what its newest evidence says": """
        SELECT id FROM opt_in WHERE status <> (SELECT entry.status FROM opt_in_entry AS entry
            WHERE (entry.tenant_id, opt_in_id) = (opt_in.tenant_id, opt_in.id)
            ORDER BY created_at DESC, entry.id DESC LIMIT 1)""",
    "something is left of the anonymised": """
        SELECT activity.id FROM activity
        JOIN customer ON (customer.tenant_id, customer.id) = (activity.tenant_id, customer_id)
        WHERE anonymized_at IS NOT NULL AND activity.created_at < anonymized_at
            AND text <> 'Anonymisiert'""",
    "something happened in the future": """
        SELECT id FROM activity WHERE created_at > $1 + 1
        UNION ALL SELECT id FROM history WHERE created_at > $1 + 1
        UNION ALL SELECT id FROM login WHERE created_at > $1 + 1
        UNION ALL SELECT id FROM invoice WHERE issued_on > $1
        UNION ALL SELECT id FROM payment_transaction WHERE executed_on > $1""",
    "a record is older than its account": """
        SELECT activity.id FROM activity
        JOIN customer ON (customer.tenant_id, customer.id) = (activity.tenant_id, customer_id)
        WHERE activity.created_at < customer.created_at""",
}


_SEEN = (
    ("invoice", "type", {"INVOICE", "CANCELLATION", "CORRECTION"}),
    ("invoice", "status", {"OPEN", "PAID", "NOT_PAID", "CANCELLED"}),
    ("payment_transaction", "action", {"SEPA_DEBIT", "SEPA_DEBIT_RETURN", "BANK_TRANSFER"}),
    ("goodwill", "kind", {"FREE_ISSUES", "FREE_PERIOD", "REDELIVERY"}),
    ("goodwill", "reason_kind", {"DELIVERY_MISSING", "DAMAGED", "COMPLAINT", "RETENTION"}),
    ("delivery", "kind", {"REGULAR", "FREE", "REDELIVERY"}),
    ("subscription", "status", {"ACTIVE", "CANCELLED", "INACTIVE"}),
    ("activity", "kind", {"NOTE", "HINT", "PHONE", "EMAIL", "LETTER", "SYSTEM"}),
)
"""What a demonstration must have, so that the claims are about something."""


async def test_the_histories_are_true(owner: Connection) -> None:
    for claim, query in _BROKEN.items():
        arguments = [TODAY] if "$1" in query else []
        assert await owner.fetch(query.replace("$1", "$1::date"), *arguments) == [], claim
    for table in ("invoice_item", "delivery", "opt_in", "subscription_period", "sepa_batch"):
        assert await owner.fetchval(f"SELECT count(*) FROM {table}") > 0  # noqa: S608
    for table, column, expected in _SEEN:
        query = f"SELECT array_agg(DISTINCT {column}) FROM {table}"  # noqa: S608
        assert expected <= set(await owner.fetchval(query)), column


async def test_ibans_are_valid_encrypted_and_found(owner: Connection, settings: Settings) -> None:
    keyring = Keyring.from_settings(settings)
    rows = await owner.fetch("SELECT iban, iban_hash, iban_masked, bic FROM bank_account"
                             " WHERE iban IS NOT NULL")  # fmt: skip
    assert len(rows) > 20
    for row in rows:
        iban = IBAN(keyring.decrypt(row["iban"], "bank_account.iban"))
        assert iban.bank is not None
        assert row["iban_hash"] == keyring.lookup_hash(str(iban))
        assert row["iban_masked"].startswith(iban[:4])
        assert iban[4:-4] not in row["iban_masked"]


async def test_files_are_in_the_store(owner: Connection, settings: Settings) -> None:
    rows = await owner.fetch("SELECT * FROM file")
    assert {row["purpose"] for row in rows} == {"ATTACHMENT", "INVOICE", "EXPORT"}
    storage = Storage(settings)
    async with httpx2.AsyncClient() as client:
        for row in rows[::4]:
            url = storage.signed_download_url(row["key"], row["name"], row["content_type"], 60)
            content = (await client.get(url)).content
            assert len(content) == row["size_bytes"]
            assert sha256(content).hexdigest() == row["sha256"]
            if row["has_thumbnail"]:
                key = thumbnail_key(row["key"])
                url = storage.signed_download_url(key, "a.webp", "image/webp", 60)
                assert (await client.get(url)).content.startswith(b"RIFF")
    assert all(row["has_thumbnail"] is (row["purpose"] != "EXPORT") for row in rows)


async def test_locks_are_shown_and_the_anonymised_account_is_scrubbed(owner: Connection) -> None:
    locked = await owner.fetchrow(
        "SELECT count(login_blocked_at) AS login, count(access_blocked_at) AS access,"
        " count(anonymized_at) AS anonymized FROM customer"
    )
    assert locked is not None
    assert tuple(locked.values()) == (1, 2, 1)
    row = await owner.fetchrow("SELECT * FROM customer WHERE anonymized_at IS NOT NULL")
    assert row is not None
    assert (row["email"], row["last_name"], row["phone"]) == (None, None, None)
    terms = (
        "SELECT term FROM customer_term WHERE tenant_id = $1 AND customer_id = $2 AND source = 2"
    )
    found = {term["term"] for term in await owner.fetch(terms, row["tenant_id"], row["id"])}
    assert found == {"anonymisiert"}
    running = "SELECT count(*) FROM subscription WHERE tenant_id = $1 AND customer_id = $2"
    running += " AND status <> 'INACTIVE'"
    assert await owner.fetchval(running, row["tenant_id"], row["id"]) == 0
    kept = "SELECT address->>'last_name' FROM invoice WHERE tenant_id = $1 AND customer_id = $2"
    assert await owner.fetchval(kept, row["tenant_id"], row["id"])


async def test_tokens_work_and_are_given_again_only_while_they_are_known(
    demo: dict[str, Any], owner: Connection, settings: Settings
) -> None:
    async def works(token: str) -> bool:
        found = await owner.fetch("SELECT * FROM abokonto.authenticate($1)", hash_token(token))
        return bool(found)

    rows = await owner.fetchval("SELECT count(*) FROM activity")
    assert await works(demo["staffToken"])
    assert await works(demo["otherTenant"]["partnerToken"])

    settings.var_directory.mkdir()
    file = settings.var_directory / "demo.json"
    file.write_text(json.dumps({"url": "http://localhost", **demo}))
    assert await _seed(settings) == demo

    file.write_text("{")
    renewed = await _seed(settings)
    assert renewed["customerIds"] == demo["customerIds"]
    assert await works(renewed["partnerToken"])
    assert not await works(demo["partnerToken"])
    assert await owner.fetchval("SELECT count(*) FROM activity") == rows


_SAME = """
    SELECT string_agg(line, E'\\n' ORDER BY line) FROM (
        SELECT concat_ws('|', number, email, first_name, last_name, created_at) AS line
            FROM customer
        UNION ALL SELECT concat_ws('|', number, gross, status) FROM invoice
        UNION ALL SELECT concat_ws('|', kind, created_at, text) FROM activity
        UNION ALL SELECT concat_ws('|', iban_masked, mandate_reference) FROM bank_account
    ) AS lines
"""


async def test_the_same_day_gives_the_same_demonstration(
    owner: Connection, settings: Settings
) -> None:
    first = await owner.fetchval(_SAME)
    await _forget(owner)
    await _seed(settings)
    assert await owner.fetchval(_SAME) == first


async def _forget(owner: Connection) -> None:
    """Take all away, past the triggers that guard what was issued."""
    tables = await owner.fetch(
        "SELECT quote_ident(relname) AS name FROM pg_class JOIN pg_attribute ON attrelid ="
        " pg_class.oid WHERE attname = 'tenant_id' AND relkind = 'r'"
    )
    names = ", ".join(row["name"] for row in tables)
    async with owner.transaction():
        await owner.execute("SET LOCAL abokonto.erasure = 'on'")
        await owner.execute(f"TRUNCATE {names}, tenant, staff CASCADE")


async def test_money_is_in_cents(owner: Connection) -> None:
    total = await owner.fetchval("SELECT sum(value) FROM goodwill")
    assert total > Decimal(0)
    assert total == total.quantize(Decimal("0.01"))
