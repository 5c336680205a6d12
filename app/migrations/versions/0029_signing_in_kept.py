"""Who works here, and who signs in: rules that a tenant sets itself, one-time passwords of staff,
requests that can be listed, logins counted instead of written without end, and what is cleared."""

# ruff: noqa: S608  Functions are made of our own words and nobody else's.

import sqlalchemy as sa
from alembic import op

from app.migrations import helpers

revision = "0029"
down_revision = "0028"

_SQL = "LANGUAGE sql SECURITY DEFINER SET search_path = ''"
_PLPGSQL = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''"

_STAFF = (
    "DROP FUNCTION abokonto.staff_credentials(text)",
    # A one-time password that has expired is none.
    f"""
    CREATE FUNCTION abokonto.staff_credentials(by_email text)
    RETURNS TABLE (
        staff_id bigint, password_hash text, totp_secret bytea, active boolean,
        one_time boolean, current boolean
    )
    {_SQL} STABLE ROWS 1 AS $body$
        SELECT id, password_hash, totp_secret, deactivated_at IS NULL,
               one_time_until IS NOT NULL,
               one_time_until IS NULL OR one_time_until > clock_timestamp()
        FROM public.staff WHERE email_key = lower(by_email)
    $body$
    """,
    # As before; whatever takes a one-time password's place is none.
    f"""
    CREATE OR REPLACE FUNCTION abokonto.change_staff_password(
        person bigint, checked_password text, new_password text
    )
    RETURNS boolean {_SQL} AS $body$
        WITH changed AS (
            UPDATE public.staff SET password_hash = new_password, one_time_until = NULL
            WHERE id = person AND password_hash IS NOT DISTINCT FROM checked_password
            RETURNING id
        )
        SELECT EXISTS (SELECT FROM changed)
    $body$
    """,
    # The second factor is locked, so that whoever takes it away waits for this or this for them.
    f"""
    CREATE FUNCTION abokonto.renew_staff_recovery_codes(person bigint, codes bytea[])
    RETURNS boolean {_PLPGSQL} AS $body$
    BEGIN
        PERFORM FROM public.staff WHERE id = person AND totp_secret IS NOT NULL FOR UPDATE;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
        DELETE FROM public.staff_recovery_code WHERE staff_id = person;
        INSERT INTO public.staff_recovery_code (staff_id, hash)
        SELECT person, code FROM unnest(codes) AS code;
        RETURN true;
    END
    $body$
    """,
)

# What nobody can sign in with any more, at most so many rows of each kind; how many went. Rows
# that somebody is at are left for the next time. Partners' tokens stay for a year, so that it can
# be seen who had one; who made those that are there is read from the tokens they replaced.
_CLEAR = f"""
    CREATE FUNCTION abokonto.clear_sign_ins(of_tenant integer, most integer)
    RETURNS bigint {_PLPGSQL} AS $body$
    DECLARE
        now constant timestamptz := clock_timestamp();
        counted bigint;
        cleared bigint := 0;
    BEGIN
        DELETE FROM public.access_token AS token WHERE (token.tenant_id, token.id) IN (
            SELECT ended.tenant_id, ended.id FROM public.access_token AS ended
            WHERE ended.tenant_id = of_tenant AND least(
                ended.revoked_at,
                ended.expires_at,
                coalesce(ended.last_used_at, ended.created_at)
                + make_interval(secs => ended.idle_seconds)
            ) < now - CASE
                WHEN ended.signed_in_by IS NULL THEN interval '365 days'
                ELSE interval '30 days'
            END AND NOT EXISTS (
                SELECT FROM public.access_token AS successor
                WHERE successor.tenant_id = ended.tenant_id AND successor.replaces_id = ended.id
            )
            LIMIT most FOR UPDATE SKIP LOCKED
        );
        GET DIAGNOSTICS counted = ROW_COUNT;
        cleared := cleared + counted;
        DELETE FROM public.customer_device AS device
        WHERE (device.tenant_id, device.customer_id, device.hash) IN (
            SELECT old.tenant_id, old.customer_id, old.hash FROM public.customer_device AS old
            WHERE old.tenant_id = of_tenant AND old.last_used_at < now - interval '180 days'
            LIMIT most FOR UPDATE SKIP LOCKED
        );
        GET DIAGNOSTICS counted = ROW_COUNT;
        cleared := cleared + counted;
        DELETE FROM public.staff_invitation AS invitation
        WHERE (invitation.tenant_id, invitation.id) IN (
            SELECT gone.tenant_id, gone.id FROM public.staff_invitation AS gone
            WHERE gone.tenant_id = of_tenant
                AND least(gone.accepted_at, gone.revoked_at, gone.expires_at)
                    < now - interval '90 days'
            LIMIT most FOR UPDATE SKIP LOCKED
        );
        GET DIAGNOSTICS counted = ROW_COUNT;
        cleared := cleared + counted;
        -- Whoever tries is of no tenant, and neither are members of staff.
        DELETE FROM public.throttle WHERE key IN (
            SELECT key FROM public.throttle WHERE last_at < now - interval '1 day'
            ORDER BY last_at LIMIT most FOR UPDATE SKIP LOCKED
        );
        GET DIAGNOSTICS counted = ROW_COUNT;
        cleared := cleared + counted;
        DELETE FROM public.staff_device AS device WHERE (device.staff_id, device.hash) IN (
            SELECT old.staff_id, old.hash FROM public.staff_device AS old
            WHERE old.last_used_at < now - interval '180 days'
            LIMIT most FOR UPDATE SKIP LOCKED
        );
        GET DIAGNOSTICS counted = ROW_COUNT;
        RETURN cleared + counted;
    END
    $body$
"""


