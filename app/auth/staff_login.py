"""Signing in, for staff: a password, a second factor where there is one, and then a session.

Whoever is unknown, may not sign in, or has another password gets the same answer after the same
time: the same statements are sent and one password is compared, if need be with nobody's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.auth.checks import (
    STAFF,
    count_try,
    expect_rest,
    hashed_own,
    login_failed,
    record,
    use_second_factor,
)
from app.auth.new_passwords import NewPasswords
from app.auth.passwords import hash_anew, needs_rehash, verify_password
from app.auth.staff_account import tenant_unknown
from app.auth.staff_steps import Known, Opening, StaffSteps, Workplace
from app.auth.throttle import (
    NEW_DEVICE,
    PER_ACCOUNT,
    PER_ADDRESS,
    PER_SECOND_FACTOR,
    Throttle,
    site_of,
)
from app.auth.tokens import device_token, hash_token, make_token
from app.context import Client
from app.database import Principal
from app.encryption import Keyring
from app.models.access_token import SignIn, TokenKind
from app.settings import Settings
from app.writing import Writing, authenticated

LONGEST_DEVICE_TOKEN = 200


@dataclass(frozen=True)
class Attempt:
    """What somebody signs in with."""

    email: str
    password: str
    code: str | None = None
    recovery_code: str | None = None
    new_password: str | None = None
    tenant: str | None = None
    device_token: str | None = None


@dataclass(frozen=True)
class SignedIn:
    """A session that was opened; its token and the device's are told this once."""

    token: str
    device_token: str
    principal: Principal
    workplaces: Sequence[Workplace]


@dataclass(frozen=True)
class _Tries:
    """The counts that a success is taken out of."""

    device: str
    account: bytes
    address: bytes | None


