"""The tab of goodwill: what was given away, and why."""

from app.auth.permissions import Permission
from app.models.goodwill import Goodwill as GoodwillModel
from app.models.goodwill import GoodwillKind
from app.resolvers.fields import column, embedded, one
from app.schema.common import Money, money
from app.schema.connection import Connection, tab
from app.schema.delivery import Delivery
from app.schema.enums import described
from app.schema.lazy import LazySubscription
from app.schema.node import AccountRecord, record

described(
    GoodwillKind,
    "What is given away.",
    {
        "FREE_ISSUES": "Issues on top of those paid for.",
        "REDELIVERY": "Issues sent again.",
        "FREE_PERIOD": "An accounting period without an invoice.",
    },
)


@record(GoodwillModel, needs=Permission.GOODWILL_READ, description="A gift to a subscriber.")
class Goodwill(AccountRecord):
    """Issues or periods given away; the actor is who gave them."""

    kind: GoodwillKind = column("What was given.", where=True, order=True)
    count: int = column("How many issues or periods.", where=True)
    reason: str = column("Why.", where=True)
    value: Money = embedded("What it would have cost.", money("value"), compared_by="value")
    subscription: LazySubscription | None = one(
        "subscription_id", "The subscription.", needs=Permission.SUBSCRIPTION_READ
    )
    deliveries: Connection[Delivery] | None = tab(
        "goodwill_id", "The deliveries that came of it.", needs=Permission.DELIVERY_READ
    )
