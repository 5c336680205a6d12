"""A search that is planned for the few customers it mostly finds."""

from alembic import op

revision = "0006"
down_revision = "0005"

# PostgreSQL plans a statement once for all searches, and without knowing a term it expects one
# in two hundred of all terms to match: with a million customers it would read all of them. Here
# it is told to expect few, and so it looks up those that are found one by one.
#
# Of several terms the rarest leads, as long as it is rare: only the customers that it finds are
# asked for the others. Counting stops at a thousand, so it costs little where all are common.
_FIND_CUSTOMERS = """
    CREATE FUNCTION abokonto.find_customers(tenant integer, terms text[], sources integer[])
    RETURNS SETOF bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 50 SET plan_cache_mode = force_custom_plan
    AS $body$
    DECLARE
        beyond CONSTANT text := U&'\\+10FFFF';
        rare CONSTANT integer := 1000;
        fewest integer := rare;
        rarest text;
        candidate text;
        matches integer;
    BEGIN
        IF cardinality(terms) > 1 THEN
            FOREACH candidate IN ARRAY terms LOOP
                SELECT count(*) INTO matches FROM (
                    SELECT FROM public.customer_term AS found
                    WHERE found.tenant_id = tenant
                        AND found.term >= candidate AND found.term < candidate || beyond
                    LIMIT rare
                ) AS counted;
                IF matches < fewest THEN
                    fewest := matches;
                    rarest := candidate;
                END IF;
            END LOOP;
        END IF;
        IF rarest IS NOT NULL THEN
            RETURN QUERY
            SELECT DISTINCT led.customer_id
            FROM public.customer_term AS led
            WHERE led.tenant_id = tenant
                AND led.term >= rarest AND led.term < rarest || beyond
                AND led.source = ANY (sources)
                AND NOT EXISTS (
                    SELECT FROM unnest(terms) AS wanted(term)
                    WHERE NOT EXISTS (
                        SELECT FROM public.customer_term AS own
                        WHERE own.tenant_id = tenant AND own.customer_id = led.customer_id
                            AND own.term >= wanted.term AND own.term < wanted.term || beyond
                            AND own.source = ANY (sources)
                    )
                );
            RETURN;
        END IF;
        RETURN QUERY
        SELECT found.customer_id
        FROM unnest(terms) AS wanted(term)
        CROSS JOIN LATERAL (
            SELECT DISTINCT one.customer_id
            FROM public.customer_term AS one
            WHERE one.tenant_id = tenant
                AND one.term >= wanted.term AND one.term < wanted.term || beyond
                AND one.source = ANY (sources)
        ) AS found
        GROUP BY found.customer_id
        HAVING count(*) = cardinality(terms);
    END
    $body$
"""


def upgrade() -> None:
    op.create_index(None, "customer_term", ["tenant_id", "customer_id", "term"])
    op.execute(_FIND_CUSTOMERS)
