"""What it takes to send issues again: which, what they are worth, where to and when."""

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction

import strawberry
from sqlalchemy import select

from app.actions.goodwill_inputs import MOST_GIVEN
from app.billing.periods import accounting_of
from app.domain.money import Money
from app.domain.periods import ONE_DAY
from app.errors import Refusal, Refused, UserErrorCode
from app.models import Address, Delivery, Issue, Offer, Subscription
from app.models.delivery import DeliveryStatus
from app.work.keys import key_of
from app.work.unit import Work

_FIELD = "delivery_ids"
_SENT = (DeliveryStatus.SENT, DeliveryStatus.RETURNED)
_SATURDAY = 5
_LATEST = timedelta(days=366)


async def to_repeat(work: Work, ids: list[strawberry.ID]) -> Sequence[Delivery]:
    """The deliveries with these ids, in their order, whose account is locked by this.

    Raises:
        Refused: NOT_FOUND or INVALID for ids, and for each delivery that can't be repeated
            DELIVERY_NOT_SENT or ALREADY_REDELIVERED.
    """
    keys = _keys(ids)
    first = await work.lock(Delivery, ids[0], _FIELD, "0")
    found = await work.rows(
        Delivery, Delivery.id.in_(keys), Delivery.customer_id == first.customer_id
    )
    by_key = {delivery.id: delivery for delivery in found}
    repeated = await _repeated(work, keys)
    refusals = [
        Refusal(*reason, (_FIELD, str(place)))
        for place, key in enumerate(keys)
        if (reason := _against(by_key.get(key), first, key in repeated))
    ]
    if refusals:
        raise Refused.because(refusals)
    return [by_key[key] for key in keys]


def _keys(ids: list[strawberry.ID]) -> list[int]:
    """The keys of as many deliveries as a gift may have, each of them once."""
    if not ids:
        raise Refused(UserErrorCode.REQUIRED, "Name a delivery.", _FIELD)
    if len(ids) > MOST_GIVEN:
        raise Refused(UserErrorCode.INVALID, f"This takes at most {MOST_GIVEN} ids.", _FIELD)
    keys = [key_of(given, Delivery, _FIELD, str(place)) for place, given in enumerate(ids)]
    for place, key in enumerate(keys):
        if key in keys[:place]:
            raise Refused(UserErrorCode.INVALID, "It is named twice.", _FIELD, str(place))
    return keys


async def _repeated(work: Work, keys: Sequence[int]) -> set[int | None]:
    repeated = select(Delivery.original_id).where(
        Delivery.tenant_id == work.tenant_id,
        Delivery.original_id.in_(keys),
        Delivery.status != DeliveryStatus.CANCELLED.value,
    )
    return set(await work.session.scalars(repeated))


def _against(
    delivery: Delivery | None, first: Delivery, repeated: bool
) -> tuple[UserErrorCode, str] | None:
    """What stands against repeating a delivery."""
    if delivery is None:
        return UserErrorCode.NOT_FOUND, "There is no record with this id."
    if delivery.subscription_id != first.subscription_id:
        return UserErrorCode.INVALID, "It is of another subscription than the first one."
    if delivery.status not in _SENT:
        return UserErrorCode.DELIVERY_NOT_SENT, "It was not sent."
    if repeated:
        return UserErrorCode.ALREADY_REDELIVERED, "It was replaced already."
    return None


async def shipping_day(work: Work, wanted: date | None) -> date:
    """The day to send issues on: the one wanted, or the next one from Monday to Friday.

    Raises:
        Refused: DATE_NOT_IN_FUTURE, or INVALID for days more than a year ahead.
    """
    today = await work.today()
    if wanted is None:
        day = today + ONE_DAY
        while day.weekday() >= _SATURDAY:
            day += ONE_DAY
        return day
    if wanted <= today:
        raise Refused(UserErrorCode.DATE_NOT_IN_FUTURE, "This is after today.", "ships_on")
    if wanted - today > _LATEST:
        raise Refused(UserErrorCode.INVALID, "This is within a year.", "ships_on")
    return wanted


async def destination(work: Work, id: str | None, ships_on: date) -> int | None:
    """The key of the address that issues are sent to, where another one is wanted.

    Raises:
        Refused: NOT_FOUND, or ADDRESS_INVALID when it is not in effect by then.
    """
    if id is None:
        return None
    address = await work.find(Address, id, "delivery_address_id")
    if address.valid_from is not None and address.valid_from > ships_on:
        raise Refused(
            UserErrorCode.ADDRESS_INVALID,
            f"This address is valid from {address.valid_from}; they are sent on {ships_on}.",
            "delivery_address_id",
        )
    return address.id


async def value_of(
    work: Work, subscription: Subscription, offer: Offer, deliveries: Sequence[Delivery]
) -> Money:
    """What deliveries would cost: their part of the price of an accounting period.

    That is by the issues that a period holds; counted in time, those that appear in the one that
    an issue belongs to. The price is that of all copies. It is rounded once.
    """
    if offer.issues_per_period is None:
        beside = await _issues_beside(work, subscription, deliveries)
    else:
        beside = dict.fromkeys((delivery.id for delivery in deliveries), offer.issues_per_period)
    parts = (
        Fraction(delivery.quantity, beside[delivery.id] * subscription.quantity)
        for delivery in deliveries
    )
    return Money(subscription.price, subscription.currency).share(sum(parts, Fraction(0)), 1)


async def _issues_beside(
    work: Work, subscription: Subscription, deliveries: Sequence[Delivery]
) -> dict[int, int]:
    """For each delivery, by its key, how many issues appear in the same accounting period."""
    keys = {delivery.issue_id for delivery in deliveries}
    issues = {issue.id: issue for issue in await work.rows(Issue, Issue.id.in_(keys))}
    contract = accounting_of(subscription)
    spans = {
        key: contract.accounting_period_on(issue.publishing_on) for key, issue in issues.items()
    }
    near = select(Issue.publication_id, Issue.publishing_on).where(
        Issue.tenant_id == work.tenant_id,
        Issue.publication_id.in_({issue.publication_id for issue in issues.values()}),
        Issue.publishing_on >= min(span.starts_on for span in spans.values()),
        Issue.publishing_on <= max(span.ends_on for span in spans.values()),
    )
    appearing = (await work.session.execute(near)).all()
    counts = {
        key: sum(
            publication == issue.publication_id and day in spans[key]
            for publication, day in appearing
        )
        for key, issue in issues.items()
    }
    return {delivery.id: counts[delivery.issue_id] for delivery in deliveries}
