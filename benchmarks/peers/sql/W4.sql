SELECT json_build_object('data', json_build_object('customer', (
    SELECT json_build_object('activities', (
        SELECT json_build_object(
            'pageInfo', json_build_object(
                'hasNextPage', count(*) > 100,
                'endCursor', (array_agg(cursor))[least(count(*), 100)]
            ),
            'nodes', coalesce(json_agg(node) FILTER (WHERE place <= 100), '[]')
        )
        FROM (
            SELECT row_number() OVER () AS place,
                created_at::text || '|' || id AS cursor,
                json_build_object(
                    '__typename', 'Activity',
                    'id', translate(encode(convert_to('Activity:' || id, 'UTF8'), 'base64'), E'+/=\n', '-_'),
                    'createdAt', created_at,
                    'changedAt', changed_at,
                    'kind', kind,
                    'text', text,
                    'actor', json_build_object('kind', actor_kind, 'name', actor_name)
                ) AS node
            FROM (
                SELECT * FROM activity
                WHERE customer_id = customer.id AND created_at <= $2::text::timestamptz
                    AND (created_at < $2::text::timestamptz OR id < $3)
                ORDER BY created_at DESC, id DESC
                LIMIT 101
            ) AS activity
        ) AS page
    ))
    FROM customer WHERE id = $1
)))::text
