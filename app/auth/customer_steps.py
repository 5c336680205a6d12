"""The steps of a customer's signing in, each of them one statement in their tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import customer_statements as sql
from app.auth.checks import Holder
from app.context import Client

MOST_DEVICES = 20
MOST_FAILURES = 100
"""How many failed attempts of an account are written down in an hour, each with where it came from;
whoever goes on is counted, and can't fill the table."""

MOST_ONE_TIME_FAILURES = 10
"""After how many wrong passwords a one-time password is no good any more."""


@dataclass(frozen=True)
class Known:
    """A customer who may be signing in, and what they are checked against."""

    person: int
    password_hash: str | None
    totp_secret: bytes | None
    one_time_until: datetime | None
    open: bool
    """Whether they may sign in at all."""

    current: bool
    """Whether the password is none that was for one time, or can still be used."""


@dataclass(frozen=True)
class Opening:
    """A session to be opened."""

    person: int
    token_hash: bytes
    permissions: Sequence[str]
    seconds: int
    idle_seconds: int


class CustomerSteps:
    """The steps of one transaction in a tenant, for a customer or for a front end of theirs."""

    def __init__(self, session: AsyncSession, tenant_id: int, token_id: int) -> None:
        self.session = session
        self._tenant = tenant_id
        self._token = token_id
        self.customer_id: int | None = None
        """The customer who has signed in, where one has."""

    async def now(self) -> datetime:
        """The database's time."""
        found: datetime = await self._value(sql.NOW)
        return found

    async def known(self, email: str) -> Known | None:
        """Who has an e-mail address."""
        values = {"email": email.lower(), "failures": MOST_ONE_TIME_FAILURES}
        row = await self._row(sql.KNOWN, **values)
        return None if row is None else Known(**row)

    async def holder(self, token_hash: bytes) -> Holder | None:
        """The customer who has signed in; None for tokens of others."""
        del token_hash  # Who holds it was found out as the transaction began.
        if self.customer_id is None:
            return None
        row = await self._row(sql.HOLDER, person=self.customer_id)
        return None if row is None else Holder(token_id=self._token, **row)

    async def issuer(self) -> str:
        """The tenant's name, under which authenticator apps keep the secret."""
        return str(await self._value(sql.ISSUER))

    async def lock(self, person: int, checked: str, secret: bytes | None) -> bool:
        """Lock a customer who may sign in with the password that was checked, and has the second
        factor that was found, or none; False for others."""
        return bool(await self._value(sql.LOCK, person=person, checked=checked, secret=secret))

    async def knows_device(self, person: int, device: bytes) -> bool:
        """Whether somebody has signed in with a device before."""
        return bool(await self._value(sql.KNOWS_DEVICE, person=person, device=device))

    async def keep_device(self, person: int, device: bytes) -> None:
        """Know a device again."""
        await self._do(sql.KEEP_DEVICE, person=person, device=device)
        await self._do(sql.FORGET_DEVICES, person=person, most=MOST_DEVICES)

    async def use_step(self, person: int, step: int) -> bool:
        """Use a step of the second factor; False where it, or a later one, was used before."""
        return bool(await self._value(sql.USE_STEP, person=person, step=step))

    async def use_recovery_code(self, person: int, code: bytes) -> bool:
        """Use a recovery code; False where there is none, or it was used before."""
        return bool(await self._value(sql.USE_RECOVERY_CODE, person=person, code=code))

    async def note_attempt(self, person: int | None, failure: str | None, client: Client) -> None:
        """Write an attempt down; where there is nobody, take as long.

        Of somebody who was deleted meanwhile there is nothing, and of somebody who was anonymised
        it does not say from where.
        """
        if person is None:
            await self._do(sql.NOTE_NOBODY, person=0, most=MOST_FAILURES)
            return
        where = {"client": client.address, "agent": client.user_agent}
        await self._do(sql.NOTE, person=person, failure=failure, most=MOST_FAILURES, **where)

    async def fail_one_time(self, person: int) -> None:
        """Count a wrong password against the one-time password, where there is one."""
        await self._do(sql.FAIL_ONE_TIME, person=person)

    async def open_session(self, opening: Opening, client: Client) -> None:
        """Open a session for a customer who is locked."""
        await self._do(
            sql.OPEN,
            person=opening.person,
            hash=opening.token_hash,
            permissions=list(opening.permissions),
            seconds=opening.seconds,
            idle=opening.idle_seconds,
            client=client.address,
            agent=client.user_agent,
        )

    async def end_sessions(
        self, person: int, *, one: int | None = None, but: int | None = None
    ) -> int:
        """End one session of somebody, or all but one; how many those were."""
        ended = await self.session.execute(
            sql.END, {"tenant": self._tenant, "person": person, "one": one, "but": but}
        )
        return len(ended.all())

    async def change_password(self, person: int, checked: str | None, new: str) -> bool:
        """Put a password in place of the one that was checked; False where it is another now."""
        if not await self._value(sql.CHANGE_PASSWORD, person=person, checked=checked, password=new):
            return False
        await self._do(sql.END_ONE_TIME, person=person)
        return True

    async def offer_secret(self, person: int, secret: bytes) -> bool:
        """Keep a secret until its first code is shown; False where there is one in use."""
        return bool(await self._value(sql.OFFER, person=person, secret=secret))

    async def confirm_secret(
        self, person: int, secret: bytes, step: int, codes: Sequence[bytes]
    ) -> bool:
        """Take a secret into use, with recovery codes; False where another was offered since."""
        if not await self._value(sql.CONFIRM, person=person, secret=secret, step=step):
            return False
        if not await self._value(sql.ACTIVATE, person=person, secret=secret):
            return False
        await self._replace_codes(person, codes)
        return True

    async def renew_codes(self, person: int, codes: Sequence[bytes]) -> bool:
        """Put recovery codes in place of those before; False where there is no second factor."""
        if not await self._value(sql.PROTECTED, person=person):
            return False
        await self._replace_codes(person, codes)
        return True

    async def remove_secret(self, person: int) -> bool:
        """Remove the second factor and its recovery codes; False where there is none."""
        await self._do(sql.FORGET_CODES, person=person)
        return bool(await self._value(sql.REMOVE, person=person))

    async def _replace_codes(self, person: int, codes: Sequence[bytes]) -> None:
        await self._do(sql.FORGET_CODES, person=person)
        await self._do(sql.KEEP_CODES, person=person, codes=list(codes))

    async def _do(self, statement: TextClause, **values: Any) -> None:
        await self.session.execute(statement, {"tenant": self._tenant, **values})

    async def _value(self, statement: TextClause, **values: Any) -> Any:
        return await self.session.scalar(statement, {"tenant": self._tenant, **values})

    async def _row(self, statement: TextClause, **values: Any) -> Any:
        found = await self.session.execute(statement, {"tenant": self._tenant, **values})
        return found.mappings().one_or_none()
