"""What is over: deliveries whose issue has appeared, and orders of which nothing is left."""

from collections import Counter
from collections.abc import Collection
from datetime import date

from sqlalchemy import update

from app.billing.deliveries import Planning, plan_all
from app.billing.due import is_done
from app.billing.tally import Tally
from app.models import Delivery, Offer, Order, Subscription
from app.models.delivery import DeliveryKind, DeliveryStatus
from app.models.order import OrderStatus
from app.work.batch import Batch


async def send_deliveries(batch: Batch, keys: Collection[int], day: date) -> Tally:
    """Take the planned deliveries of subscriptions for sent, once their issue has appeared.

    Where a subscription is counted in issues, they count as delivered; redeliveries count nowhere.
    The history does not list deliveries: they say themselves when they were sent.
    """
    locked = await batch.lock_all(Subscription, keys)
    sent = await batch.session.execute(
        update(Delivery)
        .where(
            Delivery.tenant_id == batch.tenant_id,
            Delivery.subscription_id.in_([one.id for one, _customer in locked]),
            Delivery.status == DeliveryStatus.PLANNED.value,
            Delivery.publishing_on <= day,
        )
        .values(status=DeliveryStatus.SENT.value, sent_at=batch.now, **batch.actor)
        .returning(Delivery.subscription_id, Delivery.kind)
        .execution_options(synchronize_session=False)
    )
    rows = sent.all()
    counted = Counter(key for key, kind in rows if kind != DeliveryKind.REDELIVERY)
    for subscription, _customer in locked:
        if subscription.issue_based:
            subscription.issues_delivered += counted[subscription.id]
    return Tally(deliveries_sent=len(rows))


async def plan_issues(batch: Batch, keys: Collection[int], day: date) -> Tally:
    """Plan the deliveries of issues that the catalogue knows since the periods were opened."""
    locked = [one for one, _customer in await batch.lock_all(Subscription, keys)]
    offers = await batch.rows(Offer, Offer.id.in_({one.offer_id for one in locked}))
    known = {offer.id: offer for offer in offers}
    wanted = [Planning(one, known[one.offer_id], day, max(day, one.ordered_on)) for one in locked]
    return Tally(deliveries_planned=await plan_all(batch, wanted))


async def finish_orders(batch: Batch, keys: Collection[int], _day: date) -> Tally:
    """Say of orders that they are done, once all of their subscriptions are."""
    locked = await batch.lock_all(Order, keys)
    still = await batch.rows(Order, Order.id.in_([one.id for one, _customer in locked]), is_done())
    for order in still:
        order.status = OrderStatus.DONE.value
        batch.keep("order.done", order)
    return Tally(orders_done=len(still))
