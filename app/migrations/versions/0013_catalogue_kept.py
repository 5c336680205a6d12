"""A catalogue that is kept by people: versions, successors of offers, split tax, and vouchers."""

from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from alembic import op

from app.migrations import helpers

revision = "0013"
down_revision = "0012"

_VERSIONED = ("product", "offer", "publication", "issue")

# One row is changed at a time, so that whoever else redeems the same voucher waits, and the check
# on the voucher sees every redemption.
_COUNT_USES = """
    CREATE FUNCTION abokonto.count_voucher_uses() RETURNS trigger
    LANGUAGE plpgsql SET search_path = ''
    AS $body$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            UPDATE public.voucher SET used = used + 1
            WHERE tenant_id = NEW.tenant_id AND id = NEW.voucher_id;
        ELSE
            UPDATE public.voucher SET used = used - 1
            WHERE tenant_id = OLD.tenant_id AND id = OLD.voucher_id;
        END IF;
        RETURN NULL;
    END
    $body$
"""
_TENANT_TAX_RATE = """
    CREATE VIEW tenant_tax_rate WITH (security_invoker = true) AS
    SELECT tenant.id AS tenant_id, rate.id, rate.country, rate.tax_class, rate.percent,
        rate.valid_from, rate.valid_until
    FROM tenant CROSS JOIN tax_rate AS rate
"""

_TAX_RATES = (
    # § 12 UStG.
    ("DE", "STANDARD", "14.00", "1983-07-01", "1992-12-31"),
    ("DE", "STANDARD", "15.00", "1993-01-01", "1998-03-31"),
    ("DE", "STANDARD", "16.00", "1998-04-01", "2006-12-31"),
    # Art. 36 MWSTG until 2009, Art. 25 MWSTG since, and what the Federal Council made of them.
    ("CH", "STANDARD", "7.60", "2001-01-01", "2010-12-31"),
    ("CH", "STANDARD", "8.00", "2011-01-01", "2017-12-31"),
    ("CH", "REDUCED", "2.40", "2001-01-01", "2010-12-31"),
    ("CH", "REDUCED", "2.50", "2011-01-01", "2017-12-31"),
    # Liechtenstein's follow the Swiss by treaty.
    ("LI", "STANDARD", "7.60", "2001-01-01", "2010-12-31"),
    ("LI", "STANDARD", "8.00", "2011-01-01", "2017-12-31"),
    ("LI", "STANDARD", "7.70", "2018-01-01", "2023-12-31"),
    ("LI", "STANDARD", "8.10", "2024-01-01", None),
    ("LI", "REDUCED", "2.40", "2001-01-01", "2010-12-31"),
    ("LI", "REDUCED", "2.50", "2011-01-01", "2023-12-31"),
    ("LI", "REDUCED", "2.60", "2024-01-01", None),
    # Luxembourg's for the press is the "taux super-réduit".
    ("LU", "STANDARD", "17.00", "2015-01-01", "2022-12-31"),
    ("LU", "STANDARD", "16.00", "2023-01-01", "2023-12-31"),
    ("LU", "STANDARD", "17.00", "2024-01-01", None),
    ("LU", "REDUCED", "3.00", "2015-01-01", None),
    # What is free of tax is so on every day.
    ("DE", "ZERO", "0.00", "1983-07-01", None),
    ("AT", "ZERO", "0.00", "1984-01-01", None),
    ("CH", "ZERO", "0.00", "2001-01-01", None),
    ("LI", "ZERO", "0.00", "2001-01-01", None),
    ("LU", "ZERO", "0.00", "2015-01-01", None),
)


def upgrade() -> None:
    for table in _VERSIONED:
        op.add_column(table, sa.Column("version", sa.Integer(), server_default="1", nullable=False))
        op.execute(f"DROP TRIGGER touch ON {table}")
        helpers.keep_changed_at(table, versioned=True)
    op.create_check_constraint("title_length", "issue", "char_length(title) <= 200")
    _product()
    _offer()
    _voucher()
    _redemption()
    _rates()
    # The roles of tenants that exist already; new ones follow app/auth/roles.py.
    op.execute("UPDATE role SET permissions = permissions || '{voucher:read}'")
    op.execute(
        "UPDATE role SET permissions = permissions || '{catalogue:write,voucher:write}'"
        " WHERE name = 'administrator'"
    )


