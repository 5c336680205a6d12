"""The only door past what is append-only: functions of the owner's that erase, and do nothing else.

They are made anew after each migration, from the columns that are declared personal and from what
`app/models/erasure.py` says of them, so a column that is added is erased by construction. Each
works for the tenant of its transaction alone, and for no customer who has signed in.
"""

from collections.abc import Iterator

from sqlalchemy import Connection

from app.models import Base, TenantRow, erasure

# ruff: noqa: S608  Statements are made of our own words and nobody else's.

_FUNCTION = """
    CREATE FUNCTION abokonto.{signature}
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = ''
    AS $body$
    DECLARE
        the_tenant constant integer := abokonto.current_tenant();
        {declared}
    BEGIN
        IF the_tenant IS NULL OR abokonto.current_customer() IS NOT NULL THEN
            RAISE insufficient_privilege;
        END IF;
        PERFORM set_config('abokonto.erasure', 'on', true);
        {body}
        PERFORM set_config('abokonto.erasure', '', true);
        {result}
    END
    $body$
"""

SIGNATURES = (
    "customers_to_scrub(timestamp with time zone)",
    "purge_expired(timestamp with time zone, date)",
    "remove_customer(bigint)",
    "scrub_customer(bigint, timestamp with time zone)",
)


def install(connection: Connection) -> None:
    """Make the functions anew."""
    for signature in SIGNATURES:
        connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS abokonto.{signature}")
    for statement in (_scrub(), _remove(), _to_scrub(), _purge()):
        connection.exec_driver_sql(statement)
    for signature in SIGNATURES:
        connection.exec_driver_sql(f"REVOKE ALL ON FUNCTION abokonto.{signature} FROM PUBLIC")


def function(signature: str, *statements: str, declared: str = "", result: str = "") -> str:
    """A function of the owner's that may change what is append-only, for the tenant of its
    transaction and no customer who has signed in."""
    body = "\n".join(f"{statement};" for statement in statements)
    return _FUNCTION.format(signature=signature, declared=declared, body=body, result=result)


def _scrub() -> str:
    """Anonymise what an anonymised customer's account holds; done again it changes nothing."""
    closed = (
        "IF NOT EXISTS (SELECT FROM public.customer AS t WHERE t.tenant_id = the_tenant"
        " AND t.id = the_customer AND t.anonymized_at IS NOT NULL) THEN"
        " RAISE restrict_violation; END IF"
    )
    return function(
        "scrub_customer(the_customer bigint, the_time timestamptz) RETURNS void",
        closed,
        _forget_mentions(),
        # Invoices are rendered all the same, and a merge has to be told that it can't be done.
        _drop_jobs(kept=frozenset({"Invoice", "CustomerMerge"})),
        *_removals(erasure.GONE),
        *_updates(),
    )


def _remove() -> str:
    """Remove a customer's rows, but for those of contracts and money, which stand in the way."""
    kept = {*erasure.TRANSACTION_DATA, *erasure.KEPT_BY_TRIGGERS, "history"}
    entries = {**erasure.scrubbed("history", retained=False), "customer_id": "NULL"}
    condition = erasure.customers_tables()["history"]
    return function(
        "remove_customer(the_customer bigint) RETURNS void",
        _forget_mentions(),
        _drop_jobs(),
        _update("history", entries, condition),
        *_removals(frozenset(erasure.customers_tables()) - kept),
        declared="the_time constant timestamptz := clock_timestamp();",
    )


def _removals(tables: frozenset[str]) -> Iterator[str]:
    """Delete the customer's rows of tables, those first that others don't hang on."""
    belong = erasure.customers_tables()
    for table in reversed(Base.metadata.sorted_tables):
        if table.name not in tables or table.name not in belong:
            continue
        kept = f" AND NOT {erasure.NAMED_BY_INVOICE}" if table.name == "file" else ""
        yield f"DELETE FROM public.{table.name} AS t WHERE {belong[table.name]}{kept}"


def _updates() -> Iterator[str]:
    for table, condition in erasure.customers_tables().items():
        # What is left of files by now is those of invoices.
        if table in (erasure.GONE - {"file"}) | erasure.KEPT_BY_TRIGGERS:
            continue
        held = erasure.HELD_BACK.get(table)
        if values := erasure.scrubbed(table, retained=False):
            yield _update(table, values, condition + (f" AND NOT ({held})" if held else ""))


