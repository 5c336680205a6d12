"""The statements of a customer's signing in, each of which names the tenant it works in."""

from typing import Any

from sqlalchemy import Text, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, INET


def _in_tenant(sql: str, *typed: Any) -> TextClause:
    statement = text(sql)
    return statement.bindparams(*typed) if typed else statement


KNOWN = _in_tenant("""
    SELECT customer.id AS person, password_hash, totp_secret, one_time_until,
           login_blocked_at IS NULL AND anonymized_at IS NULL AS open,
           one_time_until IS NULL OR (
               one_time_until > clock_timestamp() AND one_time_failures < :failures
           ) AS current
    FROM customer
    LEFT JOIN customer_sign_in AS signing_in
        ON signing_in.tenant_id = customer.tenant_id AND signing_in.customer_id = customer.id
    WHERE customer.tenant_id = :tenant AND email_key = :email
""")
HOLDER = _in_tenant("""
    SELECT customer.id AS person, coalesce(email, number) AS email, password_hash, totp_secret,
           totp_pending
    FROM customer
    LEFT JOIN customer_sign_in AS signing_in
        ON signing_in.tenant_id = customer.tenant_id AND signing_in.customer_id = customer.id
    WHERE customer.tenant_id = :tenant AND customer.id = :person
""")
ISSUER = _in_tenant("SELECT name FROM tenant WHERE id = :tenant")
NOW = _in_tenant("SELECT clock_timestamp()")
LOCK = _in_tenant("""
    SELECT EXISTS (
        SELECT FROM customer
        WHERE tenant_id = :tenant AND id = :person AND password_hash = :checked
            AND totp_secret IS NOT DISTINCT FROM :secret
            AND login_blocked_at IS NULL AND anonymized_at IS NULL
        FOR NO KEY UPDATE
    )
""")
KNOWS_DEVICE = _in_tenant("""
    SELECT EXISTS (
        SELECT FROM customer_device
        WHERE tenant_id = :tenant AND customer_id = :person AND hash = :device
            AND last_used_at > clock_timestamp() - interval '180 days'
    )
""")
KEEP_DEVICE = _in_tenant("""
    INSERT INTO customer_device (tenant_id, customer_id, hash) VALUES (:tenant, :person, :device)
    ON CONFLICT (tenant_id, customer_id, hash) DO UPDATE SET last_used_at = clock_timestamp()
""")
FORGET_DEVICES = _in_tenant("""
    DELETE FROM customer_device WHERE tenant_id = :tenant AND customer_id = :person AND hash IN (
        SELECT hash FROM customer_device WHERE tenant_id = :tenant AND customer_id = :person
        ORDER BY last_used_at DESC OFFSET :most
    )
""")
# Whoever comes second waits for the row, and finds the step used.
USE_STEP = _in_tenant("""
    INSERT INTO customer_sign_in AS known (tenant_id, customer_id, totp_step)
    VALUES (:tenant, :person, :step)
    ON CONFLICT (tenant_id, customer_id) DO UPDATE SET totp_step = excluded.totp_step
    WHERE known.totp_step IS NULL OR known.totp_step < excluded.totp_step
    RETURNING true
""")
USE_RECOVERY_CODE = _in_tenant("""
    UPDATE customer_recovery_code SET used_at = clock_timestamp()
    WHERE tenant_id = :tenant AND customer_id = :person AND hash = :code AND used_at IS NULL
    RETURNING true
""")
FAIL_ONE_TIME = _in_tenant("""
    UPDATE customer_sign_in SET one_time_failures = one_time_failures + 1
    WHERE tenant_id = :tenant AND customer_id = :person AND one_time_until IS NOT NULL
""")
_FAILURES = """
    SELECT count(*) FROM login
    WHERE tenant_id = :tenant AND customer_id = :person AND NOT succeeded
        AND created_at > clock_timestamp() - interval '1 hour'
"""
# One row of an hour stands for all attempts that were not even looked at, and each kind of failure
# has one that stands for those beyond the bound.
# Of somebody who was deleted or became part of another customer meanwhile, nothing is written.
NOTE = _in_tenant(
    f"""
    WITH counted AS (
        UPDATE login SET attempts = attempts + 1, changed_at = clock_timestamp()
        WHERE tenant_id = :tenant AND id = (
            SELECT id FROM login
            WHERE tenant_id = :tenant AND customer_id = :person AND failure = :failure
                AND created_at > clock_timestamp() - interval '1 hour'
            ORDER BY created_at DESC, id DESC LIMIT 1
        ) AND (CAST(:failure AS text) = 'TOO_MANY_ATTEMPTS' OR :most <= ({_FAILURES}))
        RETURNING id
    )
    INSERT INTO login (
        tenant_id, customer_id, succeeded, failure, ip, user_agent, created_at, changed_at,
        actor_kind, actor_id
    )
    SELECT known.tenant_id, known.id, CAST(:failure AS text) IS NULL, :failure,
           CASE WHEN known.open THEN CAST(:client AS inet) END,
           CASE WHEN known.open THEN CAST(:agent AS text) END,
           moment, moment, 'CUSTOMER', known.id
    FROM (
        SELECT tenant_id, id, anonymized_at IS NULL AS open
        FROM customer WHERE tenant_id = :tenant AND id = :person
        FOR KEY SHARE
    ) AS known CROSS JOIN clock_timestamp() AS moment
    WHERE NOT EXISTS (SELECT FROM counted)
    """,  # noqa: S608  These are our own words.
    bindparam("client", type_=INET),
)
# Where there is no account there is no row, but as much to be looked at, written and waited for.
NOTE_NOBODY = _in_tenant(
    "SELECT pg_logical_emit_message(true, 'abokonto', repeat('.', 400))"
    f" WHERE :most > ({_FAILURES})"
)
OPEN = _in_tenant(
    """
    INSERT INTO access_token (
        tenant_id, kind, customer_id, name, hash, permissions, signed_in_by, created_at,
        expires_at, idle_seconds, address, last_address, user_agent
    )
    SELECT :tenant, 'CUSTOMER', :person, 'Session', :hash, :permissions, 'PASSWORD', moment,
           moment + make_interval(secs => :seconds), :idle, :client, :client, :agent
    FROM clock_timestamp() AS moment
    """,
    bindparam("client", type_=INET),
    bindparam("permissions", type_=ARRAY(Text)),
)
END = _in_tenant("""
    UPDATE access_token SET revoked_at = clock_timestamp()
    WHERE tenant_id = :tenant AND kind = 'CUSTOMER' AND customer_id = :person
        AND revoked_at IS NULL AND id = coalesce(:one, id) AND id IS DISTINCT FROM :but
    RETURNING id
""")
CHANGE_PASSWORD = _in_tenant("""
    UPDATE customer
    SET password_hash = :password, actor_kind = 'CUSTOMER', actor_id = :person, actor_name = NULL
    WHERE tenant_id = :tenant AND id = :person AND password_hash IS NOT DISTINCT FROM :checked
    RETURNING true
""")
END_ONE_TIME = _in_tenant("""
    UPDATE customer_sign_in SET one_time_until = NULL, one_time_failures = 0
    WHERE tenant_id = :tenant AND customer_id = :person AND one_time_until IS NOT NULL
""")
OFFER = _in_tenant("""
    INSERT INTO customer_sign_in (tenant_id, customer_id, totp_pending)
    SELECT tenant_id, id, :secret FROM customer
    WHERE tenant_id = :tenant AND id = :person AND totp_secret IS NULL
    ON CONFLICT (tenant_id, customer_id) DO UPDATE SET totp_pending = excluded.totp_pending
    RETURNING true
""")
CONFIRM = _in_tenant("""
    UPDATE customer_sign_in SET totp_pending = NULL, totp_step = :step
    WHERE tenant_id = :tenant AND customer_id = :person AND totp_pending = :secret
    RETURNING true
""")
ACTIVATE = _in_tenant("""
    UPDATE customer
    SET totp_secret = :secret, two_factor_since = clock_timestamp(), actor_kind = 'CUSTOMER',
        actor_id = :person, actor_name = NULL
    WHERE tenant_id = :tenant AND id = :person AND totp_secret IS NULL
    RETURNING true
""")
REMOVE = _in_tenant("""
    UPDATE customer
    SET totp_secret = NULL, two_factor_since = NULL, actor_kind = 'CUSTOMER', actor_id = :person,
        actor_name = NULL
    WHERE tenant_id = :tenant AND id = :person AND totp_secret IS NOT NULL
    RETURNING true
""")
PROTECTED = _in_tenant("""
    SELECT EXISTS (
        SELECT FROM customer
        WHERE tenant_id = :tenant AND id = :person AND totp_secret IS NOT NULL
        FOR NO KEY UPDATE
    )
""")
FORGET_CODES = _in_tenant(
    "DELETE FROM customer_recovery_code WHERE tenant_id = :tenant AND customer_id = :person"
)
KEEP_CODES = _in_tenant(
    """
    INSERT INTO customer_recovery_code (tenant_id, customer_id, hash)
    SELECT :tenant, :person, code FROM unnest(:codes) AS code
    """,
    bindparam("codes", type_=ARRAY(BYTEA)),
)
