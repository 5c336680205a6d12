"""What members of staff do about their own password and second factor, and how they come in."""

import strawberry
from strawberry import UNSET

from app.context import PublicContext, RequestContext
from app.errors import UserErrorCode
from app.resolvers.fields import part
from app.resolvers.reads import Row
from app.schema.identity import identity
from app.schema.user_error import UserError
from app.work.inputs import given, text


@strawberry.type(description="What came of it.")
class StaffAccountPayload:
    """Whether it was done."""

    done: bool | None = part("Whether it was done.")
    user_errors: list[UserError] = part("Why it did not happen; empty where it did.")


@strawberry.type(description="A second factor that waits for its first code, told this once.")
class EnrolStaffTwoFactorPayload:
    """What an authenticator app is set up with."""

    secret: str | None = part("The secret in base32, to be typed in.")
    uri: str | None = part("The same as an `otpauth:` address.")
    qr_code: str | None = part("The address as a QR code, an SVG document.")
    user_errors: list[UserError] = part("Why there is none; empty where there is one.")


@strawberry.type(description="A second factor that is in use from now on.")
class ConfirmStaffTwoFactorPayload:
    """What to keep for the day on which the app is lost."""

    recovery_codes: list[str] | None = part(
        "Ten codes, each good once in place of the app's; told this once."
    )
    user_errors: list[UserError] = part("Why it did not happen; empty where it did.")


@strawberry.type(description="What came of an invitation.")
class AcceptStaffInvitationPayload:
    """Where the person works from now on."""

    tenant: str | None = part("The slug of the tenant that they can sign in to.")
    user_errors: list[UserError] = part("Why it did not happen; empty where it did.")


@strawberry.type(description="New recovery codes.")
class RenewStaffRecoveryCodesPayload:
    """What to keep for the day on which the app is lost."""

    recovery_codes: list[str] | None = part(
        "Ten codes, each good once in place of the app's; told this once."
    )
    user_errors: list[UserError] = part("Why there are none; empty where there are.")


@strawberry.input(description="The password that is, and the one that is to be.")
class ChangeStaffPasswordInput:
    """One's own."""

    current_password: str = given("The password that is.")
    new_password: str = given("The password that is to be: 12 to 1,024 characters.")


@strawberry.input(description="That one is who one says.")
class EnrolStaffTwoFactorInput:
    """The password."""

    password: str = given("The password.")


@strawberry.input(description="That the authenticator app is set up.")
class ConfirmStaffTwoFactorInput:
    """Its first code."""

    code: str = text("A code that the app shows.", most=20)


@strawberry.input(description="That one is who one says, twice.")
class RemoveStaffTwoFactorInput:
    """The password and a code."""

    password: str = given("The password.")
    code: str | None = text("A code that the app shows.", most=20, default=UNSET)
    recovery_code: str | None = text("Or a recovery code.", most=40, default=UNSET)


@strawberry.input(description="That one is who one says, twice.")
class RenewStaffRecoveryCodesInput(RemoveStaffTwoFactorInput):
    """The password, and a code of the app or one of the codes that there are."""


@strawberry.input(description="An invitation to work for a tenant.")
class AcceptStaffInvitationInput:
    """The invitation's token, and a password."""

    token: str = text("The token that `inviteStaff` has shown.", most=200)
    password: str = given(
        "A password of 12 to 1,024 characters; whoever is a member of staff elsewhere gives the "
        "one that they have, and keeps it."
    )


@identity(
    StaffAccountPayload,
    refuses=(
        UserErrorCode.PASSWORD_WRONG,
        UserErrorCode.PASSWORD_INVALID,
        UserErrorCode.PASSWORD_BREACHED,
        UserErrorCode.TOO_MANY_ATTEMPTS,
    ),
)
async def change_staff_password(context: RequestContext, input: ChangeStaffPasswordInput) -> Row:
    """Change one's own password. All other sessions end."""
    account = context.services.staff_account
    await context.apart(
        lambda: account.change_password(
            context.credentials, input.current_password, input.new_password
        )
    )
    return {"done": True}


@identity(
    EnrolStaffTwoFactorPayload,
    refuses=(
        UserErrorCode.PASSWORD_WRONG,
        UserErrorCode.TWO_FACTOR_ACTIVE,
        UserErrorCode.TOO_MANY_ATTEMPTS,
    ),
)
async def enrol_staff_two_factor(context: RequestContext, input: EnrolStaffTwoFactorInput) -> Row:
    """Begin to set up a second factor: it is in use once `confirmStaffTwoFactor` has a code."""
    account = context.services.staff_account
    offered = await context.apart(lambda: account.enrol(context.credentials, input.password))
    return {"secret": offered.secret, "uri": offered.uri, "qr_code": offered.qr_code}


@identity(
    ConfirmStaffTwoFactorPayload,
    refuses=(
        UserErrorCode.TWO_FACTOR_NOT_ACTIVE,
        UserErrorCode.TWO_FACTOR_INVALID,
        UserErrorCode.TOO_MANY_ATTEMPTS,
    ),
)
async def confirm_staff_two_factor(
    context: RequestContext, input: ConfirmStaffTwoFactorInput
) -> Row:
    """Take the second factor into use. All other sessions end."""
    account = context.services.staff_account
    codes = await context.apart(lambda: account.confirm(context.credentials, input.code))
    return {"recovery_codes": codes}


@identity(
    StaffAccountPayload,
    refuses=(
        UserErrorCode.PASSWORD_WRONG,
        UserErrorCode.TWO_FACTOR_NOT_ACTIVE,
        UserErrorCode.TWO_FACTOR_INVALID,
        UserErrorCode.TOO_MANY_ATTEMPTS,
    ),
)
async def remove_staff_two_factor(context: RequestContext, input: RemoveStaffTwoFactorInput) -> Row:
    """Remove one's own second factor and its recovery codes."""
    account = context.services.staff_account
    await context.apart(
        lambda: account.remove(
            context.credentials, input.password, input.code or None, input.recovery_code or None
        )
    )
    return {"done": True}


@identity(
    RenewStaffRecoveryCodesPayload,
    refuses=(
        UserErrorCode.PASSWORD_WRONG,
        UserErrorCode.TWO_FACTOR_NOT_ACTIVE,
        UserErrorCode.TWO_FACTOR_INVALID,
        UserErrorCode.TOO_MANY_ATTEMPTS,
    ),
)
async def renew_staff_recovery_codes(
    context: RequestContext, input: RenewStaffRecoveryCodesInput
) -> Row:
    """Put new recovery codes in place of one's own; the second factor stays."""
    account = context.services.staff_account
    codes = await context.apart(
        lambda: account.renew_codes(
            context.credentials, input.password, input.code or None, input.recovery_code or None
        )
    )
    return {"recovery_codes": codes}


@identity(
    AcceptStaffInvitationPayload,
    public=True,
    refuses=(
        UserErrorCode.INVITATION_INVALID,
        UserErrorCode.LOGIN_FAILED,
        UserErrorCode.PASSWORD_INVALID,
        UserErrorCode.PASSWORD_BREACHED,
        UserErrorCode.TOO_MANY_ATTEMPTS,
    ),
)
async def accept_staff_invitation(context: PublicContext, input: AcceptStaffInvitationInput) -> Row:
    """Come to work for a tenant that has invited one; `staffLogin` is the next step."""
    account = context.services.staff_account
    tenant = await account.accept_invitation(input.token, input.password, context.client)
    return {"tenant": tenant}
