"""The steps of a customer's signing in, each of them one statement in their tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, INET
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.checks import Holder
from app.context import Client

MOST_DEVICES = 20
MOST_FAILURES = 100
"""How many failed attempts of an account are written down in an hour, each with where it came from;
whoever goes on is counted, and can't fill the table."""

MOST_ONE_TIME_FAILURES = 10
"""After how many wrong passwords a one-time password is no good any more."""


def _in_tenant(sql: str, *typed: Any) -> TextClause:
    statement = text(sql)
    return statement.bindparams(*typed) if typed else statement


_KNOWN = _in_tenant("""
    SELECT customer.id AS person, password_hash, totp_secret, one_time_until,
           login_blocked_at IS NULL AND anonymized_at IS NULL AS open,
           one_time_until IS NULL OR (
               one_time_until > clock_timestamp() AND one_time_failures < :failures
           ) AS current
    FROM customer
    LEFT JOIN customer_sign_in AS signing_in
        ON signing_in.tenant_id = customer.tenant_id AND signing_in.customer_id = customer.id
    WHERE customer.tenant_id = :tenant AND email_key = :email
""")
_HOLDER = _in_tenant("""
    SELECT customer.id AS person, coalesce(email, number) AS email, password_hash, totp_secret,
           totp_pending
    FROM customer
    LEFT JOIN customer_sign_in AS signing_in
        ON signing_in.tenant_id = customer.tenant_id AND signing_in.customer_id = customer.id
    WHERE customer.tenant_id = :tenant AND customer.id = :person
""")
_ISSUER = _in_tenant("SELECT name FROM tenant WHERE id = :tenant")
_NOW = _in_tenant("SELECT clock_timestamp()")
_LOCK = _in_tenant("""
    SELECT EXISTS (
        SELECT FROM customer
        WHERE tenant_id = :tenant AND id = :person AND password_hash = :checked
            AND totp_secret IS NOT DISTINCT FROM :secret
            AND login_blocked_at IS NULL AND anonymized_at IS NULL
        FOR NO KEY UPDATE
    )
""")
_KNOWS_DEVICE = _in_tenant("""
    SELECT EXISTS (
        SELECT FROM customer_device
        WHERE tenant_id = :tenant AND customer_id = :person AND hash = :device
            AND last_used_at > clock_timestamp() - interval '180 days'
    )
""")
_KEEP_DEVICE = _in_tenant("""
    INSERT INTO customer_device (tenant_id, customer_id, hash) VALUES (:tenant, :person, :device)
    ON CONFLICT (tenant_id, customer_id, hash) DO UPDATE SET last_used_at = clock_timestamp()
""")
_FORGET_DEVICES = _in_tenant("""
    DELETE FROM customer_device WHERE tenant_id = :tenant AND customer_id = :person AND hash IN (
        SELECT hash FROM customer_device WHERE tenant_id = :tenant AND customer_id = :person
        ORDER BY last_used_at DESC OFFSET :most
    )
""")
# Whoever comes second waits for the row, and finds the step used.
_USE_STEP = _in_tenant("""
    INSERT INTO customer_sign_in AS known (tenant_id, customer_id, totp_step)
    VALUES (:tenant, :person, :step)
    ON CONFLICT (tenant_id, customer_id) DO UPDATE SET totp_step = excluded.totp_step
    WHERE known.totp_step IS NULL OR known.totp_step < excluded.totp_step
    RETURNING true
""")
_USE_RECOVERY_CODE = _in_tenant("""
    UPDATE customer_recovery_code SET used_at = clock_timestamp()
    WHERE tenant_id = :tenant AND customer_id = :person AND hash = :code AND used_at IS NULL
    RETURNING true
""")
_FAIL_ONE_TIME = _in_tenant("""
    UPDATE customer_sign_in SET one_time_failures = one_time_failures + 1
    WHERE tenant_id = :tenant AND customer_id = :person AND one_time_until IS NOT NULL
""")
_FAILURES = """
    SELECT count(*) FROM login
    WHERE tenant_id = :tenant AND customer_id = :person AND NOT succeeded
        AND created_at > clock_timestamp() - interval '1 hour'
"""
# One row of an hour stands for all attempts that were not even looked at, and each kind of failure
# has one that stands for those beyond the bound.
# Of somebody who was deleted or became part of another customer meanwhile, nothing is written.
_NOTE = _in_tenant(
    f"""
    WITH counted AS (
        UPDATE login SET attempts = attempts + 1, changed_at = clock_timestamp()
        WHERE tenant_id = :tenant AND id = (
            SELECT id FROM login
            WHERE tenant_id = :tenant AND customer_id = :person AND failure = :failure
                AND created_at > clock_timestamp() - interval '1 hour'
            ORDER BY created_at DESC, id DESC LIMIT 1
        ) AND (CAST(:failure AS text) = 'TOO_MANY_ATTEMPTS' OR :most <= ({_FAILURES}))
        RETURNING id
    )
    INSERT INTO login (
        tenant_id, customer_id, succeeded, failure, ip, user_agent, created_at, changed_at,
        actor_kind, actor_id
    )
    SELECT known.tenant_id, known.id, CAST(:failure AS text) IS NULL, :failure,
           CASE WHEN known.open THEN CAST(:client AS inet) END,
           CASE WHEN known.open THEN CAST(:agent AS text) END,
           moment, moment, 'CUSTOMER', known.id
    FROM (
        SELECT tenant_id, id, anonymized_at IS NULL AS open
        FROM customer WHERE tenant_id = :tenant AND id = :person
        FOR KEY SHARE
    ) AS known CROSS JOIN clock_timestamp() AS moment
    WHERE NOT EXISTS (SELECT FROM counted)
    """,  # noqa: S608  These are our own words.
    bindparam("client", type_=INET),
)
# Where there is no account there is no row, but as much to be looked at, written and waited for.
_NOTE_NOBODY = _in_tenant(
    "SELECT pg_logical_emit_message(true, 'abokonto', repeat('.', 400))"
    f" WHERE :most > ({_FAILURES})"
)
_OPEN = _in_tenant(
    """
    INSERT INTO access_token (
        tenant_id, kind, customer_id, name, hash, permissions, signed_in_by, created_at,
        expires_at, idle_seconds, address, last_address, user_agent
    )
    SELECT :tenant, 'CUSTOMER', :person, 'Session', :hash, :permissions, 'PASSWORD', moment,
           moment + make_interval(secs => :seconds), :idle, :client, :client, :agent
    FROM clock_timestamp() AS moment
    """,
    bindparam("client", type_=INET),
    bindparam("permissions", type_=ARRAY(Text)),
)
_END = _in_tenant("""
    UPDATE access_token SET revoked_at = clock_timestamp()
    WHERE tenant_id = :tenant AND kind = 'CUSTOMER' AND customer_id = :person
        AND revoked_at IS NULL AND id = coalesce(:one, id) AND id IS DISTINCT FROM :but
    RETURNING id
""")
_CHANGE_PASSWORD = _in_tenant("""
    UPDATE customer
    SET password_hash = :password, actor_kind = 'CUSTOMER', actor_id = :person, actor_name = NULL
    WHERE tenant_id = :tenant AND id = :person AND password_hash IS NOT DISTINCT FROM :checked
    RETURNING true
""")
_END_ONE_TIME = _in_tenant("""
    UPDATE customer_sign_in SET one_time_until = NULL, one_time_failures = 0
    WHERE tenant_id = :tenant AND customer_id = :person AND one_time_until IS NOT NULL
""")
_OFFER = _in_tenant("""
    INSERT INTO customer_sign_in (tenant_id, customer_id, totp_pending)
    SELECT tenant_id, id, :secret FROM customer
    WHERE tenant_id = :tenant AND id = :person AND totp_secret IS NULL
    ON CONFLICT (tenant_id, customer_id) DO UPDATE SET totp_pending = excluded.totp_pending
    RETURNING true
""")
_CONFIRM = _in_tenant("""
    UPDATE customer_sign_in SET totp_pending = NULL, totp_step = :step
    WHERE tenant_id = :tenant AND customer_id = :person AND totp_pending = :secret
    RETURNING true
""")
_ACTIVATE = _in_tenant("""
    UPDATE customer
    SET totp_secret = :secret, two_factor_since = clock_timestamp(), actor_kind = 'CUSTOMER',
        actor_id = :person, actor_name = NULL
    WHERE tenant_id = :tenant AND id = :person AND totp_secret IS NULL
    RETURNING true
""")
_REMOVE = _in_tenant("""
    UPDATE customer
    SET totp_secret = NULL, two_factor_since = NULL, actor_kind = 'CUSTOMER', actor_id = :person,
        actor_name = NULL
    WHERE tenant_id = :tenant AND id = :person AND totp_secret IS NOT NULL
    RETURNING true
""")
_PROTECTED = _in_tenant("""
    SELECT EXISTS (
        SELECT FROM customer
        WHERE tenant_id = :tenant AND id = :person AND totp_secret IS NOT NULL
        FOR NO KEY UPDATE
    )
""")
_FORGET_CODES = _in_tenant(
    "DELETE FROM customer_recovery_code WHERE tenant_id = :tenant AND customer_id = :person"
)
_KEEP_CODES = _in_tenant(
    """
    INSERT INTO customer_recovery_code (tenant_id, customer_id, hash)
    SELECT :tenant, :person, code FROM unnest(:codes) AS code
    """,
    bindparam("codes", type_=ARRAY(BYTEA)),
)


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
        found: datetime = await self._value(_NOW)
        return found

    async def known(self, email: str) -> Known | None:
        """Who has an e-mail address."""
        values = {"email": email.lower(), "failures": MOST_ONE_TIME_FAILURES}
        row = await self._row(_KNOWN, **values)
        return None if row is None else Known(**row)

    async def holder(self, token_hash: bytes) -> Holder | None:
        """The customer who has signed in; None for tokens of others."""
        del token_hash  # Who holds it was found out as the transaction began.
        if self.customer_id is None:
            return None
        row = await self._row(_HOLDER, person=self.customer_id)
        return None if row is None else Holder(token_id=self._token, **row)

    async def issuer(self) -> str:
        """The tenant's name, under which authenticator apps keep the secret."""
        return str(await self._value(_ISSUER))

    async def lock(self, person: int, checked: str, secret: bytes | None) -> bool:
        """Lock a customer who may sign in with the password that was checked, and has the second
        factor that was found, or none; False for others."""
        return bool(await self._value(_LOCK, person=person, checked=checked, secret=secret))

    async def knows_device(self, person: int, device: bytes) -> bool:
        """Whether somebody has signed in with a device before."""
        return bool(await self._value(_KNOWS_DEVICE, person=person, device=device))

    async def keep_device(self, person: int, device: bytes) -> None:
        """Know a device again."""
        await self._do(_KEEP_DEVICE, person=person, device=device)
        await self._do(_FORGET_DEVICES, person=person, most=MOST_DEVICES)

    async def use_step(self, person: int, step: int) -> bool:
        """Use a step of the second factor; False where it, or a later one, was used before."""
        return bool(await self._value(_USE_STEP, person=person, step=step))

    async def use_recovery_code(self, person: int, code: bytes) -> bool:
        """Use a recovery code; False where there is none, or it was used before."""
        return bool(await self._value(_USE_RECOVERY_CODE, person=person, code=code))

    async def note_attempt(self, person: int | None, failure: str | None, client: Client) -> None:
        """Write an attempt down; where there is nobody, take as long.

        Of somebody who was deleted meanwhile there is nothing, and of somebody who was anonymised
        it does not say from where.
        """
        if person is None:
            await self._do(_NOTE_NOBODY, person=0, most=MOST_FAILURES)
            return
        where = {"client": client.address, "agent": client.user_agent}
        await self._do(_NOTE, person=person, failure=failure, most=MOST_FAILURES, **where)

    async def fail_one_time(self, person: int) -> None:
        """Count a wrong password against the one-time password, where there is one."""
        await self._do(_FAIL_ONE_TIME, person=person)

    async def open_session(self, opening: Opening, client: Client) -> None:
        """Open a session for a customer who is locked."""
        await self._do(
            _OPEN,
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
            _END, {"tenant": self._tenant, "person": person, "one": one, "but": but}
        )
        return len(ended.all())

    async def change_password(self, person: int, checked: str | None, new: str) -> bool:
        """Put a password in place of the one that was checked; False where it is another now."""
        if not await self._value(_CHANGE_PASSWORD, person=person, checked=checked, password=new):
            return False
        await self._do(_END_ONE_TIME, person=person)
        return True

    async def offer_secret(self, person: int, secret: bytes) -> bool:
        """Keep a secret until its first code is shown; False where there is one in use."""
        return bool(await self._value(_OFFER, person=person, secret=secret))

    async def confirm_secret(
        self, person: int, secret: bytes, step: int, codes: Sequence[bytes]
    ) -> bool:
        """Take a secret into use, with recovery codes; False where another was offered since."""
        if not await self._value(_CONFIRM, person=person, secret=secret, step=step):
            return False
        if not await self._value(_ACTIVATE, person=person, secret=secret):
            return False
        await self._replace_codes(person, codes)
        return True

    async def renew_codes(self, person: int, codes: Sequence[bytes]) -> bool:
        """Put recovery codes in place of those before; False where there is no second factor."""
        if not await self._value(_PROTECTED, person=person):
            return False
        await self._replace_codes(person, codes)
        return True

    async def remove_secret(self, person: int) -> bool:
        """Remove the second factor and its recovery codes; False where there is none."""
        await self._do(_FORGET_CODES, person=person)
        return bool(await self._value(_REMOVE, person=person))

    async def _replace_codes(self, person: int, codes: Sequence[bytes]) -> None:
        await self._do(_FORGET_CODES, person=person)
        await self._do(_KEEP_CODES, person=person, codes=list(codes))

    async def _do(self, statement: TextClause, **values: Any) -> None:
        await self.session.execute(statement, {"tenant": self._tenant, **values})

    async def _value(self, statement: TextClause, **values: Any) -> Any:
        return await self.session.scalar(statement, {"tenant": self._tenant, **values})

    async def _row(self, statement: TextClause, **values: Any) -> Any:
        found = await self.session.execute(statement, {"tenant": self._tenant, **values})
        return found.mappings().one_or_none()
