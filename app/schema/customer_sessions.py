"""Signing in and out, for customers, and where they are signed in."""

from datetime import datetime
from ipaddress import IPv6Address, ip_address

import strawberry
from sqlalchemy import ColumnElement, Interval, Text, and_, func
from strawberry import UNSET

from app.auth.customer_login import Attempt
from app.auth.permissions import Permission
from app.auth.staff_login import LONGEST_DEVICE_TOKEN
from app.context import Client, RequestContext
from app.errors import Refused, UserErrorCode
from app.models.access_token import CustomerSession as CustomerSessionModel
from app.resolvers.fields import column, expression, part
from app.resolvers.reads import Columns, Row
from app.schema.identity import identity
from app.schema.node import encode_id, record
from app.schema.staff_account import StaffAccountPayload
from app.schema.user_error import UserError
from app.work.inputs import checked_text, email, given, text

LONGEST_AGENT = 500


def still_works(t: Columns) -> ColumnElement[bool]:
    """Whether a session has not ended."""
    idle = func.make_interval(0, 0, 0, 0, 0, 0, t.idle_seconds, type_=Interval)
    return and_(
        t.revoked_at.is_(None),
        t.expires_at > func.now(),
        func.coalesce(t.last_used_at, t.created_at) + idle > func.now(),
    )


@record(
    CustomerSessionModel,
    needs=Permission.SESSION_READ,
    description="A session of a customer who has signed in, which works until it ends.",
)
class CustomerSession:
    """It ends with the customer's lock, a new password, or by itself."""

    created_at: datetime = column("When the customer signed in.", where=True, order=True)
    last_used_at: datetime | None = column(
        "When it was last used, give or take half a minute.", where=True, order=True
    )
    expires_at: datetime = column("When it ends in any case.", where=True, order=True)
    ip: str | None = expression(
        lambda t: func.host(t.address, type_=Text),
        "The internet address it was opened from.",
        where=True,
    )
    last_ip: str | None = expression(
        lambda t: func.host(t.last_address, type_=Text),
        "The internet address of the program that last used it.",
    )
    user_agent: str | None = column("The program it was opened from.", where=True)


@strawberry.type(description="What came of a customer's signing in.")
class CustomerLoginPayload:
    """A session, or why there is none."""

    token: str | None = part("The session's token, for the header `Authorization: Bearer`.")
    device_token: str | None = part(
        "To be kept by the customer's browser and sent as `deviceToken` the next time, so that "
        "others' guessing doesn't slow it down."
    )
    customer_id: strawberry.ID | None = part("The id of the customer.")
    expires_at: datetime | None = part("When the session ends, unless it is idle before.")
    user_errors: list[UserError] = part("Why there is no session; empty where there is one.")


@strawberry.type(description="What came of it.")
class CustomerAccountPayload(StaffAccountPayload):
    """Whether it was done."""


def _checked_address(value: str) -> str | None:
    plain = checked_text(value, 60)
    if plain is None:
        return None
    try:
        address = ip_address(plain)
    except ValueError as error:
        raise Refused(UserErrorCode.INVALID, "This is no internet address.") from error
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address).partition("%")[0]


@strawberry.input(description="Who signs in, by what they show it, and where they are.")
class CustomerLoginInput:
    """A password, and a code where there is a second factor."""

    email: str = email("The e-mail address.")
    password: str = given("The password, or the one-time password that staff have told.")
    code: str | None = text(
        "A code of the authenticator app; each is good once.", most=20, default=UNSET
    )
    recovery_code: str | None = text("Or a recovery code.", most=40, default=UNSET)
    new_password: str | None = given(
        "The password that is to be, after a one-time password: 12 to 1,024 characters.",
        default=UNSET,
    )
    client_ip: str | None = given(
        "The internet address of the customer, where a server asks for them; by default the one "
        "that the request comes from. Guessing is slowed down by it, so it has to be true.",
        default=UNSET,
        check=_checked_address,
    )
    client_user_agent: str | None = text(
        "What the customer's browser calls itself; by default what the request says.",
        most=LONGEST_AGENT,
        default=UNSET,
    )
    device_token: str | None = text(
        "The `deviceToken` of the last time.", most=LONGEST_DEVICE_TOKEN, default=UNSET
    )


@strawberry.input(description="Which sessions to end, besides the one that asks.")
class CustomerLogoutInput:
    """One, or all."""

    everywhere: bool = given("Whether all of the customer's sessions are to end.", default=False)


@identity(
    CustomerLoginPayload,
    needs=Permission.CUSTOMER_LOGIN,
    refuses=(
        UserErrorCode.LOGIN_FAILED,
        UserErrorCode.TOO_MANY_ATTEMPTS,
        UserErrorCode.TWO_FACTOR_REQUIRED,
        UserErrorCode.TWO_FACTOR_INVALID,
        UserErrorCode.NEW_PASSWORD_REQUIRED,
        UserErrorCode.PASSWORD_INVALID,
        UserErrorCode.PASSWORD_BREACHED,
    ),
)
async def customer_login(context: RequestContext, input: CustomerLoginInput) -> Row:
    """Sign a customer in, for whom a front end asks with its own token. With a second factor, or
    after a one-time password, it is sent a second time with what is missing.
    """
    here = context.client
    client = Client(
        address=input.client_ip or here.address,
        user_agent=input.client_user_agent or here.user_agent,
    )
    attempt = Attempt(
        email=input.email,
        password=input.password,
        client=client,
        code=input.code or None,
        recovery_code=input.recovery_code or None,
        new_password=input.new_password or None,
        device_token=input.device_token or None,
    )
    login = context.services.customer_login
    signed_in = await context.apart(lambda: login.login(attempt, context.credentials))
    return {
        "token": signed_in.token,
        "device_token": signed_in.device_token,
        "customer_id": encode_id("Customer", signed_in.customer_id),
        "expires_at": signed_in.expires_at.isoformat(),
    }


@identity(CustomerAccountPayload, refuses=())
async def customer_logout(context: RequestContext, input: CustomerLogoutInput) -> Row:
    """End the session that asks, or all that the customer has."""
    account = context.services.customer_account
    await context.apart(lambda: account.logout(context.credentials, everywhere=input.everywhere))
    return {"done": True}
