"""What people do about how they sign in themselves: sessions, the password, the second factor.

It is asked of the holder of a session, needs no permission, and is written into the history of the
tenant that the session is for. It is the same for staff and for customers.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import recovery_codes, totp
from app.auth.checks import (
    Holder,
    Sort,
    Steps,
    count_try,
    expect_usable,
    hashed,
    record,
    two_factor_invalid,
    use_second_factor,
    wrong_password,
)
from app.auth.new_passwords import NewPasswords
from app.auth.passwords import verify_password
from app.auth.throttle import PER_SECOND_FACTOR, Throttle
from app.database import Credentials, Principal
from app.encryption import Keyring
from app.errors import ApiError, ErrorCode, Refused, UserErrorCode
from app.settings import Settings
from app.writing import Transaction, Writing

S = TypeVar("S", bound=Steps)


@dataclass(frozen=True)
class Enrolment:
    """A second factor that waits for its first code; told this once."""

    secret: str
    uri: str
    qr_code: str


@dataclass(frozen=True)
class Held(Generic[S]):
    """A transaction of somebody who holds a session."""

    session: AsyncSession
    steps: S
    principal: Principal
    holder: Holder


class OwnAccount(ABC, Generic[S]):
    """Changes how people sign in."""

    sort: ClassVar[Sort]
    others: ClassVar[str]
    """What is said to those whom it is not for."""

    def __init__(self, writing: Writing, keyring: Keyring, settings: Settings) -> None:
        self._writing = writing
        self._keyring = keyring
        self._passwords = NewPasswords(settings)
        self._throttle = Throttle(keyring, self.sort.name)

    @abstractmethod
    def _steps(self, transaction: Transaction) -> S:
        """The steps of a transaction."""

    async def logout(self, credentials: Credentials, *, everywhere: bool) -> int:
        """End the session that asks, or all that its holder has; how many those were."""
        async with self._held(credentials) as held:
            one = None if everywhere else held.holder.token_id
            ended = await held.steps.end_sessions(held.holder.person, one=one)
            await record(held.session, held.principal, f"{self.sort.name}.signed_out")
            return ended

    async def change_password(self, credentials: Credentials, current: str, new: str) -> None:
        """Change the holder's password, and end their other sessions.

        Raises:
            Refused: PASSWORD_WRONG, PASSWORD_INVALID, PASSWORD_BREACHED or TOO_MANY_ATTEMPTS.
        """
        expect_usable(new, "new_password")
        known = await self._checked(credentials, current, "current_password")
        # Hashing keeps a core busy, so it is done for those alone who may change it.
        new_hash = await hashed(self._passwords, new, "new_password")
        async with self._held(credentials) as held:
            if not await held.steps.change_password(known.person, known.password_hash, new_hash):
                raise wrong_password("current_password")
            await held.steps.end_sessions(known.person, but=known.token_id)
            if held.holder.totp_secret is None:
                # Else whoever knows the password alone could guess codes for as long as they like.
                await self._forget(held)
            await record(held.session, held.principal, f"{self.sort.name}.password_changed")

    async def enrol(self, credentials: Credentials, password: str) -> Enrolment:
        """Offer the holder a second factor, in place of one that was offered before.

        It takes the password, so that nobody with a session alone keeps its owner from signing in.

        Raises:
            Refused: PASSWORD_WRONG, TWO_FACTOR_ACTIVE or TOO_MANY_ATTEMPTS.
        """
        secret = totp.new_secret()
        await self._checked(credentials, password, "password")
        async with self._held(credentials) as held:
            offered = self._keyring.encrypt(secret, self.sort.secret_place)
            if not await held.steps.offer_secret(held.holder.person, offered):
                raise Refused(
                    UserErrorCode.TWO_FACTOR_ACTIVE, "Remove the second factor that there is first."
                )
            await self._forget(held)
            issuer = await held.steps.issuer()
            uri = totp.provisioning_uri(secret, account=held.holder.email, issuer=issuer)
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
            person, offered = held.holder.person, held.holder.totp_pending
            if offered is None:
                raise _no_second_factor("No second factor waits for its first code.")
            secret = self._keyring.decrypt(offered, self.sort.secret_place)
            step = totp.step_of(secret, code, await held.steps.now())
            hashes = self._hashes(person, codes)
            if step is None or not await held.steps.confirm_secret(person, offered, step, hashes):
                raise two_factor_invalid("code")
            await held.steps.end_sessions(person, but=held.holder.token_id)
            await self._forget(held)
            await record(held.session, held.principal, f"{self.sort.name}.two_factor_activated")
        return codes

    async def renew_codes(
        self, credentials: Credentials, password: str, code: str | None, recovery_code: str | None
    ) -> list[str]:
        """Put new recovery codes in place of the holder's, which takes the password and a code; the
        codes, told this once.

        Raises:
            Refused: TWO_FACTOR_NOT_ACTIVE, PASSWORD_WRONG, TWO_FACTOR_INVALID or
                TOO_MANY_ATTEMPTS.
        """
        codes = recovery_codes.new_codes()
        async with self._confirmed(credentials, password, code, recovery_code) as held:
            person = held.holder.person
            if not await held.steps.renew_codes(person, self._hashes(person, codes)):
                raise _no_second_factor("There is no second factor.")
            await record(held.session, held.principal, f"{self.sort.name}.recovery_codes_renewed")
        return codes

    async def remove(
        self, credentials: Credentials, password: str, code: str | None, recovery_code: str | None
    ) -> None:
        """Remove the holder's second factor, which takes the password and a code.

        Raises:
            Refused: TWO_FACTOR_NOT_ACTIVE, PASSWORD_WRONG, TWO_FACTOR_INVALID or
                TOO_MANY_ATTEMPTS.
        """
        async with self._confirmed(credentials, password, code, recovery_code) as held:
            await held.steps.remove_secret(held.holder.person)
            await record(held.session, held.principal, f"{self.sort.name}.two_factor_removed")

    async def revoke_session(self, credentials: Credentials, session_id: int) -> None:
        """End one of the holder's sessions.

        Raises:
            Refused: NOT_FOUND.
        """
        async with self._held(credentials) as held:
            if not await held.steps.end_sessions(held.holder.person, one=session_id):
                raise Refused(
                    UserErrorCode.NOT_FOUND, "You have no session with this id.", "session_id"
                )
            await record(held.session, held.principal, f"{self.sort.name}.session_revoked")

    async def revoke_other_sessions(self, credentials: Credentials) -> int:
        """End all of the holder's sessions but the one that asks; how many those were."""
        async with self._held(credentials) as held:
            ended = await held.steps.end_sessions(held.holder.person, but=held.holder.token_id)
            if ended:
                await record(held.session, held.principal, f"{self.sort.name}.sessions_revoked")
            return ended

    @asynccontextmanager
    async def _confirmed(
        self, credentials: Credentials, password: str, code: str | None, recovery_code: str | None
    ) -> AsyncIterator[Held[S]]:
        """A transaction of somebody who has shown once more the password and the second factor.

        Raises:
            Refused: TWO_FACTOR_NOT_ACTIVE, PASSWORD_WRONG, TWO_FACTOR_INVALID or
                TOO_MANY_ATTEMPTS.
        """
        known = await self._checked(credentials, password, "password")
        async with self._held(credentials) as held:
            secret = held.holder.totp_secret
            if secret is None:
                raise _no_second_factor("There is no second factor.")
            await use_second_factor(
                held.steps, self._keyring, self.sort, known.person, secret, code, recovery_code
            )
            yield held
            await self._forget(held)

    def _hashes(self, person: int, codes: Sequence[str]) -> list[bytes]:
        """What is kept of recovery codes."""
        whose = self.sort.holder(person)
        kept = [recovery_codes.hash_code(self._keyring, whose, one) for one in codes]
        return [one for one in kept if one is not None]

    @asynccontextmanager
    async def _held(self, credentials: Credentials) -> AsyncIterator[Held[S]]:
        """A transaction of somebody who holds a session.

        Raises:
            ApiError: FORBIDDEN for tokens that are no session of such people.
        """
        async with self._writing.transaction(credentials) as transaction:
            steps = self._steps(transaction)
            found = await steps.holder(credentials)
            if found is None:
                raise ApiError(ErrorCode.FORBIDDEN, self.others)
            yield Held(transaction.session, steps, transaction.principal, found)

    async def _count(self, credentials: Credentials) -> Holder:
        """Count a try of the holder's password or code; who they are."""
        async with self._held(credentials) as held:
            key = self._throttle.session_key(str(held.holder.person))
            await count_try(self._throttle, held.session, key, PER_SECOND_FACTOR)
            return held.holder

    async def _forget(self, held: Held[S]) -> None:
        key = self._throttle.session_key(str(held.holder.person))
        await self._throttle.forget(held.session, key)

    async def _checked(self, credentials: Credentials, password: str, field: str) -> Holder:
        """The holder, who knows their password.

        Raises:
            Refused: PASSWORD_WRONG or TOO_MANY_ATTEMPTS.
        """
        known = await self._count(credentials)
        if not await verify_password(known.password_hash, password):
            raise wrong_password(field)
        return known


def _no_second_factor(message: str) -> Refused:
    return Refused(UserErrorCode.TWO_FACTOR_NOT_ACTIVE, message)
