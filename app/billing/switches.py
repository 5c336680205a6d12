"""Changing a subscription's offer: at once, or with its next accounting period.

The price, the terms and what it gives follow the new offer. A change binds nobody anew, because
terms are counted from the contract's first day; but what is agreed on a day falls under the law
of that day.
"""

from datetime import date, timedelta

from app.billing.access import end_access, grant_access
from app.billing.corrections import correct
from app.billing.deliveries import drop_planned, plan
from app.billing.endings import invoice_of, of_period, shared_out, total
from app.billing.invoices import Line, lines_of
from app.billing.spans import price_change
from app.billing.taxes import tax_lines
from app.domain.money import Money
from app.domain.periods import ONE_DAY, Span
from app.models import Delivery, Invoice, Offer, Product, Subscription, SubscriptionPeriod
from app.work.unit import Work

_TERMS = (
    "term_count",
    "term_unit",
    "accounting_count",
    "accounting_unit",
    "notice_count",
    "notice_unit",
)


async def apply_next_offer(work: Work, subscription: Subscription) -> Offer | None:
    """Let a subscription change to the offer that was chosen for its next accounting period.

    To be called before that period is opened; None where none was chosen. What the new offer
    delivers is planned by whoever opens the period.
    """
    first = subscription.next_billing_on
    if subscription.next_offer_id is None or first is None:
        return None
    offer = await work.session.get_one(Offer, (work.tenant_id, subscription.next_offer_id))
    old = await work.session.get_one(Offer, (work.tenant_id, subscription.offer_id))
    await _become(work, subscription, old, offer, first)
    subscription.accounting_from = first
    return offer


async def switch(
    work: Work,
    subscription: Subscription,
    offer: Offer,
    period: SubscriptionPeriod | None,
    reason: str,
) -> Invoice | None:
    """Change a subscription's offer today; the correction of what was billed, if there is one.

    The running period stays as it is, and what is left of it costs what the new offer asks for.
    """
    today = await work.today()
    old = await work.session.get_one(Offer, (work.tenant_id, subscription.offer_id))
    await _become(work, subscription, old, offer, today)
    correction = None
    if period is not None:
        correction = await _bill(work, subscription, offer, period, reason)
    await plan(work, subscription, offer, ordered_on=today)
    return correction


def price_of(offer: Offer, quantity: int) -> Money:
    """What a period of so many copies costs."""
    return Money(offer.price, offer.currency) * quantity


async def _become(
    work: Work, subscription: Subscription, old: Offer, offer: Offer, first: date
) -> None:
    subscription.offer_id, subscription.next_offer_id = offer.id, None
    subscription.price = price_of(offer, subscription.quantity).amount
    subscription.issue_based = offer.issues_per_period is not None
    subscription.ordered_on = max(subscription.ordered_on, await work.today())
    for name in _TERMS:
        setattr(subscription, name, getattr(offer, name))
    await end_access(work, subscription, first - ONE_DAY)
    await grant_access(work, subscription, offer, first)
    if old.publication_id != offer.publication_id:
        await drop_planned(work, subscription, Delivery.publishing_on >= first)


async def _bill(
    work: Work,
    subscription: Subscription,
    offer: Offer,
    period: SubscriptionPeriod,
    reason: str,
) -> Invoice | None:
    """Correct the document of the running period: to what was used, and what is left of it."""
    invoice = await invoice_of(work, period)
    if invoice is None:
        return None
    today = await work.today()
    own, others = of_period(await lines_of(work, invoice), period)
    paid = total(own, invoice.currency)
    full = price_of(offer, subscription.quantity)
    change = price_change(period, paid, full, today)
    lines: list[Line] = []
    if today > period.starts_on:
        used = Span(period.starts_on, today - timedelta(days=1))
        lines += shared_out(own, paid - change.credit, used)
    lines += await _lines(work, subscription, offer, period, change.charge, invoice)
    period.price = (paid + change.balance).amount
    return await correct(work, invoice, [*lines, *others], reason)


async def _lines(
    work: Work,
    subscription: Subscription,
    offer: Offer,
    period: SubscriptionPeriod,
    charge: Money,
    invoice: Invoice,
) -> list[Line]:
    product = await work.session.get_one(Product, (work.tenant_id, offer.product_id))
    span = Span(await work.today(), period.ends_on)
    country = invoice.address.get("country") or (await work.tenant()).country
    amounts = await tax_lines(work, product, charge, span, country)
    return [
        Line(
            offer.name,
            subscription.quantity,
            amount,
            span,
            subscription.order_item_id,
            period.id,
        )
        for amount in amounts
    ]
