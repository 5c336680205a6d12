"""What becomes of personal columns when a customer is anonymised, and when the law lets go of them.

Nothing here lists what is personal: that is marked on the columns. Said is only what takes the
place of values that can't be null, and what goes with its row.
"""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

from sqlalchemy import ARRAY, Column, Date, DefaultClause, ForeignKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from app.models import Base
from app.models.opt_in import YEARS_OF_PROOF
from app.models.personal import personal_columns

ANONYMISED = "'Anonymised.'"

TRANSACTION_DATA = MappingProxyType(
    {
        "customer_order": "orders",
        "subscription": "subscriptions",
        "invoice": "invoices",
        "payment_transaction": "transactions",
        "delivery": "deliveries",
        "goodwill": "goodwill",
    }
)
"""The tables whose rows keep their customer from being deleted, and how they are called."""

GONE = frozenset(
    {
        "access_token",
        "activity_attachment",
        "anonymization_request",
        "customer_device",
        "customer_recovery_code",
        "customer_sign_in",
        "data_export",
        "file",
    }
)
"""Tables whose rows go as wholes; of files those that no invoice names."""

NAMED_BY_INVOICE = (
    "EXISTS (SELECT FROM public.invoice WHERE invoice.tenant_id = t.tenant_id"
    " AND t.id IN (invoice.file_id, invoice.einvoice_file_id))"
)
"""Whether a file `t` is an invoice's, and stays with it."""

STAY_WITH_INVOICES = frozenset({"file.name"})
"""Columns of rows that go, which stay as they are where an invoice keeps the row."""

KEPT_BY_TRIGGERS = frozenset({"customer_term"})
"""Tables that follow others by themselves."""

RELEASED_BY = MappingProxyType(
    {
        "customer_order": "(t.ordered_at AT TIME ZONE 'UTC')::date",
        "invoice": "t.issued_on",
        "invoice_item": "(SELECT invoice.issued_on FROM public.invoice"
        " WHERE invoice.tenant_id = t.tenant_id AND invoice.id = t.invoice_id)",
        "payment_transaction": "coalesce(t.executed_on, (t.created_at AT TIME ZONE 'UTC')::date)",
        "subscription": "t.ends_on",
    }
)
"""The day from whose calendar year on retained columns of a table are kept."""

_OF_OTHERS = "IN ('STAFF', 'PARTNER')"

_INSTEAD = MappingProxyType(
    {
        # Whoever works here is somebody else, and what they did goes on to be seen.
        "actor_name": f"CASE WHEN t.actor_kind {_OF_OTHERS} THEN t.actor_name END",
        "author_name": f"CASE WHEN t.author_kind {_OF_OTHERS} THEN t.author_name END",
        "activity.text": ANONYMISED,
        "address.country": "'ZZ'",
        "address.last_name": "'-'",
        "address.street": "'-'",
        "bank_account.mandate_reference": "'ANONYMISED-' || t.id",
        "customer.number": "'anonymised-' || t.id",
        "customer_order.number": "'erased-' || t.id",
        "goodwill.reason": ANONYMISED,
        "history.actor_salt": f"CASE WHEN t.actor_kind {_OF_OTHERS} THEN t.actor_salt END",
        # An entry without its personal part has the same hash: app/domain/history_chain.py.
        "history.after": "t.after - 'personal'",
        "history.before": "t.before - 'personal'",
        "invoice.number": "'erased-' || t.id",
        "invoice_item.title": ANONYMISED,
        "mail.error": f"CASE t.status WHEN 'FAILED' THEN {ANONYMISED} END",
        "subscription.number": "'erased-' || t.id",
    }
)
"""Values for a column, or for all of a name, where a null or an empty one would not do."""

ALSO = MappingProxyType(
    {
        "address": {"preferred": "false"},
        "bank_account": {
            "mandate_state": "'REVOKED'",
            "mandate_revoked_at": "coalesce(t.mandate_revoked_at, the_time)",
            "preferred": "false",
        },
        "customer": {"two_factor_since": "NULL"},
        "mail": {"status": "CASE t.status WHEN 'QUEUED' THEN 'SUPPRESSED' ELSE t.status END"},
    }
)
"""What else is changed where a row is anonymised, so that it goes on making sense."""

