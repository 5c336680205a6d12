"""Declarations that are kept once, and the state of opt-ins as their log says it."""

import sqlalchemy as sa
from alembic import op

from app.migrations import helpers

revision = "0010"
down_revision = "0009"

_CHANNELS = "channel IN ('EMAIL', 'PHONE', 'POST', 'MESSENGER')"

# Should one version have had several wordings, all but one get a part of their hash as well.
_TAKE_TEXTS = """
    INSERT INTO opt_in_text
        (tenant_id, purpose, channel, version, text, sha256, created_at, changed_at)
    SELECT tenant_id, purpose, channel,
        CASE row_number() OVER (
            PARTITION BY tenant_id, purpose, channel, text_version ORDER BY first, text_sha256
        ) WHEN 1 THEN text_version ELSE left(text_version, 50) || '-' || left(text_sha256, 8) END,
        text, text_sha256, first, first
    FROM (
        SELECT entry.tenant_id, opt_in.purpose, opt_in.channel, entry.text_version, entry.text,
            entry.text_sha256, min(entry.created_at) AS first
        FROM opt_in_entry AS entry
        JOIN opt_in ON (opt_in.tenant_id, opt_in.id) = (entry.tenant_id, entry.opt_in_id)
        WHERE entry.text IS NOT NULL
        GROUP BY 1, 2, 3, 4, 5, 6
    ) AS declared
"""
_NAME_TEXTS = """
    UPDATE opt_in_entry AS entry SET opt_in_text_id = declared.id
    FROM opt_in, opt_in_text AS declared
    WHERE (opt_in.tenant_id, opt_in.id) = (entry.tenant_id, entry.opt_in_id)
        AND (declared.tenant_id, declared.purpose, declared.channel, declared.sha256)
            = (entry.tenant_id, opt_in.purpose, opt_in.channel, entry.text_sha256)
        AND declared.version IN (
            entry.text_version, left(entry.text_version, 50) || '-' || left(entry.text_sha256, 8)
        )
"""

# Whatever is written to the state, the newest entry decides; an entry sets it at once.
_DERIVE = """
    CREATE FUNCTION abokonto.opt_in_status() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        NEW.status := coalesce((
            SELECT entry.status FROM public.opt_in_entry AS entry
            WHERE entry.tenant_id = NEW.tenant_id AND entry.opt_in_id = NEW.id
            ORDER BY entry.created_at DESC, entry.id DESC LIMIT 1
        ), 'NONE');
        RETURN NEW;
    END
    $body$
"""
_FOLLOW = """
    UPDATE public.opt_in SET status = newest.status
    FROM (
        SELECT DISTINCT ON (entry.tenant_id, entry.opt_in_id)
            entry.tenant_id, entry.opt_in_id, entry.status
        FROM public.opt_in_entry AS entry
        WHERE (entry.tenant_id, entry.opt_in_id)
            IN (SELECT added.tenant_id, added.opt_in_id FROM new_rows AS added)
        ORDER BY entry.tenant_id, entry.opt_in_id, entry.created_at DESC, entry.id DESC
    ) AS newest
    WHERE (opt_in.tenant_id, opt_in.id) = (newest.tenant_id, newest.opt_in_id)
        AND opt_in.status <> newest.status;
"""


def upgrade() -> None:
    _opt_in_text()
    _opt_in_entry()
    _opt_in()
    # The roles of tenants that exist already; new ones follow app/auth/roles.py.
    op.execute(
        "UPDATE role SET permissions = permissions || '{opt_in:confirm,opt_in:define}'"
        " WHERE name = 'administrator'"
    )


def _opt_in_text() -> None:
    op.create_table(
        "opt_in_text",
        *helpers.keys(),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        *helpers.record(),
        sa.CheckConstraint("purpose ~ '^[0-9A-Za-z_-]{1,60}$'", name="purpose_form"),
        sa.CheckConstraint(_CHANNELS, name="channel_known"),
        sa.CheckConstraint("version <> ''", name="version_filled"),
        sa.CheckConstraint("char_length(version) <= 60", name="version_length"),
        sa.CheckConstraint("char_length(text) <= 20000", name="text_length"),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_form"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
        sa.UniqueConstraint("tenant_id", "purpose", "channel", "version"),
    )
    helpers.isolate_tenants("opt_in_text")
    helpers.append_only("opt_in_text")


def _opt_in_entry() -> None:
    op.add_column("opt_in_entry", sa.Column("opt_in_text_id", sa.BigInteger()))
    op.add_column("opt_in_entry", sa.Column("declared_at", sa.DateTime(timezone=True)))
    op.add_column("opt_in_entry", sa.Column("confirm_until", sa.DateTime(timezone=True)))
    op.add_column("opt_in_entry", sa.Column("confirms_id", sa.BigInteger()))
    op.execute("SET LOCAL abokonto.erasure = 'on'")
    op.execute(_TAKE_TEXTS)
    op.execute(_NAME_TEXTS)
    op.execute("SET LOCAL abokonto.erasure = 'off'")
    op.drop_constraint("ck_opt_in_entry_text_complete", "opt_in_entry")
    op.drop_column("opt_in_entry", "text_version")
    op.drop_column("opt_in_entry", "text")
    for name, check in (
        ("text_complete", "(opt_in_text_id IS NULL) = (text_sha256 IS NULL)"),
        ("declared_before", "declared_at <= created_at"),
        ("confirms_by_double_opt_in", "confirms_id IS NULL OR status = 'DOUBLE_OPT_IN'"),
        ("confirmed_when_single", "confirm_until IS NULL OR status = 'SINGLE_OPT_IN'"),
        ("user_agent_length", "char_length(user_agent) <= 1000"),
    ):
        op.create_check_constraint(name, "opt_in_entry", check)
    for column, table in (("opt_in_text_id", "opt_in_text"), ("confirms_id", "opt_in_entry")):
        op.create_foreign_key(
            None,
            "opt_in_entry",
            table,
            ["tenant_id", column],
            ["tenant_id", "id"],
            ondelete="RESTRICT",
        )
    op.create_unique_constraint(None, "opt_in_entry", ["tenant_id", "confirms_id"])
    helpers.index_link("opt_in_entry", "opt_in_text_id")


def _opt_in() -> None:
    op.execute(_DERIVE)
    op.execute("REVOKE ALL ON FUNCTION abokonto.opt_in_status() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER status BEFORE UPDATE ON opt_in"
        " FOR EACH ROW EXECUTE FUNCTION abokonto.opt_in_status()"
    )
    helpers.on_each_statement("opt_in_entry", "insert", "opt_in_entry_status", _FOLLOW)
