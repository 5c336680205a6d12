"""Addresses that take another's place on their day, their regions, and asking for access."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("address", sa.Column("region", sa.Text()))
    op.create_check_constraint("region_length", "address", "char_length(region) <= 100")
    # There may be one for now and one for each day that lies ahead.
    op.drop_index("uq_address_preferred", "address")
    op.create_index(
        "uq_address_preferred",
        "address",
        ["tenant_id", "customer_id", "type", "valid_from"],
        unique=True,
        postgresql_where="preferred",
        postgresql_nulls_not_distinct=True,
    )
    # The roles of tenants that exist already; new ones follow app/auth/roles.py.
    op.execute(
        "UPDATE role SET permissions = permissions || '{access:check}'"
        " WHERE name IN ('administrator', 'agent')"
    )
