"""The tab of subscriptions: the running contracts and their periods."""

from datetime import date, datetime

import strawberry

from app.auth.permissions import Permission
from app.models.base import PaymentMethod
from app.models.subscription import (
    CancellationMode,
    ChangeTime,
    PeriodKind,
    SubscriptionStatus,
)
from app.models.subscription import Subscription as SubscriptionModel
from app.models.subscription import SubscriptionPeriod as SubscriptionPeriodModel
from app.resolvers.fields import column, embedded, one, part, python
from app.scalars import JSON
from app.schema.access_right import AccessRight
from app.schema.address import Address
from app.schema.bank_account import BankAccount
from app.schema.catalogue import Offer
from app.schema.common import Money, Period, money, period
from app.schema.connection import Connection, tab
from app.schema.enums import described
from app.schema.lazy import LazyDelivery, LazyGoodwill, LazyInvoice, LazyOrder
from app.schema.node import AccountRecord, record
from app.schema.notice import REQUIRED, earliest_end, last_cancellation_day

described(
    SubscriptionStatus,
    "Whether a subscription runs.",
    {
        "ACTIVE": "It runs.",
        "INACTIVE": "It has ended or has not begun.",
        "PAUSED": "It rests until it is resumed.",
        "CANCELLED": "It was cancelled and runs until the day it was cancelled for.",
    },
)
described(
    PeriodKind,
    "Whether an accounting period is paid.",
    {"REGULAR": "It is paid.", "FREE": "It was given away."},
)

described(
    CancellationMode,
    "When a cancelled subscription ends.",
    {
        "REGULAR": "As early as its terms and the law allow.",
        "AT_DATE": "With a day of choice, no earlier than that.",
        "IMMEDIATELY": "Now. What was paid and not used is to be refunded.",
    },
)
described(
    ChangeTime,
    "When a change of a subscription counts.",
    {
        "NOW": "From today on; what is left of the running period is billed anew.",
        "AT_NEXT_PERIOD": "With the next accounting period.",
    },
)


@record(
    SubscriptionPeriodModel,
    needs=Permission.SUBSCRIPTION_READ,
    description="An accounting period of a subscription.",
    order="-starts_on",
)
class SubscriptionPeriod:
    """A period and its price; both days are part of it."""

    kind: PeriodKind = column("Whether it is paid.", where=True)
    starts_on: date = column("Its first day.", where=True, order=True)
    ends_on: date = column("Its last day.", where=True, order=True)
    paused_days: int = column("How many of its days were appended for a pause that it lay in.")
    price: Money = embedded("Its price with tax.", money("price"), compared_by="price")
    goodwill: LazyGoodwill | None = one(
        "goodwill_id", "The goodwill it was given by.", needs=Permission.GOODWILL_READ
    )


@strawberry.type(description="The issues of a subscription that is counted in issues.")
class IssueCounts:
    """What is owed and what was delivered, in issues."""

    entitled: int = part("Issues that were paid for.")
    free: int = part("Issues that were given away on top.")
    delivered: int = part("Issues that were delivered.")
    open: int = part("Issues still to be delivered.")


@record(
    SubscriptionModel,
    needs=Permission.SUBSCRIPTION_READ,
    description="A running contract, with the terms it was made under.",
)
class Subscription(AccountRecord):
    """A subscription; later changes of its offer do not reach it."""

    number: str = column("The subscription's number.", where=True, order=True)
    status: SubscriptionStatus = column("Whether it runs.", where=True, order=True)
    starts_on: date = column("Its first day.", where=True, order=True)
    ends_on: date | None = column("Its last day; null while it is open.", where=True, order=True)
    ordered_on: date = column(
        "The day it was agreed on, which decides on the law that its terms are under.", where=True
    )
    consumer: bool = column(
        "Whether a consumer made it: the law for them stands above its terms.", where=True
    )
    paused_from: date | None = column(
        "The first day of a pause that is or will be.", where=True, order=True
    )
    resumes_on: date | None = column(
        "The first day after the pause; null where nobody has said.", where=True, order=True
    )
    earliest_end: date | None = python(
        REQUIRED,
        earliest_end,
        "The day that it ends with when it is cancelled regularly today; null once it is "
        "cancelled or has ended.",
    )
    last_cancellation_day: date | None = python(
        REQUIRED,
        last_cancellation_day,
        "The last day on which a regular cancellation ends it with `earliestEnd`.",
    )
    term: Period = embedded("For how long the customer is bound.", period("term"))
    accounting_period: Period = embedded("How often it is billed.", period("accounting"))
    notice: Period = embedded("How long before its end it can be cancelled.", period("notice"))
    next_billing_on: date | None = column("The day of the next invoice.", where=True, order=True)
    cancelled_at: datetime | None = column("When it was cancelled.", where=True, order=True)
    cancelled_for: date | None = column(
        "The last day it runs after being cancelled.", where=True, order=True
    )
    cancellation_reason: str | None = column(
        "Why it was cancelled.", needs=Permission.INTERNAL_READ
    )
    access_blocked_at: datetime | None = column("When access through it was blocked.", where=True)
    access_blocked_reason: str | None = column(
        "Why access was blocked.", needs=Permission.INTERNAL_READ
    )
    issues: IssueCounts | None = embedded(
        "Its issues; null when it is counted in time.",
        {
            "entitled": "issues_entitled",
            "delivered": "issues_delivered",
            "open": "issues_open",
            "free": "issues_free",
        },
        null_unless="issue_based",
    )
    quantity: int = column("How many copies.")
    price: Money = embedded(
        "The price of an accounting period with tax.", money("price"), compared_by="price"
    )
    payment_method: PaymentMethod = column("How it is paid.", where=True)
    additional_data: JSON = column("The tenant's own fields, by key.", where=True)
    version: int = column("Rises with every change; for `expectedVersion`.")
    offer: Offer | None = one(
        "offer_id", "The offer it was made from.", needs=Permission.CATALOGUE_READ
    )
    next_offer: Offer | None = one(
        "next_offer_id",
        "The offer that it changes to with its next period, if it does.",
        needs=Permission.CATALOGUE_READ,
    )
    order: LazyOrder | None = one(
        "order_id", "The order it came from.", needs=Permission.ORDER_READ
    )
    bank_account: BankAccount | None = one(
        "bank_account_id", "The account it is paid from.", needs=Permission.BANK_ACCOUNT_READ
    )
    invoice_address: Address | None = one(
        "invoice_address_id", "Where its invoices go.", needs=Permission.ADDRESS_READ
    )
    delivery_address: Address | None = one(
        "delivery_address_id", "Where its issues go.", needs=Permission.ADDRESS_READ
    )
    periods: Connection[SubscriptionPeriod] | None = tab(
        "subscription_id", "Its accounting periods.", needs=Permission.SUBSCRIPTION_READ
    )
    deliveries: Connection[LazyDelivery] | None = tab(
        "subscription_id", "What was and will be delivered.", needs=Permission.DELIVERY_READ
    )
    invoices: Connection[LazyInvoice] | None = tab(
        "subscription_id", "Its invoices.", needs=Permission.INVOICE_READ
    )
    goodwill: Connection[LazyGoodwill] | None = tab(
        "subscription_id", "What was given away on it.", needs=Permission.GOODWILL_READ
    )
    access_rights: Connection[AccessRight] | None = tab(
        "subscription_id", "The access it gives.", needs=Permission.ACCESS_RIGHT_READ
    )
