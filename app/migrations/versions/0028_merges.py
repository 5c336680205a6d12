"""Merges of duplicate customers, and bank accounts that are there twice because of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.migrations import helpers

revision = "0028"
down_revision = "0027"

_FORMER = """
    abokonto.search_terms(concat_ws(
        ' ', r.former_number, r.former_external_id, r.former_email
    ))
"""
_UNDER_WAY = "status IN ('QUEUED', 'RUNNING')"


def upgrade() -> None:
    _merges()
    # Two mandates on one IBAN stay what they are when their holders turn out to be one.
    op.add_column(
        "bank_account", sa.Column("doubled", sa.Boolean(), server_default="false", nullable=False)
    )
    op.drop_index("uq_bank_account_iban", "bank_account")
    op.create_index(
        "uq_bank_account_iban",
        "bank_account",
        ["tenant_id", "customer_id", "iban_hash"],
        unique=True,
        postgresql_where="mandate_state = 'ACTIVE' AND NOT doubled",
    )
    # The roles of tenants that exist already; new ones follow app/auth/roles.py.
    op.execute(
        "UPDATE role SET permissions = permissions || '{customer:merge}'"
        " WHERE name IN ('administrator', 'agent')"
    )


def _merges() -> None:
    op.create_table(
        "customer_merge",
        *helpers.keys(),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("take", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("duplicate_id", sa.BigInteger()),
        sa.Column("former_id", sa.BigInteger()),
        sa.Column("former_number", sa.Text(collation="C")),
        sa.Column("former_external_id", sa.Text(collation="C")),
        sa.Column("former_email", sa.Text()),
        sa.Column("refusals", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        *helpers.record(),
        *_checks(),
        helpers.reference("customer_id", "customer", ondelete="CASCADE"),
    )
    op.create_index(None, "customer_merge", ["tenant_id", "customer_id", "created_at", "id"])
    for name, column in (("running", "customer_id"), ("duplicate", "duplicate_id")):
        op.create_index(
            f"uq_customer_merge_{name}",
            "customer_merge",
            ["tenant_id", column],
            unique=True,
            postgresql_where=_UNDER_WAY,
        )
    helpers.isolate_tenants("customer_merge")
    helpers.show_customers("customer_merge", "false")
    helpers.keep_changed_at("customer_merge")
    helpers.searchable("customer_merge", source=5, customer_column="customer_id", terms=_FORMER)


def _checks() -> tuple[sa.CheckConstraint, ...]:
    return (
        sa.CheckConstraint(
            "status IN ('QUEUED', 'RUNNING', 'DONE', 'FAILED')", name="status_known"
        ),
        sa.CheckConstraint(
            "CASE status WHEN 'DONE' THEN duplicate_id IS NULL AND former_id IS NOT NULL"
            " ELSE duplicate_id IS NOT NULL AND former_id IS NULL END",
            name="duplicate_named",
        ),
        sa.CheckConstraint(
            "status = 'DONE' OR (former_number IS NULL AND former_external_id IS NULL"
            " AND former_email IS NULL)",
            name="former_when_done",
        ),
        sa.CheckConstraint(
            "(status = 'FAILED') = (error IS NOT NULL)"
            " AND (status = 'FAILED' OR cardinality(refusals) = 0)",
            name="failed",
        ),
        sa.CheckConstraint("char_length(former_number) <= 60", name="former_number_length"),
        sa.CheckConstraint(
            "char_length(former_external_id) <= 200", name="former_external_id_length"
        ),
        sa.CheckConstraint("char_length(former_email) <= 254", name="former_email_length"),
        sa.CheckConstraint("char_length(error) <= 1000", name="error_length"),
    )
