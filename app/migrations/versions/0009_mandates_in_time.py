"""When mandates were used and revoked, and bank accounts that were removed."""

import sqlalchemy as sa
from alembic import op

from app.migrations import helpers

revision = "0009"
down_revision = "0008"

# What was removed is found no more; no row is, yet, so no terms have to be built anew.
_TERMS = """
    CASE WHEN r.removed_at IS NULL
        THEN array_remove(ARRAY['#' || encode(r.iban_hash, 'hex')], NULL)
    END
"""


def upgrade() -> None:
    op.add_column("bank_account", sa.Column("mandate_last_used_on", sa.Date()))
    op.add_column("bank_account", sa.Column("mandate_revoked_at", sa.DateTime(timezone=True)))
    op.add_column("bank_account", sa.Column("removed_at", sa.DateTime(timezone=True)))
    op.create_check_constraint(
        "mandate_revoked",
        "bank_account",
        "mandate_revoked_at IS NULL OR mandate_state = 'REVOKED'",
    )
    op.create_check_constraint(
        "removed",
        "bank_account",
        "removed_at IS NULL OR (mandate_state <> 'ACTIVE' AND NOT preferred)",
    )
    _note_last_use()
    for event in ("insert", "delete", "update"):
        op.execute(f"DROP FUNCTION abokonto.bank_account_terms_{event}() CASCADE")
    helpers.searchable("bank_account", source=3, customer_column="customer_id", terms=_TERMS)


def _note_last_use() -> None:
    """Take over when mandates were last used; a debit that came back was presented too."""
    op.execute("ALTER TABLE bank_account DISABLE TRIGGER USER")
    op.execute(
        """
        UPDATE bank_account AS account SET mandate_last_used_on = debit.last_on
        FROM (
            SELECT tenant_id, bank_account_id,
                max(coalesce(executed_on, created_at::date)) AS last_on
            FROM payment_transaction
            WHERE action = 'SEPA_DEBIT' AND bank_account_id IS NOT NULL
            GROUP BY tenant_id, bank_account_id
        ) AS debit
        WHERE account.tenant_id = debit.tenant_id AND account.id = debit.bank_account_id
        """
    )
    op.execute("ALTER TABLE bank_account ENABLE TRIGGER USER")
