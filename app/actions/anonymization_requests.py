"""Four eyes: one member of staff wants a customer anonymised, another one agrees."""

from typing import Any

import strawberry
from sqlalchemy import ColumnElement, delete, exists, select

from app.actions.anonymization import BLOCKERS, Anonymization, anonymize
from app.auth.permissions import Permission
from app.errors import Refused, UserErrorCode
from app.models import AnonymizationRequest, Customer
from app.work.action import action
from app.work.inputs import OfCustomer, Versioned
from app.work.people import is_same_person
from app.work.preconditions import Columns, Precondition
from app.work.unit import Work


def _requested(t: Columns) -> ColumnElement[bool]:
    request = AnonymizationRequest.__table__.alias()
    return (
        exists()
        .where(request.c.tenant_id == t.tenant_id, request.c.customer_id == t.id)
        .correlate_except(request)
    )


REQUESTED = Precondition(UserErrorCode.NOTHING_REQUESTED, "Nobody has requested this.", _requested)
NOT_REQUESTED = Precondition(
    UserErrorCode.APPROVAL_REQUESTED, "This is requested already.", lambda t: ~_requested(t)
)


@strawberry.input(description="A customer whom somebody else is to agree to anonymise.")
class RequestAnonymizationInput(Anonymization):
    """Which customer, and how."""


@strawberry.input(description="A customer whose anonymisation was requested.")
class ApproveAnonymizationInput(OfCustomer, Versioned):
    """Which customer."""


@strawberry.input(description="A customer whose anonymisation was requested.")
class RejectAnonymizationInput(OfCustomer):
    """Which customer."""


@action(
    history="customer.anonymization_requested",
    needs=Permission.CUSTOMER_ANONYMIZE,
    requires=(NOT_REQUESTED,),
)
async def request_anonymization(work: Work, input: RequestAnonymizationInput) -> Customer:
    """Ask for a customer to be anonymised. Nothing happens until somebody else approves."""
    customer = await work.account(input.customer_id)
    work.add(
        AnonymizationRequest(
            customer_id=customer.id,
            end_subscriptions=input.end_subscriptions,
            accept_open_payments=input.accept_open_payments,
        )
    )
    work.note("Anonymisation requested.")
    return customer


@action(
    history="customer.anonymization_approved",
    needs=Permission.CUSTOMER_ANONYMIZE,
    requires=(REQUESTED,),
    refuses=(*BLOCKERS, UserErrorCode.SAME_AGENT),
)
async def approve_anonymization(work: Work, input: ApproveAnonymizationInput) -> Customer:
    """Agree to the anonymisation that somebody else has requested, and do it as they wanted."""
    customer = await work.account(input.customer_id)
    work.expect(customer, input.expected_version)
    request = await work.session.scalar(select(AnonymizationRequest).where(*_of(customer)))
    assert request is not None  # noqa: S101  It was asked for, and the customer is locked.
    if await is_same_person(work, request.actor_kind, request.actor_id):
        raise Refused(UserErrorCode.SAME_AGENT, "Somebody else has to agree to what you want.")
    await anonymize(
        work,
        customer,
        ending=request.end_subscriptions,
        accepting=request.accept_open_payments,
    )
    return customer


@action(
    history="customer.anonymization_rejected",
    needs=Permission.CUSTOMER_ANONYMIZE,
    requires=(REQUESTED,),
)
async def reject_anonymization(work: Work, input: RejectAnonymizationInput) -> Customer:
    """Take back or refuse a request to anonymise a customer."""
    customer = await work.account(input.customer_id)
    await work.session.execute(delete(AnonymizationRequest).where(*_of(customer)))
    work.note("Anonymisation rejected.")
    return customer


def _of(customer: Customer) -> tuple[Any, ...]:
    return (
        AnonymizationRequest.tenant_id == customer.tenant_id,
        AnonymizationRequest.customer_id == customer.id,
    )
