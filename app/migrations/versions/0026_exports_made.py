"""Exports that are made: how far each one is, and who may have one made."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column(
        "data_export", sa.Column("percent", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("data_export", sa.Column("step", sa.Text()))
    op.create_check_constraint("percent_range", "data_export", "percent BETWEEN 0 AND 100")
    op.create_check_constraint(
        "step_known", "data_export", "step IN ('RECORDS', 'FILES', 'STORING')"
    )
    op.execute("UPDATE data_export SET percent = 100 WHERE status IN ('READY', 'EXPIRED')")
    # What is past its time, and what nobody makes any more, is looked for hourly.
    op.create_index(
        "ix_data_export_unfinished",
        "data_export",
        ["tenant_id", "id"],
        postgresql_where="status IN ('QUEUED', 'RUNNING', 'READY')",
    )
    # The roles of tenants that exist already; new ones follow app/auth/roles.py.
    op.execute(
        "UPDATE role SET permissions = permissions || '{export:write}'"
        " WHERE name IN ('administrator', 'agent')"
    )
