"""Changing where a subscription goes, how it is paid, and what is subscribed to."""

from sqlalchemy import select, update

from app.actions.catalogue_inputs import refresh_shared
from app.actions.mandates import has_lapsed
from app.actions.running_subscriptions import (
    SUBSCRIPTION,
    lock_running,
    refuse_cancelled,
    refuse_paused,
)
from app.actions.subscription_inputs import (
    ChangeSubscriptionAddressInput,
    ChangeSubscriptionOfferInput,
    ChangeSubscriptionPaymentInput,
)
from app.auth.permissions import Permission
from app.billing.debits import drop_debit
from app.billing.endings import invoice_of
from app.billing.invoices import draw
from app.billing.payments import outstanding_on
from app.billing.reasons import Reason, reason_for
from app.billing.switches import switch
from app.domain.terms import Terms, consumer_law_faults
from app.errors import Refused, UserErrorCode
from app.models import (
    Address,
    BankAccount,
    Customer,
    Delivery,
    Invoice,
    Issue,
    Offer,
    Product,
    Subscription,
    SubscriptionPeriod,
    Transaction,
)
from app.models.address import AddressType
from app.models.bank_account import MandateState
from app.models.base import PaymentMethod
from app.models.delivery import DeliveryStatus
from app.models.subscription import ChangeTime, PeriodKind
from app.models.transaction import TransactionAction, TransactionStatus
from app.work.action import action
from app.work.unit import Work

_OFFER = "offer_id"
_CHOSEN = (PaymentMethod.INVOICE, PaymentMethod.SEPA_DEBIT)
_ANOTHER_ACCOUNT = "The subscription is paid from another account."


@action(
    history="subscription.address_changed",
    needs=Permission.SUBSCRIPTION_WRITE,
    refuses=(UserErrorCode.SUBSCRIPTION_ENDED, UserErrorCode.ADDRESS_INVALID),
)
async def change_subscription_address(
    work: Work, input: ChangeSubscriptionAddressInput
) -> Subscription:
    """Send a subscription's invoices or issues to other addresses. What is past its closing date
    still goes to the old one."""
    subscription = await lock_running(work, input)
    changed = []
    if input.invoice_address_id:
        address = await work.find(Address, input.invoice_address_id, "invoice_address_id")
        if address.type != AddressType.INVOICE:
            raise Refused(
                UserErrorCode.ADDRESS_INVALID, "It is no invoice address.", "invoice_address_id"
            )
        subscription.invoice_address_id = address.id
        changed.append("invoice address")
    if input.delivery_address_id:
        address = await work.find(Address, input.delivery_address_id, "delivery_address_id")
        subscription.delivery_address_id = address.id
        await _readdress(work, subscription, address)
        changed.append("delivery address")
    if not changed:
        raise Refused(UserErrorCode.REQUIRED, "Name an address.", "invoice_address_id")
    work.note(f"Subscription {subscription.number} has another {' and '.join(changed)}.")
    return subscription


@action(
    history="subscription.payment_changed",
    needs=Permission.SUBSCRIPTION_WRITE,
    refuses=(UserErrorCode.SUBSCRIPTION_ENDED, UserErrorCode.MANDATE_REQUIRED),
)
async def change_subscription_payment(
    work: Work, input: ChangeSubscriptionPaymentInput
) -> Subscription:
    """Let a subscription be paid by invoice, or by debit from a bank account. It counts for what
    is billed from now on; debits that the bank does not have yet are drawn from the new account."""
    subscription = await lock_running(work, input)
    if input.payment_method not in _CHOSEN:
        raise Refused(
            UserErrorCode.INVALID, "It is paid by INVOICE or SEPA_DEBIT.", "payment_method"
        )
    account = None
    if input.payment_method is PaymentMethod.SEPA_DEBIT:
        account = await _usable_account(work, input.bank_account_id or None)
        await _redirect(work, subscription, account)
    elif input.bank_account_id:
        raise Refused(UserErrorCode.INVALID, "Only debits need an account.", "bank_account_id")
    subscription.payment_method = input.payment_method.value
    subscription.bank_account_id = None if account is None else account.id
    how = "by invoice" if account is None else f"from {account.iban_masked}"
    work.note(f"Subscription {subscription.number} is paid {how}.")
    return subscription


@action(
    history="subscription.offer_changed",
    needs=Permission.SUBSCRIPTION_WRITE,
    refuses=(
        UserErrorCode.SUBSCRIPTION_ENDED,
        UserErrorCode.SUBSCRIPTION_CANCELLED,
        UserErrorCode.SUBSCRIPTION_PAUSED,
        UserErrorCode.OFFER_NOT_AVAILABLE,
        UserErrorCode.OFFER_UNCHANGED,
        UserErrorCode.ADDRESS_REQUIRED,
    ),
)
async def change_subscription_offer(
    work: Work, input: ChangeSubscriptionOfferInput
) -> Subscription:
    """Change a subscription to another offer: now, so that what is left of the running period
    costs what the new offer does, or with its next period."""
    subscription = await lock_running(work, input)
    refuse_cancelled(subscription)
    refuse_paused(subscription)
    offer = await work.find(Offer, input.offer_id, _OFFER)
    number = subscription.number
    if input.at is ChangeTime.AT_NEXT_PERIOD:
        withdrawn = offer.id == subscription.offer_id and subscription.next_offer_id is not None
        if not withdrawn:
            await _require_available(work, subscription, offer, subscription.next_offer_id)
        subscription.next_offer_id = None if withdrawn else offer.id
        work.note(f"Subscription {number} changes to {offer.name} with its next period.")
        return subscription
    await _require_available(work, subscription, offer, None)
    period = await _running_period(work, subscription)
    await _require_now(work, subscription, offer, period)
    reason = await reason_for(work, Reason.CHANGED, number, await work.today())
    paid = period is not None and period.kind == PeriodKind.REGULAR
    await switch(work, subscription, offer, period if paid else None, reason)
    work.note(f"Subscription {number} changed to {offer.name}.")
    return subscription


