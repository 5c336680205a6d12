"""Two of the three locks: the customer's login, and their access to the products.

They are independent of each other and of the third one, anonymisation.
"""

import strawberry
from strawberry import UNSET

from app.auth.permissions import Permission
from app.errors import UserErrorCode
from app.models import Customer
from app.work.action import action
from app.work.inputs import OfCustomer, text
from app.work.preconditions import Precondition
from app.work.sessions import end_all_sessions
from app.work.unit import Work

LONGEST_REASON = 500

LOGIN_OPEN = Precondition(
    UserErrorCode.ALREADY_BLOCKED,
    "This customer is blocked already.",
    lambda t: t.login_blocked_at.is_(None),
)
LOGIN_BLOCKED = Precondition(
    UserErrorCode.NOT_BLOCKED,
    "This customer is not blocked.",
    lambda t: t.login_blocked_at.is_not(None),
)
ACCESS_OPEN = Precondition(
    UserErrorCode.ALREADY_BLOCKED,
    "This customer's access is blocked already.",
    lambda t: t.access_blocked_at.is_(None),
)
ACCESS_BLOCKED = Precondition(
    UserErrorCode.NOT_BLOCKED,
    "This customer's access is not blocked.",
    lambda t: t.access_blocked_at.is_not(None),
)


@strawberry.input(description="A customer to lock out.")
class BlockCustomerInput(OfCustomer):
    """Which customer, and why."""

    reason: str | None = text("Why.", most=LONGEST_REASON, default=UNSET)


@strawberry.input(description="A customer to let in again.")
class UnblockCustomerInput(OfCustomer):
    """Which customer."""


@strawberry.input(description="A customer to keep from the products.")
class BlockAccessInput(OfCustomer):
    """Which customer, and why."""

    reason: str | None = text("Why.", most=LONGEST_REASON, default=UNSET)


@strawberry.input(description="A customer to give the products back to.")
class UnblockAccessInput(OfCustomer):
    """Which customer."""


@action(
    history="customer.blocked",
    needs=Permission.CUSTOMER_BLOCK,
    requires=(LOGIN_OPEN,),
)
async def block_customer(work: Work, input: BlockCustomerInput) -> Customer:
    """Stop a customer from logging in, and end their sessions. Subscriptions keep running."""
    customer = await work.account(input.customer_id)
    customer.login_blocked_at = work.now
    customer.login_blocked_reason = input.reason or None
    await end_all_sessions(work, customer)
    work.note("Customer blocked.", customer.login_blocked_reason)
    return customer


@action(
    history="customer.unblocked",
    needs=Permission.CUSTOMER_BLOCK,
    requires=(LOGIN_BLOCKED,),
)
async def unblock_customer(work: Work, input: UnblockCustomerInput) -> Customer:
    """Let a customer log in again."""
    customer = await work.account(input.customer_id)
    customer.login_blocked_at = customer.login_blocked_reason = None
    work.note("Customer unblocked.")
    return customer


@action(
    history="access.blocked",
    needs=Permission.ACCESS_BLOCK,
    requires=(ACCESS_OPEN,),
)
async def block_access(work: Work, input: BlockAccessInput) -> Customer:
    """Keep a customer from the products, at once. They can still log in."""
    customer = await work.account(input.customer_id)
    customer.access_blocked_at = work.now
    customer.access_blocked_reason = input.reason or None
    work.note("Access blocked.", customer.access_blocked_reason)
    return customer


@action(
    history="access.unblocked",
    needs=Permission.ACCESS_BLOCK,
    requires=(ACCESS_BLOCKED,),
)
async def unblock_access(work: Work, input: UnblockAccessInput) -> Customer:
    """Give a customer the products back, at once."""
    customer = await work.account(input.customer_id)
    customer.access_blocked_at = customer.access_blocked_reason = None
    work.note("Access unblocked.")
    return customer
