"""A subscription's contract, and its accounting periods as they begin."""

from datetime import date

from sqlalchemy import func, select

from app.domain.billing import prorate_until
from app.domain.money import Money
from app.domain.periods import ONE_DAY, Span
from app.domain.terms import Contract, Terms, under_consumer_law
from app.models import Subscription, SubscriptionPeriod
from app.models.subscription import PeriodKind
from app.work.unit import Work


def terms_of(subscription: Subscription) -> Terms:
    """The terms that bind, by who made the contract and when."""
    stated = Terms.stated(subscription)
    if not subscription.consumer:
        return stated
    return under_consumer_law(stated, subscription.ordered_on)


def contract_of(subscription: Subscription) -> Contract:
    """The contract that its terms, its notice and its end follow from."""
    return Contract(subscription.starts_on, terms_of(subscription))


def accounting_of(subscription: Subscription) -> Contract:
    """The same contract, counted from the day that its accounting periods are counted from."""
    return Contract(subscription.accounting_from, terms_of(subscription))


def next_period(subscription: Subscription) -> tuple[Span, Span]:
    """The next accounting period to be opened: whole, and as the subscription's end leaves it.

    Raises:
        ValueError: There is none.
    """
    first = subscription.next_billing_on
    if first is None:
        raise ValueError("No further period begins.")
    whole = Span(first, accounting_of(subscription).accounting_period_on(first).ends_on)
    return whole, whole.until(subscription.ends_on)


def cost_of_next(subscription: Subscription, price: Money | None = None) -> Money:
    """What the next accounting period costs; less, by days, where the subscription ends in it.

    `price` is that of a whole period, by default the subscription's.

    Raises:
        ValueError: There is none.
    """
    whole, span = next_period(subscription)
    full = Money(subscription.price, subscription.currency) if price is None else price
    return full if span == whole else prorate_until(full, whole, span.ends_on).used


def open_period(
    work: Work,
    subscription: Subscription,
    *,
    price: Money | None = None,
    issues: int | None = None,
    goodwill_id: int | None = None,
) -> SubscriptionPeriod:
    """Begin the next accounting period, and reckon when the one after it begins.

    `price` is that of a whole period, by default the subscription's; a period that is cut short
    costs less by days. `issues` is what a period entitles to where it is counted in issues. With
    a `goodwill_id` it is given away.
    """
    period = begun(subscription, price=price, issues=issues, goodwill_id=goodwill_id)
    return work.add(period)


def begun(
    subscription: Subscription,
    *,
    price: Money | None = None,
    issues: int | None = None,
    goodwill_id: int | None = None,
) -> SubscriptionPeriod:
    """Begin the next accounting period as `open_period` does, without adding it yet."""
    whole, span = next_period(subscription)
    cost = cost_of_next(subscription, price)
    if goodwill_id is not None:
        cost = Money.zero(cost.currency)
    period = SubscriptionPeriod(
        subscription_id=subscription.id,
        kind=(PeriodKind.REGULAR if goodwill_id is None else PeriodKind.FREE).value,
        starts_on=span.starts_on,
        ends_on=span.ends_on,
        price=cost.amount,
        currency=cost.currency,
        goodwill_id=goodwill_id,
    )
    if subscription.issue_based and goodwill_id is None:
        subscription.issues_entitled += issues or 0
    _move_on(subscription, whole.ends_on + ONE_DAY)
    return period


async def reckon_next_billing(work: Work, subscription: Subscription) -> None:
    """Say anew when the next accounting period begins, after its end or its pause has changed."""
    last = select(func.max(SubscriptionPeriod.ends_on)).where(
        SubscriptionPeriod.tenant_id == work.tenant_id,
        SubscriptionPeriod.subscription_id == subscription.id,
    )
    await work.flush()
    until: date | None = await work.session.scalar(last)
    _move_on(subscription, subscription.starts_on if until is None else until + ONE_DAY)


def _move_on(subscription: Subscription, following: date) -> None:
    """Say when the next period begins, where there is one: a pause has to be over before it."""
    ended = subscription.ends_on is not None and following > subscription.ends_on
    rests = subscription.paused_from is not None and following >= subscription.paused_from
    subscription.next_billing_on = None if ended or rests else following
