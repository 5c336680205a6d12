"""The course of subscriptions: each one's next step, when its day has come.

A step is the beginning of an accounting period, of a pause or of its end, or the end of the
subscription. What was left undone for a while is done in the order of the days, one step of each
subscription in a transaction, so that an interrupted run leaves nothing half done, and each step
looks under lock whether there is something to do.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from app.billing.access import end_access
from app.billing.deliveries import Planning, drop_planned, plan_all
from app.billing.invoices import Document, Line, Occasion, bill_all
from app.billing.openings import Opening, Supplies, Unable
from app.billing.pauses import begin_pause, pause_ends, resume
from app.billing.periods import open_period
from app.billing.tally import Failure, Tally
from app.domain.money import Money
from app.domain.periods import ONE_DAY, Span
from app.models import Delivery, Subscription, SubscriptionPeriod
from app.models.subscription import SubscriptionStatus
from app.work.batch import Batch

_RUNNING = (SubscriptionStatus.ACTIVE, SubscriptionStatus.CANCELLED)

_NO_MANDATE = (
    "Invoice {number} is to be paid by transfer: there is no mandate that it could be debited by."
)


class Step(StrEnum):
    """What comes next for a subscription."""

    END = "END"
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    PERIOD = "PERIOD"


@dataclass(frozen=True)
class Wanted:
    """Whose next step is to be done.

    `until` is the last day on which a period may begin that is opened now; it may lie ahead. All
    else waits for its day to come.
    """

    keys: Collection[int]
    until: date
    waiting: bool = False
    """Whether to wait for those that others hold."""


@dataclass
class Advanced:
    """What came of it."""

    tally: Tally
    again: list[int] = field(default_factory=list)
    """Those that have another step to do."""

    held: int = 0
    """How many others were holding."""


def next_step(subscription: Subscription, today: date, until: date) -> Step | None:
    """The step of a subscription that comes first; None where its day has not come."""
    steps: list[tuple[date, Step]] = []
    status, last = subscription.status, last_day(subscription)
    pause, billing = subscription.paused_from, subscription.next_billing_on
    if status == SubscriptionStatus.INACTIVE:
        return None
    if last is not None and last < today:
        steps.append((last + ONE_DAY, Step.END))
    if pause is not None:
        begun = status != SubscriptionStatus.ACTIVE
        day, step = (pause_ends(subscription), Step.RESUME) if begun else (pause, Step.PAUSE)
        if day <= today:
            steps.append((day, step))
    resting = pause is not None and billing is not None and pause <= billing
    if status in _RUNNING and billing is not None and billing <= until and not resting:
        steps.append((billing, Step.PERIOD))
    return min(steps, key=lambda step: step[0])[1] if steps else None


def last_day(subscription: Subscription) -> date | None:
    """The last day of a subscription, where it has one."""
    return subscription.ends_on or subscription.cancelled_for


async def advance(batch: Batch, wanted: Wanted) -> Advanced:
    """Do the next step of subscriptions."""
    locked = await batch.lock_all(Subscription, wanted.keys, waiting=wanted.waiting)
    today, tally = await batch.today(), Tally()
    supplies = await Supplies.of(batch, [one for one, _customer in locked])
    openings: list[Opening] = []
    moved: list[Subscription] = []
    for subscription, customer in locked:
        step = next_step(subscription, min(today, wanted.until), wanted.until)
        if step is None or (step is not Step.END and customer.anonymized_at is not None):
            continue
        if step is Step.PERIOD:
            number = subscription.number
            try:
                openings.append(await supplies.opening(subscription, customer))
            except Unable as reason:
                tally.failures.append(Failure("", number, reason.code, str(reason)))
                continue
        else:
            await _carry_out(batch, subscription, step, tally)
        moved.append(subscription)
    await _open(batch, openings, tally)
    again = [one.id for one in moved if next_step(one, min(today, wanted.until), wanted.until)]
    return Advanced(tally, again, len(wanted.keys) - len(locked))


async def _carry_out(batch: Batch, subscription: Subscription, step: Step, tally: Tally) -> None:
    number = subscription.number
    if step is Step.PAUSE:
        begin_pause(subscription)
        batch.keep("subscription.paused", subscription, note=f"The pause of {number} begins.")
        tally.subscriptions_paused += 1
    elif step is Step.RESUME:
        await resume(batch, subscription, pause_ends(subscription))
        batch.keep("subscription.resumed", subscription, note=f"The pause of {number} is over.")
        tally.subscriptions_resumed += 1
    else:
        await _end(batch, subscription)
        batch.keep("subscription.ended", subscription, note=f"Subscription {number} has ended.")
        tally.subscriptions_ended += 1


async def _end(batch: Batch, subscription: Subscription) -> None:
    """End a subscription whose last day is over; issues that were paid for are still delivered."""
    last = last_day(subscription)
    assert last is not None  # noqa: S101  It is over.
    subscription.status = SubscriptionStatus.INACTIVE.value
    subscription.ends_on = last
    subscription.next_billing_on = None
    await end_access(batch, subscription, last)
    if not subscription.issue_based:
        await drop_planned(batch, subscription, Delivery.publishing_on > last)


async def _open(batch: Batch, openings: Sequence[Opening], tally: Tally) -> None:
    """Open periods, plan what is delivered in them, and bill them."""
    opened = []
    for opening in openings:
        period = open_period(batch, opening.subscription, issues=opening.issues)
        opened.append((opening, period))
    await batch.flush()
    wanted = [
        Planning(opening.subscription, opening.offer, period.starts_on)
        for opening, period in opened
    ]
    tally.deliveries_planned += await plan_all(batch, wanted)
    tally.periods_opened += len(opened)
    await _bill(batch, opened, tally)


async def _bill(
    batch: Batch, opened: Sequence[tuple[Opening, SubscriptionPeriod]], tally: Tally
) -> None:
    billed = [pair for pair in opened if pair[0].payer is not None]
    documents = [_document(opening, period) for opening, period in billed]
    invoices = iter(await bill_all(batch, documents))
    for opening, period in opened:
        if opening.payer is None:
            batch.keep("subscription.renewed", opening.subscription, period)
            continue
        invoice = next(invoices)
        tally.invoice(Money(invoice.gross, invoice.currency))
        note = _NO_MANDATE.format(number=invoice.number) if opening.without_mandate else None
        batch.keep("subscription.renewed", opening.subscription, period, invoice, note=note)


def _document(opening: Opening, period: SubscriptionPeriod) -> Document:
    subscription = opening.subscription
    assert opening.payer is not None  # noqa: S101  It is billed.
    lines = [
        Line(
            opening.offer.name,
            subscription.quantity,
            amount,
            Span(period.starts_on, period.ends_on),
            subscription.order_item_id,
            period.id,
        )
        for amount in opening.amounts
    ]
    occasion = Occasion(
        subscription_id=subscription.id,
        purchase_order_number=opening.purchase_order_number,
    )
    return Document(opening.payer, lines, occasion)
