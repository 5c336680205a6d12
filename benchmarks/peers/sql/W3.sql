SELECT json_build_object('data', json_build_object('customer', (
    SELECT json_build_object(
        'id', rtrim(encode(convert_to('Customer:' || customer.id, 'UTF8'), 'base64'), '='),
        'number', customer.number,
        'firstName', customer.first_name,
        'lastName', customer.last_name,
        'email', customer.email
    )
    FROM customer WHERE id = $1
)))::text