def _product() -> None:
    op.add_column("product", sa.Column("retired_at", sa.DateTime(timezone=True)))
    op.alter_column("product", "tax_class", nullable=True)
    op.create_check_constraint("tax_classed", "product", "kind = 'BUNDLE' OR tax_class IS NOT NULL")
    op.create_check_constraint("description_length", "product", "char_length(description) <= 2000")
    op.create_table(
        "product_tax_share",
        *helpers.keys(),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("tax_class", sa.Text(), nullable=False),
        sa.Column("percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.CheckConstraint("percent > 0 AND percent < 100", name="percent_range"),
        sa.CheckConstraint("tax_class IN ('STANDARD', 'REDUCED', 'ZERO')", name="tax_class_known"),
        helpers.reference("product_id", "product", ondelete="CASCADE"),
        sa.UniqueConstraint("tenant_id", "product_id", "tax_class"),
    )
    helpers.isolate_tenants("product_tax_share")


def _offer() -> None:
    op.add_column("offer", sa.Column("first_price", sa.Numeric(precision=14, scale=2)))
    op.add_column("offer", sa.Column("predecessor_id", sa.BigInteger()))
    op.create_check_constraint("first_price_positive", "offer", "first_price >= 0")
    op.create_check_constraint("description_length", "offer", "char_length(description) <= 2000")
    op.create_foreign_key(
        None,
        "offer",
        "offer",
        ["tenant_id", "predecessor_id"],
        ["tenant_id", "id"],
        ondelete="RESTRICT",
    )
    op.create_unique_constraint(None, "offer", ["tenant_id", "predecessor_id"])
    op.drop_constraint("uq_offer_tenant_id_code", "offer")
    op.execute(
        "ALTER TABLE offer ADD CONSTRAINT ex_offer_code_overlap EXCLUDE USING gist"
        " (tenant_id WITH =, code WITH =, daterange(valid_from, valid_until, '[]') WITH &&)"
    )
    op.create_table(
        "offer_grant",
        *helpers.keys(),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        helpers.reference("offer_id", "offer", ondelete="CASCADE"),
        helpers.reference("product_id", "product"),
        sa.UniqueConstraint("tenant_id", "offer_id", "product_id"),
    )
    helpers.index_link("offer_grant", "product_id")
    helpers.isolate_tenants("offer_grant")


def _voucher() -> None:
    op.create_table(
        "voucher",
        *helpers.keys(),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("percent", sa.Numeric(precision=5, scale=2)),
        sa.Column("amount", sa.Numeric(precision=14, scale=2)),
        sa.Column("currency", sa.Text()),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date()),
        sa.Column("usage_limit", sa.Integer()),
        sa.Column("limit_per_customer", sa.Integer()),
        sa.Column("used", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        *helpers.record(),
        sa.CheckConstraint("code ~ '^[0-9A-Z-]{3,40}$'", name="code_form"),
        sa.CheckConstraint("char_length(name) <= 200", name="name_length"),
        sa.CheckConstraint("kind IN ('PERCENT', 'AMOUNT')", name="kind_known"),
        sa.CheckConstraint("(kind = 'PERCENT') = (percent IS NOT NULL)", name="percent_given"),
        sa.CheckConstraint(
            "(kind = 'AMOUNT') = (amount IS NOT NULL) AND (amount IS NULL) = (currency IS NULL)",
            name="amount_given",
        ),
        sa.CheckConstraint("percent > 0 AND percent <= 100", name="percent_range"),
        sa.CheckConstraint("amount > 0", name="amount_positive"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_form"),
        sa.CheckConstraint("valid_until >= valid_from", name="period"),
        sa.CheckConstraint("limit_per_customer > 0", name="limit_per_customer_positive"),
        sa.CheckConstraint("usage_limit > 0", name="usage_limit_positive"),
        sa.CheckConstraint("used >= 0 AND used <= usage_limit", name="usage"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
        sa.UniqueConstraint("tenant_id", "code"),
    )
    helpers.isolate_tenants("voucher")
    # A voucher that is used is not changed by that, or agents could never save what they edit.
    op.execute(
        "CREATE TRIGGER touch BEFORE UPDATE ON voucher FOR EACH ROW"
        " WHEN (OLD.used = NEW.used) EXECUTE FUNCTION abokonto.touch_version()"
    )
    op.create_table(
        "voucher_offer",
        *helpers.keys(),
        sa.Column("voucher_id", sa.BigInteger(), nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        helpers.reference("voucher_id", "voucher", ondelete="CASCADE"),
        helpers.reference("offer_id", "offer"),
        sa.UniqueConstraint("tenant_id", "voucher_id", "offer_id"),
    )
    helpers.index_link("voucher_offer", "offer_id")
    helpers.isolate_tenants("voucher_offer")


def _redemption() -> None:
    op.create_table(
        "voucher_redemption",
        *helpers.keys(),
        sa.Column("voucher_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        helpers.reference("voucher_id", "voucher"),
        helpers.reference("order_id", "customer_order", ondelete="CASCADE"),
        sa.UniqueConstraint("tenant_id", "order_id", "voucher_id"),
    )
    helpers.index_link("voucher_redemption", "voucher_id")
    helpers.isolate_tenants("voucher_redemption")
    op.execute(_COUNT_USES)
    op.execute("REVOKE ALL ON FUNCTION abokonto.count_voucher_uses() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER count_uses AFTER INSERT OR DELETE ON voucher_redemption"
        " FOR EACH ROW EXECUTE FUNCTION abokonto.count_voucher_uses()"
    )


def _rates() -> None:
    rates = sa.table(
        "tax_rate",
        *(sa.column(name, sa.Text()) for name in ("country", "tax_class")),
        sa.column("percent", sa.Numeric()),
        *(sa.column(name, sa.Date()) for name in ("valid_from", "valid_until")),
    )
    for rate in _TAX_RATES:
        country, tax_class, percent, *days = rate
        first, last = (None if day is None else date.fromisoformat(day) for day in days)
        op.execute(
            rates.insert().values(
                country=country,
                tax_class=tax_class,
                percent=Decimal(percent),
                valid_from=first,
                valid_until=last,
            )
        )
    op.execute(_TENANT_TAX_RATE)
