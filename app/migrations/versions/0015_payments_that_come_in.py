"""Debits as banks collect them: their day, their id at the bank, their batch and their return."""

import sqlalchemy as sa
from alembic import op

from app.migrations import helpers

revision = "0015"
down_revision = "0014"

# Files of batches are objects that a row of `sepa_batch` names.
_UNKNOWN_FILES = """
    CREATE OR REPLACE FUNCTION abokonto.unknown_files(keys text[]) RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
    AS $body$
        SELECT stored.key
        FROM unnest(keys) AS stored(key)
        CROSS JOIN LATERAL (SELECT split_part(stored.key, '/', 1)::integer AS tenant_id) AS of
        WHERE NOT EXISTS (
            SELECT FROM public.file
            WHERE file.tenant_id = of.tenant_id AND file.key = stored.key
        ) AND NOT EXISTS (
            SELECT FROM public.unclaimed_file AS file
            WHERE file.tenant_id = of.tenant_id AND file.key = stored.key
        ) AND NOT EXISTS (
            SELECT FROM public.sepa_batch AS batch
            WHERE batch.tenant_id = of.tenant_id AND batch.file_key = stored.key
        )
    $body$
"""


def upgrade() -> None:
    _sepa_batch()
    _debit()
    op.create_index(
        "ix_invoice_due",
        "invoice",
        ["tenant_id", "due_on", "id"],
        postgresql_where="status = 'OPEN'",
    )
    # The roles of tenants that exist already; new ones follow app/auth/roles.py.
    op.execute(
        "UPDATE role SET permissions = permissions || CASE name"
        " WHEN 'administrator' THEN '{payment:write,sepa_batch:read,sepa_batch:write}'::text[]"
        " WHEN 'agent' THEN '{payment:write,sepa_batch:read}'::text[]"
        " WHEN 'auditor' THEN '{sepa_batch:read}'::text[] ELSE '{}'::text[] END"
    )


def _sepa_batch() -> None:
    op.create_table(
        "sepa_batch",
        *helpers.keys(),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("collected_until", sa.Date(), nullable=False),
        sa.Column("debit_count", sa.Integer(), nullable=False),
        sa.Column("total", sa.Numeric(14, 2), nullable=False),
        sa.Column("currency", sa.Text(), server_default="EUR", nullable=False),
        sa.Column("file_key", sa.Text()),
        sa.Column("size_bytes", sa.Integer()),
        sa.Column("sha256", sa.Text()),
        *helpers.record(),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
        sa.UniqueConstraint("tenant_id", "number"),
        sa.CheckConstraint("debit_count >= 0", name="debit_count_positive"),
        sa.CheckConstraint("total >= 0", name="total_positive"),
        sa.CheckConstraint("currency = 'EUR'", name="currency_sepa"),
        sa.CheckConstraint(
            "(debit_count = 0) = (file_key IS NULL) AND (file_key IS NULL) = (size_bytes IS NULL)"
            " AND (file_key IS NULL) = (sha256 IS NULL)",
            name="file_complete",
        ),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_form"),
        sa.CheckConstraint("char_length(number) <= 15", name="number_length"),
        sa.CheckConstraint("char_length(file_key) <= 1024", name="file_key_length"),
    )
    helpers.index_link("sepa_batch", "file_key")
    helpers.isolate_tenants("sepa_batch")
    helpers.append_only("sepa_batch")
    op.execute(_UNKNOWN_FILES)


def _debit() -> None:
    table = "payment_transaction"
    op.add_column(table, sa.Column("due_on", sa.Date()))
    op.add_column(table, sa.Column("end_to_end_id", sa.Text()))
    op.add_column(table, sa.Column("sequence_type", sa.Text()))
    op.add_column(table, sa.Column("sepa_batch_id", sa.BigInteger()))
    op.add_column(table, sa.Column("returned_on", sa.Date()))
    op.create_foreign_key(
        None,
        table,
        "sepa_batch",
        ["tenant_id", "sepa_batch_id"],
        ["tenant_id", "id"],
        ondelete="RESTRICT",
    )
    helpers.index_link(table, "sepa_batch_id")
    op.execute(
        "UPDATE payment_transaction AS debit SET due_on = coalesce(debit.executed_on, ("
        "SELECT due_on FROM invoice WHERE invoice.tenant_id = debit.tenant_id"
        " AND invoice.id = debit.invoice_id)) WHERE debit.action = 'SEPA_DEBIT'"
    )
    op.execute(
        "UPDATE payment_transaction AS debit"
        " SET returned_on = coalesce(back.executed_on, back.created_at::date)"
        " FROM payment_transaction AS back WHERE back.tenant_id = debit.tenant_id"
        " AND back.original_id = debit.id AND back.action = 'SEPA_DEBIT_RETURN'"
        " AND back.status = 'SUCCESS' AND debit.action = 'SEPA_DEBIT' AND debit.status = 'SUCCESS'"
    )
    op.create_check_constraint(
        "debit",
        table,
        "action = 'SEPA_DEBIT' OR (due_on IS NULL AND end_to_end_id IS NULL"
        " AND sequence_type IS NULL AND sepa_batch_id IS NULL AND returned_on IS NULL)",
    )
    op.create_check_constraint(
        "presented_in_sequence", table, "(end_to_end_id IS NULL) = (sequence_type IS NULL)"
    )
    op.create_check_constraint("returned", table, "returned_on IS NULL OR status = 'SUCCESS'")
    op.create_check_constraint(
        "sequence_type_known", table, "sequence_type IN ('FRST', 'RCUR', 'FNAL', 'OOFF')"
    )
    op.create_check_constraint(
        "end_to_end_id_form", table, "end_to_end_id ~ '^[A-Za-z0-9-]{1,35}$'"
    )
    _index_debits(table)


def _index_debits(table: str) -> None:
    op.create_index(
        "uq_payment_transaction_debit",
        table,
        ["tenant_id", "invoice_id"],
        unique=True,
        postgresql_where="action = 'SEPA_DEBIT' AND status <> 'FAILURE'"
        " AND returned_on IS NULL AND invoice_id IS NOT NULL",
    )
    op.create_index(
        "uq_payment_transaction_end_to_end",
        table,
        ["tenant_id", "end_to_end_id"],
        unique=True,
        postgresql_where="end_to_end_id IS NOT NULL",
    )
    op.create_index(
        "ix_payment_transaction_due",
        table,
        ["tenant_id", "due_on", "id"],
        postgresql_where="action = 'SEPA_DEBIT' AND status = 'PENDING'",
    )