async def _readdress(work: Work, subscription: Subscription, address: Address) -> None:
    """Let what was planned and is not past its closing date go to an address."""
    still_open = select(Issue.id).where(
        Issue.tenant_id == work.tenant_id, Issue.closing_on >= await work.today()
    )
    await work.session.execute(
        update(Delivery)
        .where(
            Delivery.tenant_id == work.tenant_id,
            Delivery.subscription_id == subscription.id,
            Delivery.status == DeliveryStatus.PLANNED.value,
            Delivery.issue_id.in_(still_open),
        )
        .values(address_id=address.id, **work.actor)
        .execution_options(synchronize_session=False)
    )


async def _usable_account(work: Work, id: str | None) -> BankAccount:
    """The account that debits are to be drawn from.

    Raises:
        Refused: MANDATE_REQUIRED, NOT_FOUND.
    """
    message = "There is no account, or its mandate was revoked or has lapsed."
    if id is None:
        raise Refused(UserErrorCode.MANDATE_REQUIRED, message, "bank_account_id")
    account = await work.find(BankAccount, id, "bank_account_id")
    usable = account.removed_at is None and account.mandate_state == MandateState.ACTIVE
    if not usable or has_lapsed(account, await work.today()):
        raise Refused(UserErrorCode.MANDATE_REQUIRED, message, "bank_account_id")
    return account


async def _redirect(work: Work, subscription: Subscription, account: BankAccount) -> None:
    """Draw from an account what was planned to be drawn from another one."""
    planned = select(Transaction.invoice_id).where(
        Transaction.tenant_id == work.tenant_id,
        Transaction.action == TransactionAction.SEPA_DEBIT.value,
        Transaction.status == TransactionStatus.PENDING.value,
        Transaction.end_to_end_id.is_(None),
        Transaction.bank_account_id != account.id,
    )
    invoices = await work.rows(
        Invoice, Invoice.subscription_id == subscription.id, Invoice.id.in_(planned)
    )
    for invoice in invoices:
        debit = await drop_debit(work, invoice, _ANOTHER_ACCOUNT)
        if debit is not None:
            await work.flush()
            customer = await work.session.get_one(Customer, (work.tenant_id, invoice.customer_id))
            await draw(work, customer, invoice, account, await outstanding_on(work, invoice))


async def _running_period(work: Work, subscription: Subscription) -> SubscriptionPeriod | None:
    today = await work.today()
    rows = await work.rows(
        SubscriptionPeriod,
        SubscriptionPeriod.subscription_id == subscription.id,
        SubscriptionPeriod.starts_on <= today,
        SubscriptionPeriod.ends_on >= today,
    )
    return rows[0] if rows else None


async def _require_available(
    work: Work, subscription: Subscription, offer: Offer, chosen: int | None
) -> None:
    """See that an offer can be had today, for this subscription.

    Raises:
        Refused: OFFER_UNCHANGED, OFFER_NOT_AVAILABLE, ADDRESS_REQUIRED.
    """
    if offer.id in {subscription.offer_id, chosen}:
        raise Refused(UserErrorCode.OFFER_UNCHANGED, "It is the offer already.", _OFFER)
    await refresh_shared(work, offer)
    today = await work.today()
    product = await work.session.get_one(Product, (work.tenant_id, offer.product_id))
    over = offer.valid_until is not None and offer.valid_until < today
    if product.retired_at is not None or over or offer.valid_from > today:
        raise _unavailable(f"{offer.name} is not sold today.")
    if offer.currency != subscription.currency:
        raise _unavailable(f"It is sold in {offer.currency}.")
    if subscription.consumer and consumer_law_faults(Terms.stated(offer)):
        raise _unavailable("Its terms can bind no consumer.")
    if subscription.issue_based and offer.issues_per_period is None:
        raise _unavailable("Issues that are open would be lost: it is not counted in issues.")
    if offer.publication_id is not None and subscription.delivery_address_id is None:
        raise Refused(
            UserErrorCode.ADDRESS_REQUIRED, "It needs a delivery address first.", SUBSCRIPTION
        )


async def _require_now(
    work: Work, subscription: Subscription, offer: Offer, period: SubscriptionPeriod | None
) -> None:
    """See that the running period can go on with an offer.

    Raises:
        Refused: OFFER_NOT_AVAILABLE.
    """
    lengths = [(row.accounting_count, row.accounting_unit) for row in (subscription, offer)]
    if lengths[0] != lengths[1]:
        raise _unavailable("It is billed in other periods: change AT_NEXT_PERIOD.")
    if subscription.issue_based or offer.issues_per_period is not None:
        raise _unavailable("What is counted in issues changes AT_NEXT_PERIOD.")
    if period is None:
        raise _unavailable("It does not run today.")
    paid = period.kind == PeriodKind.REGULAR
    if paid and await invoice_of(work, period) is None:
        raise _unavailable("Nothing was billed that could be corrected: change AT_NEXT_PERIOD.")


def _unavailable(message: str) -> Refused:
    return Refused(UserErrorCode.OFFER_NOT_AVAILABLE, message, _OFFER)
