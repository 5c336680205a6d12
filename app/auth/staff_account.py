"""What members of staff do about their own account: sessions, the password, the second factor.

It is asked of the holder of a session, needs no permission, and is written into the history of the
tenant that the session is for.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import recovery_codes, totp
from app.auth.passwords import verify_password
from app.auth.staff_checks import (
    TOTP_SECRET,
    count_try,
    hashed,
    holder,
    login_failed,
    record,
    tenant_unknown,
    two_factor_invalid,
    use_second_factor,
)
from app.auth.staff_steps import Holder, StaffSteps, Workplace
from app.auth.throttle import PER_ACCOUNT, PER_ADDRESS, PER_SECOND_FACTOR, Throttle, network_of
from app.auth.tokens import hash_token, make_token
from app.context import Client
from app.database import Credentials, Principal
from app.encryption import Keyring
from app.errors import UNAVAILABLE, ApiError, ErrorCode, Refused, UserErrorCode
from app.models.access_token import TokenKind
from app.writing import Writing, authenticated

ISSUER = "Abokonto"
"""What authenticator apps call us."""


@dataclass(frozen=True)
class Enrolment:
    """A second factor that waits for its first code; told this once."""

    secret: str
    uri: str
    qr_code: str


@dataclass(frozen=True)
class Switched:
    """A session at another tenant, in place of the one before."""

    token: str
    principal: Principal
    workplaces: Sequence[Workplace]


@dataclass(frozen=True)
class _Held:
    """A transaction of somebody who holds a session."""

    session: AsyncSession
    steps: StaffSteps
    principal: Principal
    holder: Holder


class StaffAccount:
    """Changes how members of staff sign in."""

    def __init__(self, writing: Writing, keyring: Keyring) -> None:
        self._writing = writing
        self._keyring = keyring
        self._throttle = Throttle(keyring, "staff")

    async def logout(self, credentials: Credentials, *, everywhere: bool) -> int:
        """End the session that asks, or all that its holder has; how many those were."""
        async with self._held(credentials) as held:
            await record(held.session, held.principal, "staff.signed_out")
            one = None if everywhere else held.holder.token_id
            return await held.steps.end_sessions(held.holder.staff_id, one=one)

    async def switch_tenant(
        self, credentials: Credentials, tenant: str, client: Client
    ) -> Switched:
        """Go on in a session at another tenant; the one that asks ends.

        Raises:
            Refused: TENANT_UNKNOWN.
        """
        token = make_token(TokenKind.STAFF)
        async with self._held(credentials) as held:
            await record(held.session, held.principal, "staff.signed_out")
            if not await held.steps.switch_session(credentials, tenant, hash_token(token), client):
                raise tenant_unknown()
            principal = await authenticated(held.session, hash_token(token), client.address)
            await record(held.session, principal, "staff.signed_in")
            workplaces = await held.steps.workplaces(held.holder.staff_id)
            return Switched(token, principal, workplaces)

    async def revoke_session(self, credentials: Credentials, session_id: int) -> None:
        """End one of the holder's sessions.

        Raises:
            Refused: NOT_FOUND.
        """
        async with self._held(credentials) as held:
            if not await held.steps.end_sessions(held.holder.staff_id, one=session_id):
                raise Refused(
                    UserErrorCode.NOT_FOUND, "You have no session with this id.", "session_id"
                )
            await record(held.session, held.principal, "staff.session_revoked")

    async def revoke_other_sessions(self, credentials: Credentials) -> int:
        """End all of the holder's sessions but the one that asks; how many those were."""
        async with self._held(credentials) as held:
            ended = await held.steps.end_sessions(held.holder.staff_id, but=held.holder.token_id)
            if ended:
                await record(held.session, held.principal, "staff.sessions_revoked")
            return ended

    async def change_password(self, credentials: Credentials, current: str, new: str) -> None:
        """Change the holder's password, and end their other sessions.

        Raises:
            Refused: PASSWORD_WRONG, PASSWORD_INVALID or TOO_MANY_ATTEMPTS.
        """
        new_hash = await hashed(new, "new_password")
        known = await self._checked(credentials, current, "current_password")
        async with self._held(credentials) as held:
            person = known.staff_id
            if not await held.steps.change_password(person, known.password_hash, new_hash):
                raise _wrong_password("current_password")
            await held.steps.end_sessions(person, but=known.token_id)
            await self._forget(held)
            await record(held.session, held.principal, "staff.password_changed")

    async def enrol(self, credentials: Credentials) -> Enrolment:
        """Offer the holder a second factor, in place of one that was offered before.

        Raises:
            Refused: TWO_FACTOR_ACTIVE.
        """
        secret = totp.new_secret()
        async with self._held(credentials) as held:
            offered = self._keyring.encrypt(secret, TOTP_SECRET)
            if not await held.steps.offer_secret(held.holder.staff_id, offered):
                raise Refused(
                    UserErrorCode.TWO_FACTOR_ACTIVE, "Remove the second factor that there is first."
                )
            uri = totp.provisioning_uri(secret, account=held.holder.email, issuer=ISSUER)
        return Enrolment(secret, uri, totp.qr_code(uri))

    async def confirm(self, credentials: Credentials, code: str) -> list[str]:
        """Take the offered second factor into use; the recovery codes, told this once.

        Other sessions, which were opened without it, end.

        Raises:
            Refused: TWO_FACTOR_NOT_ACTIVE, TWO_FACTOR_INVALID or TOO_MANY_ATTEMPTS.
        """
        await self._count(credentials)
        codes = recovery_codes.new_codes()
        async with self._held(credentials) as held:
            person, offered = held.holder.staff_id, held.holder.totp_pending
            if offered is None:
                raise _no_second_factor("No second factor waits for its first code.")
            secret = self._keyring.decrypt(offered, TOTP_SECRET)
            step = totp.step_of(secret, code, await held.steps.now())
            kept = [recovery_codes.hash_code(self._keyring, holder(person), c) for c in codes]
            hashes = [one for one in kept if one is not None]
            if step is None or not await held.steps.confirm_secret(person, offered, step, hashes):
                raise two_factor_invalid("code")
            await held.steps.end_sessions(person, but=held.holder.token_id)
            await self._forget(held)
            await record(held.session, held.principal, "staff.two_factor_activated")
        return codes

    async def remove(
        self, credentials: Credentials, password: str, code: str | None, recovery_code: str | None
    ) -> None:
        """Remove the holder's second factor, which takes the password and a code.

        Raises:
            Refused: TWO_FACTOR_NOT_ACTIVE, PASSWORD_WRONG, TWO_FACTOR_INVALID or
                TOO_MANY_ATTEMPTS.
        """
        known = await self._checked(credentials, password, "password")
        async with self._held(credentials) as held:
            secret = held.holder.totp_secret
            if secret is None:
                raise _no_second_factor("There is no second factor.")
            person = known.staff_id
            await use_second_factor(held.steps, self._keyring, person, secret, code, recovery_code)
            await held.steps.remove_secret(person)
            await self._forget(held)
            await record(held.session, held.principal, "staff.two_factor_removed")

    async def accept_invitation(self, token: str, password: str, client: Client) -> str:
        """Let somebody in who was invited; the slug of the tenant that they can sign in to.

        Whoever is a member of staff elsewhere gives the password that they have; to others it
        becomes theirs.

        Raises:
            Refused: INVITATION_INVALID, LOGIN_FAILED, PASSWORD_INVALID or TOO_MANY_ATTEMPTS.
        """
        token_hash, address = hash_token(token), self._throttle.address_key(client.address)
        async with self._writing.nobodys_transaction() as session:
            await count_try(self._throttle, session, address, PER_ADDRESS)
            email = await StaffSteps(session).invited(token_hash)
            if email is not None:
                account = self._throttle.account_key(email, network_of(client.address))
                await count_try(self._throttle, session, account, PER_ACCOUNT)
            known = await StaffSteps(session).known(email or "")
        if email is None or (known is not None and not known.active):
            raise _invitation_invalid()
        person, new_hash = None, None
        if known is None:
            new_hash = await hashed(password, "password")
        else:
            person = known.staff_id
            if known.password_hash and not await verify_password(known.password_hash, password):
                raise login_failed("password")
        try:
            async with self._writing.nobodys_transaction() as session:
                slug = await StaffSteps(session).accept_invitation(token_hash, person, new_hash)
                await self._throttle.forget(session, account)
                await self._throttle.take_back(session, address)
        except IntegrityError as error:
            # Somebody with the same address came in the meantime.
            raise ApiError(ErrorCode.UNAVAILABLE, UNAVAILABLE) from error
        if slug is None:
            raise _invitation_invalid()
        return slug

    @asynccontextmanager
    async def _held(self, credentials: Credentials) -> AsyncIterator[_Held]:
        """A transaction of somebody who holds a session.

        Raises:
            ApiError: FORBIDDEN for tokens that are no session of staff.
        """
        async with self._writing.transaction(credentials) as transaction:
            steps = StaffSteps(transaction.session)
            found = await steps.holder(credentials)
            if found is None:
                raise ApiError(
                    ErrorCode.FORBIDDEN, "This is for members of staff who have signed in."
                )
            yield _Held(transaction.session, steps, transaction.principal, found)

    async def _count(self, credentials: Credentials) -> Holder:
        """Count a try of the holder's password or code; who they are."""
        async with self._held(credentials) as held:
            key = self._throttle.second_factor_key(str(held.holder.staff_id))
            await count_try(self._throttle, held.session, key, PER_SECOND_FACTOR)
            return held.holder

    async def _forget(self, held: _Held) -> None:
        key = self._throttle.second_factor_key(str(held.holder.staff_id))
        await self._throttle.forget(held.session, key)

    async def _checked(self, credentials: Credentials, password: str, field: str) -> Holder:
        """The holder, who knows their password.

        Raises:
            Refused: PASSWORD_WRONG or TOO_MANY_ATTEMPTS.
        """
        known = await self._count(credentials)
        if not await verify_password(known.password_hash, password):
            raise _wrong_password(field)
        return known


def _wrong_password(field: str) -> Refused:
    return Refused(UserErrorCode.PASSWORD_WRONG, "This is not your password.", field)


def _no_second_factor(message: str) -> Refused:
    return Refused(UserErrorCode.TWO_FACTOR_NOT_ACTIVE, message)


def _invitation_invalid() -> Refused:
    return Refused(
        UserErrorCode.INVITATION_INVALID,
        "The invitation is unknown, was used or revoked, or has expired.",
        "token",
    )
