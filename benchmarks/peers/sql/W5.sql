WITH account AS MATERIALIZED (
    SELECT tenant_id, id FROM customer WHERE id = $1 FOR UPDATE
),
signed AS MATERIALIZED (
    SELECT account.*, clock_timestamp() AS now, token.id AS actor_id, token.kind AS actor_kind,
        token.name AS actor_name
    FROM account CROSS JOIN json_to_record($4) AS token (id bigint, kind text, name text)
),
added AS (
    INSERT INTO activity
        (tenant_id, customer_id, created_at, changed_at, actor_kind, actor_id, actor_name, kind, text)
    SELECT tenant_id, id, now, now, actor_kind, actor_id, actor_name, $2, $3 FROM signed
    RETURNING id, kind, text, created_at
),
entry AS (
    INSERT INTO history
        (tenant_id, customer_id, created_at, changed_at, actor_kind, actor_id, actor_name,
         action, record_type, record_id, after)
    SELECT signed.tenant_id, signed.id, now, now, actor_kind, actor_id, actor_name,
        'activity.added', 'Activity', added.id,
        json_build_object('kind', kind, 'personal', json_build_object('text', text))
    FROM signed CROSS JOIN added
)
SELECT json_build_object('data', json_build_object('added', json_build_object('activity',
    json_build_object(
        'id', rtrim(encode(convert_to('Activity:' || id, 'UTF8'), 'base64'), '='),
        'kind', kind,
        'text', text,
        'createdAt', created_at
    )
)))::text
FROM added
