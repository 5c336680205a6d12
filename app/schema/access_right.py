"""The tab of access rights: which products the customer may use, and when."""

from datetime import datetime

from sqlalchemy import ColumnElement, case, exists, func, null

from app.auth.permissions import Permission
from app.models.access_right import AccessDenial, AccessRightSource, AccessRightStatus
from app.models.access_right import AccessRight as AccessRightModel
from app.models.subscription import Subscription as SubscriptionModel
from app.resolvers.fields import column, expression, one
from app.resolvers.reads import Columns
from app.resolvers.sql import table_of
from app.schema.catalogue import Product
from app.schema.enums import described
from app.schema.lazy import LazyOrder, LazySubscription
from app.schema.node import AccountRecord, record

described(
    AccessRightSource,
    "Where an access right comes from.",
    {
        "MANUAL": "A member of staff gave it. Only these can be edited.",
        "ORDER": "An order brought it.",
        "SUBSCRIPTION": "A subscription keeps it.",
    },
)
described(
    AccessRightStatus,
    "What an access right is worth now.",
    {
        "ACTIVE": "It gives access, unless the customer's access is blocked.",
        "PENDING": "It begins later.",
        "EXPIRED": "It is over.",
        "BLOCKED": "It, or the subscription that keeps it, is blocked, whatever its period.",
    },
)


def denial(t: Columns) -> ColumnElement[str]:
    """Why a right gives no access at the time of the transaction; null where it does.

    This is the one place that says so: the tab's `status` and `hasAccess` follow from it.
    """
    subscription = table_of(SubscriptionModel)
    blocked = exists().where(
        subscription.c.tenant_id == t.tenant_id,
        subscription.c.id == t.subscription_id,
        subscription.c.access_blocked_at.is_not(None),
    )
    return case(
        (t.blocked_at.is_not(None), AccessDenial.RIGHT_BLOCKED.value),
        (blocked.correlate_except(subscription), AccessDenial.SUBSCRIPTION_BLOCKED.value),
        (t.valid_from > func.now(), AccessDenial.NOT_YET.value),
        (t.valid_until <= func.now(), AccessDenial.EXPIRED.value),
        else_=null(),
    )


_STATUS = {
    AccessDenial.RIGHT_BLOCKED: AccessRightStatus.BLOCKED,
    AccessDenial.SUBSCRIPTION_BLOCKED: AccessRightStatus.BLOCKED,
    AccessDenial.NOT_YET: AccessRightStatus.PENDING,
    AccessDenial.EXPIRED: AccessRightStatus.EXPIRED,
}


def _status(t: Columns) -> ColumnElement[str]:
    """The state at the time of the transaction; blocking outweighs the period."""
    known = {why.value: status.value for why, status in _STATUS.items()}
    return case(known, value=denial(t), else_=AccessRightStatus.ACTIVE.value)


@record(
    AccessRightModel,
    needs=Permission.ACCESS_RIGHT_READ,
    description="The right to use a product for a time.",
)
class AccessRight(AccountRecord):
    """A right to what a front end asks for by its unique id."""

    unique_id: str = column(
        "The unique id that front ends ask `hasAccess` for: 2 to 30 letters, digits and hyphens.",
        of="access_id",
        where=True,
        order=True,
    )
    source: AccessRightSource = column("Where it comes from.", where=True)
    status: AccessRightStatus = expression(_status, "What it is worth now.", where=True)
    valid_from: datetime = column("When it begins; it counts from then on.", where=True, order=True)
    valid_until: datetime | None = column(
        "When it ends, and no longer counts; null means never.", where=True, order=True
    )
    blocked_at: datetime | None = column("When it was blocked.", where=True)
    blocked_reason: str | None = column("Why it was blocked.", needs=Permission.INTERNAL_READ)
    version: int = column("Rises with every change; for `expectedVersion`.")
    product: Product | None = one(
        "product_id", "The product, where one is known.", needs=Permission.CATALOGUE_READ
    )
    order: LazyOrder | None = one(
        "order_id", "The order that brought it.", needs=Permission.ORDER_READ
    )
    subscription: LazySubscription | None = one(
        "subscription_id", "The subscription that keeps it.", needs=Permission.SUBSCRIPTION_READ
    )
