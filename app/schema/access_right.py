"""The tab of access rights: which products the customer may use, and when."""

from datetime import datetime

from sqlalchemy import ColumnElement, case, func

from app.auth.permissions import Permission
from app.models.access_right import AccessRight as AccessRightModel
from app.models.access_right import AccessRightSource, AccessRightStatus
from app.resolvers.fields import column, expression, one
from app.resolvers.reads import Columns
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
        "ACTIVE": "It gives access.",
        "PENDING": "It begins later.",
        "EXPIRED": "It is over.",
        "BLOCKED": "It is blocked, whatever its period.",
    },
)


def _status(t: Columns) -> ColumnElement[str]:
    """The state at the time of the transaction; blocking outweighs the period."""
    return case(
        (t.blocked_at.is_not(None), AccessRightStatus.BLOCKED.value),
        (t.valid_from > func.now(), AccessRightStatus.PENDING.value),
        (t.valid_until < func.now(), AccessRightStatus.EXPIRED.value),
        else_=AccessRightStatus.ACTIVE.value,
    )


@record(
    AccessRightModel,
    needs=Permission.ACCESS_RIGHT_READ,
    description="The right to use a product for a time.",
)
class AccessRight(AccountRecord):
    """A right to what a front end asks for by its access id."""

    access_id: str = column(
        "What front ends ask for, 2 to 30 letters, digits and hyphens.", where=True, order=True
    )
    source: AccessRightSource = column("Where it comes from.", where=True)
    status: AccessRightStatus = expression(_status, "What it is worth now.", where=True)
    valid_from: datetime = column("When it begins.", where=True, order=True)
    valid_until: datetime | None = column("When it ends; null means never.", where=True, order=True)
    blocked_at: datetime | None = column("When it was blocked.", where=True)
    blocked_reason: str | None = column("Why it was blocked.")
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