HELD_BACK = MappingProxyType(
    {
        # The proof of a consent outlives everything else about who gave it (§ 7a (2) UWG).
        "opt_in_entry": " OR ".join(
            "EXISTS (SELECT FROM public.opt_in AS proven"
            " WHERE proven.tenant_id = t.tenant_id AND proven.id = t.opt_in_id"
            f" AND proven.channel = '{channel.value}'"
            f" AND t.created_at > the_time - interval '{years} years')"
            for channel, years in YEARS_OF_PROOF.items()
        )
    }
)
"""Rows that are left as they are until their own time is over."""


def instead_of(column: Column[Any]) -> str:
    """What takes the place of a column's value, in SQL; the row is `t`.

    Raises:
        TypeError: It can't be null, and nothing says what else it can be.
    """
    for name in (f"{column.table.name}.{column.name}", column.name):
        if name in _INSTEAD:
            return _INSTEAD[name]
    if column.nullable:
        return "NULL"
    default = column.server_default
    if isinstance(default, DefaultClause) and isinstance(default.arg, str):
        return f"'{default.arg}'"
    if isinstance(column.type, Text):
        return "''"
    if isinstance(column.type, JSONB | ARRAY):
        return "'{}'"
    if isinstance(column.type, Date):
        return "DATE '1970-01-01'"
    raise TypeError(f"Nothing says what is to stand in {column} in place of a value.")


def customers_tables() -> dict[str, str]:
    """Every table that holds rows of customers, and the condition on a row `t` to be the one's.

    Those who name no customer belong to whom their parent belongs to.
    """
    found: dict[str, str] = {}
    for table in Base.metadata.sorted_tables:
        condition = _belongs(table, found)
        if condition is not None:
            found[table.name] = f"t.tenant_id = the_tenant AND {condition}"
    return found


def _belongs(table: Table, known: dict[str, str]) -> str | None:
    if table.name == "customer":
        return "t.id = the_customer"
    if "customer_id" in table.columns:
        return "t.customer_id = the_customer"
    for column, parent in _parents(table):
        if parent in known:
            of = f"SELECT t.id FROM public.{parent} AS t WHERE {known[parent]}"  # noqa: S608  The words are ours.
            return f"t.{column} IN ({of})"
    return None


def _parents(table: Table) -> Iterator[tuple[str, str]]:
    """The rows of the tenant that a row can't be without."""
    for constraint in table.constraints:
        if isinstance(constraint, ForeignKeyConstraint) and len(constraint.columns) > 1:
            column = constraint.columns.values()[-1]
            if not column.nullable:
                yield column.name, constraint.referred_table.name


def left() -> Iterator[tuple[str, str]]:
    """What tells that something of a customer's is left that has to be gone.

    Each table, and the condition on a row `t` of it that holds what is to be erased.
    """
    for table, belongs in customers_tables().items():
        if table in KEPT_BY_TRIGGERS:
            continue
        if table in GONE:
            yield table, belongs + (f" AND NOT {NAMED_BY_INVOICE}" if table == "file" else "")
            continue
        names = [c.name for c in personal_columns(retained=False) if c.table.name == table]
        values = scrubbed(table, retained=False)
        changed = " OR ".join(
            f"t.{name} IS DISTINCT FROM {values[name]}" for name in names if name in values
        )
        held = f" AND NOT ({HELD_BACK[table]})" if table in HELD_BACK else ""
        if changed:
            yield table, f"{belongs} AND ({changed}){held}"


def scrubbed(table: str, *, retained: bool) -> dict[str, str]:
    """The columns of a table that are scrubbed, and what takes the place of their values."""
    values = {
        column.name: instead_of(column)
        for column in personal_columns(retained=retained)
        if column.table.name == table
        and column.computed is None
        and f"{table}.{column.name}" not in STAY_WITH_INVOICES
    }
    return values if retained or not values else {**values, **ALSO.get(table, {})}
