"""Goodwill that is sorted by its reason, and kept within the limits of roles."""

import sqlalchemy as sa
from alembic import op

from app.migrations import helpers

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column(
        "goodwill", sa.Column("reason_kind", sa.Text(), server_default="OTHER", nullable=False)
    )
    op.create_check_constraint(
        "reason_kind_known",
        "goodwill",
        "reason_kind IN ('DELIVERY_MISSING', 'DELIVERY_LATE', 'DAMAGED', 'COMPLAINT',"
        " 'RETENTION', 'TECHNICAL', 'OTHER')",
    )
    # The report reads a tenant's gifts of some days, and a limit those of one member of staff.
    op.create_index(None, "goodwill", ["tenant_id", "created_at"])
    op.create_index(
        None,
        "goodwill",
        ["tenant_id", "actor_id", "created_at"],
        postgresql_where="actor_kind = 'STAFF'",
    )
    _goodwill_limit()
    # The roles of tenants that exist already; new ones follow app/auth/roles.py.
    op.execute(
        "UPDATE role SET permissions = permissions || CASE name"
        " WHEN 'administrator' THEN '{goodwill:give,goodwill:report}'::text[]"
        " WHEN 'agent' THEN '{goodwill:give}'::text[]"
        " WHEN 'auditor' THEN '{goodwill:report}'::text[] ELSE '{}'::text[] END"
    )


def _goodwill_limit() -> None:
    op.create_table(
        "goodwill_limit",
        *helpers.keys(),
        sa.Column("role_id", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("per_gift", sa.Numeric(14, 2)),
        sa.Column("per_month", sa.Numeric(14, 2)),
        *helpers.record(),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_form"),
        sa.CheckConstraint("per_gift >= 0", name="per_gift_positive"),
        sa.CheckConstraint("per_month >= 0", name="per_month_positive"),
        helpers.reference("role_id", "role", ondelete="CASCADE"),
        sa.UniqueConstraint("tenant_id", "role_id", "currency"),
    )
    helpers.isolate_tenants("goodwill_limit")
    helpers.keep_changed_at("goodwill_limit")
