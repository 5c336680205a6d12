"""Subscriptions and their periods."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from app import models
from app.demo import texts
from app.demo.account import SYSTEM, Account
from app.demo.batch import as_json
from app.demo.catalogue import Offer, period_starts, terms
from app.demo.days import at_work

_ONE = timedelta(days=1)
_FREE_PERIOD_CHANCE = 0.03


@dataclass
class Period:
    """An accounting period, both days included."""

    id: int
    starts_on: date
    ends_on: date
    price: Decimal


@dataclass
class Contract:
    """A subscription in the making."""

    offer: Offer
    starts_on: date
    number: str
    payment_method: str
    status: str = "ACTIVE"
    ends_on: date | None = None
    quantity: int = 1
    order_id: int = 0
    order_item_id: int = 0
    id: int = 0
    periods: list[Period] = field(default_factory=list)
    free_issues: int = 0

    @property
    def runs(self) -> bool:
        """Whether issues are still sent."""
        return self.status in ("ACTIVE", "CANCELLED")


def plan_contract(account: Account, position: int, offer: Offer | None = None) -> Contract:
    """Choose an offer, and since when the customer has it: a named one since ever."""
    rng, world, since_ever = account.rng, account.world, offer is not None
    offer = offer or rng.choices(world.catalogue.offers, world.catalogue.shares)[0]
    most = min(account.detail.periods, _periods_since(account, offer))
    periods = most if since_ever else rng.randint(1, most)
    first = _start(world.today, offer, periods, rng.random())
    return Contract(
        offer,
        first,
        f"A{account.number}-{position}",
        _payment_method(account),
        quantity=rng.randint(2, 5) if account.person.company and rng.random() < 0.3 else 1,
    )


def _periods_since(account: Account, offer: Offer) -> int:
    """How many periods the account is old enough for."""
    count, unit = offer.plan.accounting
    months = count * (12 if unit.value == "YEAR" else 1)
    return max(1, (account.world.today - account.created.date()).days // (months * 31))


def _start(today: date, offer: Offer, periods: int, fraction: float) -> date:
    """A first day such that the period with this number is running today."""
    count, unit = offer.plan.accounting
    days = count * (365 if unit.value == "YEAR" else 30)
    return today - timedelta(days=int(days * (periods - 1 + fraction * 0.9)))


def _payment_method(account: Account) -> str:
    if account.bank_account is not None:
        return "SEPA_DEBIT"
    return account.rng.choices(("INVOICE", "PAYPAL", "CREDIT_CARD"), (6, 3, 2))[0]


def end_some(account: Account, contract: Contract, *, surely: bool = False) -> None:
    """Let some subscriptions have ended, be cancelled, or pause."""
    rng, today = account.rng, account.world.today
    fate = 0.0 if surely else rng.random()
    days = (today - contract.starts_on).days
    if fate < 0.14 and days > 40:
        contract.status = "INACTIVE"
        ago = min(500, days) if surely else rng.randrange(days)
        contract.ends_on = _end_of_period(contract, today - timedelta(days=ago))
        if contract.ends_on >= today:
            contract.status = "CANCELLED"
    elif fate < 0.2:
        contract.status = "CANCELLED"
        contract.ends_on = _end_of_period(contract, today)
    elif fate < 0.22:
        contract.status = "PAUSED"


def _end_of_period(contract: Contract, day: date) -> date:
    return period_starts(contract.offer.plan, contract.starts_on, day)[-1] - _ONE


def add_contract(account: Account, contract: Contract) -> None:
    """The subscription with its periods; its order is there already."""
    last = contract.ends_on or account.world.today
    starts = period_starts(contract.offer.plan, contract.starts_on, last)
    spans = [(first, following - _ONE) for first, following in pairwise(starts)]
    cancelled_at = _cancelled_at(account, contract) if contract.ends_on else None
    counts = _issue_counts(account, contract, len(spans))
    contract.free_issues = counts["issues_free"]
    next_billing_on = starts[-1] if contract.status == "ACTIVE" else None
    _add_subscription(account, contract, cancelled_at, next_billing_on, counts)
    time_based = contract.offer.plan.issues is None
    free = time_based and len(spans) > 2 and account.chance(_FREE_PERIOD_CHANCE)
    free_at = account.rng.randrange(1, len(spans)) if free else None
    for index, (first, until) in enumerate(spans):
        _add_period(account, contract, first, until, free=index == free_at)
    _log_cancellation(account, contract, cancelled_at)


def _issue_counts(account: Account, contract: Contract, periods: int) -> dict[str, int]:
    """How many issues a subscription that is counted in them entitles to, and how many it gave."""
    per_period, publication = contract.offer.plan.issues, contract.offer.publication
    if per_period is None or publication is None:
        return {"issues_entitled": 0, "issues_delivered": 0, "issues_free": 0}
    last = min(contract.ends_on or date.max, account.world.today - _ONE)
    gone = len(publication.between(contract.starts_on, last))
    free = account.rng.randint(1, 4) if contract.runs and account.chance(0.05) else 0
    return {
        "issues_entitled": per_period * periods,
        "issues_delivered": min(gone, per_period * periods),
        "issues_free": free,
    }


def _add_subscription(
    account: Account,
    contract: Contract,
    cancelled_at: datetime | None,
    next_billing_on: date | None,
    counts: dict[str, int],
) -> None:
    offer, rng = contract.offer, account.rng
    spot = as_json({"deliverySpot": "Briefkasten"}) if rng.random() < 0.1 else "{}"
    contract.id = account.add(
        models.Subscription,
        account.moment(contract.starts_on),
        SYSTEM,
        number=contract.number,
        offer_id=offer.id,
        order_id=contract.order_id,
        order_item_id=contract.order_item_id,
        ordered_on=contract.starts_on,
        accounting_from=contract.starts_on,
        consumer=not account.person.company,
        status=contract.status,
        starts_on=contract.starts_on,
        ends_on=contract.ends_on,
        next_billing_on=next_billing_on,
        cancelled_at=cancelled_at,
        cancelled_for=contract.ends_on,
        cancellation_reason=rng.choice(texts.CANCELLATION_REASONS) if cancelled_at else None,
        issue_based=offer.plan.issues is not None,
        quantity=contract.quantity,
        price=offer.price * contract.quantity,
        currency=account.world.catalogue.currency,
        payment_method=contract.payment_method,
        bank_account_id=account.debited(contract.payment_method),
        invoice_address_id=account.addresses["INVOICE"],
        delivery_address_id=account.delivery_address if offer.publication else None,
        additional_data=spot if offer.publication else "{}",
        **counts,
        **terms(offer.plan),
    )


def _cancelled_at(account: Account, contract: Contract) -> datetime:
    end = contract.ends_on or account.world.today
    day = end - timedelta(days=account.rng.randrange(15, 80))
    day = min(max(day, contract.starts_on), account.world.today - _ONE)
    return max(at_work(account.rng, day), account.created)


def _add_period(
    account: Account, contract: Contract, first: date, until: date, *, free: bool
) -> None:
    price = Decimal(0) if free else contract.offer.price * contract.quantity
    goodwill = _add_free_period(account, contract, first) if free else None
    key = account.batch.add(
        models.SubscriptionPeriod,
        subscription_id=contract.id,
        kind="FREE" if free else "REGULAR",
        starts_on=first,
        ends_on=until,
        price=price,
        currency=account.world.catalogue.currency,
        goodwill_id=goodwill,
    )
    contract.periods.append(Period(key, first, until, price))


def _add_free_period(account: Account, contract: Contract, first: date) -> int:
    """The goodwill that a period is free by."""
    at, agent = account.moment(first - timedelta(days=9)), account.agent()
    reason_kind, reason = account.rng.choice(texts.GOODWILL_REASONS)
    goodwill = account.add(
        models.Goodwill,
        at,
        agent,
        kind="FREE_PERIOD",
        count=1,
        reason_kind=reason_kind,
        reason=reason,
        subscription_id=contract.id,
        value=contract.offer.price * contract.quantity,
        currency=account.world.catalogue.currency,
    )
    account.log(
        "goodwill.free_period_added",
        at,
        agent,
        f"Kulanz: eine Abrechnungsperiode kostenlos. Grund: {reason}.",
        record_type="Goodwill",
        record_id=goodwill,
    )
    return goodwill


def _log_cancellation(account: Account, contract: Contract, at: datetime | None) -> None:
    if at is None or contract.ends_on is None:
        return
    account.log(
        "subscription.cancelled",
        at,
        account.agent(),
        f"Abo {contract.number} gekündigt zum {contract.ends_on:%d.%m.%Y}.",
        record_type="Subscription",
        record_id=contract.id,
        before=as_json({"status": "ACTIVE"}),
        after=as_json({"status": "CANCELLED", "cancelled_for": contract.ends_on.isoformat()}),
    )
