"""Customers, and what is in an account without anything being sold."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.migrations import helpers

revision = "0003"
down_revision = "0002"


# Both sides of a comparison are folded the same way: lower-case, without accents, ß as ss. With
# `german` ä, ö and ü become ae, oe and ue, without it a, o and u. The same is done in Python by
# app/domain/search.py, and a test holds them to each other.
_FOLD = """
    CREATE FUNCTION abokonto.fold(value text, german boolean) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
    DECLARE
        folded text := value;
    BEGIN
        IF octet_length(value) = char_length(value) THEN
            RETURN lower(value);
        END IF;
        folded := normalize(folded, NFKC);
        IF german THEN
            folded := replace(replace(replace(folded, 'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue');
            folded := replace(replace(replace(folded, 'Ä', 'ae'), 'Ö', 'oe'), 'Ü', 'ue');
        END IF;
        folded := replace(replace(folded, 'ß', 'ss'), 'ẞ', 'ss');
        folded := replace(replace(folded, 'æ', 'ae'), 'Æ', 'ae');
        folded := replace(replace(folded, 'œ', 'oe'), 'Œ', 'oe');
        folded := replace(replace(folded, 'þ', 'th'), 'Þ', 'th');
        folded := translate(folded, 'øØłŁđĐðÐı', 'oollddddi');
        folded := translate(folded, U&'\\2013\\2014\\2018\\2019', '--''''');
        folded := translate(
            folded, U&'\\201E\\201C\\201D\\00AB\\00BB\\2039\\203A\\2026', repeat(' ', 8)
        );
        folded := regexp_replace(normalize(folded, NFD), '[\\u0300-\\u036f]', '', 'g');
        RETURN normalize(lower(folded), NFC);
    END
    $body$
"""

# What customers are sorted by: family name, then first name; companies by their name.
_SORT_NAME = """
    CREATE FUNCTION abokonto.sort_name(last_name text, first_name text, company text)
    RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN left(
        btrim(abokonto.fold(
            coalesce(nullif(last_name, ''), company, '') || ' ' || coalesce(first_name, ''), false
        )),
        200
    )
"""


def upgrade() -> None:
    op.execute(_FOLD)
    op.execute(_SORT_NAME)
    _customer()
    _file()
    _address()
    _bank_account()
    _activity()
    _activity_attachment()
    _data_export()
    _opt_in()
    _opt_in_entry()
    _login()
    _history()
    _job()


def _customer() -> None:
    op.create_table(
        "customer",
        *helpers.keys(),
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("external_id", sa.Text(collation="C")),
        sa.Column("email", sa.Text()),
        sa.Column("email_key", sa.Text(collation="C"), sa.Computed("lower(email)", persisted=True)),
        sa.Column("salutation", sa.Text()),
        sa.Column("title", sa.Text()),
        sa.Column("first_name", sa.Text()),
        sa.Column("last_name", sa.Text()),
        sa.Column("company", sa.Text()),
        sa.Column(
            "sort_name",
            sa.Text(collation="C"),
            sa.Computed("abokonto.sort_name(last_name, first_name, company)", persisted=True),
            nullable=False,
        ),
        sa.Column("phone", sa.Text()),
        sa.Column("birthday", sa.Date()),
        sa.Column("language", sa.Text(), server_default="de", nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("additional_data", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("login_blocked_at", sa.DateTime(timezone=True)),
        sa.Column("login_blocked_reason", sa.Text()),
        sa.Column("access_blocked_at", sa.DateTime(timezone=True)),
        sa.Column("access_blocked_reason", sa.Text()),
        sa.Column("anonymized_at", sa.DateTime(timezone=True)),
        sa.Column("password_hash", sa.Text()),
        sa.Column("totp_secret", postgresql.BYTEA()),
        sa.Column("two_factor_since", sa.DateTime(timezone=True)),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        *helpers.record(),
        sa.CheckConstraint("birthday > '1850-01-01'", name="birthday_range"),
        sa.CheckConstraint("email ~ '^[^@\\s]+@[^@\\s]+$'", name="email_form"),
        sa.CheckConstraint("external_id <> ''", name="external_id_filled"),
        sa.CheckConstraint(
            "jsonb_typeof(additional_data) = 'object'", name="additional_data_object"
        ),
        sa.CheckConstraint("language ~ '^[a-z]{2}$'", name="language_form"),
        sa.CheckConstraint("number <> ''", name="number_filled"),
        sa.CheckConstraint(
            "(totp_secret IS NULL) = (two_factor_since IS NULL)", name="two_factor_complete"
        ),
        sa.CheckConstraint(
            "access_blocked_reason IS NULL OR access_blocked_at IS NOT NULL", name="access_blocked"
        ),
        sa.CheckConstraint("char_length(company) <= 200", name="company_length"),
        sa.CheckConstraint("char_length(email) <= 254", name="email_length"),
        sa.CheckConstraint("char_length(external_id) <= 200", name="external_id_length"),
        sa.CheckConstraint("char_length(first_name) <= 200", name="first_name_length"),
        sa.CheckConstraint("char_length(last_name) <= 200", name="last_name_length"),
        sa.CheckConstraint("char_length(number) <= 60", name="number_length"),
        sa.CheckConstraint("char_length(phone) <= 60", name="phone_length"),
        sa.CheckConstraint("char_length(title) <= 60", name="title_length"),
        sa.CheckConstraint(
            "login_blocked_reason IS NULL OR login_blocked_at IS NOT NULL", name="login_blocked"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
        sa.UniqueConstraint("tenant_id", "email_key"),
        sa.UniqueConstraint("tenant_id", "external_id"),
        sa.UniqueConstraint("tenant_id", "number"),
        sa.CheckConstraint("salutation IN ('MR', 'MS', 'MX')", name="salutation_known"),
    )
    op.create_index(None, "customer", ["tenant_id", "changed_at", "id"])
    op.create_index(None, "customer", ["tenant_id", "created_at", "id"])
    op.create_index(None, "customer", ["tenant_id", "sort_name", "id"])
    helpers.isolate_tenants("customer")
    helpers.keep_changed_at("customer", versioned=True)


def _file() -> None:
    op.create_table(
        "file",
        *helpers.keys(),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        *helpers.record(),
        sa.CheckConstraint(
            "purpose <> 'ATTACHMENT' OR size_bytes <= 800000", name="attachment_size"
        ),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_form"),
        sa.CheckConstraint("char_length(key) <= 1024", name="key_length"),
        sa.CheckConstraint("char_length(name) <= 255", name="name_length"),
        sa.CheckConstraint("size_bytes >= 0", name="size_positive"),
        helpers.reference("customer_id", "customer"),
        sa.UniqueConstraint("tenant_id", "key"),
        sa.CheckConstraint("purpose IN ('ATTACHMENT', 'INVOICE', 'EXPORT')", name="purpose_known"),
    )
    op.create_index(None, "file", ["tenant_id", "customer_id", "created_at", "id"])
    helpers.isolate_tenants("file")
    helpers.keep_changed_at("file")


def _address() -> None:
    op.create_table(
        "address",
        *helpers.keys(),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("business", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("company", sa.Text()),
        sa.Column("salutation", sa.Text()),
        sa.Column("title", sa.Text()),
        sa.Column("first_name", sa.Text()),
        sa.Column("last_name", sa.Text()),
        sa.Column("street", sa.Text()),
        sa.Column("house_number", sa.Text()),
        sa.Column("addition", sa.Text()),
        sa.Column("postbox", sa.Text()),
        sa.Column("postal_code", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("vat_number", sa.Text()),
        sa.Column("delivery_note", sa.Text()),
        sa.Column("preferred", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("valid_from", sa.Date()),
        sa.Column("validation", sa.Text(), server_default="NONE", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        *helpers.record(),
        sa.CheckConstraint(
            "coalesce(last_name, '') <> '' OR coalesce(company, '') <> ''", name="named"
        ),
        sa.CheckConstraint(
            "coalesce(street, '') <> '' OR coalesce(postbox, '') <> ''", name="reachable"
        ),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_form"),
        sa.CheckConstraint("char_length(addition) <= 200", name="addition_length"),
        sa.CheckConstraint("char_length(city) <= 200", name="city_length"),
        sa.CheckConstraint("char_length(company) <= 200", name="company_length"),
        sa.CheckConstraint("char_length(delivery_note) <= 500", name="delivery_note_length"),
        sa.CheckConstraint("char_length(first_name) <= 200", name="first_name_length"),
        sa.CheckConstraint("char_length(house_number) <= 30", name="house_number_length"),
        sa.CheckConstraint("char_length(last_name) <= 200", name="last_name_length"),
        sa.CheckConstraint("char_length(postal_code) <= 20", name="postal_code_length"),
        sa.CheckConstraint("char_length(postbox) <= 60", name="postbox_length"),
        sa.CheckConstraint("char_length(street) <= 200", name="street_length"),
        sa.CheckConstraint("char_length(title) <= 60", name="title_length"),
        sa.CheckConstraint("char_length(vat_number) <= 30", name="vat_number_length"),
        helpers.reference("customer_id", "customer", ondelete="CASCADE"),
        sa.CheckConstraint("type IN ('INVOICE', 'DELIVERY')", name="type_known"),
        sa.CheckConstraint("salutation IN ('MR', 'MS', 'MX')", name="salutation_known"),
        sa.CheckConstraint(
            "validation IN ('NONE', 'VALID', 'SUSPECT', 'INVALID', 'OVERRIDDEN')",
            name="validation_known",
        ),
    )
    op.create_index(None, "address", ["tenant_id", "customer_id", "created_at", "id"])
    op.create_index(
        "uq_address_preferred",
        "address",
        ["tenant_id", "customer_id", "type"],
        unique=True,
        postgresql_where="preferred",
    )
    helpers.isolate_tenants("address")
    helpers.keep_changed_at("address", versioned=True)


def _bank_account() -> None:
    op.create_table(
        "bank_account",
        *helpers.keys(),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("iban", postgresql.BYTEA()),
        sa.Column("iban_hash", postgresql.BYTEA()),
        sa.Column("iban_masked", sa.Text()),
        sa.Column("bic", sa.Text()),
        sa.Column("bank_name", sa.Text()),
        sa.Column("mandate_reference", sa.Text(), nullable=False),
        sa.Column(
            "mandate_reference_key",
            sa.Text(),
            sa.Computed("upper(replace(mandate_reference, ' ', ''))", persisted=True),
            nullable=False,
        ),
        sa.Column("mandate_signed_on", sa.Date(), nullable=False),
        sa.Column("mandate_state", sa.Text(), server_default="ACTIVE", nullable=False),
        sa.Column("preferred", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        *helpers.record(),
        sa.CheckConstraint("bic ~ '^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$'", name="bic_form"),
        sa.CheckConstraint(
            "mandate_reference ~ '^[A-Za-z0-9+?/:().,'' -]{1,35}$'", name="mandate_reference_form"
        ),
        sa.CheckConstraint(
            "(iban IS NULL) = (iban_hash IS NULL) AND (iban IS NULL) = (iban_masked IS NULL)",
            name="iban_complete",
        ),
        sa.CheckConstraint("char_length(bank_name) <= 200", name="bank_name_length"),
        sa.CheckConstraint("char_length(owner) <= 200", name="owner_length"),
        sa.CheckConstraint("octet_length(iban_hash) = 32", name="iban_hash_length"),
        helpers.reference("customer_id", "customer", ondelete="CASCADE"),
        sa.CheckConstraint(
            "mandate_state IN ('ACTIVE', 'REVOKED', 'LAPSED')",
            name="mandate_state_known",
        ),
    )
    op.create_index(None, "bank_account", ["tenant_id", "customer_id", "created_at", "id"])
    op.create_index(
        "uq_bank_account_iban",
        "bank_account",
        ["tenant_id", "customer_id", "iban_hash"],
        unique=True,
        postgresql_where="mandate_state = 'ACTIVE'",
    )
    op.create_index(
        "uq_bank_account_mandate",
        "bank_account",
        ["tenant_id", "mandate_reference_key"],
        unique=True,
    )
    op.create_index(
        "uq_bank_account_preferred",
        "bank_account",
        ["tenant_id", "customer_id"],
        unique=True,
        postgresql_where="preferred",
    )
    helpers.isolate_tenants("bank_account")
    helpers.keep_changed_at("bank_account", versioned=True)


def _activity() -> None:
    op.create_table(
        "activity",
        *helpers.keys(),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        *helpers.record(),
        sa.CheckConstraint("char_length(text) BETWEEN 1 AND 10000", name="text_length"),
        helpers.reference("customer_id", "customer", ondelete="CASCADE"),
        sa.CheckConstraint(
            "kind IN ('NOTE', 'HINT', 'PHONE', 'EMAIL', 'LETTER', 'SYSTEM')",
            name="kind_known",
        ),
    )
    op.create_index(
        "ix_activity_hint",
        "activity",
        ["tenant_id", "customer_id", "created_at", "id"],
        postgresql_where="kind = 'HINT'",
    )
    op.create_index(None, "activity", ["tenant_id", "customer_id", "created_at", "id"])
    helpers.isolate_tenants("activity")
    helpers.keep_changed_at("activity")


def _activity_attachment() -> None:
    op.create_table(
        "activity_attachment",
        *helpers.keys(),
        sa.Column("activity_id", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint("position BETWEEN 1 AND 5", name="position_range"),
        helpers.reference("activity_id", "activity", ondelete="CASCADE"),
        helpers.reference("file_id", "file"),
        sa.UniqueConstraint("tenant_id", "activity_id", "position"),
    )
    helpers.index_link("activity_attachment", "file_id")
    helpers.isolate_tenants("activity_attachment")


def _data_export() -> None:
    op.create_table(
        "data_export",
        *helpers.keys(),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("file_id", sa.BigInteger()),
        sa.Column("size_bytes", sa.BigInteger()),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("error", sa.Text()),
        *helpers.record(),
        sa.CheckConstraint(
            "status <> 'READY' OR (file_id IS NOT NULL AND size_bytes IS NOT NULL "
            "AND expires_at IS NOT NULL)",
            name="ready",
        ),
        sa.CheckConstraint("char_length(error) <= 1000", name="error_length"),
        sa.CheckConstraint("size_bytes >= 0", name="size_positive"),
        helpers.reference("customer_id", "customer", ondelete="CASCADE"),
        helpers.reference("file_id", "file"),
        sa.CheckConstraint(
            "status IN ('QUEUED', 'RUNNING', 'READY', 'FAILED', 'EXPIRED')",
            name="status_known",
        ),
    )
    op.create_index(None, "data_export", ["tenant_id", "customer_id", "created_at", "id"])
    helpers.index_link("data_export", "file_id")
    op.create_index(
        "uq_data_export_running",
        "data_export",
        ["tenant_id", "customer_id"],
        unique=True,
        postgresql_where="status IN ('QUEUED', 'RUNNING')",
    )
    helpers.isolate_tenants("data_export")
    helpers.keep_changed_at("data_export")


def _opt_in() -> None:
    op.create_table(
        "opt_in",
        *helpers.keys(),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        *helpers.record(),
        sa.CheckConstraint("purpose ~ '^[0-9A-Za-z_-]{1,60}$'", name="purpose_form"),
        helpers.reference("customer_id", "customer"),
        sa.UniqueConstraint("tenant_id", "customer_id", "purpose", "channel"),
        sa.CheckConstraint(
            "channel IN ('EMAIL', 'PHONE', 'POST', 'MESSENGER')", name="channel_known"
        ),
        sa.CheckConstraint(
            "status IN ('NONE', 'SINGLE_OPT_IN', 'DOUBLE_OPT_IN', 'OBJECTION', 'REVOKED')",
            name="status_known",
        ),
    )
    op.create_index(None, "opt_in", ["tenant_id", "customer_id", "created_at", "id"])
    helpers.isolate_tenants("opt_in")
    helpers.keep_changed_at("opt_in")


def _opt_in_entry() -> None:
    op.create_table(
        "opt_in_entry",
        *helpers.keys(),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("opt_in_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("ip", postgresql.INET()),
        sa.Column("user_agent", sa.Text()),
        sa.Column("text", sa.Text()),
        sa.Column("text_version", sa.Text()),
        sa.Column("text_sha256", sa.Text()),
        *helpers.record(),
        sa.CheckConstraint("text_sha256 ~ '^[0-9a-f]{64}$'", name="text_sha256_form"),
        sa.CheckConstraint(
            "(text IS NULL) = (text_sha256 IS NULL) AND (text IS NULL) = (text_version IS NULL)",
            name="text_complete",
        ),
        sa.CheckConstraint("char_length(source) <= 200", name="source_length"),
        sa.CheckConstraint("char_length(text_version) <= 60", name="text_version_length"),
        helpers.reference("customer_id", "customer"),
        helpers.reference("opt_in_id", "opt_in"),
        sa.CheckConstraint(
            "status IN ('NONE', 'SINGLE_OPT_IN', 'DOUBLE_OPT_IN', 'OBJECTION', 'REVOKED')",
            name="status_known",
        ),
    )
    op.create_index(None, "opt_in_entry", ["tenant_id", "customer_id", "created_at", "id"])
    helpers.index_link("opt_in_entry", "opt_in_id")
    helpers.isolate_tenants("opt_in_entry")
    helpers.append_only("opt_in_entry")


def _login() -> None:
    op.create_table(
        "login",
        *helpers.keys(),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column("failure", sa.Text()),
        sa.Column("ip", postgresql.INET()),
        sa.Column("user_agent", sa.Text()),
        *helpers.record(),
        sa.CheckConstraint("char_length(user_agent) <= 500", name="user_agent_length"),
        sa.CheckConstraint("succeeded = (failure IS NULL)", name="outcome"),
        helpers.reference("customer_id", "customer"),
        sa.CheckConstraint(
            "failure IN ('WRONG_PASSWORD', 'WRONG_CODE', 'LOGIN_BLOCKED', "
            "'PASSWORD_EXPIRED', 'TOO_MANY_ATTEMPTS')",
            name="failure_known",
        ),
    )
    op.create_index(None, "login", ["tenant_id", "customer_id", "created_at", "id"])
    helpers.isolate_tenants("login")
    helpers.append_only("login")


def _history() -> None:
    op.create_table(
        "history",
        *helpers.keys(),
        sa.Column("customer_id", sa.BigInteger()),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("record_type", sa.Text()),
        sa.Column("record_id", sa.BigInteger()),
        sa.Column("before", postgresql.JSONB()),
        sa.Column("after", postgresql.JSONB()),
        sa.Column("note", sa.Text()),
        *helpers.record(),
        sa.CheckConstraint("action ~ '^[a-z_]+[.][a-z_]+$'", name="action_form"),
        sa.CheckConstraint("char_length(note) <= 1000", name="note_length"),
        sa.CheckConstraint("char_length(record_type) <= 60", name="record_type_length"),
        helpers.reference("customer_id", "customer"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
    )
    op.create_index(None, "history", ["tenant_id", "customer_id", "created_at", "id"])
    helpers.isolate_tenants("history")
    helpers.append_only("history")


def _job() -> None:
    op.create_table(
        "job",
        *helpers.keys(),
        sa.Column("customer_id", sa.BigInteger()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("status", sa.Text(), server_default="QUEUED", nullable=False),
        helpers.moment("run_at"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("error", sa.Text()),
        *helpers.record(),
        sa.CheckConstraint("jsonb_typeof(payload) = 'object'", name="payload_object"),
        sa.CheckConstraint("kind ~ '^[a-z_]+$'", name="kind_form"),
        sa.CheckConstraint("attempts >= 0", name="attempts_positive"),
        sa.CheckConstraint("char_length(error) <= 1000", name="error_length"),
        helpers.reference("customer_id", "customer", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
        sa.CheckConstraint(
            "status IN ('QUEUED', 'RUNNING', 'DONE', 'FAILED')", name="status_known"
        ),
    )
    op.create_index("ix_job_due", "job", ["run_at", "id"], postgresql_where="status = 'QUEUED'")
    helpers.index_link("job", "customer_id")
    helpers.isolate_tenants("job")
    helpers.keep_changed_at("job")
