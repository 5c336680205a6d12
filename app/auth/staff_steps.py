"""The steps of signing in, as the database's owner has made functions of them.

The application's role sees no password hash and no secret of staff but through these; what each
does is in app/migrations/versions/0018_steps_of_signing_in.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, LargeBinary, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.checks import Holder
from app.context import Client

ISSUER = "Abokonto"

_CREDENTIALS = text("SELECT * FROM abokonto.staff_credentials(:email)")
_HOLDER = text("SELECT * FROM abokonto.session_holder(:token_hash)")
_TENANTS = text("SELECT * FROM abokonto.staff_tenants(:person)")
_OPEN = text(
    "SELECT abokonto.open_staff_session(:person, :password, :way, :slug, :token_hash, :lifetime,"
    " :idle, :client, :agent)"
).bindparams(bindparam("client", type_=INET))
_SWITCH = text(
    "SELECT abokonto.switch_staff_session(:token_hash, :slug, :new_hash, :client, :agent)"
).bindparams(bindparam("client", type_=INET))
_CONFIRM = text("SELECT abokonto.confirm_staff_secret(:person, :secret, :step, :codes)").bindparams(
    bindparam("codes", type_=ARRAY(LargeBinary))
)
_NOW = text("SELECT clock_timestamp()")


def _call(function: str, *names: str) -> TextClause:
    places = ", ".join(f":{name}" for name in names)
    return text(f"SELECT abokonto.{function}({places})")


_KNOWS_DEVICE = _call("knows_staff_device", "email", "device")
_KEEP_DEVICE = _call("keep_staff_device", "person", "device")
_USE_STEP = _call("use_staff_step", "person", "step")
_USE_RECOVERY_CODE = _call("use_staff_recovery_code", "person", "code")
_END = _call("end_staff_sessions", "person", "one", "but")
_CHANGE_PASSWORD = _call("change_staff_password", "person", "checked", "password")
_OFFER = _call("offer_staff_secret", "person", "secret")
_RENEW_CODES = text("SELECT abokonto.renew_staff_recovery_codes(:person, :codes)").bindparams(
    bindparam("codes", type_=ARRAY(LargeBinary))
)
_REMOVE = _call("remove_staff_secret", "person")
_OF_IDENTITY = _call("staff_of_identity", "issuer", "subject", "email")
_INVITED = text("SELECT * FROM abokonto.invited(:token_hash)")
_ACCEPT = _call("accept_invitation", "token_hash", "person", "password")


@dataclass(frozen=True)
class Known:
    """Somebody who may be signing in, and what they are checked against."""

    staff_id: int
    password_hash: str | None
    totp_secret: bytes | None
    active: bool
    one_time: bool
    """Whether the password is good once, and asks for one of their own."""

    current: bool
    """Whether the password is none that was for one time, or can still be used."""


@dataclass(frozen=True)
class Workplace:
    """A tenant that somebody works for, and the name of their role there."""

    tenant_id: int
    slug: str
    name: str
    role: str


@dataclass(frozen=True)
class Opening:
    """A session to be opened."""

    person: int
    way: str
    checked_password: str | None
    tenant: str | None
    """The slug of a tenant; None for where the person was last."""

    token_hash: bytes
    seconds: int
    idle_seconds: int


class StaffSteps:
    """The steps of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def now(self) -> datetime:
        """The database's time."""
        found: datetime = await self._value(_NOW)
        return found

    async def known(self, email: str) -> Known | None:
        """Who has an e-mail address."""
        row = await self._row(_CREDENTIALS, email=email)
        return None if row is None else Known(**row)

    async def holder(self, token_hash: bytes) -> Holder | None:
        """Who holds a session; None for other tokens."""
        row = await self._row(_HOLDER, token_hash=bytes(token_hash))
        if row is None:
            return None
        values = dict(row)
        return Holder(person=values.pop("staff_id"), **values)

    async def issuer(self) -> str:
        """What authenticator apps call us."""
        return ISSUER

    async def workplaces(self, person: int) -> Sequence[Workplace]:
        """The tenants that somebody works for."""
        rows = await self.session.execute(_TENANTS, {"person": person})
        return [Workplace(**row) for row in rows.mappings()]

    async def knows_device(self, email: str, device: bytes) -> bool:
        """Whether somebody has signed in with a device before."""
        return bool(await self._value(_KNOWS_DEVICE, email=email, device=device))

    async def keep_device(self, person: int, device: bytes) -> None:
        """Know a device again."""
        await self._value(_KEEP_DEVICE, person=person, device=device)

    async def use_step(self, person: int, step: int) -> bool:
        """Use a step of the second factor; False where it, or a later one, was used before."""
        return bool(await self._value(_USE_STEP, person=person, step=step))

    async def use_recovery_code(self, person: int, code: bytes) -> bool:
        """Use a recovery code; False where there is none, or it was used before."""
        return bool(await self._value(_USE_RECOVERY_CODE, person=person, code=code))

    async def open_session(self, opening: Opening, client: Client) -> bool:
        """Open a session; False where the person, their password or the tenant is not so."""
        return bool(
            await self._value(
                _OPEN,
                person=opening.person,
                password=opening.checked_password,
                way=opening.way,
                slug=opening.tenant,
                token_hash=opening.token_hash,
                lifetime=opening.seconds,
                idle=opening.idle_seconds,
                client=client.address,
                agent=client.user_agent,
            )
        )

    async def switch_session(
        self, token_hash: bytes, tenant: str, new_hash: bytes, client: Client
    ) -> bool:
        """End a session, and begin one at another tenant in its place; False where there is none
        to be had."""
        return bool(
            await self._value(
                _SWITCH,
                token_hash=bytes(token_hash),
                slug=tenant,
                new_hash=new_hash,
                client=client.address,
                agent=client.user_agent,
            )
        )

    async def end_sessions(
        self, person: int, *, one: int | None = None, but: int | None = None
    ) -> int:
        """End one session of somebody, or all but one; how many those were."""
        return int(await self._value(_END, person=person, one=one, but=but))

    async def change_password(self, person: int, checked: str | None, new: str) -> bool:
        """Put a password in place of the one that was checked; False where it is another now."""
        return bool(
            await self._value(_CHANGE_PASSWORD, person=person, checked=checked, password=new)
        )

    async def offer_secret(self, person: int, secret: bytes) -> bool:
        """Keep a secret until its first code is shown; False where there is one in use."""
        return bool(await self._value(_OFFER, person=person, secret=secret))

    async def confirm_secret(
        self, person: int, secret: bytes, step: int, codes: Sequence[bytes]
    ) -> bool:
        """Take a secret into use, with recovery codes; False where another was offered since."""
        return bool(
            await self._value(_CONFIRM, person=person, secret=secret, step=step, codes=codes)
        )

    async def renew_codes(self, person: int, codes: Sequence[bytes]) -> bool:
        """Put recovery codes in place of those before; False where there is no second factor."""
        return bool(await self._value(_RENEW_CODES, person=person, codes=codes))

    async def remove_secret(self, person: int) -> bool:
        """Remove the second factor and its recovery codes; False where there is none."""
        return bool(await self._value(_REMOVE, person=person))

    async def of_identity(self, issuer: str, subject: str, email: str | None) -> int | None:
        """Who is meant by a provider's subject, or has the e-mail address that it verified."""
        found: int | None = await self._value(
            _OF_IDENTITY, issuer=issuer, subject=subject, email=email
        )
        return found

    async def invited(self, token_hash: bytes) -> str | None:
        """The e-mail address that an invitation was made for."""
        row = await self._row(_INVITED, token_hash=token_hash)
        return None if row is None else str(row["email"])

    async def accept_invitation(
        self, token_hash: bytes, person: int | None, password: str | None
    ) -> str | None:
        """Let somebody in who is invited: the tenant's slug, or None where they aren't any more."""
        slug: str | None = await self._value(
            _ACCEPT, token_hash=token_hash, person=person, password=password
        )
        return slug

    async def _value(self, statement: TextClause, **values: Any) -> Any:
        return await self.session.scalar(statement, values)

    async def _row(self, statement: TextClause, **values: Any) -> Any:
        return (await self.session.execute(statement, values)).mappings().one_or_none()
