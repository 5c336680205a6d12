SELECT json_build_object('data', json_build_object('customer', (
    SELECT json_build_object('activities', (
        WITH page AS MATERIALIZED (
            SELECT * FROM activity
            WHERE customer_id = customer.id AND created_at <= $2::text::timestamptz
                AND (created_at < $2::text::timestamptz OR id < $3)
            ORDER BY created_at DESC, id DESC
            LIMIT 101
        )
        SELECT json_build_object(
            'pageInfo', json_build_object(
                'hasNextPage', (SELECT count(*) > 100 FROM page),
                'endCursor', (SELECT created_at::text || '|' || id FROM page OFFSET 99 LIMIT 1)
            ),
            'nodes', (SELECT coalesce(json_agg(node), '[]') FROM (
                SELECT 'Activity' AS "__typename",
                    rtrim(encode(convert_to('Activity:' || id, 'UTF8'), 'base64'), '=') AS id,
                    created_at AS "createdAt",
                    changed_at AS "changedAt",
                    kind,
                    text,
                    (SELECT a FROM (SELECT actor_kind AS kind, actor_name AS name) AS a) AS actor
                FROM page LIMIT 100
            ) AS node)
        )
    ))
    FROM customer WHERE id = $1
)))::text
