"""What migrations do to tables beyond creating them.

A migration is never changed after a release, so neither is what these functions make: a new rule
gets a new function.
"""

# ruff: noqa: S608  Migrations are made of our own words and nobody else's.

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem


def keys() -> tuple[SchemaItem, ...]:
    """The columns that every tenant's table begins with, and its primary key."""
    return (
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )


def record() -> tuple[SchemaItem, ...]:
    """The columns of a record: when it was made and changed, and by whom."""
    return (
        moment("created_at"),
        moment("changed_at"),
        sa.Column("actor_kind", sa.Text(), server_default="SYSTEM", nullable=False),
        sa.Column("actor_id", sa.BigInteger()),
        sa.Column("actor_name", sa.Text()),
        sa.CheckConstraint(
            "actor_kind IN ('STAFF', 'PARTNER', 'CUSTOMER', 'SYSTEM', 'IMPORT')",
            name="actor_kind_known",
        ),
    )


def moment(name: str) -> "sa.Column[datetime]":
    """A column for a time that is now where nothing else is said."""
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def reference(column: str, table: str, *, ondelete: str = "RESTRICT") -> sa.ForeignKeyConstraint:
    """A foreign key within the tenant."""
    return sa.ForeignKeyConstraint(
        ["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], ondelete=ondelete
    )


def index_link(table: str, column: str) -> None:
    """Index the rows that point at another one by a nullable foreign key."""
    op.create_index(None, table, ["tenant_id", column], postgresql_where=f"{column} IS NOT NULL")


def isolate_tenants(table: str) -> None:
    """Hide each row from every tenant but its own, from whoever does not bypass row security."""
    _restrict(table, "tenant_id = abokonto.current_tenant()")


def isolate_tenant_table() -> None:
    """Hide each tenant from the others."""
    _restrict("tenant", "id = abokonto.current_tenant()")


def isolate_staff() -> None:
    """Show a tenant only the people who work for it."""
    _restrict(
        "staff",
        "EXISTS (SELECT FROM staff_membership AS membership WHERE membership.staff_id = staff.id"
        " AND membership.tenant_id = abokonto.current_tenant())",
    )


def hide(table: str) -> None:
    """Hide each row from everybody who does not bypass row security: only functions read it."""
    _restrict(table, "false")


def show_customers(table: str, condition: str, *, command: str = "ALL") -> None:
    """Show customers who have signed in only the rows that meet a condition; others see all.

    The condition is wrapped in a way that keeps the planner from expecting few rows of it, as it
    would of `current_customer() IS NULL OR ...`: almost all reads are the staff's.
    """
    clause = "WITH CHECK" if command == "INSERT" else "USING"
    op.execute(
        f"CREATE POLICY own_account_{command.lower()} ON {table} AS RESTRICTIVE FOR {command}"
        f" {clause} (CASE WHEN abokonto.current_customer() IS NULL THEN true"
        f" WHEN {condition} THEN true END IS NOT NULL)"
    )


def _restrict(table: str, condition: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant_isolation ON {table} USING ({condition})")


def keep_changed_at(table: str, *, versioned: bool = False) -> None:
    """Let the database keep `changed_at`, and `version` where there is one."""
    function = "touch_version" if versioned else "touch"
    op.execute(
        f"CREATE TRIGGER touch BEFORE UPDATE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION abokonto.{function}()"
    )


def append_only(table: str, *, except_columns: tuple[str, ...] = ()) -> None:
    """Refuse to change or remove rows, but for the named columns.

    The only way past is meant for erasure that the law asks for: the owner of the table, in a
    transaction that has said `SET LOCAL abokonto.erasure = 'on'`.
    """
    arguments = ", ".join(f"'{column}'" for column in except_columns)
    op.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION abokonto.refuse_change({arguments})"
    )
    op.execute(
        f"CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {table}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION abokonto.refuse_change()"
    )


def searchable(table: str, *, source: int, customer_column: str, terms: str) -> None:
    """Keep the search terms of a table's rows in `customer_term`.

    `terms` is an SQL expression over a row called `r` that gives a text array. It must be
    immutable: the terms to take away are computed from the old row. Whoever changes what it
    gives builds `customer_term` anew in the same migration.

    The triggers run once per statement, so that a COPY of many rows is one insertion, sorted so
    that it walks the index once.
    """
    pieces = {
        "insert": f"""
            INSERT INTO public.customer_term (tenant_id, term, customer_id, source, source_id)
            SELECT r.tenant_id, found.term, r.{customer_column}, {source}, r.id
            FROM new_rows AS r, unnest({terms}) AS found(term)
            ORDER BY r.tenant_id, found.term, r.{customer_column};""",
        "delete": f"""
            DELETE FROM public.customer_term AS kept
            USING (
                SELECT r.tenant_id, found.term, r.{customer_column} AS customer_id, r.id
                FROM old_rows AS r, unnest({terms}) AS found(term)
            ) AS gone
            WHERE (kept.tenant_id, kept.term, kept.customer_id, kept.source, kept.source_id)
                = (gone.tenant_id, gone.term, gone.customer_id, {source}, gone.id);""",
        "update": f"""
            WITH old_terms AS (
                SELECT r.tenant_id, found.term, r.{customer_column} AS customer_id, r.id
                FROM old_rows AS r, unnest({terms}) AS found(term)
            ), new_terms AS (
                SELECT r.tenant_id, found.term, r.{customer_column} AS customer_id, r.id
                FROM new_rows AS r, unnest({terms}) AS found(term)
            ), removed AS (
                DELETE FROM public.customer_term AS kept
                USING (SELECT * FROM old_terms EXCEPT SELECT * FROM new_terms) AS gone
                WHERE (kept.tenant_id, kept.term, kept.customer_id, kept.source, kept.source_id)
                    = (gone.tenant_id, gone.term, gone.customer_id, {source}, gone.id)
            )
            INSERT INTO public.customer_term (tenant_id, term, customer_id, source, source_id)
            SELECT tenant_id, term, customer_id, {source}, id
            FROM (SELECT * FROM new_terms EXCEPT SELECT * FROM old_terms) AS added;""",
    }
    for event, body in pieces.items():
        on_each_statement(table, event, f"{table}_terms_{event}", body)


def on_each_statement(table: str, event: str, function: str, body: str) -> None:
    """Run SQL after each statement on a table, over its `old_rows` and `new_rows`.

    The function belongs to the owner and runs as it, so that the application may keep these
    tables only by way of the triggers.
    """
    rows = {
        "insert": "NEW TABLE AS new_rows",
        "update": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
        "delete": "OLD TABLE AS old_rows",
    }[event]
    op.execute(
        f"CREATE FUNCTION abokonto.{function}() RETURNS trigger LANGUAGE plpgsql"
        f" SECURITY DEFINER SET search_path = '' AS $body$ BEGIN {body} RETURN NULL; END $body$"
    )
    op.execute(f"REVOKE ALL ON FUNCTION abokonto.{function}() FROM PUBLIC")
    op.execute(
        f"CREATE TRIGGER {function} AFTER {event.upper()} ON {table} REFERENCING {rows}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION abokonto.{function}()"
    )