def upgrade() -> None:
    _tenant()
    op.add_column("staff", sa.Column("one_time_until", sa.DateTime(timezone=True)))
    for statement in (*_STAFF, _CLEAR):
        op.execute(statement)
    _requests()
    _logins()
    # By whom a token was made is asked before it may agree to what somebody else wants.
    op.create_index(
        None, "history", ["tenant_id", "record_id"], postgresql_where="record_type = 'AccessToken'"
    )
    # The roles of tenants that exist already; new ones follow app/auth/roles.py.
    op.execute(
        "UPDATE role SET permissions = permissions || '{tenant:read}'"
        " WHERE name IN ('administrator', 'agent', 'auditor')"
    )
    op.execute(
        "UPDATE role SET permissions = permissions || '{tenant:write}' WHERE name = 'administrator'"
    )


def _tenant() -> None:
    # Its key once more under the name by which rows of tenants are found.
    op.add_column("tenant", sa.Column("tenant_id", sa.Integer(), sa.Computed("id", persisted=True)))
    helpers.show_customers("tenant", "false", command="UPDATE")


def _requests() -> None:
    """Requests become records: they have a key of their own and the name of who asked."""
    table = "anonymization_request"
    op.add_column(table, sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False))
    op.drop_constraint("pk_anonymization_request", table)
    op.create_primary_key("pk_anonymization_request", table, ["tenant_id", "id"])
    op.create_unique_constraint(None, table, ["tenant_id", "customer_id"])
    op.alter_column(table, "requested_at", new_column_name="created_at")
    op.add_column(table, helpers.moment("changed_at"))
    op.add_column(table, sa.Column("actor_name", sa.Text()))
    op.alter_column(table, "actor_kind", server_default="SYSTEM")
    op.execute(
        "UPDATE anonymization_request SET actor_name = staff.name FROM staff"
        " WHERE actor_kind = 'STAFF' AND staff.id = actor_id"
    )
    op.create_index(None, table, ["tenant_id", "customer_id", "created_at", "id"])
    helpers.keep_changed_at(table)


def _logins() -> None:
    """One row can stand for many attempts, which nothing but their number tells apart."""
    op.add_column("login", sa.Column("attempts", sa.Integer(), server_default="1", nullable=False))
    op.create_check_constraint("attempts_positive", "login", "attempts > 0")
    op.execute("DROP TRIGGER append_only ON login")
    op.execute("DROP TRIGGER append_only_truncate ON login")
    helpers.append_only("login", except_columns=("attempts", "changed_at"))
