"""What signing in and changing how one signs in have in common."""

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app import models
from app.auth import recovery_codes, totp
from app.auth.passwords import PasswordError, hash_password
from app.auth.staff_steps import StaffSteps
from app.auth.throttle import Budget, Throttle, TooManyTriesError
from app.database import Principal
from app.encryption import Keyring
from app.errors import Refused, UserErrorCode

TOTP_SECRET = "staff.totp_secret"  # noqa: S105  It is the name of a column.
"""What secrets are encrypted for, those too that wait for their first code."""


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
    steps: StaffSteps,
    keyring: Keyring,
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
        step = totp.step_of(keyring.decrypt(secret, TOTP_SECRET), code, await steps.now())
        used = step is not None and await steps.use_step(person, step)
    else:
        kept = recovery_codes.hash_code(keyring, holder(person), recovery_code or "")
        used = kept is not None and await steps.use_recovery_code(person, kept)
    if not used:
        raise two_factor_invalid("code" if code else "recovery_code")


async def hashed(password: str, *field: str) -> str:
    """The hash of a new password.

    Raises:
        Refused: PASSWORD_INVALID.
    """
    try:
        return await hash_password(password)
    except PasswordError as error:
        raise Refused(UserErrorCode.PASSWORD_INVALID, str(error), *field) from error


async def record(session: AsyncSession, principal: Principal, action: str) -> None:
    """Write down in the tenant's history what somebody did about their signing in."""
    await session.execute(
        insert(models.History).values(
            tenant_id=principal.tenant_id,
            action=action,
            record_type="AccessToken",
            record_id=principal.token_id,
            actor_kind=principal.kind,
            actor_id=principal.staff_id,
            actor_name=principal.name,
        )
    )


def holder(person: int) -> str:
    """Whose recovery codes they are."""
    return f"staff:{person}"


def login_failed(*field: str) -> Refused:
    """The one answer to everybody who may not sign in."""
    return Refused(
        UserErrorCode.LOGIN_FAILED, "The e-mail address or the password is wrong.", *field
    )


def two_factor_invalid(field: str) -> Refused:
    """The answer to a code that is wrong, whatever is wrong with it."""
    return Refused(
        UserErrorCode.TWO_FACTOR_INVALID, "The code is wrong, too old or was used before.", field
    )


def tenant_unknown() -> Refused:
    """The answer to somebody who works elsewhere."""
    return Refused(UserErrorCode.TENANT_UNKNOWN, "You work for no tenant of this name.", "tenant")
