"""What customers do about their own password and second factor."""

import strawberry
from strawberry import UNSET

from app.context import RequestContext
from app.errors import UserErrorCode
from app.resolvers.reads import Row
from app.schema.customer_sessions import CustomerAccountPayload
from app.schema.identity import identity
from app.schema.staff_account import (
    ConfirmStaffTwoFactorPayload,
    EnrolStaffTwoFactorPayload,
    RenewStaffRecoveryCodesPayload,
)
from app.work.inputs import given, text


@strawberry.type(description="A second factor that waits for its first code, told this once.")
class EnrolTwoFactorPayload(EnrolStaffTwoFactorPayload):
    """What an authenticator app is set up with."""


@strawberry.type(description="A second factor that is in use from now on.")
class ConfirmTwoFactorPayload(ConfirmStaffTwoFactorPayload):
    """What to keep for the day on which the app is lost."""


@strawberry.type(description="New recovery codes.")
class RenewRecoveryCodesPayload(RenewStaffRecoveryCodesPayload):
    """What to keep for the day on which the app is lost."""


@strawberry.input(description="The password that is, and the one that is to be.")
class ChangePasswordInput:
    """One's own."""

    current_password: str = given("The password that is.")
    new_password: str = given("The password that is to be: 12 to 1,024 characters.")


@strawberry.input(description="That one is who one says.")
class EnrolTwoFactorInput:
    """The password."""

    password: str = given("The password.")


@strawberry.input(description="That the authenticator app is set up.")
class ConfirmTwoFactorInput:
    """Its first code."""

    code: str = text("A code that the app shows.", most=20)


@strawberry.input(description="That one is who one says, twice.")
class RemoveTwoFactorInput:
    """The password and a code."""

    password: str = given("The password.")
    code: str | None = text("A code that the app shows.", most=20, default=UNSET)
    recovery_code: str | None = text("Or a recovery code.", most=40, default=UNSET)


@strawberry.input(description="That one is who one says, twice.")
class RenewRecoveryCodesInput(RemoveTwoFactorInput):
    """The password, and a code of the app or one of the codes that there are."""


@identity(
    CustomerAccountPayload,
    refuses=(
        UserErrorCode.PASSWORD_WRONG,
        UserErrorCode.PASSWORD_INVALID,
        UserErrorCode.PASSWORD_BREACHED,
        UserErrorCode.TOO_MANY_ATTEMPTS,
    ),
)
async def change_password(context: RequestContext, input: ChangePasswordInput) -> Row:
    """Change one's own password, as a customer. All other sessions end."""
    account = context.services.customer_account
    await context.apart(
        lambda: account.change_password(
            context.credentials, input.current_password, input.new_password
        )
    )
    return {"done": True}


@identity(
    EnrolTwoFactorPayload,
    refuses=(
        UserErrorCode.PASSWORD_WRONG,
        UserErrorCode.TWO_FACTOR_ACTIVE,
        UserErrorCode.TOO_MANY_ATTEMPTS,
    ),
)
async def enrol_two_factor(context: RequestContext, input: EnrolTwoFactorInput) -> Row:
    """Begin to set up one's own second factor, as a customer: it is in use once
    `confirmTwoFactor` has a code.
    """
    account = context.services.customer_account
    offered = await context.apart(lambda: account.enrol(context.credentials, input.password))
    return {"secret": offered.secret, "uri": offered.uri, "qr_code": offered.qr_code}


@identity(
    ConfirmTwoFactorPayload,
    refuses=(
        UserErrorCode.TWO_FACTOR_NOT_ACTIVE,
        UserErrorCode.TWO_FACTOR_INVALID,
        UserErrorCode.TOO_MANY_ATTEMPTS,
    ),
)
async def confirm_two_factor(context: RequestContext, input: ConfirmTwoFactorInput) -> Row:
    """Take one's own second factor into use, as a customer. All other sessions end."""
    account = context.services.customer_account
    codes = await context.apart(lambda: account.confirm(context.credentials, input.code))
    return {"recovery_codes": codes}


@identity(
    CustomerAccountPayload,
    refuses=(
        UserErrorCode.PASSWORD_WRONG,
        UserErrorCode.TWO_FACTOR_NOT_ACTIVE,
        UserErrorCode.TWO_FACTOR_INVALID,
        UserErrorCode.TOO_MANY_ATTEMPTS,
    ),
)
async def remove_two_factor(context: RequestContext, input: RemoveTwoFactorInput) -> Row:
    """Remove one's own second factor and its recovery codes, as a customer."""
    account = context.services.customer_account
    await context.apart(
        lambda: account.remove(
            context.credentials, input.password, input.code or None, input.recovery_code or None
        )
    )
    return {"done": True}


@identity(
    RenewRecoveryCodesPayload,
    refuses=(
        UserErrorCode.PASSWORD_WRONG,
        UserErrorCode.TWO_FACTOR_NOT_ACTIVE,
        UserErrorCode.TWO_FACTOR_INVALID,
        UserErrorCode.TOO_MANY_ATTEMPTS,
    ),
)
async def renew_recovery_codes(context: RequestContext, input: RenewRecoveryCodesInput) -> Row:
    """Put new recovery codes in place of one's own, as a customer; the second factor stays."""
    account = context.services.customer_account
    codes = await context.apart(
        lambda: account.renew_codes(
            context.credentials, input.password, input.code or None, input.recovery_code or None
        )
    )
    return {"recovery_codes": codes}
