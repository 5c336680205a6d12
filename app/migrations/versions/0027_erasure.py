"""Erasure: how long records are kept, and two people who agree to anonymise a customer."""

import sqlalchemy as sa
from alembic import op

from app.migrations import helpers

revision = "0027"
down_revision = "0026"

_KEPT = {
    "book_years": ("10", "BETWEEN 0 AND 100"),
    "invoice_years": ("8", "BETWEEN 0 AND 100"),
    "letter_years": ("6", "BETWEEN 0 AND 100"),
    "login_days": ("365", "BETWEEN 1 AND 36500"),
}


def upgrade() -> None:
    op.add_column(
        "tenant", sa.Column("four_eyes", sa.Boolean(), server_default="false", nullable=False)
    )
    for name, (default, bounds) in _KEPT.items():
        op.add_column(
            "tenant", sa.Column(name, sa.Integer(), server_default=default, nullable=False)
        )
        op.create_check_constraint(f"{name}_range", "tenant", f"{name} {bounds}")
    _requests()
    # A batch outlives its file.
    op.execute("ALTER TABLE sepa_batch DROP CONSTRAINT ck_sepa_batch_file_complete")
    op.create_check_constraint(
        "file_complete",
        "sepa_batch",
        "(debit_count > 0 OR file_key IS NULL) AND (file_key IS NULL) = (size_bytes IS NULL)"
        " AND (file_key IS NULL) = (sha256 IS NULL)",
    )
    # The roles of tenants that exist already; new ones follow app/auth/roles.py.
    op.execute(
        "UPDATE role SET permissions = permissions || '{customer:anonymize,customer:delete}'"
        " WHERE name IN ('administrator', 'agent')"
    )


def _requests() -> None:
    op.create_table(
        "anonymization_request",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        helpers.moment("requested_at"),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.BigInteger()),
        sa.Column("end_subscriptions", sa.Boolean(), nullable=False),
        sa.Column("accept_open_payments", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "customer_id"),
        sa.CheckConstraint(
            "actor_kind IN ('STAFF', 'PARTNER', 'CUSTOMER', 'SYSTEM', 'IMPORT')",
            name="actor_kind_known",
        ),
        helpers.reference("customer_id", "customer", ondelete="CASCADE"),
    )
    helpers.isolate_tenants("anonymization_request")
    helpers.show_customers("anonymization_request", "false")
