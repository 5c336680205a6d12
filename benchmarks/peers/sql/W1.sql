SELECT json_build_object('data', json_build_object('customer', (
    SELECT json_build_object(
        'id', rtrim(encode(convert_to('Customer:' || customer.id, 'UTF8'), 'base64'), '='),
        'number', customer.number,
        'firstName', customer.first_name,
        'lastName', customer.last_name,
        'email', customer.email,
        'activities', json_build_object(
            'totalCount', (SELECT count(*) FROM activity WHERE customer_id = customer.id),
            'nodes', (SELECT coalesce(json_agg(page), '[]') FROM (
                SELECT 'Activity' AS "__typename",
                    rtrim(encode(convert_to('Activity:' || id, 'UTF8'), 'base64'), '=') AS id,
                    created_at AS "createdAt",
                    changed_at AS "changedAt",
                    kind,
                    text,
                    (SELECT actor FROM (SELECT actor_kind AS kind, actor_name AS name) AS actor) AS actor
                FROM activity WHERE customer_id = customer.id
                ORDER BY created_at DESC, activity.id DESC LIMIT 20
            ) AS page)
        ),
        'addresses', json_build_object(
            'totalCount', (SELECT count(*) FROM address WHERE customer_id = customer.id),
            'nodes', (SELECT coalesce(json_agg(page), '[]') FROM (
                SELECT rtrim(encode(convert_to('Address:' || id, 'UTF8'), 'base64'), '=') AS id,
                    type,
                    first_name AS "firstName",
                    last_name AS "lastName",
                    street,
                    house_number AS "houseNumber",
                    postal_code AS "postalCode",
                    city
                FROM address WHERE customer_id = customer.id
                ORDER BY created_at DESC, address.id DESC LIMIT 20
            ) AS page)
        ),
        'accessRights', json_build_object(
            'totalCount', (SELECT count(*) FROM access_right WHERE customer_id = customer.id),
            'nodes', (SELECT coalesce(json_agg(page), '[]') FROM (
                SELECT rtrim(encode(convert_to('AccessRight:' || id, 'UTF8'), 'base64'), '=') AS id,
                    access_id AS "accessId",
                    source,
                    valid_from AS "validFrom",
                    valid_until AS "validUntil",
                    blocked_at AS "blockedAt",
                    blocked_reason AS "blockedReason",
                    created_at AS "createdAt"
                FROM access_right WHERE customer_id = customer.id
                ORDER BY created_at DESC, access_right.id DESC LIMIT 20
            ) AS page)
        ),
        'bankAccounts', json_build_object(
            'totalCount', (SELECT count(*) FROM bank_account WHERE customer_id = customer.id),
            'nodes', (SELECT coalesce(json_agg(page), '[]') FROM (
                SELECT rtrim(encode(convert_to('BankAccount:' || id, 'UTF8'), 'base64'), '=') AS id,
                    owner,
                    iban_masked AS "maskedIban",
                    bic,
                    bank_name AS "bankName",
                    mandate_reference AS "mandateReference",
                    mandate_signed_on AS "mandateSignedOn",
                    mandate_last_used_on AS "mandateLastUsedOn"
                FROM bank_account WHERE customer_id = customer.id
                ORDER BY created_at DESC, bank_account.id DESC LIMIT 20
            ) AS page)
        ),
        'orders', json_build_object(
            'totalCount', (SELECT count(*) FROM customer_order WHERE customer_id = customer.id),
            'nodes', (SELECT coalesce(json_agg(page), '[]') FROM (
                SELECT rtrim(encode(convert_to('Order:' || id, 'UTF8'), 'base64'), '=') AS id,
                    number,
                    status,
                    ordered_at AS "orderedAt",
                    purchase_order_number AS "purchaseOrderNumber",
                    payment_method AS "paymentMethod",
                    (SELECT money FROM (SELECT gross::text AS amount, currency) AS money) AS gross
                FROM customer_order WHERE customer_id = customer.id
                ORDER BY created_at DESC, customer_order.id DESC LIMIT 20
            ) AS page)
        ),
        'subscriptions', json_build_object(
            'totalCount', (SELECT count(*) FROM subscription WHERE customer_id = customer.id),
            'nodes', (SELECT coalesce(json_agg(page), '[]') FROM (
                SELECT rtrim(encode(convert_to('Subscription:' || id, 'UTF8'), 'base64'), '=') AS id,
                    number,
                    status,
                    starts_on AS "startsOn",
                    ends_on AS "endsOn",
                    next_billing_on AS "nextBillingOn",
                    (SELECT money FROM (SELECT price::text AS amount, currency) AS money) AS price
                FROM subscription WHERE customer_id = customer.id
                ORDER BY created_at DESC, subscription.id DESC LIMIT 20
            ) AS page)
        ),
        'invoices', json_build_object(
            'totalCount', (SELECT count(*) FROM invoice WHERE customer_id = customer.id),
            'nodes', (SELECT coalesce(json_agg(page), '[]') FROM (
                SELECT rtrim(encode(convert_to('Invoice:' || id, 'UTF8'), 'base64'), '=') AS id,
                    number,
                    type,
                    status,
                    issued_on AS "issuedOn",
                    due_on AS "dueOn",
                    (SELECT money FROM (SELECT gross::text AS amount, currency) AS money) AS gross
                FROM invoice WHERE customer_id = customer.id
                ORDER BY issued_on DESC, invoice.id DESC LIMIT 20
            ) AS page)
        ),
        'transactions', json_build_object(
            'totalCount', (SELECT count(*) FROM payment_transaction WHERE customer_id = customer.id),
            'nodes', (SELECT coalesce(json_agg(page), '[]') FROM (
                SELECT rtrim(encode(convert_to('Transaction:' || id, 'UTF8'), 'base64'), '=') AS id,
                    created_at AS "createdAt",
                    action,
                    status,
                    executed_on AS "executedOn",
                    error_code AS "errorCode",
                    (SELECT money FROM (SELECT amount::text AS amount, currency) AS money) AS amount
                FROM payment_transaction WHERE customer_id = customer.id
                ORDER BY created_at DESC, payment_transaction.id DESC LIMIT 20
            ) AS page)
        ),
        'deliveries', json_build_object(
            'totalCount', (SELECT count(*) FROM delivery WHERE customer_id = customer.id),
            'nodes', (SELECT coalesce(json_agg(page), '[]') FROM (
                SELECT rtrim(encode(convert_to('Delivery:' || id, 'UTF8'), 'base64'), '=') AS id,
                    publishing_on AS "publishingOn",
                    kind,
                    status,
                    quantity,
                    sent_at AS "sentAt",
                    created_at AS "createdAt",
                    changed_at AS "changedAt"
                FROM delivery WHERE customer_id = customer.id
                ORDER BY publishing_on DESC, delivery.id DESC LIMIT 20
            ) AS page)
        ),
        'goodwill', json_build_object(
            'totalCount', (SELECT count(*) FROM goodwill WHERE customer_id = customer.id),
            'nodes', (SELECT coalesce(json_agg(page), '[]') FROM (
                SELECT rtrim(encode(convert_to('Goodwill:' || id, 'UTF8'), 'base64'), '=') AS id,
                    created_at AS "createdAt",
                    changed_at AS "changedAt",
                    kind,
                    count,
                    reason,
                    (SELECT money FROM (SELECT value::text AS amount, currency) AS money) AS value
                FROM goodwill WHERE customer_id = customer.id
                ORDER BY created_at DESC, goodwill.id DESC LIMIT 20
            ) AS page)
        ),
        'mails', json_build_object(
            'totalCount', (SELECT count(*) FROM mail WHERE customer_id = customer.id),
            'nodes', (SELECT coalesce(json_agg(page), '[]') FROM (
                SELECT rtrim(encode(convert_to('Mail:' || id, 'UTF8'), 'base64'), '=') AS id,
                    created_at AS "createdAt",
                    template,
                    recipient,
                    subject,
                    status,
                    sent_at AS "sentAt",
                    error
                FROM mail WHERE customer_id = customer.id
                ORDER BY created_at DESC, mail.id DESC LIMIT 20
            ) AS page)
        ),
        'logins', json_build_object(
            'totalCount', (SELECT count(*) FROM login WHERE customer_id = customer.id),
            'nodes', (SELECT coalesce(json_agg(page), '[]') FROM (
                SELECT rtrim(encode(convert_to('Login:' || id, 'UTF8'), 'base64'), '=') AS id,
                    created_at AS "createdAt",
                    succeeded,
                    failure,
                    host(ip) AS ip,
                    user_agent AS "userAgent",
                    (SELECT actor FROM (SELECT actor_kind AS kind, actor_name AS name) AS actor) AS actor
                FROM login WHERE customer_id = customer.id
                ORDER BY created_at DESC, login.id DESC LIMIT 20
            ) AS page)
        )
    )
    FROM customer WHERE id = $1
)))::text
