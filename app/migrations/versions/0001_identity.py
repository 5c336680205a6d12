"""Tenants, staff, tokens and tax rates, and the functions that guard all tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.migrations import helpers

revision = "0001"
down_revision = None


_FUNCTIONS = (
    # The tenant that row-level security lets through: none where none is set. PostgreSQL puts
    # this into the query it guards, so that it is compared once for each use of an index.
    """
    CREATE FUNCTION abokonto.current_tenant() RETURNS integer
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('abokonto.tenant_id', true), '')::integer
    """,
    """
    CREATE FUNCTION abokonto.touch() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        NEW.changed_at := now();
        RETURN NEW;
    END
    $body$
    """,
    """
    CREATE FUNCTION abokonto.touch_version() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        NEW.changed_at := now();
        NEW.version := OLD.version + 1;
        RETURN NEW;
    END
    $body$
    """,
    # Its arguments are the columns that may change. Erasure by the table's owner may pass; a
    # role that has merely set the setting may not.
    """
    CREATE FUNCTION abokonto.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$
    DECLARE
        table_owner oid := (SELECT relowner FROM pg_catalog.pg_class WHERE oid = TG_RELID);
    BEGIN
        IF current_setting('abokonto.erasure', true) = 'on'
           AND pg_catalog.pg_has_role(current_user, table_owner, 'USAGE') THEN
            RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
        END IF;
        IF TG_OP = 'UPDATE' AND TG_NARGS > 0
           AND to_jsonb(NEW) - TG_ARGV = to_jsonb(OLD) - TG_ARGV THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION '% proves something and is never changed', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END
    $body$
    """,
)

# Whoever calls this holds a token or nothing. It is the only way by which the application's
# role reads hashes, and the only one by which it learns its tenant.
_AUTHENTICATE = """
    CREATE FUNCTION abokonto.authenticate(token_hash bytea)
    RETURNS TABLE (
        kind text, token_id bigint, tenant_id integer, staff_id bigint, name text,
        permissions text[]
    )
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' ROWS 1 AS $body$
    BEGIN
        SELECT token.kind, token.id, token.tenant_id, token.staff_id,
               coalesce(staff.name, token.name), coalesce(role.permissions, token.permissions)
        INTO kind, token_id, tenant_id, staff_id, name, permissions
        FROM public.access_token AS token
        LEFT JOIN public.staff_membership AS membership
            ON membership.tenant_id = token.tenant_id AND membership.staff_id = token.staff_id
        LEFT JOIN public.staff ON staff.id = membership.staff_id
        LEFT JOIN public.role
            ON role.tenant_id = membership.tenant_id AND role.id = membership.role_id
        WHERE token.hash = token_hash
            AND token.revoked_at IS NULL
            AND (token.expires_at IS NULL OR token.expires_at > clock_timestamp())
            AND staff.deactivated_at IS NULL;
        PERFORM set_config('abokonto.tenant_id', coalesce(authenticate.tenant_id::text, ''), true);
        IF FOUND AND authenticate.tenant_id IS NOT NULL THEN
            RETURN NEXT;
        END IF;
    END
    $body$
