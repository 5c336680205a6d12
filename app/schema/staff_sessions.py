"""Signing in and out, for members of staff, and going to another tenant."""

from collections.abc import Sequence

import strawberry
from strawberry import UNSET

from app.auth.cookies import DEVICE, DEVICE_SECONDS, NEEDS_PREFLIGHT, SESSION, cookie
from app.auth.staff_login import LONGEST_DEVICE_TOKEN, Attempt
from app.auth.staff_steps import Workplace
from app.context import Client, PublicContext, RequestContext
from app.database import Principal
from app.errors import ApiError, ErrorCode, UserErrorCode
from app.resolvers.fields import part
from app.resolvers.reads import Row
from app.schema.identity import identity
from app.schema.own_sessions import SessionsPayload
from app.schema.user_error import UserError
from app.work.inputs import email, given, text


@strawberry.type(name="Workplace", description="A tenant that a member of staff works for.")
class WorkplaceType:
    """Where somebody works, and as what."""

    slug: str = part("What the tenant is called in `tenant` of `staffLogin` and `switchTenant`.")
    name: str = part("The tenant's name.")
    role: str = part("The name of the role that the person has there.")
    current: bool = part("Whether the session is for this tenant.")


@strawberry.type(description="What came of signing in.")
class StaffLoginPayload:
    """A session, or why there is none."""

    token: str | None = part(
        "The session's token, for the header `Authorization: Bearer`; null where a cookie has it."
    )
    device_token: str | None = part(
        "To be sent as `deviceToken` the next time, so that others' guessing doesn't slow it down; "
        "null where a cookie has it."
    )
    name: str | None = part("The person's name.")
    two_factor_wanted: bool | None = part(
        "Whether the tenant wants a second factor that the person has not set up. The session may "
        "then nothing but do that."
    )
    tenants: list[WorkplaceType] | None = part("The tenants that the person works for.")
    user_errors: list[UserError] = part("Why there is no session; empty where there is one.")


@strawberry.type(description="What came of going to another tenant.")
class SwitchTenantPayload:
    """A session at another tenant, or why there is none."""

    token: str | None = part("The new session's token; null where a cookie has it.")
    tenants: list[WorkplaceType] | None = part("The tenants that the person works for.")
    user_errors: list[UserError] = part("Why it did not happen; empty where it did.")


@strawberry.input(description="Who signs in, and by what they show it.")
class StaffLoginInput:
    """A password, and a code where there is a second factor."""

    email: str = email("The e-mail address.")
    password: str = given("The password.")
    code: str | None = text(
        "A code of the authenticator app; each is good once.", most=20, default=UNSET
    )
    recovery_code: str | None = text("Or a recovery code.", most=40, default=UNSET)
    new_password: str | None = given(
        "The password that is to be, after one that an operator has told: 12 to 1,024 characters.",
        default=UNSET,
    )
    tenant: str | None = text(
        "The slug of the tenant to work for; by default the one of the last time.",
        most=63,
        default=UNSET,
    )
    browser: bool = given(
        "Whether a cookie that no script can read is to have the token. Needs the header "
        "`GraphQL-Require-Preflight`, as all requests do that the cookie signs in.",
        default=False,
    )
    device_token: str | None = text(
        "The `deviceToken` of the last time, for programs; browsers have a cookie.",
        most=LONGEST_DEVICE_TOKEN,
        default=UNSET,
    )


@strawberry.input(description="Which tenant to go to.")
class SwitchTenantInput:
    """One of those that the person works for."""

    tenant: str = text("The tenant's slug.", most=63)


@strawberry.input(description="Which sessions to end, besides the one that asks.")
class StaffLogoutInput:
    """One, or all."""

    everywhere: bool = given("Whether all of the person's sessions are to end.", default=False)


@identity(
    StaffLoginPayload,
    public=True,
    refuses=(
        UserErrorCode.LOGIN_FAILED,
        UserErrorCode.TOO_MANY_ATTEMPTS,
        UserErrorCode.TWO_FACTOR_REQUIRED,
        UserErrorCode.TWO_FACTOR_INVALID,
        UserErrorCode.NEW_PASSWORD_REQUIRED,
        UserErrorCode.PASSWORD_INVALID,
        UserErrorCode.PASSWORD_BREACHED,
        UserErrorCode.TENANT_UNKNOWN,
    ),
)
async def staff_login(context: PublicContext, input: StaffLoginInput) -> Row:
    """Sign in as a member of staff. With a second factor, or after a one-time password, it is sent
    a second time with what is missing.
    """
    client = context.client
    if input.browser and not client.preflight:
        raise ApiError(ErrorCode.BAD_REQUEST, NEEDS_PREFLIGHT)
    known_by = client.device if input.browser else input.device_token
    attempt = Attempt(
        email=input.email,
        password=input.password,
        code=input.code or None,
        recovery_code=input.recovery_code or None,
        new_password=input.new_password or None,
        tenant=input.tenant or None,
        device_token=(known_by or "")[:LONGEST_DEVICE_TOKEN] or None,
    )
    signed_in = await context.services.staff_login.login(attempt, client)
    token: str | None = signed_in.token
    device_token: str | None = signed_in.device_token
    if input.browser:
        context.cookies += session_cookies(
            client, signed_in.token, signed_in.device_token, context.settings.session_seconds
        )
        token = device_token = None
    return {
        "token": token,
        "device_token": device_token,
        "name": signed_in.principal.name,
        "two_factor_wanted": not signed_in.principal.permissions,
        "tenants": _workplaces(signed_in.workplaces, signed_in.principal),
    }


@identity(SessionsPayload, refuses=())
async def staff_logout(context: RequestContext, input: StaffLogoutInput) -> Row:
    """End the session that asks, or all that its holder has."""
    account = context.services.staff_account
    ended = await context.apart(
        lambda: account.logout(context.credentials, everywhere=input.everywhere)
    )
    if context.client.has_cookie:
        context.cookies.append(cookie(SESSION, "", 0, secure=context.client.secure))
    return {"ended": ended}


@identity(SwitchTenantPayload, refuses=(UserErrorCode.TENANT_UNKNOWN,))
async def switch_tenant(context: RequestContext, input: SwitchTenantInput) -> Row:
    """Go on at another tenant: a new session takes the place of the one that asks."""
    client = context.client
    switched = await context.apart(
        lambda: context.services.staff_account.switch_tenant(
            context.credentials, input.tenant, client
        )
    )
    token: str | None = switched.token
    if client.has_cookie:
        seconds = context.settings.session_seconds
        context.cookies.append(cookie(SESSION, switched.token, seconds, secure=client.secure))
        token = None
    return {"token": token, "tenants": _workplaces(switched.workplaces, switched.principal)}


def session_cookies(client: Client, token: str, device_token: str, seconds: int) -> list[str]:
    """The headers by which a browser keeps a session, and is known again."""
    return [
        cookie(SESSION, token, seconds, secure=client.secure),
        cookie(DEVICE, device_token, DEVICE_SECONDS, secure=client.secure),
    ]


def _workplaces(found: Sequence[Workplace], principal: Principal) -> list[Row]:
    return [
        {
            "slug": one.slug,
            "name": one.name,
            "role": one.role,
            "current": one.tenant_id == principal.tenant_id,
        }
        for one in found
    ]
