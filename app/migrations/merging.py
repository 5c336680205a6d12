"""The one door by which a duplicate's rows get to another customer: a function of the owner's.

It is made anew after each migration, from the tables and from what `app/models/merging.py` says of
them, so a table that is added moves by construction. It works for the tenant of its transaction
alone, for no customer who has signed in, and whole or not at all: whatever is forgotten keeps the
duplicate from being deleted.
"""

from collections.abc import Iterator

from sqlalchemy import Connection

from app.migrations.erasure import function
from app.models import merging

# ruff: noqa: S608  Statements are made of our own words and nobody else's.

SIGNATURE = "merge_customers(bigint, bigint, timestamp with time zone, date, boolean)"

_OF_DUPLICATE = "t.tenant_id = the_tenant AND t.customer_id = the_duplicate"
_PAIRED = (
    "mine.tenant_id = the_tenant AND mine.customer_id = the_kept"
    " AND other.tenant_id = the_tenant AND other.customer_id = the_duplicate"
)

# What the action has asked before is asked again, so that nobody else can get by without it. Of
# two merges that cross, none waits for the other with a customer in its hands.
_GUARD = """
        PERFORM FROM public.customer AS t
        WHERE t.tenant_id = the_tenant AND t.id IN (the_kept, the_duplicate)
            AND t.anonymized_at IS NULL
        ORDER BY t.id FOR UPDATE;
        GET DIAGNOSTICS found = ROW_COUNT;
        IF found <> 2
            OR EXISTS (SELECT FROM public.data_export AS t WHERE t.tenant_id = the_tenant
                AND t.customer_id IN (the_kept, the_duplicate)
                AND t.status IN ('QUEUED', 'RUNNING'))
            OR EXISTS (SELECT FROM public.anonymization_request AS t WHERE t.tenant_id = the_tenant
                AND t.customer_id IN (the_kept, the_duplicate))
        THEN
            RAISE restrict_violation;
        END IF
"""

# Both logs are one afterwards, in the order in which they were written. What they come to is said
# by the action, which knows what each customer was reached by.
_OPT_INS = f"""
        FOR pair IN
            SELECT mine.id AS kept, other.id AS gone
            FROM public.opt_in AS mine JOIN public.opt_in AS other ON {merging.SAME_OPT_IN}
            WHERE {_PAIRED}
        LOOP
            UPDATE public.opt_in_entry AS t SET opt_in_id = pair.kept
            WHERE t.tenant_id = the_tenant AND t.opt_in_id = pair.gone;
            DELETE FROM public.opt_in AS t WHERE t.tenant_id = the_tenant AND t.id = pair.gone;
            UPDATE public.opt_in AS t SET status = t.status
            WHERE t.tenant_id = the_tenant AND t.id = pair.kept;
        END LOOP
"""

# A subscription without an invoice address of its own goes on to use the one that it would have
# used, as the account's preferred one may be another now.
_PINNED = """
        UPDATE public.subscription AS t SET invoice_address_id = (
            SELECT used.id FROM public.address AS used
            WHERE used.tenant_id = the_tenant AND used.customer_id = the_duplicate
                AND used.type = 'INVOICE' AND used.preferred
                AND (used.valid_from IS NULL OR used.valid_from <= the_day)
            ORDER BY used.valid_from DESC NULLS LAST, used.id DESC LIMIT 1
        )
        WHERE t.tenant_id = the_tenant AND t.customer_id = the_duplicate
            AND t.invoice_address_id IS NULL
"""

_SESSIONS = f"""
        UPDATE public.access_token AS t SET revoked_at = the_time
        WHERE {_OF_DUPLICATE} AND t.revoked_at IS NULL
"""

_CREDENTIALS = """
        DELETE FROM public.customer_sign_in AS t WHERE t.tenant_id = the_tenant
            AND t.customer_id = CASE WHEN with_password THEN the_kept ELSE the_duplicate END;
        UPDATE public.customer_sign_in AS t SET customer_id = the_kept
        WHERE t.tenant_id = the_tenant AND t.customer_id = the_duplicate
"""


def install(connection: Connection) -> None:
    """Make the function anew."""
    connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS abokonto.{SIGNATURE}")
    connection.exec_driver_sql(_merge())
    connection.exec_driver_sql(f"REVOKE ALL ON FUNCTION abokonto.{SIGNATURE} FROM PUBLIC")


def _merge() -> str:
    return function(
        "merge_customers(the_kept bigint, the_duplicate bigint, the_time timestamptz,"
        " the_day date, with_password boolean) RETURNS void",
        _GUARD,
        _OPT_INS,
        _PINNED,
        _moves(),
        _addresses(),
        _prefer("address", "mine.type = t.type"),
        _prefer("bank_account", "true"),
        _doubled(),
        _SESSIONS,
        *_ended(),
        _CREDENTIALS,
        *_moved(),
        "DELETE FROM public.customer AS t WHERE t.tenant_id = the_tenant AND t.id = the_duplicate",
        declared="found bigint; pair record;",
    )


def _moves() -> str:
    """Let the customer move to where the duplicate was to, before what both use becomes one."""
    ahead = merging.moves_to(
        "t", tenant="the_tenant", kept="the_kept", duplicate="the_duplicate", day="the_day"
    )
    return (
        "UPDATE public.address AS t SET customer_id = the_kept"
        f" WHERE {_OF_DUPLICATE} AND t.preferred AND {ahead}"
    )


def _addresses() -> str:
    """Let what uses an address of the duplicate's use the customer's own that is the same."""
    used = "\n".join(
        f"UPDATE public.{table} AS t SET {column} = pair.kept"
        f" WHERE t.tenant_id = the_tenant AND t.{column} = pair.gone;"
        for table, column in merging.pointing_at("address")
    )
    return f"""
        FOR pair IN
            SELECT DISTINCT ON (other.id)
                mine.id AS kept, other.id AS gone, other.preferred, other.type
            FROM public.address AS mine JOIN public.address AS other ON {merging.same_address()}
            WHERE {_PAIRED} ORDER BY other.id, mine.preferred DESC, mine.id
        LOOP
            {used}
            DELETE FROM public.address AS t WHERE t.tenant_id = the_tenant AND t.id = pair.gone;
            UPDATE public.address AS t SET preferred = true
            WHERE t.tenant_id = the_tenant AND t.id = pair.kept AND pair.preferred
                AND NOT EXISTS (SELECT FROM public.address AS mine
                    WHERE mine.tenant_id = the_tenant AND mine.customer_id = the_kept
                        AND mine.type = pair.type AND mine.preferred);
        END LOOP
    """


def _prefer(table: str, alike: str) -> str:
    """Let what the customer prefers stand above what the duplicate does."""
    return (
        f"UPDATE public.{table} AS t SET preferred = false WHERE {_OF_DUPLICATE} AND t.preferred"
        f" AND EXISTS (SELECT FROM public.{table} AS mine WHERE mine.tenant_id = the_tenant"
        f" AND mine.customer_id = the_kept AND mine.preferred AND {alike})"
    )


def _doubled() -> str:
    return (
        "UPDATE public.bank_account AS other SET doubled = true"
        f" FROM public.bank_account AS mine WHERE {_PAIRED} AND {merging.SAME_IBAN}"
    )


def _ended() -> Iterator[str]:
    for table in merging.ENDS:
        yield f"DELETE FROM public.{table} AS t WHERE {_OF_DUPLICATE}"


def _moved() -> Iterator[str]:
    for table in merging.moved():
        yield f"UPDATE public.{table} AS t SET customer_id = the_kept WHERE {_OF_DUPLICATE}"
