"""Bring a database to the newest version, or say how it differs."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.migrations import changes, erasure, merging
from app.migrations.privileges import grant
from app.models import Base

Result = TypeVar("Result")

APPLICATION_ROLE = "abokonto_app"

# Any number will do that nothing else in the database locks by.
_LOCK = 4_270_119_385_512


class MigrationError(Exception):
    """The database can't be migrated as it is; the message says what to change."""


def migrate(owner_url: str, application_role: str = APPLICATION_ROLE) -> None:
    """Create or update all tables, as their owner, and grant the application its rights.

    All of it is one transaction: a migration that fails leaves the database as it was. Of
    several processes that migrate at once, one works and the others wait for it.

    Raises:
        MigrationError: The database is not one that these tables can be made in.
    """

    def work(connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        _require(connection, application_role)
        command.upgrade(_configuration(connection), "head")
        erasure.install(connection)
        merging.install(connection)
        changes.install(connection)
        grant(connection, application_role)

    _with_connection(owner_url, work)


def check(owner_url: str) -> list[str]:
    """What differs between the models and a migrated database: nothing, if migrations are whole.

    The models' tables are created in a schema of their own that is then rolled back, and the
    database's own description of both is compared, because Alembic looks at neither checks nor
    exclusions nor generated columns.
    """

    def compare(connection: Connection) -> list[str]:
        migrated = _described(connection, "public")
        connection.execute(text("CREATE SCHEMA models"))
        connection.execute(text("SET LOCAL search_path = models, public"))
        Base.metadata.create_all(connection, checkfirst=False)
        declared = _described(connection, "models")
        connection.rollback()
        return [f"only in the database: {line}" for line in sorted(migrated - declared)] + [
            f"only in the models: {line}" for line in sorted(declared - migrated)
        ]

    return _with_connection(owner_url, compare)


_DESCRIPTION = """
    SELECT format('%s.%s %s %s %s %s %s', relation.relname, attname,
        format_type(atttypid, atttypmod), attnotnull, attidentity, collname,
        pg_get_expr(adbin, adrelid))
    FROM pg_class AS relation
    JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = relation.oid AND adnum = attnum
    LEFT JOIN pg_collation ON pg_collation.oid = attcollation
    WHERE relkind = 'r' AND relnamespace = CAST(CAST(:schema AS text) AS regnamespace)
        AND relation.relname <> 'alembic_version'
    UNION ALL
    SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint
    WHERE connamespace = CAST(CAST(:schema AS text) AS regnamespace) AND contype <> 'n'
        AND conname <> 'alembic_version_pkc'
    UNION ALL
    SELECT replace(indexdef, schemaname || '.', '') FROM pg_indexes
    WHERE schemaname = CAST(:schema AS text) AND tablename <> 'alembic_version'
"""


def _described(connection: Connection, schema: str) -> set[str]:
    """All columns, constraints and indexes of a schema, in PostgreSQL's words."""
    connection.execute(text(f"SET LOCAL search_path = {schema}, public"))
    return set(connection.scalars(text(_DESCRIPTION), {"schema": schema}))


def revise(owner_url: str, message: str) -> Path:
    """Write the next migration from what differs between the models and a migrated database.

    Read it before it is committed: checks, policies, triggers and privileges are for people to
    write, and `check` says when something is missing.
    """

    def write(connection: Connection) -> Path:
        configuration = _configuration(connection)
        (newest,) = ScriptDirectory.from_config(configuration).get_heads()
        script = command.revision(
            configuration, message, autogenerate=True, rev_id=f"{int(newest) + 1:04}"
        )
        return Path(cast("Script", script).path)

    return _with_connection(owner_url, write)


def _configuration(connection: Connection) -> Config:
    """Alembic's configuration, made here so that no file has to be found at run time."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _require(connection: Connection, application_role: str) -> None:
    """Refuse a database that would be migrated only to fail later."""
    if connection.scalar(text("SHOW server_encoding")) != "UTF8":
        raise MigrationError("The database's encoding must be UTF8.")
    roles: dict[str, Any] = {
        row.rolname: row
        for row in connection.execute(
            text(
                "SELECT rolname, rolsuper, rolbypassrls, rolname = current_user AS owner"
                " FROM pg_roles WHERE rolname IN (current_user, :application)"
            ),
            {"application": application_role},
        )
    }
    application = roles.get(application_role)
    if application is None:
        raise MigrationError(f"There is no role {application_role} for the application.")
    if application.owner or application.rolsuper or application.rolbypassrls:
        raise MigrationError(
            f"The application's role {application_role} must not own the tables, be a superuser"
            " or bypass row-level security."
        )
    if not any(role.owner and (role.rolbypassrls or role.rolsuper) for role in roles.values()):
        raise MigrationError(
            "The role that migrates must have BYPASSRLS, because it works for all tenants."
        )


def _with_connection(url: str, work: Callable[[Connection], Result]) -> Result:
    """Run synchronous work in one transaction of an asynchronous driver.

    Alembic is synchronous and asyncpg is the only driver installed.
    """

    async def run() -> Result:
        engine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool
        )
        async with engine.begin() as connection:
            return await connection.run_sync(work)

    return asyncio.run(run())
