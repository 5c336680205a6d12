"""The days of an accounting period that count for its price: all but those that it rested."""

from datetime import date, timedelta

from app.domain.billing import PriceChange, Proration, change_price, prorate_until
from app.domain.money import Money
from app.domain.periods import Span
from app.models import SubscriptionPeriod


def used_until(period: SubscriptionPeriod, price: Money, last: date) -> Proration:
    """Divide what a period costs into what was used by a day and the rest."""
    rested = min(_rested(period), max(last - period.starts_on, timedelta(0)))
    return prorate_until(price, _counted(period), last - rested)


def price_change(
    period: SubscriptionPeriod, old: Money, new: Money, changed_on: date
) -> PriceChange:
    """What another price since a day of a period gives back and costs."""
    return change_price(old, new, _counted(period), changed_on - _rested(period))


def _counted(period: SubscriptionPeriod) -> Span:
    return Span(period.starts_on, period.ends_on - _rested(period))


def _rested(period: SubscriptionPeriod) -> timedelta:
    return timedelta(days=period.paused_days)
