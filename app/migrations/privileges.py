"""What the application's role may do, table by table. Nothing is granted but what stands here.

The grants are made anew after each migration, so that they are right for whatever role the
application runs as, and so that this file is the whole truth.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from app.models.invoice import CHANGEABLE
from app.models.tenant import RULES


@dataclass(frozen=True)
class Privileges:
    """Rights on whole tables, and on columns where the table is too much."""

    table: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    update: tuple[str, ...] = ()


_NOTHING = Privileges()
_READ = Privileges(("SELECT",))
_APPEND = Privileges(("SELECT", "INSERT"))
_KEEP = Privileges(("SELECT", "INSERT", "UPDATE"))
_EDIT = Privileges(("SELECT", "INSERT", "UPDATE", "DELETE"))

PRIVILEGES = {
    "access_right": _EDIT,
    "access_token": Privileges(
        # Everything but the hash, by which `abokonto.authenticate` alone looks. A policy lets
        # it insert no tokens of staff.
        ("INSERT",),
        select=(
            "tenant_id",
            "id",
            "kind",
            "staff_id",
            "customer_id",
            "name",
            "permissions",
            "created_at",
            "expires_at",
            "revoked_at",
            "last_used_at",
            "signed_in_by",
            "idle_seconds",
            "allowed_networks",
            "replaces_id",
            "address",
            "last_address",
            "user_agent",
        ),
        update=("name", "expires_at", "revoked_at"),
    ),
    "activity": _EDIT,
    "activity_attachment": Privileges(("SELECT", "INSERT", "DELETE")),
    "additional_data_definition": _EDIT,
    "anonymization_request": _EDIT,
    "address": _EDIT,
    "alembic_version": _READ,
    "bank_account": _KEEP,
    "billing_profile": Privileges(("SELECT", "UPDATE")),
    "customer": _KEEP,
    "customer_count": _READ,
    "customer_device": _EDIT,
    "customer_merge": _KEEP,
    "customer_order": _KEEP,
    "customer_recovery_code": _EDIT,
    "customer_sign_in": _KEEP,
    "customer_term": _READ,
    "data_export": _KEEP,
    "delivery": _KEEP,
    "file": _EDIT,
    "goodwill": _APPEND,
    "goodwill_limit": _KEEP,
    "history": _APPEND,
    "history_chain": _READ,
    "history_seal": _APPEND,
    "idempotency_key": _EDIT,
    "invoice": Privileges(("SELECT", "INSERT"), update=CHANGEABLE),
    "invoice_item": _APPEND,
    "invoice_tax": _APPEND,
    "issue": _EDIT,
    "login": Privileges(("SELECT", "INSERT"), update=("attempts", "changed_at")),
    "mail": _KEEP,
    "number_range": _KEEP,
    "offer": _KEEP,
    "offer_grant": _EDIT,
    "opt_in": _KEEP,
    "opt_in_entry": _APPEND,
    "opt_in_text": _APPEND,
    "order_item": _APPEND,
    "payment_transaction": _KEEP,
    "product": _KEEP,
    "product_tax_share": _EDIT,
    "publication": _KEEP,
    "role": _EDIT,
    "sepa_batch": _APPEND,
    # Everything but the secrets that a login is checked against.
    "staff": Privileges(
        select=(
            "id",
            "email",
            "email_key",
            "name",
            "two_factor_since",
            "deactivated_at",
            "created_at",
            "changed_at",
        )
    ),
    "staff_device": _NOTHING,
    "staff_identity": _NOTHING,
    # Whoever has accepted an invitation becomes a member by a function of the owner's.
    "staff_invitation": Privileges(
        ("INSERT",),
        select=(
            "tenant_id",
            "id",
            "email",
            "name",
            "role_id",
            "created_at",
            "expires_at",
            "accepted_at",
            "revoked_at",
        ),
        update=("revoked_at",),
    ),
    "staff_membership": Privileges(("SELECT",), update=("role_id", "deactivated_at")),
    "staff_recovery_code": _NOTHING,
    "subscription": _KEEP,
    "subscription_period": _KEEP,
    "tax_rate": _READ,
    "tenant": Privileges(("SELECT",), update=RULES),
    "tenant_tax_rate": _READ,
    "throttle": _NOTHING,
    "unclaimed_file": _EDIT,
    "voucher": _KEEP,
    "voucher_offer": _EDIT,
    "voucher_redemption": _EDIT,
}

# pgqueuer's tables, which have policies of their own: app/migrations/versions/0016_queue.py.
QUEUE = {
    "abokonto.pgqueuer": _EDIT,
    "abokonto.pgqueuer_log": _EDIT,
    "abokonto.pgqueuer_schedules": _EDIT,
    "abokonto.pgqueuer_statistics": _EDIT,
}
_QUEUE_SEQUENCES = ("pgqueuer_id_seq", "pgqueuer_schedules_id_seq", "pgqueuer_statistics_id_seq")

FUNCTIONS = (
    "all_tenants()",
    "accept_invitation(bytea, bigint, text)",
    "authenticate(bytea, inet)",
    "change_staff_password(bigint, text, text)",
    "clear_sign_ins(integer, integer)",
    "confirm_staff_secret(bigint, bytea, bigint, bytea[])",
    "count_try(bytea, integer, integer, integer)",
    "current_customer()",
    "current_tenant()",
    "end_staff_sessions(bigint, bigint, bigint)",
    "expire_files(integer)",
    "customers_holding(integer, jsonb[])",
    # What erases: app/migrations/erasure.py.
    "customers_to_scrub(timestamp with time zone)",
    "purge_expired(timestamp with time zone, date)",
    "remove_customer(bigint)",
    "scrub_customer(bigint, timestamp with time zone)",
    # app/migrations/merging.py
    "merge_customers(bigint, bigint, timestamp with time zone, date, boolean)",
    "find_customers(integer, text[], integer[])",
    # Generated columns and indexes are computed as whoever writes the row.
    "fold(text, boolean)",
    "forget_files(text[])",
    "forget_tries(bytea)",
    "has_issue(bigint)",
    "has_offer(bigint)",
    "has_product(bigint)",
    "has_publication(bigint)",
    "invited(bytea)",
    "keep_staff_device(bigint, bytea)",
    "knows_staff_device(text, bytea)",
    "note_uses(bytea[], inet[], double precision[])",
    "of_tenant(integer, jsonb)",
    "offer_staff_secret(bigint, bytea)",
    "open_staff_session(bigint, text, text, text, bytea, integer, integer, inet, text)",
    "owns_invoice(bigint)",
    "owns_order(bigint)",
    "owns_subscription(bigint)",
    "remove_staff_secret(bigint)",
    "renew_staff_recovery_codes(bigint, bytea[])",
    "session_holder(bytea)",
    "sort_name(text, text, text)",
    "staff_credentials(text)",
    "staff_of_identity(text, text, text)",
    "staff_sessions(bigint)",
    "staff_tenants(bigint)",
    "switch_staff_session(bytea, text, bytea, inet, text)",
    "take_back_try(bytea)",
    "unknown_files(text[])",
    "use_staff_recovery_code(bigint, bytea)",
    "use_staff_step(bigint, bigint)",
)


def grant(connection: Connection, role: str) -> None:
    """Give the application's role what stands above, and take away everything else."""
    quoted = connection.dialect.identifier_preparer.quote(role)
    _take_away(connection, quoted)
    for table, privileges in (PRIVILEGES | QUEUE).items():
        for rights in (
            *privileges.table,
            *_on_columns("SELECT", privileges.select),
            *_on_columns("UPDATE", privileges.update),
        ):
            connection.execute(text(f"GRANT {rights} ON {table} TO {quoted}"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA public, abokonto TO {quoted}"))
    for sequence in _QUEUE_SEQUENCES:
        connection.execute(text(f"GRANT USAGE ON SEQUENCE abokonto.{sequence} TO {quoted}"))
    for function in FUNCTIONS:
        connection.execute(text(f"GRANT EXECUTE ON FUNCTION abokonto.{function} TO {quoted}"))


def _take_away(connection: Connection, role: str) -> None:
    """Take away what any role but the owner has on our tables, sequences and functions."""
    for schema in ("public", "abokonto"):
        for kind in ("TABLES", "SEQUENCES", "FUNCTIONS"):
            if schema == "public" and kind == "FUNCTIONS":
                # These are the extensions' and belong to whoever installed PostgreSQL.
                continue
            connection.execute(
                text(f"REVOKE ALL ON ALL {kind} IN SCHEMA {schema} FROM PUBLIC, {role}")
            )


def _on_columns(right: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    return (f"{right} ({', '.join(columns)})",) if columns else ()
