"""What the overview is searched and counted by."""

import sqlalchemy as sa
from alembic import op

from app.migrations import helpers

revision = "0005"
down_revision = "0004"


# A text's words, and what it is written without spaces as a whole: `K-2024-0001` is found by its
# beginning and by `0001`. Parts of a whole shorter than three characters are noise. Umlauts are
# found by either way of writing them.
_SEARCH_TERMS = """
    CREATE FUNCTION abokonto.search_terms(value text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
    DECLARE
        marks CONSTANT text := E'!"#$%&\\'()*+,-./:;<=>?@[\\\\]^_`{|}~';
        spaces CONSTANT text := repeat(' ', 32);
        folded text;
        other text;
        found text[];
    BEGIN
        IF value IS NULL THEN
            RETURN '{}';
        END IF;
        folded := translate(abokonto.fold(value, true), E'\\t\\n\\r\\v\\f', '     ');
        other := translate(abokonto.fold(value, false), E'\\t\\n\\r\\v\\f', '     ');
        IF other <> folded THEN
            folded := folded || ' ' || other;
        END IF;
        SELECT array_agg(DISTINCT left(term, 64)) INTO found
        FROM (
            SELECT btrim(token, marks) FROM string_to_table(folded, ' ') AS token
            UNION ALL
            SELECT word FROM string_to_table(translate(folded, marks, spaces), ' ') AS word
            WHERE char_length(word) >= 3
        ) AS all_terms(term)
        WHERE term <> '';
        RETURN coalesce(found, '{}');
    END
    $body$
"""

_CUSTOMER_TERMS = """
    abokonto.search_terms(concat_ws(
        ' ', r.number, r.external_id, r.email, split_part(r.email, '@', 2), r.first_name,
        r.last_name, r.company
    ))
"""
_ADDRESS_TERMS = """
    abokonto.search_terms(concat_ws(
        ' ', r.company, r.first_name, r.last_name, r.street, r.house_number, r.postbox,
        r.postal_code, r.city
    ))
"""
# A term that begins with a mark can't be typed, only computed from a whole IBAN.
_BANK_ACCOUNT_TERMS = """
    array_remove(ARRAY['#' || encode(r.iban_hash, 'hex')], NULL)
"""

_COUNT = """
    INSERT INTO public.customer_count AS kept (tenant_id, slot, count)
    SELECT tenant_id, pg_backend_pid() % 16, {sign} count(*) FROM {rows} GROUP BY tenant_id
    ON CONFLICT (tenant_id, slot) DO UPDATE SET count = kept.count + excluded.count;
"""


def upgrade() -> None:
    op.execute(_SEARCH_TERMS)
    _customer_term()
    _customer_count()
    helpers.searchable("customer", source=1, customer_column="id", terms=_CUSTOMER_TERMS)
    helpers.searchable("address", source=2, customer_column="customer_id", terms=_ADDRESS_TERMS)
    helpers.searchable(
        "bank_account", source=3, customer_column="customer_id", terms=_BANK_ACCOUNT_TERMS
    )
    helpers.searchable(
        "invoice",
        source=4,
        customer_column="customer_id",
        terms="abokonto.search_terms(r.number)",
    )
    for event, sign, rows in (("insert", "+", "new_rows"), ("delete", "-", "old_rows")):
        helpers.on_each_statement(
            "customer", event, f"customer_count_{event}", _COUNT.format(sign=sign, rows=rows)
        )


def _customer_term() -> None:
    op.create_table(
        "customer_term",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("term", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.SmallInteger(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "term", "customer_id", "source", "source_id"),
    )
    helpers.isolate_tenants("customer_term")


def _customer_count() -> None:
    op.create_table(
        "customer_count",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("tenant_id", "slot"),
    )
    helpers.isolate_tenants("customer_count")
