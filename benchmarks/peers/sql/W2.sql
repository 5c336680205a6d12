SELECT json_build_object('data', json_build_object('customers', (
    SELECT json_build_object(
        'pageInfo', json_build_object(
            'hasNextPage', count(*) > 50,
            'endCursor', (array_agg(cursor ORDER BY place))[least(count(*), 50)]
        ),
        'nodes', coalesce(json_agg(node ORDER BY place) FILTER (WHERE place <= 50), '[]')
    )
    FROM (
        SELECT place, created_at::text || '|' || id AS cursor, CASE WHEN place <= 50 THEN json_build_object(
            'id', translate(encode(convert_to('Customer:' || customer.id, 'UTF8'), 'base64'), E'+/=\n', '-_'),
            'number', customer.number,
            'firstName', customer.first_name,
            'lastName', customer.last_name,
            'email', customer.email,
            'activities', json_build_object(
                'totalCount', (SELECT count(*) FROM activity WHERE customer_id = customer.id),
                'nodes', (SELECT coalesce(json_agg(page), '[]') FROM (
                    SELECT translate(encode(convert_to('Activity:' || id, 'UTF8'), 'base64'), E'+/=\n', '-_') AS id,
                        kind,
                        text,
                        created_at AS "createdAt"
                    FROM activity WHERE customer_id = customer.id
                    ORDER BY created_at DESC, activity.id DESC LIMIT 3
                ) AS page)
            ),
            'invoices', json_build_object(
                'totalCount', (SELECT count(*) FROM invoice WHERE customer_id = customer.id),
                'nodes', (SELECT coalesce(json_agg(page), '[]') FROM (
                    SELECT translate(encode(convert_to('Invoice:' || id, 'UTF8'), 'base64'), E'+/=\n', '-_') AS id,
                        number,
                        status,
                        json_build_object('amount', gross::text, 'currency', currency) AS gross
                    FROM invoice WHERE customer_id = customer.id
                    ORDER BY issued_on DESC, invoice.id DESC LIMIT 3
                ) AS page)
            ),
            'orders', json_build_object('totalCount',
                (SELECT count(*) FROM customer_order WHERE customer_id = customer.id)),
            'subscriptions', json_build_object('totalCount',
                (SELECT count(*) FROM subscription WHERE customer_id = customer.id))
        ) END AS node
        FROM (
            SELECT row_number() OVER (ORDER BY created_at DESC, id DESC) AS place, *
            FROM customer
            WHERE created_at <= $1::text::timestamptz
                AND (created_at < $1::text::timestamptz OR id < $2)
            ORDER BY created_at DESC, id DESC
            LIMIT 51
        ) AS customer
    ) AS page
)))::text
