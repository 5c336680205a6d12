"""How subscriptions end, and go on after all: their days, access, deliveries and money.

What is paid and not used goes back: by days where a subscription is counted in time, by issues
where it is counted in issues. There, what was paid for is still delivered after a regular end.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import select

from app.billing.access import end_access, end_access_at, reopen_access
from app.billing.corrections import cancel, correct
from app.billing.deliveries import drop_planned, plan
from app.billing.invoices import Line, lines_of
from app.billing.periods import reckon_next_billing
from app.billing.spans import used_until
from app.domain.money import Money
from app.domain.periods import Span
from app.domain.tax import TaxedAmount
from app.models import Delivery, Invoice, InvoiceItem, Offer, Subscription, SubscriptionPeriod
from app.models.delivery import DeliveryKind, DeliveryStatus
from app.models.invoice import ASKING, InvoiceStatus
from app.models.subscription import PeriodKind, SubscriptionStatus
from app.work.unit import Work

_SENT = (DeliveryStatus.SENT.value, DeliveryStatus.RETURNED.value)


async def end_on(work: Work, subscription: Subscription, last: date, reason: str) -> None:
    """Let a subscription end with a day, which may be over.

    Counted in time, what was paid for later days goes back, and nothing that appears later is
    delivered. Counted in issues, what was paid for is delivered in any case.
    """
    _cancel(work, subscription, last)
    ended = last < await work.today()
    subscription.status = (
        SubscriptionStatus.INACTIVE if ended else SubscriptionStatus.CANCELLED
    ).value
    await end_access(work, subscription, last)
    if not subscription.issue_based:
        await drop_planned(work, subscription, Delivery.publishing_on > last)
        for period in await _paid_periods(work, subscription, last):
            await _cut(work, period, last, reason, keep=not ended)
    await reckon_next_billing(work, subscription)


async def end_at_once(work: Work, subscription: Subscription, reason: str) -> None:
    """End a subscription now: access, deliveries, and what was paid and not used goes back."""
    today = await work.today()
    begun = subscription.starts_on <= today
    _cancel(work, subscription, max(today, subscription.starts_on))
    subscription.status = SubscriptionStatus.INACTIVE.value
    await end_access_at(work, subscription, work.now)
    if subscription.issue_based:
        await drop_planned(work, subscription)
        await _give_back_issues(work, subscription, reason)
    else:
        later = (Delivery.publishing_on > today,) if begun else ()
        await drop_planned(work, subscription, *later)
        for period in await _paid_periods(work, subscription, today):
            await _cut(work, period, today, reason, keep=False)
    subscription.next_billing_on = None


async def go_on(work: Work, subscription: Subscription, reason: str) -> None:
    """Let a cancelled subscription that still runs go on as if it had never been cancelled."""
    last = subscription.ends_on
    subscription.cancelled_at = subscription.cancelled_for = None
    subscription.cancellation_reason = subscription.ends_on = None
    subscription.status = SubscriptionStatus.ACTIVE.value
    if last is not None:
        await reopen_access(work, subscription, last)
        for period in await _paid_periods(work, subscription, last - timedelta(days=1)):
            await _restore(work, period, reason)
    await reckon_next_billing(work, subscription)
    offer = await work.session.get_one(Offer, (work.tenant_id, subscription.offer_id))
    await plan(work, subscription, offer, ordered_on=await work.today())


async def invoice_of(work: Work, period: SubscriptionPeriod) -> Invoice | None:
    """The document that asks for a period's price now; None where nothing was or is asked."""
    documents = await _documents(work, period)
    standing = [invoice for invoice in documents if invoice.status != InvoiceStatus.CANCELLED]
    return standing[-1] if standing else None


def shared_out(lines: Sequence[Line], whole: Money, service: Span | None) -> list[Line]:
    """Lines of a period at another price together, for other days; in proportion to theirs."""
    parts = whole.distribute([line.amount.gross.amount for line in lines])
    return [
        replace(line, amount=TaxedAmount.from_gross(part, line.amount.percent), service=service)
        for line, part in zip(lines, parts, strict=True)
    ]


def of_period(lines: Sequence[Line], period: SubscriptionPeriod) -> tuple[list[Line], list[Line]]:
    """The lines of a document that are a period's price, and all others."""
    own = [line for line in lines if line.subscription_period_id == period.id]
    return own, [line for line in lines if line not in own]


def total(lines: Sequence[Line], currency: str) -> Money:
    """What lines cost together."""
    return Money.total((line.amount.gross for line in lines), currency)


