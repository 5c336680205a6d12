"""Anonymising customers: nothing is left that says who they were, but what the law wants kept."""

import strawberry
from sqlalchemy import select, text

from app.actions.running_subscriptions import has_ended
from app.auth.permissions import Permission
from app.billing.debits import drop_debit
from app.billing.endings import end_at_once
from app.billing.pauses import resume
from app.billing.reasons import Reason, reason_for
from app.errors import Refusal, Refused, UserErrorCode
from app.models import Customer, Invoice, Subscription, Transaction
from app.models.transaction import TransactionStatus
from app.work.action import ACTIONS, action
from app.work.inputs import OfCustomer, Versioned, given
from app.work.outstanding import outstanding
from app.work.traces import forget_keys
from app.work.unit import Work

BLOCKERS = (UserErrorCode.RUNNING_SUBSCRIPTION, UserErrorCode.OPEN_PAYMENT)

_SCRUB = text("SELECT abokonto.scrub_customer(:customer, :now)")
_NOT_COLLECTED = "The customer was anonymised."


@strawberry.input
class Anonymization(OfCustomer):
    """Whom to anonymise, and what may be given up for it."""

    end_subscriptions: bool = given(
        "Whether running subscriptions are ended at once; what was paid and not used is owed.",
        default=False,
    )
    accept_open_payments: bool = given(
        "Whether it is done although something is to be paid or at the bank. What the bank does "
        "not have yet is not debited any more.",
        default=False,
    )


@strawberry.input(description="A customer to anonymise for good.")
class AnonymizeCustomerInput(Anonymization, Versioned):
    """Which customer, and how."""


@strawberry.input(description="A customer whose anonymisation is to be looked at beforehand.")
class PreviewAnonymizationInput(Anonymization):
    """Which customer, and how."""


@action(
    history="customer.anonymized",
    needs=Permission.CUSTOMER_ANONYMIZE,
    refuses=(*BLOCKERS, UserErrorCode.APPROVAL_REQUIRED),
)
async def anonymize_customer(work: Work, input: AnonymizeCustomerInput) -> Customer:
    """Anonymise a customer for good and close the account. Of what says who they were, only
    invoices and what belongs to them stay, until the law lets go of them.
    """
    customer = await work.account(input.customer_id)
    work.expect(customer, input.expected_version)
    if (await work.tenant()).four_eyes:
        raise Refused(
            UserErrorCode.APPROVAL_REQUIRED,
            "Two have to agree to this here: request it, and let somebody else approve.",
        )
    await anonymize(
        work, customer, ending=input.end_subscriptions, accepting=input.accept_open_payments
    )
    return customer


ANONYMIZE_CUSTOMER = ACTIONS[anonymize_customer.__name__]
"""The action that is rehearsed."""


async def anonymize(work: Work, customer: Customer, *, ending: bool, accepting: bool) -> None:
    """Anonymise a customer who is locked.

    Raises:
        Refused: RUNNING_SUBSCRIPTION, OPEN_PAYMENT.
    """
    running = await running_subscriptions(work, customer)
    refusals = [] if ending else _told_running(running)
    if ending:
        for subscription in running:
            await _end(work, subscription)
        await work.flush()
    unpaid = await open_payments(work, customer)
    if not accepting:
        refusals += _told_open(unpaid)
    if refusals:
        raise Refused.because(refusals)
    for invoice in unpaid:
        await drop_debit(work, invoice, _NOT_COLLECTED)
    customer.anonymized_at = work.now
    await work.flush()
    await forget_keys(work, customer)
    await work.session.execute(_SCRUB, {"customer": customer.id, "now": work.now})
    work.forget()
    work.note("Customer anonymised.")


async def running_subscriptions(work: Work, customer: Customer) -> list[Subscription]:
    """The customer's subscriptions that are not over, or still to begin."""
    today = await work.today()
    found = await work.rows(Subscription, Subscription.customer_id == customer.id)
    return [one for one in found if not has_ended(one, today)]


async def open_payments(work: Work, customer: Customer) -> list[Invoice]:
    """The customer's invoices on which something is owed, or that a debit is under way for."""
    table = Invoice.__table__
    pending = select(Transaction.invoice_id).where(
        Transaction.tenant_id == work.tenant_id,
        Transaction.customer_id == customer.id,
        Transaction.status == TransactionStatus.PENDING.value,
    )
    owed = (outstanding(table.c) > 0) | Invoice.id.in_(pending)
    return list(await work.rows(Invoice, Invoice.customer_id == customer.id, owed))


def blockers(running: list[Subscription], unpaid: list[Invoice]) -> list[Refusal]:
    """What stands against anonymising a customer."""
    return [*_told_running(running), *_told_open(unpaid)]


def _told_running(running: list[Subscription]) -> list[Refusal]:
    return [
        Refusal(
            UserErrorCode.RUNNING_SUBSCRIPTION,
            f"Subscription {one.number} runs.",
            ("end_subscriptions",),
        )
        for one in running
    ]


def _told_open(unpaid: list[Invoice]) -> list[Refusal]:
    return [
        Refusal(
            UserErrorCode.OPEN_PAYMENT,
            f"Invoice {one.number} is not settled.",
            ("accept_open_payments",),
        )
        for one in unpaid
    ]


async def _end(work: Work, subscription: Subscription) -> None:
    today = await work.today()
    if subscription.paused_from is not None:
        await resume(work, subscription, today)
    ended = await reason_for(work, Reason.ENDED, subscription.number, today)
    await end_at_once(work, subscription, ended)
