"""The tab of goodwill: what was given away, and why; and how much roles may give away."""

from decimal import Decimal

from sqlalchemy import ColumnElement, select

from app.auth.permissions import Permission
from app.models.goodwill import Goodwill as GoodwillModel
from app.models.goodwill import GoodwillKind, GoodwillReason
from app.models.goodwill import GoodwillLimit as GoodwillLimitModel
from app.models.staff import Role
from app.resolvers.fields import column, embedded, expression, one
from app.resolvers.reads import Columns
from app.resolvers.sql import table_of
from app.scalars import CurrencyCode
from app.schema.common import Money, money
from app.schema.connection import Connection, tab
from app.schema.delivery import Delivery
from app.schema.enums import described
from app.schema.lazy import LazySubscription
from app.schema.node import AccountRecord, Record, record
from app.schema.subscription import SubscriptionPeriod

described(
    GoodwillKind,
    "What is given away.",
    {
        "FREE_ISSUES": "Issues on top of those paid for.",
        "REDELIVERY": "Issues sent again.",
        "FREE_PERIOD": "An accounting period without an invoice.",
    },
)
described(
    GoodwillReason,
    "Why something is given away.",
    {
        "DELIVERY_MISSING": "An issue did not arrive.",
        "DELIVERY_LATE": "An issue came late.",
        "DAMAGED": "An issue was damaged.",
        "COMPLAINT": "The customer had another reason to complain.",
        "RETENTION": "To keep the customer.",
        "TECHNICAL": "Something digital did not work.",
        "OTHER": "Something else.",
    },
)


@record(GoodwillModel, needs=Permission.GOODWILL_READ, description="A gift to a subscriber.")
class Goodwill(AccountRecord):
    """Issues or periods given away; the actor is who gave them."""

    kind: GoodwillKind = column("What was given.", where=True, order=True)
    count: int = column("How many issues or periods.", where=True)
    reason_kind: GoodwillReason = column("Why, as reports sort it.", where=True, order=True)
    reason: str = column("Why, in words.", where=True)
    value: Money = embedded("What it would have cost.", money("value"), compared_by="value")
    subscription: LazySubscription | None = one(
        "subscription_id", "The subscription.", needs=Permission.SUBSCRIPTION_READ
    )
    deliveries: Connection[Delivery] | None = tab(
        "goodwill_id", "The deliveries that came of it.", needs=Permission.DELIVERY_READ
    )
    periods: Connection[SubscriptionPeriod] | None = tab(
        "goodwill_id", "The free period that came of it.", needs=Permission.SUBSCRIPTION_READ
    )


def _role_name(t: Columns) -> ColumnElement[str]:
    role = table_of(Role)
    named = select(role.c.name).where(role.c.tenant_id == t.tenant_id, role.c.id == t.role_id)
    return named.correlate_except(role).scalar_subquery()


@record(
    GoodwillLimitModel,
    needs=Permission.STAFF_READ,
    description="How much everybody in a role may give away in a currency. A role that has a "
    "limit in one currency gives nothing in those that it has none in.",
)
class GoodwillLimit(Record):
    """What a role gives away at most; the actor is who set it."""

    role_name: str = expression(_role_name, "The name of the role.")
    currency: CurrencyCode = column("In which currency.", where=True, order=True)
    per_gift: Decimal | None = column("The largest value of one gift; null is no limit.")
    per_month: Decimal | None = column(
        "The largest value of what one member of staff gives away in a calendar month; null is "
        "no limit."
    )
