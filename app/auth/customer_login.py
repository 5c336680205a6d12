"""Signing in, for customers: by a front end's token, in its tenant.

Whoever is unknown, blocked or anonymised, has another password, or one for one time that has
expired, gets the same answer after the same time: the same statements are sent, one password is
compared, if need be with nobody's, and as much is written and waited for. What it was is in the
account's logins.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.auth.checks import (
    CUSTOMER,
    count_try,
    expect_rest,
    hashed_own,
    login_failed,
    use_second_factor,
)
from app.auth.customer_steps import CustomerSteps, Known, Opening
from app.auth.new_passwords import NewPasswords
from app.auth.passwords import hash_anew, needs_rehash, verify_password
from app.auth.permissions import Permission
from app.auth.roles import CUSTOMER as PERMISSIONS
from app.auth.throttle import (
    NEW_DEVICE,
    PER_ACCOUNT,
    PER_ADDRESS,
    PER_SECOND_FACTOR,
    Throttle,
    site_of,
)
from app.auth.tokens import device_token, hash_token, make_token
from app.context import Client, forbidden
from app.database import Credentials
from app.encryption import Keyring
from app.errors import Refused, UserErrorCode
from app.models.access_token import TokenKind
from app.models.login import LoginFailure
from app.settings import Settings
from app.writing import Transaction, Writing


@dataclass(frozen=True)
class Attempt:
    """What a customer signs in with, and where they are."""

    email: str
    password: str
    client: Client
    code: str | None = None
    recovery_code: str | None = None
    new_password: str | None = None
    device_token: str | None = None


@dataclass(frozen=True)
class SignedIn:
    """A session that was opened; its token and the device's are told this once."""

    token: str
    device_token: str
    customer_id: int
    expires_at: datetime


@dataclass(frozen=True)
class _Counted:
    """Who is meant, and the counts that a success is taken out of."""

    known: Known | None
    throttle: Throttle
    device: str
    account: bytes
    address: bytes | None


