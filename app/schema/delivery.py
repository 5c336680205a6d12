"""The tab of deliveries: which issue went where."""

from datetime import date, datetime

from app.auth.permissions import Permission
from app.models.delivery import Delivery as DeliveryModel
from app.models.delivery import DeliveryKind, DeliveryStatus
from app.resolvers.fields import column, one
from app.schema.address import Address
from app.schema.catalogue import Issue
from app.schema.enums import described
from app.schema.lazy import LazyDelivery, LazyGoodwill, LazySubscription
from app.schema.node import AccountRecord, record

described(
    DeliveryKind,
    "Why an issue is delivered.",
    {
        "REGULAR": "It was paid for.",
        "FREE": "It was given away.",
        "REDELIVERY": "It replaces one that was lost or damaged.",
    },
)
described(
    DeliveryStatus,
    "How far a delivery is.",
    {
        "PLANNED": "It lies ahead.",
        "SENT": "It is on its way or has arrived.",
        "RETURNED": "It came back.",
        "CANCELLED": "It will not be made.",
    },
)


@record(
    DeliveryModel,
    needs=Permission.DELIVERY_READ,
    description="One issue for one subscription.",
    order="-publishing_on",
)
class Delivery(AccountRecord):
    """A planned or made delivery of an issue."""

    publishing_on: date = column(
        "The issue's publishing date, or the day that a redelivery is sent on.",
        where=True,
        order=True,
    )
    kind: DeliveryKind = column("Why it is delivered.", where=True, order=True)
    status: DeliveryStatus = column("How far it is.", where=True, order=True)
    quantity: int = column("How many copies.")
    sent_at: datetime | None = column("When it was sent.", where=True, order=True)
    issue: Issue | None = one("issue_id", "The issue.", needs=Permission.CATALOGUE_READ)
    subscription: LazySubscription | None = one(
        "subscription_id", "The subscription.", needs=Permission.SUBSCRIPTION_READ
    )
    address: Address | None = one("address_id", "Where it goes.", needs=Permission.ADDRESS_READ)
    original: LazyDelivery | None = one("original_id", "The delivery that it repeats.")
    redelivery: LazyDelivery | None = one(
        "original_id", "The delivery that repeats this one.", inverse=True
    )
    goodwill: LazyGoodwill | None = one(
        "goodwill_id", "The goodwill it was given by.", needs=Permission.GOODWILL_READ
    )
