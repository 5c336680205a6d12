"""Offers that a subscription changes to with its next period, and days that a period rested."""

import sqlalchemy as sa
from alembic import op

from app.migrations import helpers

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("subscription", sa.Column("next_offer_id", sa.BigInteger()))
    op.create_foreign_key(
        None,
        "subscription",
        "offer",
        ["tenant_id", "next_offer_id"],
        ["tenant_id", "id"],
        ondelete="RESTRICT",
    )
    helpers.index_link("subscription", "next_offer_id")
    op.add_column(
        "subscription_period",
        sa.Column("paused_days", sa.Integer(), server_default="0", nullable=False),
    )
    op.create_check_constraint(
        "paused_days_within",
        "subscription_period",
        "paused_days BETWEEN 0 AND ends_on - starts_on",
    )
    # The roles of tenants that exist already; new ones follow app/auth/roles.py.
    op.execute(
        "UPDATE role SET permissions = permissions || '{subscription:write,invoice:write}'"
        " WHERE name IN ('administrator', 'agent')"
    )
    op.execute(
        "UPDATE role SET permissions = permissions || '{subscription:override}'"
        " WHERE name = 'administrator'"
    )
