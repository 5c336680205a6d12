"""What actions need: idempotency keys, number ranges, and times in the order of the changes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.migrations import helpers

revision = "0007"
down_revision = "0006"

_WRITING = (
    "customer:create",
    "customer:update",
    "customer:block",
    "access:block",
    "activity:write",
    "address:write",
    "access_right:write",
    "bank_account:write",
    "bank_account:reveal",
    "opt_in:write",
    "additional_data:write",
    "additional_data:define",
)

# A transaction that waited for a lock began before the one that it waited for, but changes the
# row after it. The time of the statement keeps the order in which rows change; the transaction's
# would not.
_TOUCH = (
    """
    CREATE OR REPLACE FUNCTION abokonto.touch() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        NEW.changed_at := statement_timestamp();
        RETURN NEW;
    END
    $body$
    """,
    """
    CREATE OR REPLACE FUNCTION abokonto.touch_version() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        NEW.changed_at := statement_timestamp();
        NEW.version := OLD.version + 1;
        RETURN NEW;
    END
    $body$
    """,
)


def upgrade() -> None:
    for function in _TOUCH:
        op.execute(function)
    _idempotency_key()
    _number_range()
    # The roles of tenants that exist already; new ones follow app/auth/roles.py.
    op.execute(
        sa.text(
            "UPDATE role SET permissions = permissions || CAST(:writing AS text[])"
            " WHERE name IN ('administrator', 'agent')"
        ).bindparams(sa.bindparam("writing", list(_WRITING), postgresql.ARRAY(sa.Text())))
    )


def _idempotency_key() -> None:
    op.create_table(
        "idempotency_key",
        *helpers.keys(),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("input_hash", postgresql.BYTEA(), nullable=False),
        sa.Column("record_id", sa.BigInteger()),
        helpers.moment("created_at"),
        sa.CheckConstraint(
            "actor_kind IN ('STAFF', 'PARTNER', 'CUSTOMER', 'SYSTEM', 'IMPORT')",
            name="actor_kind_known",
        ),
        sa.CheckConstraint("char_length(action) <= 60", name="action_length"),
        sa.CheckConstraint("char_length(key) <= 200", name="key_length"),
        sa.CheckConstraint("octet_length(input_hash) = 32", name="input_hash_length"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
        sa.UniqueConstraint("tenant_id", "actor_kind", "actor_id", "action", "key"),
    )
    op.create_index(None, "idempotency_key", ["tenant_id", "created_at"])
    helpers.isolate_tenants("idempotency_key")


def _number_range() -> None:
    op.create_table(
        "number_range",
        *helpers.keys(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("char_length(name) <= 60", name="name_length"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
        sa.UniqueConstraint("tenant_id", "name"),
    )
    helpers.isolate_tenants("number_range")
