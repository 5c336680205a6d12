"""Orders as a checkout places them: with what the customer had to say."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("customer_order", sa.Column("note", sa.Text()))
    op.create_check_constraint("note_length", "customer_order", "char_length(note) <= 2000")
    # The roles of tenants that exist already; new ones follow app/auth/roles.py.
    op.execute(
        "UPDATE role SET permissions = permissions || '{order:place}'"
        " WHERE name IN ('administrator', 'agent')"
    )