def _cancel(work: Work, subscription: Subscription, last: date) -> None:
    subscription.cancelled_at = work.now
    subscription.cancelled_for = subscription.ends_on = last
    subscription.next_offer_id = None


async def _paid_periods(
    work: Work, subscription: Subscription, last: date
) -> Sequence[SubscriptionPeriod]:
    """The periods that cost something and end after a day, the latest first."""
    rows = await work.rows(
        SubscriptionPeriod,
        SubscriptionPeriod.subscription_id == subscription.id,
        SubscriptionPeriod.kind == PeriodKind.REGULAR.value,
        SubscriptionPeriod.ends_on > last,
    )
    return sorted(rows, key=lambda row: row.starts_on, reverse=True)


async def _cut(
    work: Work, period: SubscriptionPeriod, last: date, reason: str, *, keep: bool
) -> None:
    """Let a period end with a day, and cost what was used by then.

    With `keep` there is a document for it even where it costs nothing, so that it can be undone.
    """
    price = Money(period.price, period.currency)
    invoice = await invoice_of(work, period)
    if invoice is not None:
        lines = await lines_of(work, invoice)
        own, others = of_period(lines, period)
        price = total(own, invoice.currency)
        used = used_until(period, price, last).used
        service = Span(period.starts_on, max(last, period.starts_on))
        left = shared_out(own, used, service) if used or (keep and price) else []
        if left or others:
            await correct(work, invoice, [*left, *others], reason)
        else:
            await cancel(work, invoice, reason)
    period.price = used_until(period, price, last).used.amount
    if last >= period.starts_on:
        period.ends_on = last
        period.paused_days = min(period.paused_days, (last - period.starts_on).days)


async def _restore(work: Work, period: SubscriptionPeriod, reason: str) -> None:
    """Give a period that was cut short its days and its price again."""
    rested = timedelta(days=period.paused_days)
    invoice = await invoice_of(work, period)
    for document in reversed(await _documents(work, period)):
        own, _ = of_period(await lines_of(work, document), period)
        ends = [line.service.ends_on for line in own if line.service is not None]
        if document is invoice or not ends or max(ends) + rested <= period.ends_on:
            continue
        if invoice is not None:
            _, others = of_period(await lines_of(work, invoice), period)
            await correct(work, invoice, [*own, *others], reason)
        period.ends_on = max(ends) + rested
        period.price = total(own, document.currency).amount
        return


async def _documents(work: Work, period: SubscriptionPeriod) -> Sequence[Invoice]:
    """The documents that ask or asked for a period's price, in their order."""
    await work.flush()
    billed = select(InvoiceItem.invoice_id).where(
        InvoiceItem.tenant_id == work.tenant_id, InvoiceItem.subscription_period_id == period.id
    )
    asking = [kind.value for kind in ASKING]
    return await work.rows(Invoice, Invoice.id.in_(billed), Invoice.type.in_(asking))


async def _give_back_issues(work: Work, subscription: Subscription, reason: str) -> None:
    """Give back what was paid for issues that won't be delivered, of the latest periods first."""
    offer = await work.session.get_one(Offer, (work.tenant_id, subscription.offer_id))
    free = await work.rows(
        Delivery,
        Delivery.subscription_id == subscription.id,
        Delivery.kind == DeliveryKind.FREE.value,
        Delivery.status.in_(_SENT),
    )
    free_sent = min(len(free), subscription.issues_free, subscription.issues_delivered)
    unused = subscription.issues_entitled - (subscription.issues_delivered - free_sent)
    subscription.issues_entitled -= unused
    subscription.issues_free = free_sent
    per_period = offer.issues_per_period or 1
    for period in await _paid_periods(work, subscription, date.min):
        count = min(unused, per_period)
        unused -= count
        if count:
            await _take_issues(work, period, count, per_period, reason)


async def _take_issues(
    work: Work, period: SubscriptionPeriod, count: int, per_period: int, reason: str
) -> None:
    """Let a period cost what those of its issues cost that were delivered."""
    price = Money(period.price, period.currency)
    invoice = await invoice_of(work, period)
    if invoice is not None:
        lines = await lines_of(work, invoice)
        own, others = of_period(lines, period)
        price = total(own, invoice.currency)
        used = price.share(per_period - count, per_period)
        left = shared_out(own, used, own[0].service) if used else []
        if left or others:
            await correct(work, invoice, [*left, *others], reason)
        else:
            await cancel(work, invoice, reason)
    period.price = price.share(per_period - count, per_period).amount
