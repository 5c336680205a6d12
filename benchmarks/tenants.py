"""The tenants that are measured, and what to look for in them."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

import asyncpg

from app.auth.administration import create_partner_token
from app.auth.permissions import Permission
from app.auth.tokens import hash_token
from app.encryption import Keyring
from app.models import BankAccount
from app.schema.node import encode_id
from app.settings import Settings

LONG = 10_000
"""How many activities the account with the long tab has."""


@dataclass(frozen=True)
class Tenant:
    """A tenant's token, its size, and a customer in its middle as an agent would look for."""

    slug: str
    token: str
    customers: int
    number: str
    email: str
    first_name: str
    last_name: str
    postal_code: str
    iban: str
    invoice_number: str
    long_account: str = ""


def tenant_of(settings: Settings, slug: str) -> Tenant:
    """Describe a tenant that was seeded."""
    return asyncio.run(_describe(settings, slug))


async def _describe(settings: Settings, slug: str) -> Tenant:
    connection = await connect(settings)
    tenant_id = await connection.fetchval("SELECT id FROM tenant WHERE slug = $1", slug)
    token = await create_partner_token(
        connection, tenant=slug, name="benchmark", scopes=list(Permission), expires_at=None
    )
    count = await connection.fetchval(
        "SELECT count(*) FROM customer WHERE tenant_id = $1", tenant_id
    )
    row = await connection.fetchrow(
        """
        SELECT customer.number, customer.email, customer.first_name, customer.last_name,
               address.postal_code, bank_account.iban, invoice.number AS invoice_number
        FROM customer
        JOIN address ON address.tenant_id = $1 AND address.customer_id = customer.id
        JOIN bank_account ON bank_account.tenant_id = $1 AND bank_account.customer_id = customer.id
        JOIN invoice ON invoice.tenant_id = $1 AND invoice.customer_id = customer.id
        WHERE customer.tenant_id = $1 AND customer.last_name IS NOT NULL
            AND customer.email IS NOT NULL AND customer.first_name IS NOT NULL
        ORDER BY customer.id OFFSET $2 LIMIT 1
        """,
        tenant_id,
        count // 20,
    )
    await connection.close()
    if row is None:
        raise LookupError(f"The tenant {slug} has no customer with all that is looked for.")
    iban = Keyring.from_settings(settings).decrypt(row["iban"], BankAccount.iban)
    known = {name: row[name] for name in row.keys() if name != "iban"}  # noqa: SIM118  A record is no mapping.
    return Tenant(slug=slug, token=token, customers=count, iban=iban, **known)


def long_account(settings: Settings, tenant: Tenant) -> Tenant:
    """See that one account of a tenant has a tab of 10,000 activities."""
    return asyncio.run(_lengthen(settings, tenant))


async def _lengthen(settings: Settings, tenant: Tenant) -> Tenant:
    connection = await connect(settings)
    found = await connection.fetchrow(
        "SELECT customer.tenant_id, customer.id, (SELECT count(*) FROM activity WHERE"
        " activity.tenant_id = customer.tenant_id AND activity.customer_id = customer.id)"
        " FROM customer JOIN tenant ON tenant.id = customer.tenant_id"
        " WHERE tenant.slug = $1 AND customer.number = $2",
        tenant.slug,
        tenant.number,
    )
    if found is None:
        raise LookupError(f"The tenant {tenant.slug} has no customer {tenant.number}.")
    tenant_id, customer_id, count = found
    if count < LONG:
        await connection.execute(
            "INSERT INTO activity (tenant_id, customer_id, kind, text, created_at)"
            " SELECT $1, $2, 'NOTE', 'Notiz ' || i, now() - i * $3::interval"
            " FROM generate_series(1, $4::integer) AS i",
            tenant_id,
            customer_id,
            timedelta(minutes=37),
            LONG - count,
        )
        await connection.execute("VACUUM ANALYZE activity")
    await connection.close()
    return replace(tenant, long_account=encode_id("Customer", customer_id))


def actor_of(settings: Settings, token: str) -> dict[str, object]:
    """Whose a token is, as records name the actor."""

    async def found() -> dict[str, object]:
        connection = await connect(settings)
        try:
            row = await connection.fetchrow(
                "SELECT id, kind, name FROM access_token WHERE hash = $1", hash_token(token)
            )
            return dict(row or {})
        finally:
            await connection.close()

    return asyncio.run(found())


async def connect(settings: Settings) -> "asyncpg.Connection[asyncpg.Record]":
    """A connection as the owner of the tables."""
    if settings.owner_database_url is None:
        raise ValueError("The address of the database's owner is not configured.")
    return await asyncpg.connect(settings.owner_database_url.get_secret_value())
