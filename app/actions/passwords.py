"""What staff do about how a customer signs in: one-time passwords, second factors, sessions."""

from datetime import timedelta

import strawberry
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from app.auth.one_time import ONE_TIME_HOURS, one_time_password
from app.auth.passwords import hash_password
from app.auth.permissions import Permission
from app.errors import Refused, UserErrorCode
from app.models import Customer, CustomerRecoveryCode, CustomerSignIn
from app.work.action import action
from app.work.inputs import OfCustomer
from app.work.mails import MailTemplate, queue_mail
from app.work.preconditions import Precondition
from app.work.sessions import end_all_sessions
from app.work.unit import Work

TWO_FACTOR_ACTIVE = Precondition(
    UserErrorCode.TWO_FACTOR_NOT_ACTIVE,
    "This customer has no second factor.",
    lambda t: t.two_factor_since.is_not(None),
)


@strawberry.input(description="A customer who gets a one-time password.")
class ResetPasswordInput(OfCustomer):
    """Which customer."""


@strawberry.input(description="A customer who has lost their second factor.")
class DeactivateTwoFactorInput(OfCustomer):
    """Which customer."""


@strawberry.input(description="A customer who is to be signed out everywhere.")
class EndSessionsInput(OfCustomer):
    """Which customer."""


@action(
    history="customer.password_reset",
    needs=Permission.PASSWORD_RESET,
    shows={
        "one_time_password": "The one-time password, to be told to the customer; shown this once."
    },
)
async def reset_password(work: Work, input: ResetPasswordInput) -> Customer:
    """Give a customer a one-time password in place of theirs, and end their sessions. It is good
    for 24 hours and for ten wrong attempts, asks for a password of their own, and leaves the
    second factor as it is.
    """
    customer = await work.account(input.customer_id)
    password = one_time_password()
    customer.password_hash = await hash_password(password)
    until = work.now + timedelta(hours=ONE_TIME_HOURS)
    values = {"one_time_until": until, "one_time_failures": 0}
    key = {"tenant_id": work.tenant_id, "customer_id": customer.id}
    await work.session.execute(
        insert(CustomerSignIn)
        .values(**key, **values)
        .on_conflict_do_update(index_elements=[*key], set_=values)
    )
    await end_all_sessions(work, customer)
    await queue_mail(work, MailTemplate.PASSWORD_RESET, customer)
    work.show("one_time_password", password)
    work.note("Password reset.")
    return customer


@action(
    history="customer.two_factor_deactivated",
    needs=Permission.TWO_FACTOR_REMOVE,
    requires=(TWO_FACTOR_ACTIVE,),
)
async def deactivate_two_factor(work: Work, input: DeactivateTwoFactorInput) -> Customer:
    """Remove a customer's second factor and their recovery codes, and tell them by mail. Their
    sessions end: somebody else may have set it up in one.
    """
    customer = await work.account(input.customer_id)
    customer.totp_secret = customer.two_factor_since = None
    codes = delete(CustomerRecoveryCode).where(
        CustomerRecoveryCode.tenant_id == work.tenant_id,
        CustomerRecoveryCode.customer_id == customer.id,
    )
    await work.session.execute(codes)
    await end_all_sessions(work, customer)
    await queue_mail(work, MailTemplate.TWO_FACTOR_DEACTIVATED, customer)
    work.note("Second factor deactivated.")
    return customer


@action(
    history="customer.sessions_ended",
    needs=Permission.SESSION_END,
    refuses=(UserErrorCode.NOT_SIGNED_IN,),
)
async def end_sessions(work: Work, input: EndSessionsInput) -> Customer:
    """Sign a customer out everywhere."""
    customer = await work.account(input.customer_id)
    if not await end_all_sessions(work, customer):
        raise Refused(UserErrorCode.NOT_SIGNED_IN, "This customer has no session.", "customer_id")
    work.note("Signed out everywhere.")
    return customer
