"""Who uses an address: subscriptions that run, and issues that will be delivered."""

from sqlalchemy import ColumnElement, false, func, not_, or_, select, update

from app.errors import Refused, UserErrorCode
from app.models import Address, Delivery, Subscription
from app.models.delivery import DeliveryStatus
from app.models.subscription import SubscriptionStatus
from app.work.unit import Work


async def refuse_in_use(work: Work, address: Address) -> None:
    """Refuse to remove an address that something running uses; what is over lets go of it."""
    today = await work.today()
    over = or_(
        Subscription.status == SubscriptionStatus.INACTIVE.value,
        Subscription.ends_on < today,
        Subscription.cancelled_for < today,
    )
    running = (
        select(Subscription.id)
        .where(
            Subscription.tenant_id == work.tenant_id,
            _uses(address),
            not_(func.coalesce(over, false())),
        )
        .exists()
    )
    planned = (
        select(Delivery.id)
        .where(
            Delivery.tenant_id == work.tenant_id,
            Delivery.address_id == address.id,
            Delivery.status == DeliveryStatus.PLANNED.value,
        )
        .exists()
    )
    for found, what in zip(
        (await work.session.execute(select(running, planned))).one(),
        ("A running subscription uses", "Issues will be delivered to"),
        strict=True,
    ):
        if found:
            raise Refused(UserErrorCode.ADDRESS_IN_USE, f"{what} this address.", "address_id")
    await _let_go(work, address)


async def _let_go(work: Work, address: Address) -> None:
    """Take an address out of what is over; what was sent stays sent."""
    subscriptions = update(Subscription).where(
        Subscription.tenant_id == work.tenant_id, _uses(address)
    )
    deliveries = update(Delivery).where(
        Delivery.tenant_id == work.tenant_id, Delivery.address_id == address.id
    )
    invoice, delivery = Subscription.invoice_address_id, Subscription.delivery_address_id
    for statement in (
        subscriptions.values(
            invoice_address_id=func.nullif(invoice, address.id),
            delivery_address_id=func.nullif(delivery, address.id),
            **work.actor,
        ),
        deliveries.values(address_id=None, **work.actor),
    ):
        await work.session.execute(statement.execution_options(synchronize_session=False))


def _uses(address: Address) -> ColumnElement[bool]:
    return or_(
        Subscription.invoice_address_id == address.id,
        Subscription.delivery_address_id == address.id,
    )
