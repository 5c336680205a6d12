"""Customers sign in: their sessions, second factors and devices, and that they see themselves."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.migrations import helpers

revision = "0025"
down_revision = "0024"

# Set by `authenticate` for the transaction, as the tenant is; none for everybody but customers.
_CURRENT_CUSTOMER = """
    CREATE FUNCTION abokonto.current_customer() RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('abokonto.customer_id', true), '')::bigint
"""

# As before, and for customers besides: a session ends with the lock of the login and with
# anonymisation, whether or not somebody has ended it, and sets whose rows can be seen.
_AUTHENTICATE = """
    CREATE FUNCTION abokonto.authenticate(token_hash bytea, client inet DEFAULT NULL)
    RETURNS TABLE (
        kind text, token_id bigint, tenant_id integer, staff_id bigint, customer_id bigint,
        name text, permissions text[]
    )
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' ROWS 1 AS $body$
    DECLARE
        now constant timestamptz := clock_timestamp();
    BEGIN
        SELECT token.kind, token.id, token.tenant_id, token.staff_id, token.customer_id,
               coalesce(
                   staff.name,
                   nullif(concat_ws(' ', customer.first_name, customer.last_name), ''),
                   customer.company,
                   token.name
               ),
               CASE
                   WHEN role.id IS NULL THEN token.permissions
                   WHEN token.signed_in_by = 'PASSWORD' AND staff.two_factor_since IS NULL AND (
                       SELECT tenant.two_factor_required FROM public.tenant
                       WHERE tenant.id = token.tenant_id
                   ) THEN '{}'
                   ELSE role.permissions
               END
        INTO kind, token_id, tenant_id, staff_id, customer_id, name, permissions
        FROM public.access_token AS token
        LEFT JOIN public.staff_membership AS membership
            ON membership.tenant_id = token.tenant_id AND membership.staff_id = token.staff_id
        LEFT JOIN public.staff ON staff.id = membership.staff_id
        LEFT JOIN public.role
            ON role.tenant_id = membership.tenant_id AND role.id = membership.role_id
        LEFT JOIN public.customer
            ON customer.tenant_id = token.tenant_id AND customer.id = token.customer_id
        WHERE token.hash = token_hash
            AND token.revoked_at IS NULL
            AND (token.expires_at IS NULL OR token.expires_at > now)
            AND (token.idle_seconds IS NULL OR
                 coalesce(token.last_used_at, token.created_at)
                 + make_interval(secs => token.idle_seconds) > now)
            AND (token.allowed_networks IS NULL
                 OR coalesce(client <<= ANY (token.allowed_networks::inet[]), false))
            AND staff.deactivated_at IS NULL
            AND membership.deactivated_at IS NULL
            AND customer.login_blocked_at IS NULL
            AND customer.anonymized_at IS NULL;
        PERFORM set_config('abokonto.tenant_id', coalesce(authenticate.tenant_id::text, ''), true),
                set_config(
                    'abokonto.customer_id', coalesce(authenticate.customer_id::text, ''), true
                );
        IF FOUND AND authenticate.tenant_id IS NOT NULL THEN
            RETURN NEXT;
        END IF;
    END
    $body$
