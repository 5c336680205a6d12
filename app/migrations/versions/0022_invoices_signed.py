"""Invoices say who changed their status last, as every record does."""

from alembic import op

from app.migrations import helpers

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.execute("DROP TRIGGER append_only ON invoice")
    op.execute("DROP TRIGGER append_only_truncate ON invoice")
    helpers.append_only(
        "invoice",
        except_columns=(
            "status",
            "paid_at",
            "file_id",
            "einvoice_file_id",
            "changed_at",
            "actor_kind",
            "actor_id",
            "actor_name",
        ),
    )
