"""Tenants, staff and tokens as an operator makes them, and what a token is then worth."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from app.auth.administration import (
    AdministrationError,
    create_partner_token,
    create_staff,
    create_staff_token,
    create_tenant,
    revoke_token,
)
from app.auth.passwords import PasswordError, verify_password
from app.auth.permissions import Permission
from app.auth.roles import ROLES
from app.auth.tokens import hash_token

PAST = datetime(2020, 1, 1, tzinfo=UTC)


async def authenticate(connection: asyncpg.Connection, token: str) -> asyncpg.Record | None:
    return await connection.fetchrow("SELECT * FROM abokonto.authenticate($1)", hash_token(token))


async def hire(
    owner: asyncpg.Connection,
    email: str = "erika@example.org",
    role: str = "agent",
    tenant: str = "verlag",
) -> int:
    return await create_staff(
        owner, email=email, name="Erika", password=None, tenant=tenant, role=role
    )


async def partner_token(owner: asyncpg.Connection, expires_at: datetime | None = None) -> str:
    return await create_partner_token(
        owner, tenant="verlag", name="Shop", scopes=["customer:read"], expires_at=expires_at
    )


async def test_a_tenant_begins_with_the_predefined_roles(owner: asyncpg.Connection) -> None:
    tenant_id = await create_tenant(owner, "verlag", "Verlag")
    roles = await owner.fetch("SELECT name, permissions FROM role WHERE tenant_id = $1", tenant_id)
    assert {row["name"]: set(row["permissions"]) for row in roles} == ROLES
    assert set(ROLES["administrator"]) == set(Permission)
    assert ROLES["auditor"] < ROLES["administrator"]


async def test_a_taken_or_malformed_slug_is_refused(owner: asyncpg.Connection) -> None:
    await create_tenant(owner, "verlag", "Verlag")
    with pytest.raises(AdministrationError, match="There is a tenant verlag already"):
        await create_tenant(owner, "verlag", "Another")
    with pytest.raises(AdministrationError, match="lower-case letters"):
        await create_tenant(owner, "Der Verlag", "Verlag")
    assert await owner.fetchval("SELECT count(*) FROM tenant") == 1


async def test_staff_get_a_role_and_a_hashed_password(owner: asyncpg.Connection) -> None:
    await create_tenant(owner, "verlag", "Verlag")
    staff_id = await create_staff(
        owner,
        email="Erika@EXAMPLE.org",
        name="Erika",
        password="correct horse battery",
        tenant="verlag",
        role="auditor",
    )
    row = await owner.fetchrow(
        "SELECT email, password_hash, role.name FROM staff"
        " JOIN staff_membership ON staff_id = staff.id"
        " JOIN role ON role.id = role_id WHERE staff.id = $1",
        staff_id,
    )
    assert row is not None
    assert (row["email"], row["name"]) == ("Erika@example.org", "auditor")
    assert await verify_password(row["password_hash"], "correct horse battery")


@pytest.mark.parametrize(
    ("email", "tenant", "role", "message"),
    [
        ("no address", "verlag", "agent", "no address is no e-mail address"),
        ("new@example.org", "nowhere", "agent", "There is no tenant nowhere"),
        ("new@example.org", "verlag", "king", "The tenant verlag has no role king"),
        ("ERIKA@example.org", "verlag", "agent", "ERIKA@example.org already"),
    ],
)
async def test_staff_are_refused_with_a_reason(
    owner: asyncpg.Connection, email: str, tenant: str, role: str, message: str
) -> None:
    await create_tenant(owner, "verlag", "Verlag")
    await hire(owner)
    with pytest.raises(AdministrationError, match=message):
        await hire(owner, email, role, tenant)
    assert await owner.fetchval("SELECT count(*) FROM staff") == 1


async def test_a_short_password_is_refused(owner: asyncpg.Connection) -> None:
    await create_tenant(owner, "verlag", "Verlag")
    with pytest.raises(PasswordError):
        await create_staff(
            owner,
            email="erika@example.org",
            name="Erika",
            password="short",
            tenant="verlag",
            role="agent",
        )
    assert await owner.fetchval("SELECT count(*) FROM staff") == 0


async def test_a_staff_token_may_what_its_holders_role_allows(
    owner: asyncpg.Connection, application: asyncpg.Connection
) -> None:
    tenant_id = await create_tenant(owner, "verlag", "Verlag")
    staff_id = await hire(owner)
    token = await create_staff_token(
        owner, tenant="verlag", email="ERIKA@example.org", name="laptop", expires_at=None
    )
    assert token.startswith("abo_staff_")
    row = await authenticate(application, token)
    assert row is not None
    assert (row["kind"], row["tenant_id"], row["staff_id"]) == ("STAFF", tenant_id, staff_id)
    assert row["name"] == "Erika"
    assert set(row["permissions"]) == ROLES["agent"]


async def test_a_partner_token_may_what_its_scopes_say(
    owner: asyncpg.Connection, application: asyncpg.Connection
) -> None:
    tenant_id = await create_tenant(owner, "verlag", "Verlag")
    token = await partner_token(owner)
    assert token.startswith("abo_partner_")
    row = await authenticate(application, token)
    assert row is not None
    assert dict(row) == {
        "kind": "PARTNER",
        "token_id": row["token_id"],
        "tenant_id": tenant_id,
        "staff_id": None,
        "customer_id": None,
        "name": "Shop",
        "permissions": ["customer:read"],
    }


async def test_a_token_is_stored_as_its_hash(owner: asyncpg.Connection) -> None:
    await create_tenant(owner, "verlag", "Verlag")
    token = await partner_token(owner)
    stored = str(await owner.fetch("SELECT * FROM access_token"))
    assert token not in stored
    assert await owner.fetchval("SELECT hash FROM access_token") == hash_token(token)


async def test_the_tenant_lasts_as_long_as_the_transaction(
    owner: asyncpg.Connection, application: asyncpg.Connection
) -> None:
    tenant_id = await create_tenant(owner, "verlag", "Verlag")
    token = await partner_token(owner)
    current = "SELECT abokonto.current_tenant()"
    async with application.transaction(isolation="repeatable_read", readonly=True):
        await authenticate(application, token)
        assert await application.fetchval(current) == tenant_id
        assert await application.fetchval("SELECT slug FROM tenant") == "verlag"
    assert await application.fetchval(current) is None


async def test_a_token_that_is_unknown_takes_the_tenant_away(
    owner: asyncpg.Connection, application: asyncpg.Connection
) -> None:
    await create_tenant(owner, "verlag", "Verlag")
    token = await partner_token(owner)
    async with application.transaction():
        await authenticate(application, token)
        assert await authenticate(application, "abo_partner_unknown") is None
        assert await application.fetchval("SELECT abokonto.current_tenant()") is None


async def test_a_token_ends_when_it_expires_or_is_revoked(
    owner: asyncpg.Connection, application: asyncpg.Connection
) -> None:
    await create_tenant(owner, "verlag", "Verlag")
    assert await authenticate(application, await partner_token(owner, PAST)) is None
    token = await partner_token(owner, datetime.now(UTC) + timedelta(hours=1))
    other = await partner_token(owner)
    assert await authenticate(application, token)
    await revoke_token(owner, token)
    assert await authenticate(application, token) is None
    assert await authenticate(application, other)
    with pytest.raises(AdministrationError, match="no such token"):
        await revoke_token(owner, token)


async def test_a_staff_token_ends_with_its_holders_work(
    owner: asyncpg.Connection, application: asyncpg.Connection
) -> None:
    await create_tenant(owner, "verlag", "Verlag")
    await hire(owner)
    token = await create_staff_token(
        owner, tenant="verlag", email="erika@example.org", name="laptop", expires_at=None
    )
    await owner.execute("UPDATE staff SET deactivated_at = now()")
    assert await authenticate(application, token) is None
    await owner.execute("UPDATE staff SET deactivated_at = NULL")
    assert await authenticate(application, token)
    await owner.execute("DELETE FROM staff_membership")
    assert await authenticate(application, token) is None


async def test_tokens_are_refused_with_a_reason(owner: asyncpg.Connection) -> None:
    await create_tenant(owner, "verlag", "Verlag")
    await create_tenant(owner, "anderer", "Anderer Verlag")
    await hire(owner)
    with pytest.raises(AdministrationError, match=r"Nobody with erika@example[.]org works"):
        await create_staff_token(
            owner, tenant="anderer", email="erika@example.org", name="", expires_at=None
        )
    for scopes, message in (
        (["customer:read", "customer:eat"], "There is no scope customer:eat"),
        ([], "at least one scope"),
    ):
        with pytest.raises(AdministrationError, match=message):
            await create_partner_token(
                owner, tenant="verlag", name="Shop", scopes=scopes, expires_at=None
            )
    with pytest.raises(AdministrationError, match="There is no tenant nowhere"):
        await create_partner_token(
            owner, tenant="nowhere", name="Shop", scopes=["customer:read"], expires_at=None
        )
    assert await owner.fetchval("SELECT count(*) FROM access_token") == 0
