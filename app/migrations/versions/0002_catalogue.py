"""What a tenant sells, and the fields it defines for itself."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.migrations import helpers

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _publication()
    _issue()
    _product()
    _offer()
    _additional_data_definition()


def _publication() -> None:
    op.create_table(
        "publication",
        *helpers.keys(),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("frequency", sa.Text(), nullable=False),
        *helpers.record(),
        sa.CheckConstraint("char_length(title) <= 200", name="title_length"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
        sa.UniqueConstraint("tenant_id", "title"),
        sa.CheckConstraint(
            "frequency IN ('DAILY', 'WEEKLY', 'BIWEEKLY', 'MONTHLY', 'BIMONTHLY', 'QUARTERLY')",
            name="frequency_known",
        ),
    )
    helpers.isolate_tenants("publication")
    helpers.keep_changed_at("publication")


def _issue() -> None:
    op.create_table(
        "issue",
        *helpers.keys(),
        sa.Column("publication_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("title", sa.Text()),
        sa.Column("publishing_on", sa.Date(), nullable=False),
        sa.Column("closing_on", sa.Date(), nullable=False),
        *helpers.record(),
        sa.CheckConstraint("char_length(number) <= 30", name="number_length"),
        sa.CheckConstraint("closing_on <= publishing_on", name="closing"),
        helpers.reference("publication_id", "publication"),
        sa.UniqueConstraint("tenant_id", "publication_id", "number"),
        sa.UniqueConstraint("tenant_id", "publication_id", "publishing_on"),
    )
    helpers.isolate_tenants("issue")
    helpers.keep_changed_at("issue")


def _product() -> None:
    op.create_table(
        "product",
        *helpers.keys(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("access_id", sa.Text()),
        sa.Column("publication_id", sa.BigInteger()),
        sa.Column("tax_class", sa.Text(), nullable=False),
        *helpers.record(),
        sa.CheckConstraint("access_id ~ '^[0-9A-Za-z-]{2,30}$'", name="access_id_form"),
        sa.CheckConstraint(
            "kind = 'DIGITAL' OR publication_id IS NOT NULL", name="publication_named"
        ),
        sa.CheckConstraint("kind = 'PRINT' OR access_id IS NOT NULL", name="access_named"),
        sa.CheckConstraint("char_length(name) <= 200", name="name_length"),
        helpers.reference("publication_id", "publication"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
        sa.UniqueConstraint("tenant_id", "access_id"),
        sa.CheckConstraint("kind IN ('DIGITAL', 'PRINT', 'BUNDLE')", name="kind_known"),
        sa.CheckConstraint("tax_class IN ('STANDARD', 'REDUCED', 'ZERO')", name="tax_class_known"),
    )
    helpers.index_link("product", "publication_id")
    helpers.isolate_tenants("product")
    helpers.keep_changed_at("product")


def _offer() -> None:
    op.create_table(
        "offer",
        *helpers.keys(),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("publication_id", sa.BigInteger()),
        sa.Column("price", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("issues_per_period", sa.Integer()),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date()),
        sa.Column("term_count", sa.Integer(), nullable=False),
        sa.Column("term_unit", sa.Text(), nullable=False),
        sa.Column("accounting_count", sa.Integer(), nullable=False),
        sa.Column("accounting_unit", sa.Text(), nullable=False),
        sa.Column("notice_count", sa.Integer(), nullable=False),
        sa.Column("notice_unit", sa.Text(), nullable=False),
        *helpers.record(),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_form"),
        sa.CheckConstraint("char_length(code) <= 60", name="code_length"),
        sa.CheckConstraint("char_length(name) <= 200", name="name_length"),
        sa.CheckConstraint("issues_per_period > 0", name="issues_positive"),
        sa.CheckConstraint(
            "issues_per_period IS NULL OR publication_id IS NOT NULL", name="publication_named"
        ),
        sa.CheckConstraint("price >= 0", name="price_positive"),
        sa.CheckConstraint("valid_until >= valid_from", name="period"),
        helpers.reference("product_id", "product"),
        helpers.reference("publication_id", "publication"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
        sa.UniqueConstraint("tenant_id", "code"),
        sa.CheckConstraint("term_count > 0", name="term_positive"),
        sa.CheckConstraint("term_unit IN ('DAY', 'WEEK', 'MONTH', 'YEAR')", name="term_unit_known"),
        sa.CheckConstraint("accounting_count > 0", name="accounting_positive"),
        sa.CheckConstraint(
            "accounting_unit IN ('DAY', 'WEEK', 'MONTH', 'YEAR')",
            name="accounting_unit_known",
        ),
        sa.CheckConstraint("notice_count >= 0", name="notice_positive"),
        sa.CheckConstraint(
            "notice_unit IN ('DAY', 'WEEK', 'MONTH', 'YEAR')", name="notice_unit_known"
        ),
    )
    helpers.index_link("offer", "product_id")
    helpers.index_link("offer", "publication_id")
    helpers.isolate_tenants("offer")
    helpers.keep_changed_at("offer")


def _additional_data_definition() -> None:
    op.create_table(
        "additional_data_definition",
        *helpers.keys(),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("applies_to", sa.Text(), nullable=False),
        sa.Column("required", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("pattern", sa.Text()),
        sa.Column("choices", postgresql.ARRAY(sa.Text())),
        *helpers.record(),
        sa.CheckConstraint(
            "(type = 'CHOICE') = (choices IS NOT NULL AND cardinality(choices) > 0)",
            name="choices_given",
        ),
        sa.CheckConstraint("key ~ '^[A-Za-z][0-9A-Za-z_]{0,59}$'", name="key_form"),
        sa.CheckConstraint("pattern IS NULL OR type = 'TEXT'", name="pattern_of_text"),
        sa.CheckConstraint("char_length(label) <= 200", name="label_length"),
        sa.CheckConstraint("char_length(pattern) <= 500", name="pattern_length"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
        sa.UniqueConstraint("tenant_id", "applies_to", "key"),
        sa.CheckConstraint(
            "type IN ('TEXT', 'NUMBER', 'BOOLEAN', 'DATE', 'CHOICE')",
            name="type_known",
        ),
        sa.CheckConstraint(
            "applies_to IN ('CUSTOMER', 'ORDER', 'SUBSCRIPTION')",
            name="applies_to_known",
        ),
    )
    helpers.isolate_tenants("additional_data_definition")
    helpers.keep_changed_at("additional_data_definition")
