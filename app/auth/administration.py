"""What an operator does from the command line: tenants, staff and tokens.

All functions take a connection of the role that owns the tables, because they work across
tenants. The caller decides on the transaction.
"""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from ipaddress import ip_network

import asyncpg

from app.auth.passwords import hash_password
from app.auth.permissions import Permission
from app.auth.roles import ROLES
from app.auth.tokens import hash_token, make_token
from app.models.access_token import TokenKind


class AdministrationError(Exception):
    """What was asked for can't be done; the message says why in one line."""


async def create_tenant(connection: asyncpg.Connection, slug: str, name: str) -> int:
    """Create a tenant with the predefined roles.

    Raises:
        AdministrationError: The slug is taken or malformed.
    """
    try:
        async with connection.transaction():
            tenant_id: int = await connection.fetchval(
                "INSERT INTO tenant (slug, name) VALUES ($1, $2) RETURNING id", slug, name
            )
            await connection.executemany(
                "INSERT INTO role (tenant_id, name, permissions) VALUES ($1, $2, $3)",
                [(tenant_id, role, sorted(permissions)) for role, permissions in ROLES.items()],
            )
    except asyncpg.UniqueViolationError as error:
        raise AdministrationError(f"There is a tenant {slug} already.") from error
    except asyncpg.CheckViolationError as error:
        raise AdministrationError(
            "A tenant's slug has 1 to 63 lower-case letters, digits and hyphens."
        ) from error
    return tenant_id


async def create_staff(
    connection: asyncpg.Connection,
    *,
    email: str,
    name: str,
    password: str | None,
    tenant: str,
    role: str,
    hashing: Callable[[str], Awaitable[str]] = hash_password,
) -> int:
    """Create a person and let them work for a tenant; `hashing` decides on the password.

    Raises:
        AdministrationError: The tenant or role is unknown, or the e-mail is malformed or taken.
        PasswordError: The password is too short, too long or known from breaches.
    """
    normal = _normal_email(email)
    tenant_id = await tenant_id_of(connection, tenant)
    role_id = await connection.fetchval(
        "SELECT id FROM role WHERE tenant_id = $1 AND name = $2", tenant_id, role
    )
    if role_id is None:
        raise AdministrationError(f"The tenant {tenant} has no role {role}.")
    password_hash = None if password is None else await hashing(password)
    try:
        async with connection.transaction():
            staff_id: int = await connection.fetchval(
                "INSERT INTO staff (email, name, password_hash) VALUES ($1, $2, $3) RETURNING id",
                normal,
                name,
                password_hash,
            )
            await connection.execute(
                "INSERT INTO staff_membership (tenant_id, staff_id, role_id) VALUES ($1, $2, $3)",
                tenant_id,
                staff_id,
                role_id,
            )
    except asyncpg.UniqueViolationError as error:
        raise AdministrationError(f"There is a member of staff with {normal} already.") from error
    return staff_id


async def create_staff_token(
    connection: asyncpg.Connection,
    *,
    tenant: str,
    email: str,
    name: str,
    expires_at: datetime | None,
) -> str:
    """Create a token for a person at a tenant, and return it: it can't be shown again.

    Raises:
        AdministrationError: The tenant is unknown, or the person does not work there.
    """
    tenant_id = await tenant_id_of(connection, tenant)
    staff_id = await connection.fetchval(
        "SELECT staff.id FROM staff JOIN staff_membership ON staff_id = staff.id"
        " WHERE tenant_id = $1 AND email_key = lower($2)",
        tenant_id,
        email,
    )
    if staff_id is None:
        raise AdministrationError(f"Nobody with {email} works for the tenant {tenant}.")
    return await _create_token(
        connection, tenant_id, TokenKind.STAFF, name, expires_at, staff_id=staff_id
    )


async def create_partner_token(
    connection: asyncpg.Connection,
    *,
    tenant: str,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None,
    networks: Iterable[str] = (),
) -> str:
    """Create a token for a partner's program, and return it: it can't be shown again.

    It works from the networks alone, where there are any.

    Raises:
        AdministrationError: The tenant or a scope is unknown, no scope is given, or a network is
            none.
    """
    permissions = sorted(set(scopes))
    unknown = [scope for scope in permissions if scope not in {*Permission}]
    if unknown:
        raise AdministrationError(f"There is no scope {', '.join(unknown)}.")
    if not permissions:
        raise AdministrationError("A partner's token needs at least one scope.")
    tenant_id = await tenant_id_of(connection, tenant)
    return await _create_token(
        connection,
        tenant_id,
        TokenKind.PARTNER,
        name,
        expires_at,
        permissions=permissions,
        networks=_networks(networks),
    )


async def revoke_token(connection: asyncpg.Connection, token: str) -> None:
    """End a token at once.

    Raises:
        AdministrationError: There is no such token that still works.
    """
    revoked = await connection.fetchval(
        "UPDATE access_token SET revoked_at = now() WHERE hash = $1 AND revoked_at IS NULL"
        " RETURNING id",
        hash_token(token),
    )
    if revoked is None:
        raise AdministrationError("There is no such token, or it is revoked already.")


async def _create_token(
    connection: asyncpg.Connection,
    tenant_id: int,
    kind: TokenKind,
    name: str,
    expires_at: datetime | None,
    *,
    staff_id: int | None = None,
    permissions: Iterable[str] = (),
    networks: list[str] | None = None,
) -> str:
    token = make_token(kind)
    await connection.execute(
        "INSERT INTO access_token"
        " (tenant_id, kind, staff_id, name, hash, permissions, expires_at, allowed_networks)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        tenant_id,
        kind.value,
        staff_id,
        name,
        hash_token(token),
        list(permissions),
        expires_at,
        networks,
    )
    return token


def _networks(given: Iterable[str]) -> list[str] | None:
    try:
        return [str(ip_network(network)) for network in given] or None
    except ValueError as error:
        raise AdministrationError(f"That is no network: {error}.") from error


async def tenant_id_of(connection: asyncpg.Connection, slug: str) -> int:
    """The key of a tenant.

    Raises:
        AdministrationError: There is none of this slug.
    """
    tenant_id: int | None = await connection.fetchval("SELECT id FROM tenant WHERE slug = $1", slug)
    if tenant_id is None:
        raise AdministrationError(f"There is no tenant {slug}.")
    return tenant_id


def _normal_email(email: str) -> str:
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise AdministrationError(f"{email} is no e-mail address: {error}") from error
