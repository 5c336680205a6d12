SELECT json_build_object('data', json_build_object('customers', (
    WITH page AS MATERIALIZED (
        SELECT * FROM customer
        WHERE created_at <= $1::text::timestamptz
            AND (created_at < $1::text::timestamptz OR id < $2)
        ORDER BY created_at DESC, id DESC
        LIMIT 51
    )
    SELECT json_build_object(
        'pageInfo', json_build_object(
            'hasNextPage', (SELECT count(*) > 50 FROM page),
            'endCursor', (SELECT created_at::text || '|' || id FROM page OFFSET 49 LIMIT 1)
        ),
        'nodes', (SELECT coalesce(json_agg(json_build_object(
            'id', rtrim(encode(convert_to('Customer:' || customer.id, 'UTF8'), 'base64'), '='),
            'number', customer.number,
            'firstName', customer.first_name,
            'lastName', customer.last_name,
            'email', customer.email,
            'activities', json_build_object(
                'totalCount', (SELECT count(*) FROM activity WHERE customer_id = customer.id),
                'nodes', (SELECT coalesce(json_agg(page), '[]') FROM (
                    SELECT rtrim(encode(convert_to('Activity:' || id, 'UTF8'), 'base64'), '=') AS id,
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
                    SELECT rtrim(encode(convert_to('Invoice:' || id, 'UTF8'), 'base64'), '=') AS id,
                        number,
                        status,
                        (SELECT money FROM (SELECT gross::text AS amount, currency) AS money) AS gross
                    FROM invoice WHERE customer_id = customer.id
                    ORDER BY issued_on DESC, invoice.id DESC LIMIT 3
                ) AS page)
            ),
            'orders', json_build_object('totalCount',
                (SELECT count(*) FROM customer_order WHERE customer_id = customer.id)),
            'subscriptions', json_build_object('totalCount',
                (SELECT count(*) FROM subscription WHERE customer_id = customer.id))
        )), '[]') FROM (SELECT * FROM page LIMIT 50) AS customer)
    )
)))::text
