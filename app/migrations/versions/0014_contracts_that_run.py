"""Contracts that run: what binds them, how they rest, and what a tenant's documents say of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.migrations import helpers

revision = "0014"
down_revision = "0013"

_LENGTHS = {
    "legal_name": 200,
    "street": 200,
    "house_number": 30,
    "postal_code": 20,
    "city": 200,
    "vat_number": 30,
    "tax_number": 30,
    "register_court": 200,
    "register_number": 60,
    "managing_directors": 500,
    "email": 254,
    "phone": 60,
    "website": 500,
    "bank_name": 200,
    "iban": 34,
    "footer": 1000,
}


def upgrade() -> None:
    _billing_profile()
    _subscription()
    _invoice()
    op.add_column("subscription_period", sa.Column("goodwill_id", sa.BigInteger()))
    op.create_foreign_key(
        None,
        "subscription_period",
        "goodwill",
        ["tenant_id", "goodwill_id"],
        ["tenant_id", "id"],
        ondelete="RESTRICT",
    )
    helpers.index_link("subscription_period", "goodwill_id")
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["tenant_id", "publishing_on", "id"],
        postgresql_where="status = 'PLANNED'",
    )
    op.create_index(
        "ix_subscription_due",
        "subscription",
        ["tenant_id", "next_billing_on", "id"],
        postgresql_where="next_billing_on IS NOT NULL",
    )


def _billing_profile() -> None:
    op.create_table(
        "billing_profile",
        *helpers.keys(),
        sa.Column("legal_name", sa.Text(), nullable=False),
        sa.Column("street", sa.Text()),
        sa.Column("house_number", sa.Text()),
        sa.Column("postal_code", sa.Text()),
        sa.Column("city", sa.Text()),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("vat_number", sa.Text()),
        sa.Column("tax_number", sa.Text()),
        sa.Column("register_court", sa.Text()),
        sa.Column("register_number", sa.Text()),
        sa.Column("managing_directors", sa.Text()),
        sa.Column("email", sa.Text()),
        sa.Column("phone", sa.Text()),
        sa.Column("website", sa.Text()),
        sa.Column("bank_name", sa.Text()),
        sa.Column("iban", sa.Text()),
        sa.Column("bic", sa.Text()),
        sa.Column("creditor_id", sa.Text()),
        sa.Column("footer", sa.Text()),
        sa.Column("invoice_prefix", sa.Text(), server_default="RE-", nullable=False),
        sa.Column("payment_days", sa.Integer(), server_default="14", nullable=False),
        sa.Column("pre_notification_days", sa.Integer(), server_default="14", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        *helpers.record(),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
        sa.UniqueConstraint("tenant_id"),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_form"),
        sa.CheckConstraint("bic ~ '^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$'", name="bic_form"),
        sa.CheckConstraint(
            "creditor_id ~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]{3}[A-Z0-9]{1,28}$'", name="creditor_id_form"
        ),
        sa.CheckConstraint("invoice_prefix ~ '^[0-9A-Za-z/-]{0,20}$'", name="invoice_prefix_form"),
        sa.CheckConstraint("payment_days BETWEEN 0 AND 365", name="payment_days_range"),
        sa.CheckConstraint(
            "pre_notification_days BETWEEN 1 AND 60", name="pre_notification_days_range"
        ),
        *(
            sa.CheckConstraint(f"char_length({column}) <= {most}", name=f"{column}_length")
            for column, most in _LENGTHS.items()
        ),
    )
    helpers.isolate_tenants("billing_profile")
    helpers.keep_changed_at("billing_profile", versioned=True)
    # Every tenant has one, whether or not somebody has filled it in.
    op.execute(
        "INSERT INTO billing_profile (tenant_id, legal_name, country, creditor_id)"
        " SELECT id, left(name, 200), country, creditor_id FROM tenant"
    )
    op.drop_column("tenant", "creditor_id")
    op.execute(
        """
        CREATE FUNCTION abokonto.begin_billing() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
        AS $body$
        BEGIN
            INSERT INTO public.billing_profile (tenant_id, legal_name, country)
            VALUES (NEW.id, left(NEW.name, 200), NEW.country);
            RETURN NULL;
        END
        $body$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION abokonto.begin_billing() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER begin_billing AFTER INSERT ON tenant"
        " FOR EACH ROW EXECUTE FUNCTION abokonto.begin_billing()"
    )


def _subscription() -> None:
    op.add_column(
        "subscription", sa.Column("consumer", sa.Boolean(), server_default="true", nullable=False)
    )
    op.add_column("subscription", sa.Column("ordered_on", sa.Date()))
    op.add_column("subscription", sa.Column("accounting_from", sa.Date()))
    op.execute("UPDATE subscription SET ordered_on = starts_on, accounting_from = starts_on")
    op.alter_column("subscription", "ordered_on", nullable=False)
    op.alter_column("subscription", "accounting_from", nullable=False)
    op.add_column("subscription", sa.Column("paused_from", sa.Date()))
    op.add_column("subscription", sa.Column("resumes_on", sa.Date()))
    op.add_column("subscription", sa.Column("order_item_id", sa.BigInteger()))
    op.create_foreign_key(
        None,
        "subscription",
        "order_item",
        ["tenant_id", "order_item_id"],
        ["tenant_id", "id"],
        ondelete="RESTRICT",
    )
    helpers.index_link("subscription", "order_item_id")
    op.create_check_constraint("resumed_after", "subscription", "resumes_on > paused_from")
    op.create_check_constraint(
        "pause_begun", "subscription", "resumes_on IS NULL OR paused_from IS NOT NULL"
    )


def _invoice() -> None:
    op.add_column(
        "invoice", sa.Column("seller", postgresql.JSONB(), server_default="{}", nullable=False)
    )
    op.add_column("invoice", sa.Column("purchase_order_number", sa.Text()))
    op.add_column("invoice", sa.Column("reason", sa.Text()))
    op.add_column("invoice", sa.Column("einvoice_file_id", sa.BigInteger()))
    op.create_foreign_key(
        None,
        "invoice",
        "file",
        ["tenant_id", "einvoice_file_id"],
        ["tenant_id", "id"],
        ondelete="RESTRICT",
    )
    helpers.index_link("invoice", "einvoice_file_id")
    op.create_check_constraint(
        "purchase_order_number_length", "invoice", "char_length(purchase_order_number) <= 100"
    )
    op.create_check_constraint("reason_length", "invoice", "char_length(reason) <= 500")
    op.execute("DROP TRIGGER append_only ON invoice")
    op.execute("DROP TRIGGER append_only_truncate ON invoice")
    helpers.append_only(
        "invoice",
        except_columns=("status", "paid_at", "file_id", "einvoice_file_id", "changed_at"),
    )
    op.add_column("invoice_item", sa.Column("service_from", sa.Date()))
    op.add_column("invoice_item", sa.Column("service_until", sa.Date()))
    op.create_check_constraint("service_period", "invoice_item", "service_until >= service_from")
