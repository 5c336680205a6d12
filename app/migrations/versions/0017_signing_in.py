"""Signing in: sessions, second factors, known devices, invitations, and where tokens work from."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.migrations import helpers

revision = "0017"
down_revision = "0016"

# What a session of a password alone may, where the tenant wants a second factor, is nothing: its
# holder can set that up, for which no permission is asked. Tokens that an operator made for a
# person are no sessions, and a provider of identities sees to second factors itself.
_AUTHENTICATE = """
    CREATE FUNCTION abokonto.authenticate(token_hash bytea, client inet DEFAULT NULL)
    RETURNS TABLE (
        kind text, token_id bigint, tenant_id integer, staff_id bigint, name text,
        permissions text[]
    )
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' ROWS 1 AS $body$
    DECLARE
        way text;
        protected_since timestamptz;
        networks cidr[];
    BEGIN
        SELECT token.kind, token.id, token.tenant_id, token.staff_id,
               coalesce(staff.name, token.name), coalesce(role.permissions, token.permissions),
               token.signed_in_by, staff.two_factor_since, token.allowed_networks
        INTO kind, token_id, tenant_id, staff_id, name, permissions, way, protected_since,
             networks
        FROM public.access_token AS token
        LEFT JOIN public.staff_membership AS membership
            ON membership.tenant_id = token.tenant_id AND membership.staff_id = token.staff_id
        LEFT JOIN public.staff ON staff.id = membership.staff_id
        LEFT JOIN public.role
            ON role.tenant_id = membership.tenant_id AND role.id = membership.role_id
        WHERE token.hash = token_hash
            AND token.revoked_at IS NULL
            AND (token.expires_at IS NULL OR token.expires_at > clock_timestamp())
            AND (token.idle_seconds IS NULL OR
                 coalesce(token.last_used_at, token.created_at)
                 > clock_timestamp() - token.idle_seconds * interval '1 second')
            AND staff.deactivated_at IS NULL
            AND membership.deactivated_at IS NULL;
        IF networks IS NOT NULL AND (client <<= ANY (networks::inet[])) IS NOT TRUE THEN
            authenticate.tenant_id := NULL;
        END IF;
        PERFORM set_config('abokonto.tenant_id', coalesce(authenticate.tenant_id::text, ''), true);
        IF authenticate.tenant_id IS NOT NULL THEN
            -- The tenant is looked up for those alone whom it makes a difference to.
            IF way = 'PASSWORD' AND protected_since IS NULL THEN
                IF (
                    SELECT two_factor_required FROM public.tenant WHERE id = authenticate.tenant_id
                ) THEN
                    permissions := '{}';
                END IF;
            END IF;
            RETURN NEXT;
        END IF;
    END
    $body$
"""

_HIDDEN = ("staff_recovery_code", "staff_device", "staff_identity", "throttle")


def upgrade() -> None:
    op.add_column(
        "tenant",
        sa.Column("two_factor_required", sa.Boolean(), server_default="false", nullable=False),
    )
    _staff()
    _access_token()
    _staff_tables()
    _invitation()
    _throttle()
    for table in _HIDDEN:
        helpers.hide(table)
    op.execute("DROP FUNCTION abokonto.authenticate(bytea)")
    op.execute(_AUTHENTICATE)
    # The roles of tenants that exist already; new ones follow app/auth/roles.py.
    op.execute(
        "UPDATE role SET permissions = permissions || '{token:read}'"
        " WHERE name IN ('administrator', 'auditor')"
    )
    op.execute(
        "UPDATE role SET permissions = permissions || '{staff:write,token:write}'"
        " WHERE name = 'administrator'"
    )


def _staff() -> None:
    op.add_column("staff", sa.Column("totp_pending", postgresql.BYTEA()))
    op.add_column("staff", sa.Column("totp_step", sa.BigInteger()))
    op.add_column("staff", sa.Column("two_factor_since", sa.DateTime(timezone=True)))
    op.execute("UPDATE staff SET two_factor_since = now() WHERE totp_secret IS NOT NULL")
    op.create_check_constraint(
        "two_factor_complete", "staff", "(totp_secret IS NULL) = (two_factor_since IS NULL)"
    )
    op.add_column("staff_membership", sa.Column("deactivated_at", sa.DateTime(timezone=True)))


def _access_token() -> None:
    table = "access_token"
    op.add_column(table, sa.Column("signed_in_by", sa.Text()))
    op.add_column(table, sa.Column("idle_seconds", sa.Integer()))
    op.add_column(table, sa.Column("allowed_networks", postgresql.ARRAY(postgresql.CIDR())))
    op.add_column(table, sa.Column("replaces_id", sa.BigInteger()))
    op.add_column(table, sa.Column("address", postgresql.INET()))
    op.add_column(table, sa.Column("last_address", postgresql.INET()))
    op.add_column(table, sa.Column("user_agent", sa.Text()))
    checks = {
        "signed_in_by_known": "signed_in_by IN ('PASSWORD', 'OIDC')",
        "session_ends": "signed_in_by IS NULL"
        " OR (expires_at IS NOT NULL AND idle_seconds IS NOT NULL)",
        "idle_seconds_range": "idle_seconds > 0",
        "allowed_networks_any": "cardinality(allowed_networks) > 0",
        "user_agent_length": "char_length(user_agent) <= 500",
    }
    for name, condition in checks.items():
        op.create_check_constraint(name, table, condition)
    op.create_foreign_key(
        None,
        table,
        table,
        ["tenant_id", "replaces_id"],
        ["tenant_id", "id"],
        ondelete="RESTRICT",
    )
    helpers.index_link(table, "replaces_id")
    # Sessions are opened by functions of the owner's; the application makes partners' tokens.
    op.execute(
        "CREATE POLICY partners_only ON access_token AS RESTRICTIVE FOR INSERT"
        " WITH CHECK (kind = 'PARTNER')"
    )


def _staff_tables() -> None:
    op.create_table(
        "staff_recovery_code",
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", postgresql.BYTEA(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("staff_id", "hash"),
    )
    op.create_table(
        "staff_device",
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", postgresql.BYTEA(), nullable=False),
        helpers.moment("last_used_at"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("staff_id", "hash"),
    )
    op.create_table(
        "staff_identity",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        helpers.moment("created_at"),
        sa.CheckConstraint("char_length(issuer) <= 500", name="issuer_length"),
        sa.CheckConstraint("char_length(subject) <= 255", name="subject_length"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("issuer", "subject"),
    )
    op.create_index(None, "staff_identity", ["staff_id"])


def _invitation() -> None:
    op.create_table(
        "staff_invitation",
        *helpers.keys(),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", postgresql.BYTEA(), nullable=False),
        helpers.moment("created_at"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("char_length(email) <= 254", name="email_length"),
        sa.CheckConstraint("char_length(name) <= 200", name="name_length"),
        sa.CheckConstraint("octet_length(hash) = 32", name="hash_length"),
        helpers.reference("role_id", "role"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
        sa.UniqueConstraint("hash"),
    )
    op.create_index(None, "staff_invitation", ["tenant_id", "role_id"])
    helpers.isolate_tenants("staff_invitation")


def _throttle() -> None:
    op.create_table(
        "throttle",
        sa.Column("key", postgresql.BYTEA(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(key) = 32", name="key_length"),
        sa.PrimaryKeyConstraint("key"),
        prefixes=["UNLOGGED"],
    )
    op.create_index(None, "throttle", ["last_at"])