def _update(table: str, values: dict[str, str], condition: str) -> str:
    changes = ", ".join(f"{name} = {value}" for name, value in values.items())
    return f"UPDATE public.{table} AS t SET {changes} WHERE {condition}"


def _forget_mentions() -> str:
    """Anonymise the tenant's own entries that changed records of the customer with others.

    What is personal in an entry is under one hash, so it goes as a whole.
    """
    belong = erasure.customers_tables()
    names = " UNION ALL ".join(
        f"SELECT '{model}:' || t.id FROM public.{table} AS t WHERE {belong[table]}"
        for model, table in _recorded()
        if table in belong
    )
    # Whoever became part of the customer was called by another key.
    names += (
        " UNION ALL SELECT 'Customer:' || t.former_id FROM public.customer_merge AS t"
        f" WHERE {belong['customer_merge']} AND t.former_id IS NOT NULL"
    )
    values = {
        name: value
        for name, value in erasure.scrubbed("history", retained=False).items()
        if not name.startswith("actor_")
    }
    mentioned = " OR ".join(f"t.{side} -> 'personal' ?| names" for side in ("before", "after"))
    condition = (
        "t.tenant_id = the_tenant AND t.customer_id IS NULL AND t.personal_salt IS NOT NULL"
        f" AND ({mentioned})"
    )
    # An array that is known beforehand is made once, and not for each entry.
    changed = _update("history", values, condition)
    return f"DECLARE names constant text[] := ARRAY({names}); BEGIN {changed}; END"


def _drop_jobs(kept: frozenset[str] = frozenset()) -> str:
    """Drop the jobs about records of the customer, but of some kinds.

    Jobs name a record by its key, under the name of its type in small letters.
    """
    belong = erasure.customers_tables()
    named = " OR ".join(
        f"CASE jsonb_typeof(payload.value -> '{model.lower()}') WHEN 'number'"
        f" THEN (payload.value ->> '{model.lower()}')::bigint END IN"
        f" (SELECT t.id FROM public.{table} AS t WHERE {belong[table]})"
        for model, table in _recorded()
        if table in belong and model not in kept
    )
    return (
        "DELETE FROM abokonto.pgqueuer AS dropped USING abokonto.pgqueuer AS job"
        " CROSS JOIN LATERAL (SELECT convert_from(job.payload, 'UTF8')::jsonb) AS payload (value)"
        " WHERE dropped.id = job.id AND (job.headers ->> 'tenant')::integer = the_tenant"
        f" AND job.payload IS NOT NULL AND ({named})"
    )


def _recorded() -> list[tuple[str, str]]:
    """The names by which the history calls records, and their tables."""
    found = [
        (mapper.class_.__name__, Base.metadata.tables[mapper.local_table.name].name)  # type: ignore[attr-defined]  # All are tables.
        for mapper in Base.registry.mappers
        if issubclass(mapper.class_, TenantRow)
    ]
    return sorted(one for one in found if one[1] != "history")


def _to_scrub() -> str:
    """The anonymised customers of whom something was written since, or may go by now.

    Whoever read that somebody was there just before they were anonymised may write just after it.
    """
    found = " OR ".join(
        f"EXISTS (SELECT FROM public.{table} AS t WHERE {condition})"
        for table, condition in erasure.left()
    )
    return function(
        "customers_to_scrub(the_time timestamptz) RETURNS SETOF bigint",
        "RETURN QUERY SELECT the_customer FROM ("
        "SELECT t.id AS the_customer FROM public.customer AS t"
        " WHERE t.tenant_id = the_tenant AND t.anonymized_at IS NOT NULL"
        f") AS account WHERE {found} ORDER BY the_customer",
    )


