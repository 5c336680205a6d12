"""The inputs of the actions on subscriptions."""

from datetime import date

import strawberry
from strawberry import UNSET

from app.models import Subscription
from app.models.base import PaymentMethod
from app.models.subscription import CancellationMode, ChangeTime
from app.work.inputs import Repeatable, Versioned, given, identifier, text

LONGEST_REASON = 500


@strawberry.input
class OfSubscription(Versioned):
    """The input of an action on a subscription."""

    subscription_id: strawberry.ID = identifier("The id of the subscription.")


@strawberry.input(description="A subscription to cancel.")
class CancelSubscriptionInput(OfSubscription, Repeatable):
    """Which subscription, when it is to end, and why."""

    mode: CancellationMode = given("When it ends.")
    ends_on: date | None = given("The last day, for AT_DATE.", default=UNSET)
    received_on: date | None = given(
        "The day the cancellation was received, for REGULAR and AT_DATE; by default today.",
        default=UNSET,
    )
    reason: str | None = text("Why.", of=Subscription.cancellation_reason, default=UNSET)


@strawberry.input(description="A subscription whose cancellation is withdrawn.")
class UndoCancellationInput(OfSubscription):
    """Which subscription."""

    reason: str | None = text("Why.", most=LONGEST_REASON, default=UNSET)


@strawberry.input(description="A subscription that is to rest.")
class PauseSubscriptionInput(OfSubscription):
    """Which subscription, and when."""

    paused_from: date | None = given(
        "The first day of the pause, within a year; by default today.", default=UNSET
    )
    resumes_on: date | None = given(
        "The first day after it, at most a year later. Without one it lasts until it is resumed, "
        "or for a year.",
        default=UNSET,
    )
    reason: str | None = text("Why.", most=LONGEST_REASON, default=UNSET)


@strawberry.input(description="A subscription that is to run again.")
class ResumeSubscriptionInput(OfSubscription):
    """Which subscription, and when."""

    resumes_on: date | None = given(
        "The first day on which it runs again; by default today, at once.", default=UNSET
    )


@strawberry.input(description="Other addresses for a subscription: what is left out stays.")
class ChangeSubscriptionAddressInput(OfSubscription):
    """Which subscription, and which addresses."""

    invoice_address_id: strawberry.ID | None = identifier(
        "The id of the customer's address that invoices go to.", default=UNSET
    )
    delivery_address_id: strawberry.ID | None = identifier(
        "The id of the customer's address that issues go to.", default=UNSET
    )


@strawberry.input(description="Another way to pay for a subscription.")
class ChangeSubscriptionPaymentInput(OfSubscription):
    """Which subscription, and how it is paid."""

    payment_method: PaymentMethod = given("How it is paid: INVOICE or SEPA_DEBIT.")
    bank_account_id: strawberry.ID | None = identifier(
        "The id of the customer's bank account, for SEPA_DEBIT.", default=UNSET
    )


@strawberry.input(description="Another offer for a subscription.")
class ChangeSubscriptionOfferInput(OfSubscription, Repeatable):
    """Which subscription, to which offer, and when."""

    offer_id: strawberry.ID = identifier(
        "The id of the offer. With AT_NEXT_PERIOD, that of the subscription as it is withdraws a "
        "change that was to come."
    )
    at: ChangeTime = given("When it counts.")


@strawberry.input(description="A subscription whose access is to be blocked.")
class BlockSubscriptionAccessInput(OfSubscription):
    """Which subscription, and why."""

    reason: str | None = text("Why.", most=LONGEST_REASON, default=UNSET)


@strawberry.input(description="A subscription whose access is to be unblocked.")
class UnblockSubscriptionAccessInput(OfSubscription):
    """Which subscription."""
