"""A chained history: each entry carries a hash over itself and the entry before it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.migrations import helpers

revision = "0024"
down_revision = "0023"

# `app/domain/history_chain.py` says what these compute, and computes it once more when the chain
# is verified. Its canonical form of JSON is the one in which PostgreSQL writes `jsonb`, which is
# twenty times as fast as making another one here; a test compares the two.
_IMPERSONAL = """
    CREATE FUNCTION abokonto.impersonal(value jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE jsonb_typeof(value) WHEN 'object' THEN value - 'personal' ELSE value END
"""

_PERSONAL = """
    CREATE FUNCTION abokonto.personal_part(place text, value jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN jsonb_typeof(value) = 'object' AND value ? 'personal'
        THEN jsonb_build_object(place, value -> 'personal')
        ELSE '{}'
    END
"""

_CONTENT = """
    CREATE FUNCTION abokonto.history_content(entry public.history) RETURNS bytea
    LANGUAGE plpgsql STABLE
    AS $body$
    BEGIN
        RETURN convert_to(jsonb_build_object(
            'account_id', entry.account_id,
            'action', entry.action,
            'actor_digest', encode(entry.actor_digest, 'hex'),
            'actor_id', entry.actor_id,
            'actor_kind', entry.actor_kind,
            'after', abokonto.impersonal(entry.after),
            'before', abokonto.impersonal(entry.before),
            'changed_at', (extract(epoch FROM entry.changed_at) * 1000000)::bigint,
            'created_at', (extract(epoch FROM entry.created_at) * 1000000)::bigint,
            'id', entry.id,
            'personal_digest', encode(entry.personal_digest, 'hex'),
            'record_id', entry.record_id,
            'record_type', entry.record_type,
            'tenant_id', entry.tenant_id
        )::text, 'UTF8');
    END
    $body$
"""

# The salts are random and go with what they salt, so that nobody can try out afterwards what was
# there.
_LINKED = """
    CREATE FUNCTION abokonto.linked_history(
        entry public.history, previous_position bigint, previous_hash bytea
    ) RETURNS public.history
    LANGUAGE plpgsql VOLATILE
    AS $body$
    DECLARE
        personal jsonb := abokonto.personal_part('after', entry.after)
            || abokonto.personal_part('before', entry.before)
            || CASE WHEN entry.note IS NULL THEN '{}'
               ELSE jsonb_build_object('note', entry.note) END;
    BEGIN
        entry.account_id := entry.customer_id;
        entry.personal_salt := NULL;
        entry.personal_digest := NULL;
        entry.actor_salt := NULL;
        entry.actor_digest := NULL;
        IF personal <> '{}' THEN
            entry.personal_salt := uuid_send(gen_random_uuid());
            entry.personal_digest := sha256(
                entry.personal_salt || convert_to(personal::text, 'UTF8')
            );
        END IF;
        IF entry.actor_name IS NOT NULL THEN
            entry.actor_salt := uuid_send(gen_random_uuid());
            entry.actor_digest := sha256(
                entry.actor_salt || convert_to(to_jsonb(entry.actor_name)::text, 'UTF8')
            );
        END IF;
        entry.position := previous_position + 1;
        entry.hash := sha256(previous_hash || abokonto.history_content(entry));
        RETURN entry;
    END
    $body$
"""

# The head is locked until the transaction ends, so that whoever is next sees what this one left,
# and nothing where it is rolled back. Rows of the same statement go on from each other: they stand
# behind the head, which moves once, at the end of the statement. Each is looked for with one plan:
# making another takes longer than all the rest.
_LINK = """
    CREATE FUNCTION abokonto.link_history() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_generic_plan
    AS $body$
    DECLARE
        head record;
        newer record;
    BEGIN
        SELECT position, hash INTO head FROM public.history_chain
        WHERE tenant_id = NEW.tenant_id FOR UPDATE;
        IF NOT FOUND THEN
            INSERT INTO public.history_chain (tenant_id) VALUES (NEW.tenant_id)
            ON CONFLICT DO NOTHING;
            SELECT position, hash INTO head FROM public.history_chain
            WHERE tenant_id = NEW.tenant_id FOR UPDATE;
        END IF;
        SELECT position, hash INTO newer FROM public.history
        WHERE tenant_id = NEW.tenant_id AND position > head.position
        ORDER BY position DESC LIMIT 1;
        IF FOUND THEN
            head := newer;
        END IF;
        RETURN abokonto.linked_history(NEW, head.position, head.hash);
    END
    $body$
"""

_MOVE_HEAD = """
    UPDATE public.history_chain AS head SET position = last.position, hash = last.hash
    FROM (
        SELECT DISTINCT ON (tenant_id) tenant_id, position, hash FROM new_rows
        ORDER BY tenant_id, position DESC
    ) AS last
    WHERE head.tenant_id = last.tenant_id;
"""

_LINK_WHAT_IS_THERE = """
    DO $body$
    DECLARE
        entry public.history;
        tenant integer := 0;
        place bigint;
        previous bytea;
    BEGIN
        FOR entry IN SELECT * FROM public.history ORDER BY tenant_id, created_at, id LOOP
            IF entry.tenant_id <> tenant THEN
                tenant := entry.tenant_id;
                place := 0;
                previous := decode(repeat('00', 32), 'hex');
            END IF;
            entry := abokonto.linked_history(entry, place, previous);
            UPDATE public.history AS kept SET
                account_id = entry.account_id,
                personal_salt = entry.personal_salt,
                personal_digest = entry.personal_digest,
                actor_salt = entry.actor_salt,
                actor_digest = entry.actor_digest,
                position = entry.position,
                hash = entry.hash
            WHERE kept.tenant_id = entry.tenant_id AND kept.id = entry.id;
            place := entry.position;
            previous := entry.hash;
        END LOOP;
    END
    $body$
"""


def upgrade() -> None:
    _columns()
    _chain()
    _seal()
    for function in (_IMPERSONAL, _PERSONAL, _CONTENT, _LINKED, _LINK):
        op.execute(function)
    _link_what_is_there()
    for name in (
        "impersonal(jsonb)",
        "personal_part(text, jsonb)",
        "history_content(public.history)",
        "linked_history(public.history, bigint, bytea)",
        "link_history()",
    ):
        op.execute(f"REVOKE ALL ON FUNCTION abokonto.{name} FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER link BEFORE INSERT ON history"
        " FOR EACH ROW EXECUTE FUNCTION abokonto.link_history()"
    )
    helpers.on_each_statement("history", "insert", "move_history_head", _MOVE_HEAD)
    # The roles of tenants that exist already; new ones follow app/auth/roles.py.
    op.execute(
        "UPDATE role SET permissions = permissions || '{history:verify}'"
        " WHERE name IN ('administrator', 'auditor')"
    )


def _columns() -> None:
    for name, type_ in (
        ("account_id", sa.BigInteger()),
        ("position", sa.BigInteger()),
        ("hash", postgresql.BYTEA()),
        ("personal_salt", postgresql.BYTEA()),
        ("personal_digest", postgresql.BYTEA()),
        ("actor_salt", postgresql.BYTEA()),
        ("actor_digest", postgresql.BYTEA()),
    ):
        op.add_column("history", sa.Column(name, type_))


def _chain() -> None:
    op.create_table(
        "history_chain",
        sa.Column("tenant_id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "hash",
            postgresql.BYTEA(),
            server_default=sa.text("decode(repeat('00', 32), 'hex')"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
        # It changes with every action: there is room to do so in place.
        postgresql_with={"fillfactor": 50},
    )
    helpers.isolate_tenants("history_chain")


def _seal() -> None:
    op.create_table(
        "history_seal",
        *helpers.keys(),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", postgresql.BYTEA(), nullable=False),
        sa.Column("seal", postgresql.BYTEA(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
        sa.UniqueConstraint("tenant_id", "position"),
    )
    helpers.isolate_tenants("history_seal")
    helpers.append_only("history_seal")


def _link_what_is_there() -> None:
    """Chain the entries that there are, in the order of their time."""
    op.execute("SET LOCAL abokonto.erasure = 'on'")
    op.execute(_LINK_WHAT_IS_THERE)
    op.execute("SET LOCAL abokonto.erasure = 'off'")
    op.execute("ALTER TABLE history ALTER position SET NOT NULL, ALTER hash SET NOT NULL")
    op.create_unique_constraint(None, "history", ["tenant_id", "position"])
    op.execute(
        "INSERT INTO history_chain (tenant_id, position, hash)"
        " SELECT DISTINCT ON (tenant_id) tenant_id, position, hash FROM history"
        " ORDER BY tenant_id, position DESC"
    )
