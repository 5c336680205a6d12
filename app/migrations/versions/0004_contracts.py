"""Orders, subscriptions, invoices, and all that follows from them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.migrations import helpers

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _customer_order()
    _order_item()
    _subscription()
    _subscription_period()
    _invoice()
    _invoice_item()
    _invoice_tax()
    _payment_transaction()
    _goodwill()
    _delivery()
    _mail()
    _access_right()


def _customer_order() -> None:
    op.create_table(
        "customer_order",
        *helpers.keys(),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("purchase_order_number", sa.Text()),
        sa.Column("payment_method", sa.Text(), nullable=False),
        sa.Column("bank_account_id", sa.BigInteger()),
        sa.Column("net", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("tax", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("gross", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("invoice_address", postgresql.JSONB(), nullable=False),
        sa.Column("delivery_address", postgresql.JSONB()),
        sa.Column("additional_data", postgresql.JSONB(), server_default="{}", nullable=False),
        *helpers.record(),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_form"),
        sa.CheckConstraint(
            "jsonb_typeof(additional_data) = 'object'", name="additional_data_object"
        ),
        sa.CheckConstraint("char_length(number) <= 60", name="number_length"),
        sa.CheckConstraint(
            "char_length(purchase_order_number) <= 100", name="purchase_order_number_length"
        ),
        sa.CheckConstraint("gross = net + tax", name="sum"),
        sa.CheckConstraint("net >= 0 AND tax >= 0", name="positive"),
        helpers.reference("bank_account_id", "bank_account"),
        helpers.reference("customer_id", "customer"),
        sa.UniqueConstraint("tenant_id", "number"),
        sa.CheckConstraint("status IN ('ACTIVE', 'DONE', 'CANCELLED')", name="status_known"),
        sa.CheckConstraint(
            "payment_method IN ('SEPA_DEBIT', 'INVOICE', 'CREDIT_CARD', 'PAYPAL', 'FREE')",
            name="payment_method_known",
        ),
    )
    helpers.index_link("customer_order", "bank_account_id")
    op.create_index(None, "customer_order", ["tenant_id", "customer_id", "created_at", "id"])
    helpers.isolate_tenants("customer_order")
    helpers.keep_changed_at("customer_order")


def _order_item() -> None:
    op.create_table(
        "order_item",
        *helpers.keys(),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("net", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("tax_percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("tax", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("gross", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("voucher_code", sa.Text()),
        sa.CheckConstraint("char_length(title) <= 200", name="title_length"),
        sa.CheckConstraint("char_length(voucher_code) <= 60", name="voucher_code_length"),
        sa.CheckConstraint("gross = net + tax", name="sum"),
        sa.CheckConstraint("net >= 0 AND tax >= 0", name="positive"),
        sa.CheckConstraint("position > 0", name="position_positive"),
        sa.CheckConstraint("quantity BETWEEN 1 AND 10000", name="quantity_range"),
        sa.CheckConstraint("tax_percent BETWEEN 0 AND 100", name="tax_percent_range"),
        helpers.reference("offer_id", "offer"),
        helpers.reference("order_id", "customer_order", ondelete="CASCADE"),
        sa.UniqueConstraint("tenant_id", "order_id", "position"),
    )
    helpers.index_link("order_item", "offer_id")
    helpers.isolate_tenants("order_item")


def _subscription() -> None:
    op.create_table(
        "subscription",
        *helpers.keys(),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date()),
        sa.Column("next_billing_on", sa.Date()),
        sa.Column("cancelled_at", sa.DateTime(timezone=True)),
        sa.Column("cancelled_for", sa.Date()),
        sa.Column("cancellation_reason", sa.Text()),
        sa.Column("access_blocked_at", sa.DateTime(timezone=True)),
        sa.Column("access_blocked_reason", sa.Text()),
        sa.Column("issue_based", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("issues_entitled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("issues_delivered", sa.Integer(), server_default="0", nullable=False),
        sa.Column("issues_free", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "issues_open",
            sa.Integer(),
            sa.Computed("issues_entitled + issues_free - issues_delivered", persisted=True),
            nullable=False,
        ),
        sa.Column("quantity", sa.Integer(), server_default="1", nullable=False),
        sa.Column("price", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("payment_method", sa.Text(), nullable=False),
        sa.Column("bank_account_id", sa.BigInteger()),
        sa.Column("invoice_address_id", sa.BigInteger()),
        sa.Column("delivery_address_id", sa.BigInteger()),
        sa.Column("additional_data", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("term_count", sa.Integer(), nullable=False),
        sa.Column("term_unit", sa.Text(), nullable=False),
        sa.Column("accounting_count", sa.Integer(), nullable=False),
        sa.Column("accounting_unit", sa.Text(), nullable=False),
        sa.Column("notice_count", sa.Integer(), nullable=False),
        sa.Column("notice_unit", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        *helpers.record(),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_form"),
        sa.CheckConstraint(
            "jsonb_typeof(additional_data) = 'object'", name="additional_data_object"
        ),
        sa.CheckConstraint(
            "status <> 'CANCELLED' OR cancelled_at IS NOT NULL", name="cancellation_dated"
        ),
        sa.CheckConstraint(
            "(cancelled_at IS NULL) = (cancelled_for IS NULL)", name="cancellation_complete"
        ),
        sa.CheckConstraint(
            "access_blocked_reason IS NULL OR access_blocked_at IS NOT NULL", name="access_blocked"
        ),
        sa.CheckConstraint("cancelled_for >= starts_on", name="cancelled_for_after_start"),
        sa.CheckConstraint(
            "char_length(cancellation_reason) <= 500", name="cancellation_reason_length"
        ),
        sa.CheckConstraint("char_length(number) <= 60", name="number_length"),
        sa.CheckConstraint("ends_on >= starts_on", name="period"),
        sa.CheckConstraint(
            "issues_entitled >= 0 AND issues_delivered >= 0 AND issues_free >= 0"
            " AND issues_delivered <= issues_entitled + issues_free",
            name="issues_positive",
        ),
        sa.CheckConstraint("price >= 0", name="price_positive"),
        sa.CheckConstraint("quantity BETWEEN 1 AND 10000", name="quantity_range"),
        helpers.reference("bank_account_id", "bank_account"),
        helpers.reference("customer_id", "customer"),
        helpers.reference("delivery_address_id", "address"),
        helpers.reference("invoice_address_id", "address"),
        helpers.reference("offer_id", "offer"),
        helpers.reference("order_id", "customer_order"),
        sa.UniqueConstraint("tenant_id", "number"),
        sa.CheckConstraint(
            "status IN ('ACTIVE', 'INACTIVE', 'PAUSED', 'CANCELLED')",
            name="status_known",
        ),
        sa.CheckConstraint(
            "payment_method IN ('SEPA_DEBIT', 'INVOICE', 'CREDIT_CARD', 'PAYPAL', 'FREE')",
            name="payment_method_known",
        ),
        sa.CheckConstraint("term_count > 0", name="term_positive"),
        sa.CheckConstraint("term_unit IN ('DAY', 'WEEK', 'MONTH', 'YEAR')", name="term_unit_known"),
        sa.CheckConstraint("accounting_count > 0", name="accounting_positive"),
        sa.CheckConstraint(
            "accounting_unit IN ('DAY', 'WEEK', 'MONTH', 'YEAR')",
            name="accounting_unit_known",
        ),
        sa.CheckConstraint("notice_count >= 0", name="notice_positive"),
        sa.CheckConstraint(
            "notice_unit IN ('DAY', 'WEEK', 'MONTH', 'YEAR')",
            name="notice_unit_known",
        ),
    )
    helpers.index_link("subscription", "bank_account_id")
    op.create_index(None, "subscription", ["tenant_id", "customer_id", "created_at", "id"])
    helpers.index_link("subscription", "delivery_address_id")
    helpers.index_link("subscription", "invoice_address_id")
    op.create_index(None, "subscription", ["tenant_id", "offer_id"])
    helpers.index_link("subscription", "order_id")
    helpers.isolate_tenants("subscription")
    helpers.keep_changed_at("subscription", versioned=True)


def _subscription_period() -> None:
    op.create_table(
        "subscription_period",
        *helpers.keys(),
        sa.Column("subscription_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("price", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("tenant_id"), "="),
            (sa.column("subscription_id"), "="),
            (sa.text("daterange(starts_on, ends_on, '[]')"), "&&"),
            using="gist",
            name="ex_subscription_period_overlap",
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_form"),
        sa.CheckConstraint("kind <> 'FREE' OR price = 0", name="free"),
        sa.CheckConstraint("ends_on >= starts_on", name="period"),
        sa.CheckConstraint("price >= 0", name="price_positive"),
        helpers.reference("subscription_id", "subscription", ondelete="CASCADE"),
        sa.UniqueConstraint("tenant_id", "subscription_id", "starts_on"),
        sa.CheckConstraint("kind IN ('REGULAR', 'FREE')", name="kind_known"),
    )
    helpers.isolate_tenants("subscription_period")


def _invoice() -> None:
    op.create_table(
        "invoice",
        *helpers.keys(),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("service_from", sa.Date()),
        sa.Column("service_until", sa.Date()),
        sa.Column("paid_at", sa.DateTime(timezone=True)),
        sa.Column("payment_method", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger()),
        sa.Column("subscription_id", sa.BigInteger()),
        sa.Column("precursor_id", sa.BigInteger()),
        sa.Column("net", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("tax", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("gross", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("address", postgresql.JSONB(), nullable=False),
        sa.Column("file_id", sa.BigInteger()),
        *helpers.record(),
        sa.CheckConstraint("(status = 'PAID') = (paid_at IS NOT NULL)", name="paid"),
        sa.CheckConstraint("(type = 'INVOICE') = (precursor_id IS NULL)", name="precursor_named"),
        sa.CheckConstraint(
            "CASE WHEN type IN ('CANCELLATION', 'CANCELLATION_CORRECTION') THEN net "
            "<= 0 AND tax <= 0 ELSE net >= 0 AND tax >= 0 END",
            name="sign",
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_form"),
        sa.CheckConstraint("char_length(number) <= 60", name="number_length"),
        sa.CheckConstraint("due_on >= issued_on", name="due"),
        sa.CheckConstraint("gross = net + tax", name="sum"),
        sa.CheckConstraint("service_until >= service_from", name="service_period"),
        helpers.reference("customer_id", "customer"),
        helpers.reference("file_id", "file"),
        helpers.reference("order_id", "customer_order"),
        helpers.reference("precursor_id", "invoice"),
        helpers.reference("subscription_id", "subscription"),
        sa.UniqueConstraint("tenant_id", "number"),
        sa.CheckConstraint(
            "type IN ('INVOICE', 'CANCELLATION', 'CORRECTION', 'CANCELLATION_CORRECTION')",
            name="type_known",
        ),
        sa.CheckConstraint(
            "status IN ('OPEN', 'PAID', 'NOT_PAID', 'CANCELLED')", name="status_known"
        ),
        sa.CheckConstraint(
            "payment_method IN ('SEPA_DEBIT', 'INVOICE', 'CREDIT_CARD', 'PAYPAL', 'FREE')",
            name="payment_method_known",
        ),
    )
    op.create_index(None, "invoice", ["tenant_id", "customer_id", "created_at", "id"])
    op.create_index(None, "invoice", ["tenant_id", "customer_id", "issued_on", "id"])
    helpers.index_link("invoice", "file_id")
    helpers.index_link("invoice", "order_id")
    helpers.index_link("invoice", "subscription_id")
    op.create_index(
        "uq_invoice_precursor",
        "invoice",
        ["tenant_id", "precursor_id"],
        unique=True,
        postgresql_where="precursor_id IS NOT NULL",
    )
    helpers.isolate_tenants("invoice")
    helpers.append_only("invoice", except_columns=("status", "paid_at", "file_id", "changed_at"))
    helpers.keep_changed_at("invoice")


def _invoice_item() -> None:
    op.create_table(
        "invoice_item",
        *helpers.keys(),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("order_item_id", sa.BigInteger()),
        sa.Column("subscription_period_id", sa.BigInteger()),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("net", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("tax_percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("tax", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("gross", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.CheckConstraint("char_length(title) <= 500", name="title_length"),
        sa.CheckConstraint("gross = net + tax", name="sum"),
        sa.CheckConstraint("position > 0", name="position_positive"),
        sa.CheckConstraint("quantity BETWEEN 1 AND 10000", name="quantity_range"),
        sa.CheckConstraint("tax_percent BETWEEN 0 AND 100", name="tax_percent_range"),
        helpers.reference("invoice_id", "invoice"),
        helpers.reference("order_item_id", "order_item"),
        helpers.reference("subscription_period_id", "subscription_period"),
        sa.UniqueConstraint("tenant_id", "invoice_id", "position"),
    )
    helpers.index_link("invoice_item", "order_item_id")
    helpers.index_link("invoice_item", "subscription_period_id")
    helpers.isolate_tenants("invoice_item")
    helpers.append_only("invoice_item")


def _invoice_tax() -> None:
    op.create_table(
        "invoice_tax",
        *helpers.keys(),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("tax_percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("net", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("tax", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("gross", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.CheckConstraint("gross = net + tax", name="sum"),
        sa.CheckConstraint("tax_percent BETWEEN 0 AND 100", name="tax_percent_range"),
        helpers.reference("invoice_id", "invoice"),
        sa.UniqueConstraint("tenant_id", "invoice_id", "tax_percent"),
    )
    helpers.isolate_tenants("invoice_tax")
    helpers.append_only("invoice_tax")


def _payment_transaction() -> None:
    op.create_table(
        "payment_transaction",
        *helpers.keys(),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("executed_on", sa.Date()),
        sa.Column("invoice_id", sa.BigInteger()),
        sa.Column("bank_account_id", sa.BigInteger()),
        sa.Column("original_id", sa.BigInteger()),
        sa.Column("reference", sa.Text()),
        sa.Column("error_code", sa.Text()),
        sa.Column("error_message", sa.Text()),
        *helpers.record(),
        sa.CheckConstraint(
            "action <> 'SEPA_MANDATE_CREATION' OR amount = 0", name="mandate_is_free"
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_form"),
        sa.CheckConstraint(
            "original_id IS NULL OR action IN ('SEPA_DEBIT_RETURN', 'REFUND')", name="original"
        ),
        sa.CheckConstraint("amount >= 0", name="amount_positive"),
        sa.CheckConstraint("char_length(error_code) <= 60", name="error_code_length"),
        sa.CheckConstraint("char_length(error_message) <= 500", name="error_message_length"),
        sa.CheckConstraint("char_length(reference) <= 140", name="reference_length"),
        helpers.reference("bank_account_id", "bank_account"),
        helpers.reference("customer_id", "customer"),
        helpers.reference("invoice_id", "invoice"),
        helpers.reference("original_id", "payment_transaction"),
        sa.CheckConstraint(
            "action IN ('SEPA_MANDATE_CREATION', 'SEPA_DEBIT', 'SEPA_DEBIT_RETURN', "
            "'REFUND', 'BANK_TRANSFER')",
            name="action_known",
        ),
        sa.CheckConstraint(
            "status IN ('SUCCESS', 'PENDING', 'FAILURE')",
            name="status_known",
        ),
    )
    helpers.index_link("payment_transaction", "bank_account_id")
    op.create_index(None, "payment_transaction", ["tenant_id", "customer_id", "created_at", "id"])
    helpers.index_link("payment_transaction", "invoice_id")
    helpers.index_link("payment_transaction", "original_id")
    helpers.isolate_tenants("payment_transaction")
    helpers.keep_changed_at("payment_transaction")


def _goodwill() -> None:
    op.create_table(
        "goodwill",
        *helpers.keys(),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        *helpers.record(),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_form"),
        sa.CheckConstraint("char_length(reason) BETWEEN 1 AND 1000", name="reason_length"),
        sa.CheckConstraint("count BETWEEN 1 AND 100", name="count_range"),
        sa.CheckConstraint("value >= 0", name="value_positive"),
        helpers.reference("customer_id", "customer"),
        helpers.reference("subscription_id", "subscription"),
        sa.CheckConstraint(
            "kind IN ('FREE_ISSUES', 'REDELIVERY', 'FREE_PERIOD')", name="kind_known"
        ),
    )
    op.create_index(None, "goodwill", ["tenant_id", "customer_id", "created_at", "id"])
    helpers.index_link("goodwill", "subscription_id")
    helpers.isolate_tenants("goodwill")
    helpers.append_only("goodwill")


def _delivery() -> None:
    op.create_table(
        "delivery",
        *helpers.keys(),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("subscription_id", sa.BigInteger(), nullable=False),
        sa.Column("issue_id", sa.BigInteger(), nullable=False),
        sa.Column("publishing_on", sa.Date(), nullable=False),
        sa.Column("address_id", sa.BigInteger()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), server_default="1", nullable=False),
        sa.Column("original_id", sa.BigInteger()),
        sa.Column("goodwill_id", sa.BigInteger()),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        *helpers.record(),
        sa.CheckConstraint(
            "(kind = 'REDELIVERY') = (original_id IS NOT NULL)", name="original_named"
        ),
        sa.CheckConstraint("status <> 'SENT' OR sent_at IS NOT NULL", name="sent"),
        sa.CheckConstraint("quantity BETWEEN 1 AND 10000", name="quantity_range"),
        helpers.reference("address_id", "address"),
        helpers.reference("customer_id", "customer"),
        helpers.reference("goodwill_id", "goodwill"),
        helpers.reference("issue_id", "issue"),
        helpers.reference("original_id", "delivery"),
        helpers.reference("subscription_id", "subscription"),
        sa.CheckConstraint("kind IN ('REGULAR', 'FREE', 'REDELIVERY')", name="kind_known"),
        sa.CheckConstraint(
            "status IN ('PLANNED', 'SENT', 'RETURNED', 'CANCELLED')",
            name="status_known",
        ),
    )
    helpers.index_link("delivery", "address_id")
    op.create_index(None, "delivery", ["tenant_id", "customer_id", "created_at", "id"])
    op.create_index(None, "delivery", ["tenant_id", "customer_id", "publishing_on", "id"])
    helpers.index_link("delivery", "goodwill_id")
    op.create_index(None, "delivery", ["tenant_id", "issue_id"])
    op.create_index(None, "delivery", ["tenant_id", "subscription_id", "publishing_on", "id"])
    op.create_index(
        "uq_delivery_issue",
        "delivery",
        ["tenant_id", "subscription_id", "issue_id"],
        unique=True,
        postgresql_where="kind <> 'REDELIVERY' AND status <> 'CANCELLED'",
    )
    op.create_index(
        "uq_delivery_original",
        "delivery",
        ["tenant_id", "original_id"],
        unique=True,
        postgresql_where="original_id IS NOT NULL AND status <> 'CANCELLED'",
    )
    helpers.isolate_tenants("delivery")
    helpers.keep_changed_at("delivery")


def _mail() -> None:
    op.create_table(
        "mail",
        *helpers.keys(),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("error", sa.Text()),
        sa.Column("order_id", sa.BigInteger()),
        sa.Column("subscription_id", sa.BigInteger()),
        sa.Column("invoice_id", sa.BigInteger()),
        *helpers.record(),
        sa.CheckConstraint("(status = 'FAILED') = (error IS NOT NULL)", name="failed"),
        sa.CheckConstraint("(status = 'SENT') = (sent_at IS NOT NULL)", name="sent"),
        sa.CheckConstraint("template ~ '^[0-9A-Za-z_-]{1,60}$'", name="template_form"),
        sa.CheckConstraint("char_length(error) <= 1000", name="error_length"),
        sa.CheckConstraint("char_length(recipient) <= 254", name="recipient_length"),
        sa.CheckConstraint("char_length(subject) <= 500", name="subject_length"),
        helpers.reference("customer_id", "customer", ondelete="CASCADE"),
        helpers.reference("invoice_id", "invoice"),
        helpers.reference("order_id", "customer_order"),
        helpers.reference("subscription_id", "subscription"),
        sa.CheckConstraint(
            "status IN ('QUEUED', 'SENT', 'FAILED', 'SUPPRESSED')", name="status_known"
        ),
    )
    op.create_index(None, "mail", ["tenant_id", "customer_id", "created_at", "id"])
    helpers.index_link("mail", "invoice_id")
    helpers.index_link("mail", "order_id")
    helpers.index_link("mail", "subscription_id")
    helpers.isolate_tenants("mail")
    helpers.keep_changed_at("mail")


def _access_right() -> None:
    op.create_table(
        "access_right",
        *helpers.keys(),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("access_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.BigInteger()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger()),
        sa.Column("subscription_id", sa.BigInteger()),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True)),
        sa.Column("blocked_at", sa.DateTime(timezone=True)),
        sa.Column("blocked_reason", sa.Text()),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        *helpers.record(),
        sa.CheckConstraint(
            "CASE source WHEN 'MANUAL' THEN order_id IS NULL AND subscription_id IS "
            "NULL WHEN 'ORDER' THEN order_id IS NOT NULL ELSE subscription_id IS "
            "NOT NULL END",
            name="source_named",
        ),
        sa.CheckConstraint("access_id ~ '^[0-9A-Za-z-]{2,30}$'", name="access_id_form"),
        sa.CheckConstraint("blocked_reason IS NULL OR blocked_at IS NOT NULL", name="blocked"),
        sa.CheckConstraint("valid_until >= valid_from", name="period"),
        helpers.reference("customer_id", "customer", ondelete="CASCADE"),
        helpers.reference("order_id", "customer_order"),
        helpers.reference("product_id", "product"),
        helpers.reference("subscription_id", "subscription"),
        sa.CheckConstraint("source IN ('MANUAL', 'ORDER', 'SUBSCRIPTION')", name="source_known"),
    )
    op.create_index(None, "access_right", ["tenant_id", "customer_id", "created_at", "id"])
    helpers.index_link("access_right", "order_id")
    helpers.index_link("access_right", "product_id")
    helpers.index_link("access_right", "subscription_id")
    helpers.isolate_tenants("access_right")
    helpers.keep_changed_at("access_right", versioned=True)