"""

# What hangs on a customer's record, and what of the catalogue they have something to do with. The
# owner looks, so that no policy is asked within another.
_SEEN = {
    "owns_invoice(invoice bigint)": """
        SELECT EXISTS (
            SELECT FROM public.invoice AS known
            WHERE known.tenant_id = abokonto.current_tenant() AND known.id = invoice
                AND known.customer_id = abokonto.current_customer()
        )""",
    "owns_order(ordered bigint)": """
        SELECT EXISTS (
            SELECT FROM public.customer_order AS known
            WHERE known.tenant_id = abokonto.current_tenant() AND known.id = ordered
                AND known.customer_id = abokonto.current_customer()
        )""",
    "owns_subscription(subscription bigint)": """
        SELECT EXISTS (
            SELECT FROM public.subscription AS known
            WHERE known.tenant_id = abokonto.current_tenant() AND known.id = subscription
                AND known.customer_id = abokonto.current_customer()
        )""",
    "has_offer(offer bigint)": """
        SELECT EXISTS (
            SELECT FROM public.subscription AS known
            WHERE known.tenant_id = abokonto.current_tenant()
                AND known.customer_id = abokonto.current_customer()
                AND offer IN (known.offer_id, known.next_offer_id)
        ) OR EXISTS (
            SELECT FROM public.customer_order AS known
            JOIN public.order_item AS item
                ON item.tenant_id = known.tenant_id AND item.order_id = known.id
            WHERE known.tenant_id = abokonto.current_tenant()
                AND known.customer_id = abokonto.current_customer()
                AND item.offer_id = offer
        )""",
    "has_product(product bigint)": """
        SELECT EXISTS (
            SELECT FROM public.access_right AS known
            WHERE known.tenant_id = abokonto.current_tenant()
                AND known.customer_id = abokonto.current_customer()
                AND known.product_id = product
        ) OR EXISTS (
            SELECT FROM public.offer AS sold
            WHERE sold.tenant_id = abokonto.current_tenant() AND sold.product_id = product
                AND abokonto.has_offer(sold.id)
        )""",
    "has_issue(issue bigint)": """
        SELECT EXISTS (
            SELECT FROM public.delivery AS known
            WHERE known.tenant_id = abokonto.current_tenant()
                AND known.customer_id = abokonto.current_customer()
                AND known.issue_id = issue
        )""",
    "has_publication(publication bigint)": """
        SELECT EXISTS (
            SELECT FROM public.offer AS sold
            WHERE sold.tenant_id = abokonto.current_tenant()
                AND sold.publication_id = publication AND abokonto.has_offer(sold.id)
        ) OR EXISTS (
            SELECT FROM public.product AS sold
            WHERE sold.tenant_id = abokonto.current_tenant()
                AND sold.publication_id = publication AND abokonto.has_product(sold.id)
        ) OR EXISTS (
            SELECT FROM public.delivery AS known
            JOIN public.issue ON issue.tenant_id = known.tenant_id AND issue.id = known.issue_id
            WHERE known.tenant_id = abokonto.current_tenant()
                AND known.customer_id = abokonto.current_customer()
                AND issue.publication_id = publication
        )""",
}

_OWN = (
    "access_right",
    "access_token",
    "address",
    "bank_account",
    "customer_device",
    "customer_order",
    "customer_recovery_code",
    "customer_sign_in",
    "data_export",
    "delivery",
    "file",
    "invoice",
    "login",
    "mail",
    "opt_in",
    "opt_in_entry",
    "payment_transaction",
    "subscription",
)
_SOME = {
    "customer": "id = abokonto.current_customer()",
    "invoice_item": "abokonto.owns_invoice(invoice_id)",
    "invoice_tax": "abokonto.owns_invoice(invoice_id)",
    "issue": "abokonto.has_issue(id)",
    "offer": "abokonto.has_offer(id)",
    "offer_grant": "abokonto.has_offer(offer_id)",
    "order_item": "abokonto.owns_order(order_id)",
    "product": "abokonto.has_product(id)",
    "product_tax_share": "abokonto.has_product(product_id)",
    "publication": "abokonto.has_publication(id)",
    "subscription_period": "abokonto.owns_subscription(subscription_id)",
}
_NONE = (
    "activity",
    "activity_attachment",
    "additional_data_definition",
    "billing_profile",
    "customer_count",
    "customer_term",
    "goodwill",
    "goodwill_limit",
    "history_chain",
    "history_seal",
    "idempotency_key",
    "number_range",
    "role",
    "sepa_batch",
    "staff_invitation",
    "staff_membership",
    "unclaimed_file",
    "voucher",
    "voucher_offer",
    "voucher_redemption",
)


def upgrade() -> None:
    _tokens()
    _tables()
    op.execute(_CURRENT_CUSTOMER)
    for signature, body in _SEEN.items():
        op.execute(
            f"CREATE FUNCTION abokonto.{signature} RETURNS boolean LANGUAGE sql STABLE"
            f" SECURITY DEFINER SET search_path = '' AS $body${body}$body$"
        )
    for table in _OWN:
        helpers.show_customers(table, "customer_id = abokonto.current_customer()")
    for table, condition in _SOME.items():
        helpers.show_customers(table, condition)
    for table in _NONE:
        helpers.show_customers(table, "false")
    # What customers do themselves is in their history, which they can't read.
    helpers.show_customers("history", "false", command="SELECT")
    helpers.show_customers("history", "customer_id = abokonto.current_customer()", command="INSERT")
    op.execute("DROP FUNCTION abokonto.authenticate(bytea, inet)")
    op.execute(_AUTHENTICATE)
    _permissions()


def _tokens() -> None:
    table = "access_token"
    op.add_column(table, sa.Column("customer_id", sa.BigInteger()))
    op.create_foreign_key(
        None,
        table,
        "customer",
        ["tenant_id", "customer_id"],
        ["tenant_id", "id"],
        ondelete="CASCADE",
    )
    helpers.index_link(table, "customer_id")
    op.execute("ALTER TABLE access_token DROP CONSTRAINT ck_access_token_kind_known")
    op.create_check_constraint("kind_known", table, "kind IN ('STAFF', 'PARTNER', 'CUSTOMER')")
    op.create_check_constraint(
        "customer_named", table, "(kind = 'CUSTOMER') = (customer_id IS NOT NULL)"
    )
    op.create_check_constraint(
        "customer_signed_in", table, "kind <> 'CUSTOMER' OR signed_in_by IS NOT NULL"
    )
    op.execute("DROP POLICY partners_only ON access_token")
    op.execute(
        "CREATE POLICY nobody_of_staff ON access_token AS RESTRICTIVE FOR INSERT"
        " WITH CHECK (kind IN ('PARTNER', 'CUSTOMER'))"
    )


def _tables() -> None:
    op.create_table(
        "customer_sign_in",
        *_customers(),
        sa.Column("totp_pending", postgresql.BYTEA()),
        sa.Column("totp_step", sa.BigInteger()),
        sa.Column("one_time_until", sa.DateTime(timezone=True)),
        sa.Column("one_time_failures", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "customer_id"),
    )
    op.create_table(
        "customer_recovery_code",
        *_customers(),
        sa.Column("hash", postgresql.BYTEA(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("tenant_id", "customer_id", "hash"),
    )
    op.create_table(
        "customer_device",
        *_customers(),
        sa.Column("hash", postgresql.BYTEA(), nullable=False),
        helpers.moment("last_used_at"),
        sa.PrimaryKeyConstraint("tenant_id", "customer_id", "hash"),
    )
    for table in ("customer_sign_in", "customer_recovery_code", "customer_device"):
        helpers.isolate_tenants(table)


def _customers() -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        helpers.reference("customer_id", "customer", ondelete="CASCADE"),
    )


def _permissions() -> None:
    # The roles of tenants that exist already; new ones follow app/auth/roles.py. Whoever could
    # read what staff keep to themselves goes on to do so.
    op.execute(
        "UPDATE role SET permissions = permissions || '{internal:read}'"
        " WHERE 'customer:read' = ANY (permissions)"
    )
    op.execute(
        "UPDATE access_token SET permissions = permissions || '{internal:read}'"
        " WHERE kind = 'PARTNER' AND 'customer:read' = ANY (permissions)"
    )
    op.execute(
        "UPDATE role SET permissions = permissions || '{session:read}'"
        " WHERE name IN ('administrator', 'agent', 'auditor')"
    )
    op.execute(
        "UPDATE role SET permissions ="
        " permissions || '{password:reset,session:end,two_factor:remove}'"
        " WHERE name IN ('administrator', 'agent')"
    )
    op.execute(
        "UPDATE role SET permissions = permissions || '{customer:login}'"
        " WHERE name = 'administrator'"
    )
