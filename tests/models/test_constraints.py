"""What the database refuses, whoever asks."""

from datetime import date
from typing import Any

import asyncpg
import pytest

from tests.rows import insert, insert_account

CHECKED: list[tuple[str, dict[str, Any], str]] = [
    ("tenant", {"slug": "Not A Slug"}, "slug_form"),
    ("tenant", {"currency": "euro"}, "currency_form"),
    ("staff", {"email": "a" * 255}, "email_length"),
    ("customer", {"number": ""}, "number_filled"),
    ("customer", {"email": "nobody"}, "email_form"),
    ("customer", {"salutation": "LORD"}, "salutation_known"),
    ("customer", {"actor_kind": "GHOST"}, "actor_kind_known"),
    ("customer", {"login_blocked_reason": "spam"}, "login_blocked"),
    ("customer", {"access_blocked_reason": "spam"}, "access_blocked"),
    ("customer", {"totp_secret": b"x"}, "two_factor_complete"),
    ("customer", {"additional_data": "[]"}, "additional_data_object"),
    ("customer", {"birthday": date(1700, 1, 1)}, "birthday_range"),
    ("address", {"last_name": "", "company": None}, "named"),
    ("address", {"street": None}, "reachable"),
    ("address", {"country": "GER"}, "country_form"),
    ("activity", {"text": ""}, "text_length"),
    ("activity", {"text": "x" * 10_001}, "text_length"),
    ("file", {"size_bytes": 800_001}, "attachment_size"),
    ("file", {"sha256": "A" * 64}, "sha256_form"),
    ("bank_account", {"iban_hash": b"short"}, "iban_hash_length"),
    ("bank_account", {"iban": None}, "iban_complete"),
    ("bank_account", {"mandate_reference": "x" * 36}, "mandate_reference_form"),
    ("bank_account", {"bic": "DEUTDE"}, "bic_form"),
    ("product", {"access_id": "x"}, "access_id_form"),
    ("product", {"kind": "PRINT", "access_id": None}, "publication_named"),
    ("customer_order", {"gross": 12}, "sum"),
    ("customer_order", {"net": -1, "tax": 0, "gross": -1}, "positive"),
    ("invoice", {"gross": 12}, "sum"),
    ("invoice", {"net": -10, "tax": -1, "gross": -11}, "sign"),
    ("invoice", {"type": "CANCELLATION"}, "precursor_named"),
    ("invoice", {"status": "PAID"}, "paid"),
    ("invoice", {"due_on": date(2019, 12, 31)}, "due"),
    ("payment_transaction", {"amount": -1}, "amount_positive"),
    ("payment_transaction", {"action": "SEPA_MANDATE_CREATION"}, "mandate_is_free"),
    ("login", {"succeeded": False}, "outcome"),
    ("history", {"action": "Blocked"}, "action_form"),
    ("access_right", {"source": "SUBSCRIPTION"}, "source_named"),
    ("access_right", {"blocked_reason": "spam"}, "blocked"),
    ("data_export", {"status": "READY"}, "ready"),
]


async def test_checks_refuse_what_cannot_be(owner: asyncpg.Connection) -> None:
    tenant = await insert(owner, "tenant")
    customer = await insert(owner, "customer", tenant_id=tenant)
    for table, values, constraint in CHECKED:
        of: dict[str, Any] = {}
        if table not in {"tenant", "staff"}:
            of["tenant_id"] = tenant
        if table not in {"tenant", "staff", "customer", "product"}:
            of["customer_id"] = customer
        with pytest.raises(asyncpg.CheckViolationError, match=f'"ck_{table}_{constraint}"'):
            await insert(owner, table, **of, **values)


async def test_periods_of_a_subscription_never_overlap(owner: asyncpg.Connection) -> None:
    account = await insert_account(owner)
    of = {"tenant_id": account["tenant_id"], "subscription_id": account["subscription"]}
    with pytest.raises(asyncpg.ExclusionViolationError):
        await insert(
            owner,
            "subscription_period",
            **of,
            starts_on=date(2026, 1, 31),
            ends_on=date(2026, 2, 27),
        )
    await insert(
        owner, "subscription_period", **of, starts_on=date(2026, 2, 1), ends_on=date(2026, 2, 28)
    )


