"""Additional data: found by an index, and written over by nobody who has not seen it."""

import sqlalchemy as sa
from alembic import op

from app.migrations import helpers

revision = "0011"
down_revision = "0010"

# The tenant is part of what is indexed, so that none pays for what another one holds.
_OF_TENANT = """
    CREATE FUNCTION abokonto.of_tenant(tenant integer, data jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $body$
    BEGIN
        RETURN jsonb_build_object(tenant::text, data);
    END
    $body$
"""

# What asks whether JSON holds something is not leakproof: under row-level security PostgreSQL
# asks it last, of every row of the tenant. This runs as the owner, to whom that does not apply,
# and therefore sees to it by itself that the tenant is the caller's.
_CUSTOMERS_HOLDING = """
    CREATE FUNCTION abokonto.customers_holding(tenant integer, wanted jsonb[])
    RETURNS SETOF bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 50
    SET search_path = '' SET plan_cache_mode = force_custom_plan
    AS $body$
    DECLARE
        one jsonb;
    BEGIN
        IF tenant IS DISTINCT FROM abokonto.current_tenant() THEN
            RETURN;
        END IF;
        FOREACH one IN ARRAY wanted LOOP
            RETURN QUERY
            SELECT customer.id FROM public.customer
            WHERE abokonto.of_tenant(customer.tenant_id, customer.additional_data)
                @> abokonto.of_tenant(tenant, one);
        END LOOP;
    END
    $body$
"""


def upgrade() -> None:
    for function in (_OF_TENANT, _CUSTOMERS_HOLDING):
        op.execute(function)
    for signature in ("of_tenant(integer, jsonb)", "customers_holding(integer, jsonb[])"):
        op.execute(f"REVOKE ALL ON FUNCTION abokonto.{signature} FROM PUBLIC")
    op.create_index(
        "ix_customer_additional_data",
        "customer",
        [sa.text("abokonto.of_tenant(tenant_id, additional_data) jsonb_path_ops")],
        postgresql_using="gin",
    )
    op.add_column(
        "customer_order", sa.Column("version", sa.Integer(), server_default="1", nullable=False)
    )
    op.execute("DROP TRIGGER touch ON customer_order")
    helpers.keep_changed_at("customer_order", versioned=True)
    # The roles of tenants that exist already; new ones follow app/auth/roles.py.
    op.execute("UPDATE role SET permissions = permissions || '{additional_data:read}'")
