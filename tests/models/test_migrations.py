import asyncio

import asyncpg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import ForeignKeyConstraint

from app import migrations
from app.migrations.current import is_current, newest
from app.migrations.privileges import PRIVILEGES
from app.migrations.run import MigrationError, check, migrate
from app.models import Base, CustomerRecord
from app.models.tax_rate import View
from tests.conftest import Database


@pytest.fixture
async def empty(database: Database) -> Database:
    """A database without tables."""
    connection = await asyncpg.connect(database.superuser_url)
    await connection.execute("DROP SCHEMA abokonto CASCADE")
    await connection.execute("DROP SCHEMA public CASCADE")
    await connection.execute("CREATE SCHEMA public AUTHORIZATION pg_database_owner")
    await connection.close()
    return database


async def test_migrations_make_exactly_the_models_tables(database: Database) -> None:
    assert await asyncio.to_thread(check, database.owner_database_url) == []


async def test_check_names_what_differs(database: Database, owner: asyncpg.Connection) -> None:
    await owner.execute("ALTER TABLE mail DROP CONSTRAINT ck_mail_status_known")
    await owner.execute("ALTER TABLE mail ADD COLUMN extra text")
    differences = await asyncio.to_thread(check, database.owner_database_url)
    assert len(differences) == 2
    assert any("only in the database: mail.extra" in line for line in differences)
    assert any("only in the models: mail ck_mail_status_known" in line for line in differences)


async def test_check_leaves_nothing_behind(database: Database, owner: asyncpg.Connection) -> None:
    await asyncio.to_thread(check, database.owner_database_url)
    assert await owner.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname = 'models'") == 0


async def test_two_that_migrate_at_once_do_not_disturb_each_other(empty: Database) -> None:
    assert not await asyncio.to_thread(is_current, empty.owner_database_url)
    await asyncio.gather(*(asyncio.to_thread(migrate, empty.owner_database_url) for _ in range(2)))
    assert await asyncio.to_thread(is_current, empty.owner_database_url)
    assert await asyncio.to_thread(check, empty.owner_database_url) == []


def test_the_newest_migration_is_the_one_that_no_other_follows() -> None:
    scripts = ScriptDirectory(migrations.__path__[0])
    assert scripts.get_heads() == [newest()]


async def test_the_application_can_ask_whether_its_database_is_current(database: Database) -> None:
    assert await asyncio.to_thread(is_current, database.database_url)


async def test_a_missing_role_is_named_and_nothing_is_created(empty: Database) -> None:
    with pytest.raises(MigrationError, match="There is no role nobody for the application"):
        await asyncio.to_thread(migrate, empty.owner_database_url, "nobody")
    assert not await asyncio.to_thread(is_current, empty.owner_database_url)


async def test_the_application_may_not_run_as_the_owner(empty: Database) -> None:
    with pytest.raises(MigrationError, match="must not own the tables"):
        await asyncio.to_thread(migrate, empty.owner_database_url, "abokonto_owner")


async def test_an_owner_that_row_security_holds_is_refused(empty: Database) -> None:
    with pytest.raises(MigrationError, match="must have BYPASSRLS"):
        await asyncio.to_thread(migrate, empty.database_url, "pg_monitor")


def test_privileges_are_stated_for_every_table() -> None:
    relations = {*Base.metadata.tables, *View.metadata.tables, "alembic_version"}
    assert set(PRIVILEGES) == relations


@pytest.mark.parametrize("model", CustomerRecord.__subclasses__(), ids=lambda model: model.__name__)
def test_every_tab_has_its_customer_and_its_index(model: type[CustomerRecord]) -> None:
    table = Base.metadata.tables[model.__tablename__]
    assert any(
        [key.parent.name for key in constraint.elements] == ["tenant_id", "customer_id"]
        for constraint in table.foreign_key_constraints
    )
    assert ["tenant_id", "customer_id", "created_at", "id"] in [
        [column.name for column in index.columns]
        for index in table.indexes
        if index.dialect_options["postgresql"]["where"] is None
    ]


def test_no_foreign_key_crosses_tenants() -> None:
    for table in Base.metadata.tables.values():
        if "tenant_id" not in table.columns:
            continue
        for constraint in table.foreign_key_constraints:
            if "tenant_id" in constraint.referred_table.columns:
                assert constraint.column_keys[0] == "tenant_id", (table.name, constraint.name)


def test_every_row_hangs_on_a_tenant_that_exists() -> None:
    for table in Base.metadata.tables.values():
        # Triggers alone write terms, next to rows that hang on a tenant.
        if "tenant_id" in table.columns and table.name not in ("customer_term", "tenant"):
            assert any(_holds_tenant(constraint) for constraint in table.foreign_key_constraints)


def _holds_tenant(constraint: ForeignKeyConstraint) -> bool:
    return constraint.column_keys[0] == "tenant_id" and not any(
        column.nullable for column in constraint.columns
    )
