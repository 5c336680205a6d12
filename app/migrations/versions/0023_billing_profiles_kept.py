"""Billing profiles that staff keep: who may read and change how a tenant bills."""

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    # The roles of tenants that exist already; new ones follow app/auth/roles.py.
    op.execute(
        "UPDATE role SET permissions = permissions || '{billing:read}'"
        " WHERE name IN ('administrator', 'agent', 'auditor')"
    )
    op.execute(
        "UPDATE role SET permissions = permissions || '{billing:write}'"
        " WHERE name = 'administrator'"
    )