class StaffLogin:
    """Opens sessions for staff."""

    def __init__(self, writing: Writing, keyring: Keyring, settings: Settings) -> None:
        self._writing = writing
        self._keyring = keyring
        self._settings = settings
        self._passwords = NewPasswords(settings)
        self._throttle = Throttle(keyring, "staff")

    async def login(self, attempt: Attempt, client: Client) -> SignedIn:
        """Open a session for somebody who shows who they are.

        Raises:
            Refused: LOGIN_FAILED, TOO_MANY_ATTEMPTS, TWO_FACTOR_REQUIRED, TWO_FACTOR_INVALID,
                NEW_PASSWORD_REQUIRED, PASSWORD_INVALID, PASSWORD_BREACHED or TENANT_UNKNOWN.
        """
        known, tries = await self._counted(attempt, client)
        stored = known.password_hash if known is not None else None
        matches = await verify_password(stored, attempt.password)
        if known is None or stored is None or not matches or not (known.active and known.current):
            raise login_failed()
        _expect(attempt, known)
        await self._count_code(known, tries)
        new = await self._new_hash(attempt, known, stored)
        kept = new or stored
        opening, token = self._opening(known.staff_id, SignIn.PASSWORD, kept, attempt.tenant)
        async with self._writing.nobodys_transaction() as session:
            steps = StaffSteps(session)
            await self._use_code(steps, known, attempt, tries)
            # Of two at once with a one-time password the second finds another one.
            if new and not await steps.change_password(known.staff_id, stored, new):
                raise login_failed()
            signed_in = await _opened(steps, opening, token, attempt.device_token, client)
            await _expect_same_factor(steps, attempt.email, known)
            await self._throttle.forget(session, tries.account)
            if tries.address is not None:
                await self._throttle.take_back(session, tries.address)
        return signed_in

    async def login_as(
        self, issuer: str, subject: str, verified_email: str | None, client: Client
    ) -> SignedIn:
        """Open a session for somebody whom a provider of identities vouches for.

        Raises:
            Refused: LOGIN_FAILED where nobody is meant by that, or they may not sign in.
        """
        async with self._writing.nobodys_transaction() as session:
            steps = StaffSteps(session)
            person = await steps.of_identity(issuer, subject, verified_email)
            if person is None:
                raise login_failed()
            opening, token = self._opening(person, SignIn.OIDC, None, None)
            return await _opened(steps, opening, token, client.device, client)

    async def _counted(self, attempt: Attempt, client: Client) -> tuple[Known | None, _Tries]:
        """Who is meant, once the try is counted."""
        claimed, device = attempt.email.lower(), hash_token(attempt.device_token or "")
        async with self._writing.nobodys_transaction() as session:
            steps = StaffSteps(session)
            if await steps.knows_device(claimed, device):
                here = f"device {device.hex()}"
                tries = _Tries(here, self._throttle.account_key(claimed, here), None)
            else:
                key = self._throttle.account_key(claimed, site_of(client.address))
                tries = _Tries(NEW_DEVICE, key, self._throttle.address_key(client.address))
            if tries.address is not None:
                await count_try(self._throttle, session, tries.address, PER_ADDRESS)
            await count_try(self._throttle, session, tries.account, PER_ACCOUNT)
            return await steps.known(claimed), tries

    async def _new_hash(self, attempt: Attempt, known: Known, stored: str) -> str | None:
        """The hash to keep in place of the one that is there, if any."""
        if known.one_time:
            return await hashed_own(self._passwords, attempt.password, attempt.new_password)
        return await hash_anew(attempt.password) if needs_rehash(stored) else None

    async def _count_code(self, known: Known, tries: _Tries) -> None:
        """Count the code that is about to be looked at, where there is a second factor."""
        if known.totp_secret is None:
            return
        key = self._throttle.second_factor_key(str(known.staff_id), tries.device)
        async with self._writing.nobodys_transaction() as session:
            await count_try(self._throttle, session, key, PER_SECOND_FACTOR)

    async def _use_code(
        self, steps: StaffSteps, known: Known, attempt: Attempt, tries: _Tries
    ) -> None:
        """Use the code that was counted, where there is a second factor."""
        if known.totp_secret is None:
            return
        person, given = known.staff_id, (attempt.code, attempt.recovery_code)
        await use_second_factor(steps, self._keyring, STAFF, person, known.totp_secret, *given)
        key = self._throttle.second_factor_key(str(person), tries.device)
        await self._throttle.forget(steps.session, key)

    def _opening(
        self, person: int, way: SignIn, checked_password: str | None, tenant: str | None
    ) -> tuple[Opening, str]:
        token = make_token(TokenKind.STAFF)
        opening = Opening(
            person=person,
            way=way.value,
            checked_password=checked_password,
            tenant=tenant,
            token_hash=hash_token(token),
            seconds=self._settings.session_seconds,
            idle_seconds=self._settings.session_idle_seconds,
        )
        return opening, token


def _expect(attempt: Attempt, known: Known) -> None:
    """See that there is all that somebody with the right password has to give.

    Raises:
        Refused: TWO_FACTOR_REQUIRED and NEW_PASSWORD_REQUIRED, both where both are missing.
    """
    expect_rest(
        code=known.totp_secret is not None and not attempt.code and not attempt.recovery_code,
        new_password=known.one_time and not attempt.new_password,
    )


async def _expect_same_factor(steps: StaffSteps, email: str, known: Known) -> None:
    """See that the second factor is still the one that was found, or that there is none.

    Opening the session has locked the person, so that whoever sets one up now ends it.

    Raises:
        Refused: LOGIN_FAILED.
    """
    found = await steps.known(email)
    if found is None or found.totp_secret != known.totp_secret:
        raise login_failed()


async def _opened(
    steps: StaffSteps, opening: Opening, token: str, given_device: str | None, client: Client
) -> SignedIn:
    """Open a session, and write down that it was.

    Raises:
        Refused: LOGIN_FAILED, or TENANT_UNKNOWN where a tenant was named.
    """
    if not await steps.open_session(opening, client):
        elsewhere = opening.tenant is not None and await steps.workplaces(opening.person)
        raise tenant_unknown() if elsewhere else login_failed()
    device = device_token(given_device)
    await steps.keep_device(opening.person, hash_token(device))
    principal = await authenticated(steps.session, opening.token_hash, client.address)
    await record(steps.session, principal, "staff.signed_in")
    workplaces = await steps.workplaces(opening.person)
    return SignedIn(token, device, principal, workplaces)
