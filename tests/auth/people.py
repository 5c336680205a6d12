"""Members of staff in tests, who sign in over HTTP."""

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx2
import pyotp

from app.auth.checks import STAFF
from app.auth.passwords import _hasher
from tests.rows import KEYRING, insert

PASSWORD = "correct horse battery"
HASH = _hasher.hash(PASSWORD)
"""One hash for all, since each takes a moment."""

LOGIN = """
    mutation ($input: StaffLoginInput!) {
        staffLogin(input: $input) {
            token deviceToken name twoFactorWanted tenants { slug name role current }
            userErrors { code field message }
        }
    }
"""


@dataclass
class Person:
    """A member of staff."""

    owner: asyncpg.Connection
    id: int
    email: str
    tenant_id: int
    slug: str
    secret: str = ""
    recovery_codes: list[str] = field(default_factory=list)

    async def protect(self) -> None:
        """Give them a second factor."""
        self.secret = pyotp.random_base32()
        await self.owner.execute(
            "UPDATE staff SET totp_secret = $2, two_factor_since = now() WHERE id = $1",
            self.id,
            KEYRING.encrypt(self.secret, STAFF.secret_place),
        )

    def code(self, back: int = 0) -> str:
        """What their app shows, or showed some steps ago."""
        totp = pyotp.TOTP(self.secret)
        return totp.generate_otp(totp.timecode(_now()) - back)

    async def login(self, client: httpx2.AsyncClient, **given: Any) -> dict[str, Any]:
        """Sign in, and give the payload."""
        return await login(client, email=self.email, **given)

    async def token(self, client: httpx2.AsyncClient, **given: Any) -> str:
        """Sign in, and give the session's token."""
        payload = await self.login(client, **given)
        assert payload["userErrors"] == []
        token: str = payload["token"]
        return token

    async def history(self) -> list[str]:
        """What the history of their tenant says that they did."""
        rows = await self.owner.fetch(
            "SELECT action FROM history WHERE tenant_id = $1 AND actor_id = $2"
            " AND actor_kind = 'STAFF' ORDER BY id",
            self.tenant_id,
            self.id,
        )
        return [row["action"] for row in rows]


async def employ(owner: asyncpg.Connection, tenant_id: int, role: str = "agent") -> Person:
    """Somebody new who works for a tenant."""
    from app.auth.roles import ROLES

    email = f"{secrets.token_hex(6)}@example.org"
    staff_id = await insert(owner, "staff", email=email, name="Erika", password_hash=HASH)
    await work_for(owner, staff_id, tenant_id, role, sorted(ROLES[role]))
    slug = await owner.fetchval("SELECT slug FROM tenant WHERE id = $1", tenant_id)
    return Person(owner, staff_id, email, tenant_id, slug)


async def work_for(
    owner: asyncpg.Connection, staff_id: int, tenant_id: int, role: str, permissions: list[str]
) -> int:
    """Let somebody work for a tenant in a role of its own; the membership's key."""
    role_id = await owner.fetchval(
        "INSERT INTO role (tenant_id, name, permissions) VALUES ($1, $2, $3)"
        " ON CONFLICT (tenant_id, name) DO UPDATE SET name = excluded.name RETURNING id",
        tenant_id,
        role,
        permissions,
    )
    return await insert(
        owner, "staff_membership", tenant_id=tenant_id, staff_id=staff_id, role_id=role_id
    )


async def login(client: httpx2.AsyncClient, **given: Any) -> dict[str, Any]:
    """Try to sign in with whatever is given, and give the payload."""
    given.setdefault("password", PASSWORD)
    answer = await client.post("/graphql", json={"query": LOGIN, "variables": {"input": given}})
    content = answer.json()
    assert "errors" not in content, content["errors"]
    payload: dict[str, Any] = content["data"]["staffLogin"]
    return payload


async def ask(
    client: httpx2.AsyncClient, query: str, token: str | None = None, **variables: Any
) -> dict[str, Any]:
    """Send a query with a token, or with the cookies that the client has; the whole answer."""
    headers = {"GraphQL-Require-Preflight": "1"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    answer = await client.post(
        "/graphql", json={"query": query, "variables": variables}, headers=headers
    )
    content: dict[str, Any] = answer.json()
    return content


async def keep_code(person: Person, code: str) -> None:
    """Give somebody a recovery code."""
    from app.auth.recovery_codes import hash_code

    await person.owner.execute(
        "INSERT INTO staff_recovery_code (staff_id, hash) VALUES ($1, $2)",
        person.id,
        hash_code(KEYRING, STAFF.holder(person.id), code),
    )


def hashed(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)
