"""Authors and pins of activities, thumbnails, and files that no row names, yet or any more."""

import sqlalchemy as sa
from alembic import op

from app.migrations import helpers

revision = "0012"
down_revision = "0011"

# Whoever inserts the row is its author; the actor becomes whoever changed it last.
_KEEP_AUTHOR = """
    CREATE FUNCTION abokonto.keep_author() RETURNS trigger
    LANGUAGE plpgsql SET search_path = ''
    AS $body$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            NEW.author_kind := NEW.actor_kind;
            NEW.author_id := NEW.actor_id;
            NEW.author_name := NEW.actor_name;
        ELSE
            NEW.author_kind := OLD.author_kind;
            NEW.author_id := OLD.author_id;
        END IF;
        RETURN NEW;
    END
    $body$
"""

# The next three work for all tenants, on nothing but keys, which are random: what the store
# holds and no row names can be removed by a worker without a token.
_EXPIRE_FILES = """
    CREATE FUNCTION abokonto.expire_files(most integer) RETURNS SETOF text
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = ''
    AS $body$
        UPDATE public.unclaimed_file AS file SET doomed = true
        FROM (
            SELECT tenant_id, id FROM public.unclaimed_file
            WHERE expires_at <= clock_timestamp()
            ORDER BY expires_at
            LIMIT most
            FOR UPDATE SKIP LOCKED
        ) AS expired
        WHERE file.tenant_id = expired.tenant_id AND file.id = expired.id
        RETURNING file.key
    $body$
"""
_FORGET_FILES = """
    CREATE FUNCTION abokonto.forget_files(keys text[]) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = ''
    AS $body$
        DELETE FROM public.unclaimed_file AS file
        USING unnest(keys) AS gone(key)
        WHERE file.tenant_id = split_part(gone.key, '/', 1)::integer
            AND file.key = gone.key AND file.doomed
    $body$
"""
_UNKNOWN_FILES = """
    CREATE FUNCTION abokonto.unknown_files(keys text[]) RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
    AS $body$
        SELECT stored.key
        FROM unnest(keys) AS stored(key)
        CROSS JOIN LATERAL (SELECT split_part(stored.key, '/', 1)::integer AS tenant_id) AS of
        WHERE NOT EXISTS (
            SELECT FROM public.file
            WHERE file.tenant_id = of.tenant_id AND file.key = stored.key
        ) AND NOT EXISTS (
            SELECT FROM public.unclaimed_file AS file
            WHERE file.tenant_id = of.tenant_id AND file.key = stored.key
        )
    $body$
"""
_KEYS_OF_REMOVED = """
    INSERT INTO public.unclaimed_file (tenant_id, key, expires_at, doomed)
    SELECT tenant_id, key, clock_timestamp(), true FROM old_rows;
"""


def upgrade() -> None:
    _sign_activities()
    _pin_activities()
    op.add_column(
        "file",
        sa.Column("has_thumbnail", sa.Boolean(), server_default="false", nullable=False),
    )
    op.create_table(
        "unclaimed_file",
        *helpers.keys(),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("doomed", sa.Boolean(), server_default="false", nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
        sa.UniqueConstraint("tenant_id", "key"),
        sa.CheckConstraint("char_length(key) <= 1024", name="key_length"),
    )
    op.create_index(None, "unclaimed_file", ["expires_at"])
    helpers.isolate_tenants("unclaimed_file")
    helpers.on_each_statement("file", "delete", "unclaim_files", _KEYS_OF_REMOVED)
    for function, signature in (
        (_EXPIRE_FILES, "expire_files(integer)"),
        (_FORGET_FILES, "forget_files(text[])"),
        (_UNKNOWN_FILES, "unknown_files(text[])"),
    ):
        op.execute(function)
        op.execute(f"REVOKE ALL ON FUNCTION abokonto.{signature} FROM PUBLIC")


def _sign_activities() -> None:
    op.add_column("activity", sa.Column("author_kind", sa.Text()))
    op.add_column("activity", sa.Column("author_id", sa.BigInteger()))
    op.add_column("activity", sa.Column("author_name", sa.Text()))
    op.add_column("activity", sa.Column("pinned_at", sa.DateTime(timezone=True)))
    op.execute("ALTER TABLE activity DISABLE TRIGGER USER")
    op.execute(
        "UPDATE activity SET author_kind = actor_kind, author_id = actor_id,"
        " author_name = actor_name,"
        " pinned_at = CASE WHEN kind = 'HINT' THEN created_at END"
    )
    op.execute("ALTER TABLE activity ENABLE TRIGGER USER")
    op.alter_column("activity", "author_kind", nullable=False)
    op.create_check_constraint(
        "author_kind_known",
        "activity",
        "author_kind IN ('STAFF', 'PARTNER', 'CUSTOMER', 'SYSTEM', 'IMPORT')",
    )
    op.execute(_KEEP_AUTHOR)
    op.execute(
        "CREATE TRIGGER keep_author BEFORE INSERT OR UPDATE ON activity"
        " FOR EACH ROW EXECUTE FUNCTION abokonto.keep_author()"
    )


def _pin_activities() -> None:
    op.drop_index("ix_activity_hint", "activity")
    op.create_index(
        "ix_activity_pinned",
        "activity",
        ["tenant_id", "customer_id", "created_at", "id"],
        postgresql_where="pinned_at IS NOT NULL",
    )
