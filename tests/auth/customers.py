"""Customers in tests, who sign in over HTTP by a front end's token."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pyotp

from app.auth.checks import CUSTOMER
from app.auth.recovery_codes import hash_code
from app.schema.node import encode_id
from tests.auth.people import HASH, PASSWORD
from tests.publisher import Publisher
from tests.rows import KEYRING

LOGIN = """
    mutation ($input: CustomerLoginInput!) {
        customerLogin(input: $input) {
            token deviceToken customerId expiresAt userErrors { code field message }
        }
    }
"""
FAILED = [("LOGIN_FAILED", "")]


@dataclass
class Reader:
    """A customer with a password."""

    publisher: Publisher
    id: int
    email: str
    front_end: str
    """The token of the program that signs customers in."""

    secret: str = ""
    recovery_codes: list[str] = field(default_factory=list)

    @property
    def owner(self) -> asyncpg.Connection:
        """A connection that sees everything."""
        return self.publisher.owner

    @property
    def global_id(self) -> str:
        """The opaque id."""
        return encode_id("Customer", self.id)

    async def login(self, **given: Any) -> dict[str, Any]:
        """Try to sign in, and give the payload."""
        given = {"email": self.email, "password": PASSWORD, **given}
        answer = await self.publisher.ask(LOGIN, self.front_end, input=given)
        assert "errors" not in answer, answer["errors"]
        payload: dict[str, Any] = answer["data"]["customerLogin"]
        return payload

    async def token(self, **given: Any) -> str:
        """Sign in, and give the session's token."""
        payload = await self.login(**given)
        assert payload["userErrors"] == []
        token: str = payload["token"]
        return token

    async def set(self, **values: Any) -> None:
        """Change the customer's row."""
        for name, value in values.items():
            await self.owner.execute(
                f"UPDATE customer SET {name} = $2 WHERE id = $1",  # noqa: S608  Our own words.
                self.id,
                value,
            )

    async def protect(self) -> None:
        """Give them a second factor."""
        self.secret = pyotp.random_base32()
        await self.owner.execute(
            "UPDATE customer SET totp_secret = $2, two_factor_since = now() WHERE id = $1",
            self.id,
            KEYRING.encrypt(self.secret, CUSTOMER.secret_place),
        )

    async def keep_code(self, code: str) -> None:
        """Give them a recovery code."""
        await self.owner.execute(
            "INSERT INTO customer_recovery_code (tenant_id, customer_id, hash) VALUES ($1, $2, $3)",
            self.publisher.tenant_id,
            self.id,
            hash_code(KEYRING, CUSTOMER.holder(self.id), code),
        )

    def code(self, back: int = 0) -> str:
        """What their app shows, or showed some steps ago."""
        totp = pyotp.TOTP(self.secret)
        return totp.generate_otp(totp.timecode(datetime.now(UTC)) - back)

    async def give_one_time(self, password: str, hours: float = 24) -> None:
        """Give them a one-time password, as an agent would."""
        from app.auth.passwords import _hasher

        await self.set(password_hash=_hasher.hash(password))
        await self.owner.execute(
            "INSERT INTO customer_sign_in (tenant_id, customer_id, one_time_until)"
            " VALUES ($1, $2, $3)",
            self.publisher.tenant_id,
            self.id,
            datetime.now(UTC) + timedelta(hours=hours),
        )

    async def logins(self) -> list[str | None]:
        """How each attempt ended: None where it was let in."""
        rows = await self.owner.fetch(
            "SELECT failure FROM login WHERE customer_id = $1 ORDER BY id", self.id
        )
        return [row["failure"] for row in rows]

    async def sessions(self) -> int:
        """How many sessions there are that work."""
        count: int = await self.owner.fetchval(
            "SELECT count(*) FROM access_token WHERE customer_id = $1 AND revoked_at IS NULL",
            self.id,
        )
        return count


async def read_in(publisher: Publisher, **values: Any) -> Reader:
    """A new customer with a password, and a front end."""
    values.setdefault("email", "Leser@Example.org")
    values.setdefault("password_hash", HASH)
    customer = await publisher.customer(**values)
    front_end = await publisher.issue_token("customer:login")
    return Reader(publisher, customer, values["email"], front_end)
