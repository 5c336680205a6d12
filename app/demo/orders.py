"""Orders, and the access that follows from them."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from app import models
from app.demo.account import SYSTEM, Account
from app.demo.batch import as_json
from app.demo.catalogue import split
from app.demo.contracts import Contract


def add_order(account: Account, contract: Contract) -> None:
    """The order that a contract comes from, with its one item."""
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
        bank_account_id=account.debited(contract.payment_method),
        currency=world.catalogue.currency,
        invoice_address=account.snapshot("INVOICE"),
        delivery_address=account.snapshot("DELIVERY") if offer.publication else None,
        additional_data=as_json({"costCentre": f"{rng.randrange(1000, 9999)}"})
        if business
        else "{}",
        **money,
    )
    _add_item(account, contract, {**money, "tax_percent": percent})
    account.log(
        "order.placed",
        ordered,
        account.customer,
        f"Bestellung aufgegeben: {offer.plan.name}.",
        record_type="Order",
        record_id=contract.order_id,
    )


def _add_item(account: Account, contract: Contract, money: dict[str, Decimal]) -> None:
    contract.order_item_id = account.batch.add(
        models.OrderItem,
        order_id=contract.order_id,
        position=1,
        offer_id=contract.offer.id,
        title=contract.offer.plan.name,
        quantity=contract.quantity,
        voucher_code="HERBST10" if account.rng.random() < 0.04 else None,
        **money,
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
        valid_until=datetime.combine(until + timedelta(days=1), time(), UTC) if until else None,
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
