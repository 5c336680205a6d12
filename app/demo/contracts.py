"""Orders, the subscriptions they lead to, their periods, and the rights that come with them."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise

from app import models
from app.demo import texts
from app.demo.account import SYSTEM, Account
from app.demo.batch import as_json
from app.demo.catalogue import Offer, period_starts, split, terms
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
        contract.ends_on = _end_of_period(contract, today - timedelta(days=rng.randrange(days)))
        if contract.ends_on >= today:
            contract.status = "CANCELLED"
    elif fate < 0.2:
        contract.status = "CANCELLED"
        contract.ends_on = _end_of_period(contract, today)
    elif fate < 0.22:
        contract.status = "PAUSED"


def _end_of_period(contract: Contract, day: date) -> date:
    starts = period_starts(contract.offer.plan, contract.starts_on, 150)
    return next(start for start in starts if start > day) - _ONE


def add_contract(account: Account, contract: Contract) -> None:
    """The order, its item, the subscription and its periods."""
    _add_order(account, contract)
    offer, rng = contract.offer, account.rng
    last = contract.ends_on or account.world.today
    starts = period_starts(offer.plan, contract.starts_on, 150)
    spans = [(first, following - _ONE) for first, following in pairwise(starts) if first <= last]
    paid = sum(1 for _ in spans)
    free = offer.plan.issues is None and len(spans) > 2 and account.chance(_FREE_PERIOD_CHANCE)
    free_at = rng.randrange(1, len(spans)) if free else None
    entitled = (offer.plan.issues or 0) * paid
    publication = offer.publication
    delivered = 0
    if offer.plan.issues and publication:
        past = publication.between(contract.starts_on, min(last, account.world.today - _ONE))
        delivered = min(len(past), entitled)
        contract.free_issues = rng.randint(1, 4) if contract.runs and account.chance(0.05) else 0
    ended = contract.ends_on is not None
    at = account.moment(contract.starts_on)
    cancelled_at = _cancelled_at(account, contract) if ended else None
    billing = spans[-1][1] + _ONE if contract.status == "ACTIVE" else None
    contract.id = account.add(
        models.Subscription,
        at,
        SYSTEM,
        number=contract.number,
        offer_id=offer.id,
        order_id=contract.order_id,
        status=contract.status,
        starts_on=contract.starts_on,
        ends_on=contract.ends_on,
        next_billing_on=billing,
        cancelled_at=cancelled_at,
        cancelled_for=contract.ends_on,
        cancellation_reason=rng.choice(texts.CANCELLATION_REASONS) if ended else None,
        issue_based=offer.plan.issues is not None,
        issues_entitled=entitled,
        issues_delivered=delivered,
        issues_free=contract.free_issues,
        quantity=contract.quantity,
        price=offer.price * contract.quantity,
        currency=account.world.catalogue.currency,
        payment_method=contract.payment_method,
        bank_account_id=account.bank_account if contract.payment_method == "SEPA_DEBIT" else None,
        invoice_address_id=account.addresses["INVOICE"],
        delivery_address_id=_delivery_address(account) if publication else None,
        additional_data=as_json({"deliverySpot": "Briefkasten"}) if rng.random() < 0.1 else "{}",
        **terms(offer.plan),
    )
    for index, (first, until) in enumerate(spans):
        _add_period(account, contract, first, until, free=index == free_at)
    _log_cancellation(account, contract, cancelled_at)


def _delivery_address(account: Account) -> int:
    return account.addresses.get("DELIVERY", account.addresses["INVOICE"])


def _cancelled_at(account: Account, contract: Contract) -> datetime:
    end = contract.ends_on or account.world.today
    day = end - timedelta(days=account.rng.randrange(15, 80))
    day = min(max(day, contract.starts_on), account.world.today - _ONE)
    return max(at_work(account.rng, day), account.created)


def _add_period(
    account: Account, contract: Contract, first: date, until: date, *, free: bool
) -> None:
    price = Decimal(0) if free else contract.offer.price * contract.quantity
    key = account.batch.add(
        models.SubscriptionPeriod,
        subscription_id=contract.id,
        kind="FREE" if free else "REGULAR",
        starts_on=first,
        ends_on=until,
        price=price,
        currency=account.world.catalogue.currency,
    )
    contract.periods.append(Period(key, first, until, price))
    if free:
        at = account.moment(first - timedelta(days=9))
        account.add(
            models.Goodwill,
            at,
            account.agent(),
            kind="FREE_PERIOD",
            count=1,
            reason=account.rng.choice(texts.GOODWILL_REASONS),
            subscription_id=contract.id,
            value=contract.offer.price * contract.quantity,
            currency=account.world.catalogue.currency,
        )


def _add_order(account: Account, contract: Contract) -> None:
    rng, offer, world = account.rng, contract.offer, account.world
    ordered = account.moment(contract.starts_on - timedelta(days=rng.randrange(1, 12)))
    gross = offer.price * contract.quantity
    percent = world.catalogue.tax_percent(
        account.person.place.country, offer.tax_class.value, contract.starts_on
    )
    net, tax = split(gross, percent)
    money = {"net": net, "tax": tax, "gross": gross}
    business = account.person.company is not None
    contract.order_id = account.add(
        models.Order,
        ordered,
        account.customer if rng.random() < 0.7 else account.agent(),
        number=contract.number.replace("A", "B", 1),
        status="ACTIVE" if contract.status == "ACTIVE" else "DONE",
        ordered_at=ordered,
        purchase_order_number=f"EK-{rng.randrange(10**6):06}" if business else None,
        payment_method=contract.payment_method,
        bank_account_id=account.bank_account if contract.payment_method == "SEPA_DEBIT" else None,
        currency=world.catalogue.currency,
        invoice_address=account.snapshot("INVOICE"),
        delivery_address=account.snapshot("DELIVERY") if offer.publication else None,
        additional_data=as_json({"costCentre": f"{rng.randrange(1000, 9999)}"})
        if business
        else "{}",
        **money,
    )
    contract.order_item_id = account.batch.add(
        models.OrderItem,
        order_id=contract.order_id,
        position=1,
        offer_id=offer.id,
        title=offer.plan.name,
        quantity=contract.quantity,
        tax_percent=percent,
        voucher_code="HERBST10" if rng.random() < 0.04 else None,
        **money,
    )
    account.log(
        "order.placed",
        ordered,
        account.customer,
        f"Bestellung aufgegeben: {offer.plan.name}.",
        record_type="Order",
        record_id=contract.order_id,
    )


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


def add_access(account: Account, contract: Contract) -> None:
    """The right to a digital product, as long as the subscription runs."""
    access_id = contract.offer.access_id
    if access_id is None:
        return
    first = datetime.combine(contract.starts_on, time(), UTC)
    until = contract.ends_on
    account.add(
        models.AccessRight,
        account.moment(contract.starts_on),
        SYSTEM,
        access_id=access_id,
        product_id=contract.offer.product_id,
        source="SUBSCRIPTION",
        subscription_id=contract.id,
        valid_from=first,
        valid_until=datetime.combine(until + _ONE, time(), UTC) if until else None,
    )


def add_manual_access(account: Account) -> None:
    """A right that an agent gave by hand, for a while."""
    rng, world = account.rng, account.world
    offer = rng.choice([offer for offer in world.catalogue.offers if offer.access_id])
    at = account.moment(world.today - timedelta(days=rng.randrange(2, 400)))
    agent = account.agent()
    account.add(
        models.AccessRight,
        at,
        agent,
        access_id=offer.access_id,
        product_id=offer.product_id,
        source="MANUAL",
        valid_from=at,
        valid_until=at + timedelta(days=rng.choice((14, 30, 90, 365))),
    )
    account.log("access_right.added", at, agent, f"Zugang von Hand angelegt: {offer.plan.name}.")
