"""What signing in and changing how one signs in have in common, for staff and for customers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app import models
from app.auth import recovery_codes, totp
from app.auth.new_passwords import BreachedPasswordError, NewPasswords
from app.auth.passwords import PasswordError, expect_length
from app.auth.throttle import Budget, Throttle, TooManyTriesError
from app.database import Principal
from app.encryption import Keyring
from app.errors import Refusal, Refused, UserErrorCode


@dataclass(frozen=True)
class Sort:
    """Who signs in: staff, or customers."""

    name: str

    @property
    def secret_place(self) -> str:
        """What secrets are encrypted for, those too that wait for their first code."""
        return f"{self.name}.totp_secret"

    def holder(self, person: int) -> str:
        """Whose recovery codes they are."""
        return f"{self.name}:{person}"


STAFF = Sort("staff")
CUSTOMER = Sort("customer")


@dataclass(frozen=True)
class Holder:
    """Who holds a session, and what they are checked against."""

    person: int
    token_id: int
    email: str
    password_hash: str | None
    totp_secret: bytes | None
    totp_pending: bytes | None


class SecondFactors(Protocol):
    """The steps that use a second factor, each of them one statement."""

    async def now(self) -> datetime:
        """The database's time."""

    async def use_step(self, person: int, step: int) -> bool:
        """Use a step; False where it, or a later one, was used before."""

    async def use_recovery_code(self, person: int, code: bytes) -> bool:
        """Use a recovery code; False where there is none, or it was used before."""


class Steps(SecondFactors, Protocol):
    """The steps that change how somebody signs in."""

    async def holder(self, token_hash: bytes) -> Holder | None:
        """Who holds a session; None for other tokens."""

    async def issuer(self) -> str:
        """What authenticator apps call us."""

    async def end_sessions(
        self, person: int, *, one: int | None = None, but: int | None = None
    ) -> int:
        """End one session of somebody, or all but one; how many those were."""

    async def change_password(self, person: int, checked: str | None, new: str) -> bool:
        """Put a password in place of the one that was checked; False where it is another now."""

    async def offer_secret(self, person: int, secret: bytes) -> bool:
        """Keep a secret until its first code is shown; False where there is one in use."""

    async def confirm_secret(
        self, person: int, secret: bytes, step: int, codes: Sequence[bytes]
    ) -> bool:
        """Take a secret into use, with recovery codes; False where another was offered since."""

    async def renew_codes(self, person: int, codes: Sequence[bytes]) -> bool:
        """Put recovery codes in place of those before; False where there is no second factor."""

    async def remove_secret(self, person: int) -> bool:
        """Remove the second factor and its recovery codes; False where there is none."""


async def count_try(throttle: Throttle, session: AsyncSession, key: bytes, budget: Budget) -> None:
    """Count a try; it must be committed before what is tried is looked at.

    Raises:
        Refused: TOO_MANY_ATTEMPTS.
    """
    try:
        await throttle.count(session, key, budget)
    except TooManyTriesError as error:
        raise Refused(
            UserErrorCode.TOO_MANY_ATTEMPTS,
            f"There were too many attempts. Try again in {error.seconds} seconds.",
        ) from error


async def use_second_factor(
    steps: SecondFactors,
    keyring: Keyring,
    sort: Sort,
    person: int,
    secret: bytes,
    code: str | None,
    recovery_code: str | None,
) -> None:
    """Use a code of an app, or a recovery code, which nobody can use again.

    Raises:
        Refused: TWO_FACTOR_INVALID.
    """
    if code:
        plain = keyring.decrypt(secret, sort.secret_place)
        step = totp.step_of(plain, code, await steps.now())
        used = step is not None and await steps.use_step(person, step)
    else:
        kept = recovery_codes.hash_code(keyring, sort.holder(person), recovery_code or "")
        used = kept is not None and await steps.use_recovery_code(person, kept)
    if not used:
        raise two_factor_invalid("code" if code else "recovery_code")


async def hashed(passwords: NewPasswords, password: str, *field: str) -> str:
    """The hash of a new password.

    Raises:
        Refused: PASSWORD_INVALID or PASSWORD_BREACHED.
    """
    try:
        return await passwords.hash(password)
    except BreachedPasswordError as error:
        raise Refused(UserErrorCode.PASSWORD_BREACHED, str(error), *field) from error
    except PasswordError as error:
        raise Refused(UserErrorCode.PASSWORD_INVALID, str(error), *field) from error


async def hashed_own(passwords: NewPasswords, one_time: str, chosen: str | None) -> str:
    """The hash of the password that takes a one-time password's place.

    Raises:
        Refused: PASSWORD_INVALID, also for the one-time password itself, or PASSWORD_BREACHED.
    """
    if chosen == one_time:
        raise Refused(
            UserErrorCode.PASSWORD_INVALID,
            "Others know the one-time password: choose another one.",
            "new_password",
        )
    return await hashed(passwords, chosen or "", "new_password")


def expect_usable(password: str, *field: str) -> None:
    """See that a new password is of use, before anything is done for it.

    Raises:
        Refused: PASSWORD_INVALID.
    """
    try:
        expect_length(password)
    except PasswordError as error:
        raise Refused(UserErrorCode.PASSWORD_INVALID, str(error), *field) from error


async def record(session: AsyncSession, principal: Principal, action: str) -> None:
    """Write down in the tenant's history what somebody did about their signing in."""
    own = principal.customer_id
    await session.execute(
        insert(models.History)
        .values(
            tenant_id=principal.tenant_id,
            customer_id=own,
            action=action,
            record_type="AccessToken" if own is None else "Customer",
            record_id=principal.token_id if own is None else own,
            actor_kind=principal.kind,
            actor_id=principal.staff_id or own,
            actor_name=principal.name,
        )
        # Customers may not read it, not even the key that this would otherwise give back.
        .inline()
    )


def login_failed(*field: str) -> Refused:
    """The one answer to everybody who may not sign in."""
    return Refused(
        UserErrorCode.LOGIN_FAILED, "The e-mail address or the password is wrong.", *field
    )


def expect_rest(*, code: bool, new_password: bool) -> None:
    """See that there is all that somebody with the right password has to give; each argument says
    whether it is missing.

    Raises:
        Refused: TWO_FACTOR_REQUIRED and NEW_PASSWORD_REQUIRED, both where both are missing.
    """
    missing: list[Refusal] = []
    if code:
        missing += two_factor_required().refusals
    if new_password:
        missing.append(
            Refusal(
                UserErrorCode.NEW_PASSWORD_REQUIRED,
                "The password is good once: choose one of your own.",
                ("new_password",),
            )
        )
    if missing:
        raise Refused.because(missing)


def two_factor_required() -> Refused:
    """The answer to somebody who has shown the password alone."""
    return Refused(
        UserErrorCode.TWO_FACTOR_REQUIRED,
        "Send a code of your authenticator app, or a recovery code.",
        "code",
    )


def two_factor_invalid(field: str) -> Refused:
    """The answer to a code that is wrong, whatever is wrong with it."""
    return Refused(
        UserErrorCode.TWO_FACTOR_INVALID, "The code is wrong, too old or was used before.", field
    )


def wrong_password(field: str) -> Refused:
    """The answer to somebody who has signed in and gives another password than theirs."""
    return Refused(UserErrorCode.PASSWORD_WRONG, "This is not your password.", field)
