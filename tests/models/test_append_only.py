"""What proves something stays as it was, for every role."""

# ruff: noqa: S608  Tests name their own tables.

import asyncpg
import pytest

from tests.rows import insert_account

TABLES = (
    *("goodwill", "history", "invoice_item", "invoice_tax", "login"),
    *("opt_in_entry", "opt_in_text"),
)


@pytest.mark.parametrize("table", [*TABLES, "invoice"])
async def test_even_the_owner_cannot_change_or_remove_it(
    owner: asyncpg.Connection, table: str
) -> None:
    await insert_account(owner)
    before = await owner.fetch(f"SELECT * FROM {table}")
    for statement in (
        f"UPDATE {table} SET tenant_id = tenant_id + 1",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
    ):
        with pytest.raises(asyncpg.RestrictViolationError, match="proves something"):
            await owner.execute(statement)
    assert await owner.fetch(f"SELECT * FROM {table}") == before


async def test_an_invoice_can_be_paid_and_nothing_else(
    owner: asyncpg.Connection, application: asyncpg.Connection
) -> None:
    account = await insert_account(owner)
    await application.execute(
        "SELECT set_config('abokonto.tenant_id', $1, false)", str(account["tenant_id"])
    )
    paid = await application.execute("UPDATE invoice SET status = 'PAID', paid_at = now()")
    assert paid == "UPDATE 1"
    assert await owner.fetchval("SELECT changed_at > created_at FROM invoice")
    for change in ("gross = 0, net = 0, tax = 0", "number = 'X'", "address = '{\"a\": 1}'"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await owner.execute(f"UPDATE invoice SET {change}")
    with pytest.raises(asyncpg.RestrictViolationError):
        await owner.execute("UPDATE invoice SET status = 'OPEN', paid_at = NULL, number = 'X'")


async def test_erasure_is_the_owners_and_ends_with_its_transaction(
    owner: asyncpg.Connection,
) -> None:
    await insert_account(owner)
    async with owner.transaction():
        await owner.execute("SET LOCAL abokonto.erasure = 'on'")
        await owner.execute("UPDATE history SET note = 'erased'")
        await owner.execute("DELETE FROM login")
    assert await owner.fetchval("SELECT note FROM history") == "erased"
    assert await owner.fetchval("SELECT count(*) FROM login") == 0
    with pytest.raises(asyncpg.RestrictViolationError):
        await owner.execute("DELETE FROM history")


async def test_saying_erasure_does_not_help_another_role(
    owner: asyncpg.Connection, application: asyncpg.Connection
) -> None:
    """The trigger holds alone, should a privilege ever be granted by mistake."""
    account = await insert_account(owner)
    await owner.execute("GRANT UPDATE, DELETE ON history TO abokonto_app")
    await application.execute(
        "SELECT set_config('abokonto.tenant_id', $1, false)", str(account["tenant_id"])
    )
    await application.execute("SET abokonto.erasure = 'on'")
    with pytest.raises(asyncpg.RestrictViolationError):
        await application.execute("DELETE FROM history")
    assert await owner.fetchval("SELECT count(*) FROM history") == 1


async def test_a_customer_does_not_take_proof_along(owner: asyncpg.Connection) -> None:
    await insert_account(owner)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="fk_"):
        await owner.execute("DELETE FROM customer")
    assert await owner.fetchval("SELECT count(*) FROM history") == 1