class CustomerLogin:
    """Opens sessions for customers."""

    def __init__(self, writing: Writing, keyring: Keyring, settings: Settings) -> None:
        self._writing = writing
        self._keyring = keyring
        self._settings = settings
        self._passwords = NewPasswords(settings)

    async def login(self, attempt: Attempt, credentials: Credentials) -> SignedIn:
        """Open a session for a customer who shows who they are; `credentials` are a front end's.

        Raises:
            Refused: LOGIN_FAILED, TOO_MANY_ATTEMPTS, TWO_FACTOR_REQUIRED, TWO_FACTOR_INVALID,
                NEW_PASSWORD_REQUIRED, PASSWORD_INVALID or PASSWORD_BREACHED.
        """
        counted = await self._counted(attempt, credentials)
        known = counted.known
        stored = None if known is None else known.password_hash
        matches = await verify_password(stored, attempt.password)
        failure = _failure(known, matches)
        if known is None or stored is None or failure is not None:
            await self._failed(attempt, credentials, known, failure)
            raise login_failed()
        _expect(attempt, known)
        new = await self._new_hash(attempt, known, stored)
        if known.totp_secret is not None:
            await self._count_code(credentials, counted, known.person)
        try:
            return await self._opened(attempt, credentials, counted, known, stored, new)
        except Refused as refused:
            code = refused.refusals[0].code
            wrong_code = code == UserErrorCode.TWO_FACTOR_INVALID
            why = LoginFailure.WRONG_CODE if wrong_code else LoginFailure.WRONG_PASSWORD
            await self._failed(attempt, credentials, known, why)
            raise

    async def _counted(self, attempt: Attempt, credentials: Credentials) -> _Counted:
        """Who is meant, once the try is counted."""
        device = hash_token(attempt.device_token or "")
        refusal: Refused | None = None
        async with self._writing.transaction(credentials) as transaction:
            steps, throttle = _steps(transaction), self._throttle(transaction)
            known = await steps.known(attempt.email)
            claimed = attempt.email.lower()
            # Nobody is asked for, too, so that it takes as long.
            if await steps.knows_device(known.person if known else 0, device):
                here = f"device {device.hex()}"
                key = throttle.account_key(claimed, here)
                counted = _Counted(known, throttle, here, key, None)
            else:
                key = throttle.account_key(claimed, site_of(attempt.client.address))
                address = throttle.address_key(attempt.client.address)
                counted = _Counted(known, throttle, NEW_DEVICE, key, address)
            try:
                await count_try(throttle, transaction.session, counted.account, PER_ACCOUNT)
                if counted.address is not None:
                    await count_try(throttle, transaction.session, counted.address, PER_ADDRESS)
            except Refused as refused:
                refusal = refused
                why = LoginFailure.TOO_MANY_ATTEMPTS.value
                await steps.note_attempt(known.person if known else None, why, attempt.client)
        if refusal is not None:
            raise refusal
        return counted

    async def _failed(
        self,
        attempt: Attempt,
        credentials: Credentials,
        known: Known | None,
        failure: LoginFailure | None,
    ) -> None:
        """Write down that somebody was not let in."""
        async with self._writing.transaction(credentials) as transaction:
            steps = _steps(transaction)
            person = None if known is None else known.person
            await steps.note_attempt(person, failure, attempt.client)
            await steps.fail_one_time(person or 0 if failure == LoginFailure.WRONG_PASSWORD else 0)

    async def _new_hash(self, attempt: Attempt, known: Known, stored: str) -> str | None:
        """The hash to keep in place of the one that is there, if any.

        Raises:
            Refused: PASSWORD_INVALID or PASSWORD_BREACHED.
        """
        if known.one_time_until is not None:
            return await hashed_own(self._passwords, attempt.password, attempt.new_password)
        return await hash_anew(attempt.password) if needs_rehash(stored) else None

    async def _count_code(self, credentials: Credentials, counted: _Counted, person: int) -> None:
        async with self._writing.transaction(credentials) as transaction:
            key = counted.throttle.second_factor_key(str(person), counted.device)
            await count_try(counted.throttle, transaction.session, key, PER_SECOND_FACTOR)

    async def _opened(
        self,
        attempt: Attempt,
        credentials: Credentials,
        counted: _Counted,
        known: Known,
        stored: str,
        new: str | None,
    ) -> SignedIn:
        """Open the session, in the transaction that uses up what is good once.

        Raises:
            Refused: TWO_FACTOR_INVALID, or LOGIN_FAILED where something has changed meanwhile.
        """
        token, person = make_token(TokenKind.CUSTOMER), known.person
        device = device_token(attempt.device_token)
        opening = Opening(
            person,
            hash_token(token),
            sorted(PERMISSIONS),
            self._settings.customer_session_seconds,
            self._settings.customer_session_idle_seconds,
        )
        async with self._writing.transaction(credentials) as transaction:
            steps, throttle = _steps(transaction), counted.throttle
            if not await steps.lock(person, stored, known.totp_secret):
                raise login_failed()
            if known.totp_secret is not None:
                given = (attempt.code, attempt.recovery_code)
                await use_second_factor(
                    steps, self._keyring, CUSTOMER, person, known.totp_secret, *given
                )
                key = throttle.second_factor_key(str(person), counted.device)
                await throttle.forget(transaction.session, key)
            if new is not None:
                await steps.change_password(person, stored, new)
            await steps.open_session(opening, attempt.client)
            await steps.keep_device(person, hash_token(device))
            await steps.note_attempt(person, None, attempt.client)
            await throttle.forget(transaction.session, counted.account)
            if counted.address is not None:
                await throttle.take_back(transaction.session, counted.address)
        expires_at = transaction.now + timedelta(seconds=opening.seconds)
        return SignedIn(token, device, person, expires_at)

    def _throttle(self, transaction: Transaction) -> Throttle:
        """The counts of a tenant: what is tried elsewhere slows down nobody here."""
        return Throttle(self._keyring, f"customer {transaction.principal.tenant_id}")


def _steps(transaction: Transaction) -> CustomerSteps:
    """The steps of a front end's transaction.

    Raises:
        ApiError: FORBIDDEN for tokens without the permission.
    """
    principal = transaction.principal
    if Permission.CUSTOMER_LOGIN not in principal.permissions:
        raise forbidden(Permission.CUSTOMER_LOGIN)
    return CustomerSteps(transaction.session, principal.tenant_id, principal.token_id)


def _failure(known: Known | None, matches: bool) -> LoginFailure | None:
    """Why somebody may not sign in, as the account's logins say it."""
    if known is not None and not known.open:
        return LoginFailure.LOGIN_BLOCKED
    if known is None or not matches:
        return LoginFailure.WRONG_PASSWORD
    return None if known.current else LoginFailure.PASSWORD_EXPIRED


def _expect(attempt: Attempt, known: Known) -> None:
    """See that there is all that somebody with the right password has to give.

    Raises:
        Refused: TWO_FACTOR_REQUIRED and NEW_PASSWORD_REQUIRED, both where both are missing.
    """
    protected, one_time = known.totp_secret is not None, known.one_time_until is not None
    expect_rest(
        code=protected and not attempt.code and not attempt.recovery_code,
        new_password=one_time and not attempt.new_password,
    )