"""

_TAX_RATES = (
    ("DE", "STANDARD", "19.00", "2007-01-01", "2020-06-30"),
    ("DE", "STANDARD", "16.00", "2020-07-01", "2020-12-31"),
    ("DE", "STANDARD", "19.00", "2021-01-01", None),
    ("DE", "REDUCED", "7.00", "1983-07-01", "2020-06-30"),
    ("DE", "REDUCED", "5.00", "2020-07-01", "2020-12-31"),
    ("DE", "REDUCED", "7.00", "2021-01-01", None),
    ("AT", "STANDARD", "20.00", "1984-01-01", None),
    ("AT", "REDUCED", "10.00", "1984-01-01", "2020-06-30"),
    ("AT", "REDUCED", "5.00", "2020-07-01", "2020-12-31"),
    ("AT", "REDUCED", "10.00", "2021-01-01", None),
    ("CH", "STANDARD", "7.70", "2018-01-01", "2023-12-31"),
    ("CH", "STANDARD", "8.10", "2024-01-01", None),
    ("CH", "REDUCED", "2.50", "2018-01-01", "2023-12-31"),
    ("CH", "REDUCED", "2.60", "2024-01-01", None),
)


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute("CREATE SCHEMA abokonto")
    for function in _FUNCTIONS:
        op.execute(function)
    _tenant()
    _staff()
    _role()
    _staff_membership()
    _access_token()
    _tax_rate()
    _rates()
    op.execute(_AUTHENTICATE)


def _tenant() -> None:
    op.create_table(
        "tenant",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), server_default="DE", nullable=False),
        sa.Column("currency", sa.Text(), server_default="EUR", nullable=False),
        sa.Column("language", sa.Text(), server_default="de", nullable=False),
        sa.Column("time_zone", sa.Text(), server_default="Europe/Berlin", nullable=False),
        sa.Column("creditor_id", sa.Text()),
        helpers.moment("created_at"),
        helpers.moment("changed_at"),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_form"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_form"),
        sa.CheckConstraint("language ~ '^[a-z]{2}$'", name="language_form"),
        sa.CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name="slug_form"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )
    helpers.isolate_tenant_table()
    helpers.keep_changed_at("tenant")


def _staff() -> None:
    op.create_table(
        "staff",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column(
            "email_key", sa.Text(), sa.Computed("lower(email)", persisted=True), nullable=False
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text()),
        sa.Column("totp_secret", postgresql.BYTEA()),
        sa.Column("deactivated_at", sa.DateTime(timezone=True)),
        helpers.moment("created_at"),
        helpers.moment("changed_at"),
        sa.CheckConstraint("char_length(email) <= 254", name="email_length"),
        sa.CheckConstraint("char_length(name) <= 200", name="name_length"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email_key"),
    )
    helpers.keep_changed_at("staff")


def _role() -> None:
    op.create_table(
        "role",
        *helpers.keys(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("permissions", postgresql.ARRAY(sa.Text()), nullable=False),
        helpers.moment("created_at"),
        helpers.moment("changed_at"),
        sa.CheckConstraint("char_length(name) <= 60", name="name_length"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
        sa.UniqueConstraint("tenant_id", "name"),
    )
    helpers.isolate_tenants("role")
    helpers.keep_changed_at("role")


def _staff_membership() -> None:
    op.create_table(
        "staff_membership",
        *helpers.keys(),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("role_id", sa.BigInteger(), nullable=False),
        helpers.moment("created_at"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], ondelete="CASCADE"),
        helpers.reference("role_id", "role"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
        sa.UniqueConstraint("tenant_id", "staff_id"),
    )
    op.create_index(None, "staff_membership", ["staff_id"])
    helpers.isolate_tenants("staff_membership")
    helpers.isolate_staff()


def _access_token() -> None:
    op.create_table(
        "access_token",
        *helpers.keys(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.BigInteger()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hash", postgresql.BYTEA(), nullable=False),
        sa.Column("permissions", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        helpers.moment("created_at"),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("(kind = 'STAFF') = (staff_id IS NOT NULL)", name="staff_named"),
        sa.CheckConstraint("char_length(name) <= 200", name="name_length"),
        sa.CheckConstraint("octet_length(hash) = 32", name="hash_length"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "staff_id"],
            ["staff_membership.tenant_id", "staff_membership.staff_id"],
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
        sa.UniqueConstraint("hash"),
        sa.CheckConstraint("kind IN ('STAFF', 'PARTNER')", name="kind_known"),
    )
    helpers.index_link("access_token", "staff_id")
    helpers.isolate_tenants("access_token")


def _tax_rate() -> None:
    op.create_table(
        "tax_rate",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("tax_class", sa.Text(), nullable=False),
        sa.Column("percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date()),
        postgresql.ExcludeConstraint(
            (sa.column("country"), "="),
            (sa.column("tax_class"), "="),
            (sa.text("daterange(valid_from, valid_until, '[]')"), "&&"),
            using="gist",
            name="ex_tax_rate_overlap",
        ),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_form"),
        sa.CheckConstraint("percent BETWEEN 0 AND 100", name="percent_range"),
        sa.CheckConstraint("valid_until >= valid_from", name="period"),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("tax_class IN ('STANDARD', 'REDUCED', 'ZERO')", name="tax_class_known"),
    )


def _rates() -> None:
    columns = ("country", "tax_class", "percent", "valid_from", "valid_until")
    for rate in _TAX_RATES:
        op.execute(
            sa.text(
                "INSERT INTO tax_rate (country, tax_class, percent, valid_from, valid_until)"
                " VALUES (:country, :tax_class, CAST(CAST(:percent AS text) AS numeric),"
                " CAST(CAST(:valid_from AS text) AS date),"
                " CAST(CAST(:valid_until AS text) AS date))"
            ).bindparams(**dict(zip(columns, rate, strict=True)))
        )