async def test_tax_rates_have_one_value_a_day(owner: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.ExclusionViolationError):
        await owner.execute(
            "INSERT INTO tax_rate (country, tax_class, percent, valid_from)"
            " VALUES ('DE', 'REDUCED', 5, '2026-01-01')"
        )
    rate = "SELECT percent FROM tax_rate WHERE country = 'DE' AND tax_class = $1"
    day = " AND $2 BETWEEN valid_from AND coalesce(valid_until, 'infinity')"
    assert [row[0] for row in await owner.fetch(rate + day, "STANDARD", date(2020, 12, 31))] == [16]
    assert [row[0] for row in await owner.fetch(rate + day, "REDUCED", date(2026, 1, 1))] == [7]


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("customer", {"number": "K-1"}),
        ("customer", {"external_id": "crm-1"}),
        ("customer", {"email": "Anna@Example.org"}),
        ("invoice", {"number": "RE-1"}),
        ("customer_order", {"number": "O-1"}),
        ("bank_account", {"mandate_reference": "MANDATE 1"}),
    ],
)
async def test_is_unique_within_a_tenant_and_free_in_another(
    owner: asyncpg.Connection, table: str, values: dict[str, str]
) -> None:
    other_spelling = {"email": "ANNA@example.org", "mandate_reference": "mandate1"}
    again = {column: other_spelling.get(column, value) for column, value in values.items()}
    here, elsewhere = [await insert(owner, "tenant") for _ in range(2)]
    of: dict[int, dict[str, int]] = {}
    for tenant in (here, elsewhere):
        of[tenant] = {"tenant_id": tenant}
        if table != "customer":
            of[tenant]["customer_id"] = await insert(owner, "customer", tenant_id=tenant)
    distinct = {"iban_hash": b"z" * 32} if table == "bank_account" else {}
    await insert(owner, table, **of[here], **values)
    with pytest.raises(asyncpg.UniqueViolationError):
        await insert(owner, table, **of[here], **again, **distinct)
    await insert(owner, table, **of[elsewhere], **values)


async def test_one_preferred_address_of_each_type(owner: asyncpg.Connection) -> None:
    tenant = await insert(owner, "tenant")
    of = {
        "tenant_id": tenant,
        "customer_id": await insert(owner, "customer", tenant_id=tenant),
        "preferred": True,
    }
    await insert(owner, "address", **of)
    await insert(owner, "address", **of, type="DELIVERY")
    with pytest.raises(asyncpg.UniqueViolationError):
        await insert(owner, "address", **of)


async def test_an_issue_is_delivered_once_and_redelivered_once(owner: asyncpg.Connection) -> None:
    account = await insert_account(owner)
    of = {
        "tenant_id": account["tenant_id"],
        "customer_id": account["customer"],
        "subscription_id": account["subscription"],
        "issue_id": account["issue"],
    }
    with pytest.raises(asyncpg.UniqueViolationError):
        await insert(owner, "delivery", **of, kind="FREE")
    again = {"kind": "REDELIVERY", "original_id": account["delivery"]}
    await insert(owner, "delivery", **of, **again)
    with pytest.raises(asyncpg.UniqueViolationError):
        await insert(owner, "delivery", **of, **again)


async def test_one_export_at_a_time(owner: asyncpg.Connection) -> None:
    account = await insert_account(owner)
    of = {
        "tenant_id": account["tenant_id"],
        "customer_id": account["customer"],
        "status": "QUEUED",
    }
    await insert(owner, "data_export", **of)
    with pytest.raises(asyncpg.UniqueViolationError):
        await insert(owner, "data_export", **of)
    await owner.execute("UPDATE data_export SET status = 'FAILED'")
    await insert(owner, "data_export", **of)


async def test_a_document_has_one_successor(owner: asyncpg.Connection) -> None:
    account = await insert_account(owner)
    cancellation = {
        "tenant_id": account["tenant_id"],
        "customer_id": account["customer"],
        "type": "CANCELLATION",
        "precursor_id": account["invoice"],
        "net": -10,
        "tax": -1,
        "gross": -11,
    }
    await insert(owner, "invoice", **cancellation)
    with pytest.raises(asyncpg.UniqueViolationError):
        await insert(owner, "invoice", **cancellation)


async def test_a_change_is_dated_and_counted(owner: asyncpg.Connection) -> None:
    tenant = await insert(owner, "tenant")
    await insert(owner, "customer", tenant_id=tenant)
    await owner.execute("UPDATE customer SET last_name = 'Neu', version = 99")
    row = await owner.fetchrow("SELECT changed_at > created_at AS later, version FROM customer")
    assert row is not None
    assert row["later"]
    assert row["version"] == 2