def _purge() -> str:
    """Scrub documents, and delete letters, logins and files, whose time is over by a day.

    It gives how many rows of each table were changed or deleted.
    """
    counted = (
        f"{statement}; GET DIAGNOSTICS counted = ROW_COUNT;"
        f" purged := purged || jsonb_build_object('{name}', counted)"
        for name, statement in (*_documents(), *_letters_and_logins(), *_batches())
    )
    return function(
        "purge_expired(the_time timestamptz, the_day date) RETURNS jsonb",
        "SELECT * INTO STRICT of FROM public.tenant WHERE tenant.id = the_tenant",
        f"files := ARRAY({_released_files()})",
        *counted,
        *_marks(),
        declared="of public.tenant; files bigint[]; counted bigint; purged jsonb := '{}';",
        result="RETURN purged;",
    )


def _over(day: str, years: str) -> str:
    """Whether a record of a day need not be kept any longer: app/domain/retention.py."""
    return f"{day} < make_date(extract(year FROM the_day)::integer - of.{years}, 1, 1)"


def _released(table: str) -> str:
    over = _over(erasure.RELEASED_BY[table], "invoice_years")
    released = f"t.tenant_id = the_tenant AND {over}"
    if table == "invoice":
        # What is still owed by somebody who is known goes on to be asked for.
        released += (
            " AND (t.status IN ('PAID', 'CANCELLED') OR EXISTS (SELECT FROM public.customer"
            " WHERE customer.tenant_id = t.tenant_id AND customer.id = t.customer_id"
            " AND customer.anonymized_at IS NOT NULL))"
        )
    if table == "invoice_item":
        # Lines go with their invoice.
        whole = f"SELECT t.id FROM public.invoice AS t WHERE {_released('invoice')}"
        released = f"t.tenant_id = the_tenant AND t.invoice_id IN ({whole})"
    return released


def _released_files() -> str:
    return (
        "SELECT named.id FROM public.invoice AS t CROSS JOIN LATERAL"
        f" unnest(ARRAY[t.file_id, t.einvoice_file_id]) AS named(id) WHERE {_released('invoice')}"
    )


def _documents() -> Iterator[tuple[str, str]]:
    for table in erasure.RELEASED_BY:
        values = erasure.scrubbed(table, retained=True)
        if table == "invoice":
            values |= {"file_id": "NULL", "einvoice_file_id": "NULL"}
        changed = " OR ".join(f"t.{name} IS DISTINCT FROM {new}" for name, new in values.items())
        yield table, _update(table, values, f"{_released(table)} AND ({changed})")
    yield (
        "file",
        "DELETE FROM public.file AS t WHERE t.tenant_id = the_tenant AND t.id = ANY (files)",
    )


def _letters_and_logins() -> Iterator[tuple[str, str]]:
    over = _over("(t.created_at AT TIME ZONE of.time_zone)::date", "letter_years")
    yield "mail", f"DELETE FROM public.mail AS t WHERE t.tenant_id = the_tenant AND {over}"
    yield (
        "login",
        "DELETE FROM public.login AS t WHERE t.tenant_id = the_tenant"
        " AND t.created_at < the_time - make_interval(days => of.login_days)",
    )


def _batches() -> Iterator[tuple[str, str]]:
    """The files that were given to the bank, which name everybody in them.

    They are vouchers, as orders to a bank are (§ 147 (1) 4 AO), and not books: kept for as long as
    invoices. Until then nothing is taken out of them, as they say what the bank was told.
    """
    over = _over("t.collected_until", "invoice_years")
    condition = f"t.tenant_id = the_tenant AND t.file_key IS NOT NULL AND {over}"
    yield (
        "unclaimed_file",
        "INSERT INTO public.unclaimed_file (tenant_id, key, expires_at, doomed)"
        f" SELECT t.tenant_id, t.file_key, clock_timestamp(), true FROM public.sepa_batch AS t"
        f" WHERE {condition}",
    )
    nothing = dict.fromkeys(("file_key", "size_bytes", "sha256"), "NULL")
    yield "sepa_batch", _update("sepa_batch", nothing, condition)


def _marks() -> Iterator[str]:
    """Delete what is kept for a day, as keyed hashes of what clients sent.

    New ones clear old ones away; where none come, this does.
    """
    day = "the_time - interval '1 day'"
    keys = "DELETE FROM public.idempotency_key AS t WHERE t.tenant_id = the_tenant"
    yield f"{keys} AND t.created_at < {day}"
    # Counts of tries belong to no tenant.
    yield f"DELETE FROM public.throttle AS t WHERE t.last_at < {day}"
