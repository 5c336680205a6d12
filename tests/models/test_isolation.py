"""Row-level security holds alone, whatever a query forgets."""

# ruff: noqa: S608  Tests name their own tables.

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from app.migrations.privileges import QUEUE
from app.models import Base
from tests.rows import insert, insert_account

START = datetime(2000, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
TENANT_TABLES = sorted(
    table.name
    for table in Base.metadata.tables.values()
    if "tenant_id" in table.columns and table.name != "tenant"
)


async def act_for(connection: asyncpg.Connection, tenant_id: int) -> None:
    await connection.execute("SELECT set_config('abokonto.tenant_id', $1, false)", str(tenant_id))


async def test_every_table_is_isolated_but_those_that_belong_to_nobody(
    owner: asyncpg.Connection,
) -> None:
    isolated = await owner.fetch(
        "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid"
        " WHERE relrowsecurity AND relforcerowsecurity AND polcmd = '*' AND polpermissive"
    )
    queue = {name.removeprefix("abokonto.") for name in QUEUE}
    assert {row["relname"] for row in isolated} == {*Base.metadata.tables} - {"tax_rate"} | queue


async def test_without_a_tenant_there_is_nothing(
    owner: asyncpg.Connection, application: asyncpg.Connection
) -> None:
    await insert_account(owner)
    for table in ("tenant", "customer", "invoice", "customer_term", "customer_count"):
        assert await owner.fetchval(f"SELECT count(*) FROM {table}") > 0
        assert await application.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_a_tenant_sees_its_own_rows_and_no_others(
    owner: asyncpg.Connection, application: asyncpg.Connection
) -> None:
    ours, theirs = await insert_account(owner), await insert_account(owner)
    await act_for(application, ours["tenant_id"])
    for table in ours.keys() - {"tenant_id"}:
        assert await application.fetchval(f"SELECT count(*) FROM {table}") == 1, table
        assert await application.fetchval(f"SELECT id FROM {table}") == ours[table]
        assert theirs[table] != ours[table]
    assert await application.fetchval("SELECT id FROM tenant") == ours["tenant_id"]


async def test_a_tenant_writes_neither_into_another_nor_over_it(
    owner: asyncpg.Connection, application: asyncpg.Connection
) -> None:
    ours, theirs = await insert_account(owner), await insert_account(owner)
    await act_for(application, ours["tenant_id"])
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await insert(application, "customer", tenant_id=theirs["tenant_id"])
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await application.execute("UPDATE customer SET tenant_id = $1", theirs["tenant_id"])
    assert await application.execute("UPDATE customer SET last_name = 'Ours'") == "UPDATE 1"
    assert (
        await owner.fetchval("SELECT last_name FROM customer WHERE id = $1", theirs["customer"])
        is None
    )


async def test_a_record_cannot_hang_on_another_tenants_customer(owner: asyncpg.Connection) -> None:
    ours, theirs = await insert_account(owner), await insert_account(owner)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await insert(owner, "activity", tenant_id=ours["tenant_id"], customer_id=theirs["customer"])


async def test_staff_are_seen_where_they_work(
    owner: asyncpg.Connection, application: asyncpg.Connection
) -> None:
    here, elsewhere = await insert(owner, "tenant"), await insert(owner, "tenant")
    colleague, stranger = await insert(owner, "staff"), await insert(owner, "staff")
    for tenant, person in ((here, colleague), (elsewhere, stranger)):
        role = await insert(owner, "role", tenant_id=tenant)
        await owner.execute(
            "INSERT INTO staff_membership (tenant_id, staff_id, role_id) VALUES ($1, $2, $3)",
            tenant,
            person,
            role,
        )
    await act_for(application, here)
    assert [row["id"] for row in await application.fetch("SELECT id FROM staff")] == [colleague]


FORBIDDEN = [
    "SELECT hash FROM access_token",
    "SELECT * FROM access_token",
    "INSERT INTO access_token (tenant_id, kind, name, hash) VALUES (1, 'PARTNER', '', '')",
    "DELETE FROM access_token",
    "UPDATE access_token SET hash = ''",
    "UPDATE access_token SET kind = 'STAFF'",
    "UPDATE access_token SET permissions = '{}'",
    "SELECT password_hash FROM staff",
    "SELECT totp_secret FROM staff",
    "UPDATE staff SET password_hash = NULL",
    "SELECT totp_pending FROM staff",
    "SELECT FROM staff_recovery_code",
    "SELECT FROM staff_device",
    "SELECT FROM staff_identity",
    "SELECT FROM throttle",
    "SELECT hash FROM staff_invitation",
    "UPDATE staff_membership SET staff_id = 1",
    "INSERT INTO staff_membership (tenant_id, staff_id, role_id) VALUES (1, 1, 1)",
    "UPDATE tenant SET name = ''",
    "UPDATE tax_rate SET percent = 0",
    "DELETE FROM customer",
    "UPDATE invoice SET gross = 0",
    "DELETE FROM invoice",
    "UPDATE history SET note = ''",
    "DELETE FROM history",
    "TRUNCATE history",
    "UPDATE history_chain SET position = 0",
    "INSERT INTO history_chain VALUES (1)",
    "UPDATE history_seal SET hash = ''",
    "DELETE FROM history_seal",
    "SELECT abokonto.link_history()",
    "UPDATE goodwill SET value = 0",
    "DELETE FROM opt_in_entry",
    "DELETE FROM login",
    "INSERT INTO customer_term VALUES (1, 'a', 1, 1, 1)",
    "UPDATE customer_count SET count = 0",
    "CREATE TABLE public.mine ()",
    "ALTER TABLE customer DISABLE ROW LEVEL SECURITY",
    "DROP TABLE customer",
    "SET ROLE abokonto_owner",
    "SELECT abokonto.customer_terms_insert()",
]


async def test_the_application_may_not_do_what_is_not_granted(
    application: asyncpg.Connection,
) -> None:
    for statement in FORBIDDEN:
        try:
            await application.execute(statement)
        except asyncpg.InsufficientPrivilegeError:
            continue
        pytest.fail(f"The application may {statement}")


async def test_the_tenant_is_part_of_how_an_index_is_entered(
    application: asyncpg.Connection,
) -> None:
    await act_for(application, 1)
    await application.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
    for table in TENANT_TABLES:
        plan = await application.fetch(f"EXPLAIN SELECT tenant_id FROM {table}")
        assert "Index Cond: (tenant_id = (NULLIF(current_setting(" in str(plan), plan


async def test_row_security_leaves_conditions_in_the_index(
    owner: asyncpg.Connection, application: asyncpg.Connection
) -> None:
    """It would keep out whatever is not leakproof, as lower() or LIKE."""
    tenant = await insert(owner, "tenant")
    await owner.copy_records_to_table(
        "customer",
        columns=["tenant_id", "number", "external_id", "email", "last_name", "created_at"],
        records=[
            (tenant, f"K-{n}", f"crm-{n}", f"{n}@example.org", f"N{n}", START + n * DAY)
            for n in range(2_000)
        ],
    )
    await owner.execute("ANALYZE")
    await act_for(application, tenant)
    for table, condition in (
        ("customer_term", "term >= 'k-77' AND term < 'k-78'"),
        ("customer", "email_key = '77@example.org'"),
        ("customer", "number = 'K-77'"),
        ("customer", "external_id = 'crm-77'"),
        ("customer", "sort_name >= 'n77' AND sort_name < 'n78'"),
        ("customer", "created_at < '2000-01-08'"),
    ):
        plan = await application.fetch(f"EXPLAIN SELECT FROM {table} WHERE {condition}")
        entered = next(row[0] for row in plan if "Index Cond" in row[0])
        assert condition.split()[0] in entered, plan
