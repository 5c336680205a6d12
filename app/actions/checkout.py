"""Placing an order: everything that comes of it, in one transaction."""

from collections.abc import Sequence

from app.actions.checkout_choices import Choices, choose
from app.actions.checkout_inputs import PlaceOrderInput
from app.actions.voucher_use import redeem
from app.auth.permissions import Permission
from app.billing.access import rights_to
from app.billing.addresses import snapshot
from app.billing.first_deliveries import add_first_deliveries
from app.billing.invoices import Line, Occasion, Payer, bill
from app.billing.periods import begun
from app.billing.reckoning import ReckonedLine, Reckoning
from app.errors import Refused, UserErrorCode
from app.models import (
    Address,
    Order,
    OrderItem,
    Subscription,
    SubscriptionPeriod,
    VoucherRedemption,
)
from app.models.base import Json
from app.models.order import OrderStatus
from app.models.subscription import SubscriptionStatus
from app.work.action import action
from app.work.mails import MailTemplate, queue_mail
from app.work.numbers import next_number, next_numbers
from app.work.unit import Work

_ORDERS = "order"
_SUBSCRIPTIONS = "subscription"
_MOST_TOLD = 5
_TERMS = (
    "term_count",
    "term_unit",
    "accounting_count",
    "accounting_unit",
    "notice_count",
    "notice_unit",
)


@action(
    history="order.placed",
    needs=Permission.ORDER_PLACE,
    refuses=(
        UserErrorCode.TOO_MANY_LINES,
        UserErrorCode.OFFER_NOT_AVAILABLE,
        UserErrorCode.CURRENCIES_MIXED,
        UserErrorCode.START_DATE_INVALID,
        UserErrorCode.ADDRESS_REQUIRED,
        UserErrorCode.BANK_ACCOUNT_REMOVED,
        UserErrorCode.MANDATE_LAPSED,
        UserErrorCode.MANDATE_REQUIRED,
        UserErrorCode.MANDATE_REVOKED,
        UserErrorCode.VOUCHER_INVALID,
        UserErrorCode.ADDITIONAL_DATA_INVALID,
        UserErrorCode.PRICE_CHANGED,
    ),
)
async def place_order(work: Work, input: PlaceOrderInput) -> Order:
    """Place an order: with a subscription for each line, the access that it gives, its first
    deliveries and the first invoice. `previewCheckout` tells beforehand what it costs.
    """
    choices = await choose(work, input)
    reckoning = _agreed(choices, input)
    if choices.voucher is not None:
        sold = [line.ordered.sold for line in reckoning.lines]
        await redeem(work, choices.voucher, choices.customer, choices.today, sold)
    order = await _add_order(work, choices, reckoning, input)
    items = _add_items(work, order, choices, reckoning)
    await work.flush()
    subscriptions = await _add_subscriptions(work, order, choices, reckoning, items)
    periods = await _begin(work, subscriptions, reckoning)
    await add_first_deliveries(work, subscriptions, choices.deliveries)
    await _bill(work, order, choices, subscriptions, _lines(reckoning, items, periods))
    await queue_mail(work, MailTemplate.ORDER_CONFIRMATION, choices.customer, order=order)
    work.note(_told(order, reckoning))
    return order


def _agreed(choices: Choices, input: PlaceOrderInput) -> Reckoning:
    """What the order costs, if nothing stands against it and that is what the customer knows.

    Raises:
        Refused: All that stands against it.
    """
    reckoning = choices.reckoning
    if reckoning is None:
        raise Refused.because(choices.faults)
    faults, total, expected = choices.faults, reckoning.total, input.expected_total
    if expected and (expected.amount, expected.currency) != (total.amount, total.currency):
        faults.add(
            UserErrorCode.PRICE_CHANGED,
            f"{total.amount} {total.currency} are to be paid today, and not "
            f"{expected.amount} {expected.currency}.",
            "expected_total",
        )
    if input.price_token and input.price_token != reckoning.token:
        faults.add(
            UserErrorCode.PRICE_CHANGED,
            "A price, a discount, a tax rate or a term has changed since the preview.",
            "price_token",
        )
    if faults:
        raise Refused.because(faults)
    return reckoning


async def _add_order(
    work: Work, choices: Choices, reckoning: Reckoning, input: PlaceOrderInput
) -> Order:
    totals = reckoning.totals
    delivered = next((address for address in choices.delivery_addresses if address), None)
    number = await next_number(work, _ORDERS, Order.number)
    order = work.add(
        Order(
            customer_id=choices.customer.id,
            number=number,
            status=OrderStatus.ACTIVE.value,
            ordered_at=work.now,
            purchase_order_number=input.purchase_order_number or None,
            note=input.note or None,
            payment_method=input.payment_method.value,
            bank_account_id=choices.bank_account and choices.bank_account.id,
            net=totals.net.amount,
            tax=totals.tax.amount,
            gross=totals.gross.amount,
            currency=totals.gross.currency,
            invoice_address=snapshot(_invoiced(choices)),
            delivery_address=delivered and snapshot(delivered),
            additional_data=choices.order_data,
        )
    )
    await work.flush()
    if choices.voucher is not None:
        work.add(VoucherRedemption(voucher_id=choices.voucher.row.id, order_id=order.id))
    return order


def _invoiced(choices: Choices) -> Address:
    """The invoice address, which every order has that nothing stands against."""
    assert choices.invoice_address is not None  # noqa: S101  Else it would be refused.
    return choices.invoice_address


def _add_items(
    work: Work, order: Order, choices: Choices, reckoning: Reckoning
) -> list[list[OrderItem]]:
    """The items of each line: one for each tax class in it, under the same title."""
    code = choices.voucher and choices.voucher.row.code
    positions = iter(range(1, 1 + sum(len(line.amounts) for line in reckoning.lines)))
    return [
        [
            work.add(
                OrderItem(
                    order_id=order.id,
                    position=next(positions),
                    offer_id=line.ordered.sold.offer.id,
                    title=line.ordered.sold.offer.name,
                    quantity=line.ordered.quantity,
                    net=amount.net.amount,
                    tax_percent=amount.percent,
                    tax=amount.tax.amount,
                    gross=amount.gross.amount,
                    voucher_code=code if line.discount else None,
                )
            )
            for amount in line.amounts
        ]
        for line in reckoning.lines
    ]


async def _add_subscriptions(
    work: Work,
    order: Order,
    choices: Choices,
    reckoning: Reckoning,
    items: Sequence[Sequence[OrderItem]],
) -> list[Subscription]:
    numbers = await next_numbers(work, _SUBSCRIPTIONS, Subscription.number, len(items))
    return [
        _subscription(order, choices, line, number, (item.id, address, data))
        for line, number, (item, *_), address, data in zip(
            reckoning.lines,
            numbers,
            items,
            choices.delivery_addresses,
            choices.subscription_data,
            strict=True,
        )
    ]


def _subscription(
    order: Order,
    choices: Choices,
    line: ReckonedLine,
    number: str,
    own: tuple[int, Address | None, Json],
) -> Subscription:
    """The subscription of a line, with the terms of its offer; its item, address and data."""
    item_id, address, data = own
    offer = line.ordered.sold.offer
    return Subscription(
        customer_id=order.customer_id,
        number=number,
        offer_id=offer.id,
        order_id=order.id,
        order_item_id=item_id,
        ordered_on=choices.today,
        consumer=choices.consumer,
        status=SubscriptionStatus.ACTIVE.value,
        starts_on=line.ordered.starts_on,
        accounting_from=line.ordered.starts_on,
        next_billing_on=line.ordered.starts_on,
        issue_based=offer.issues_per_period is not None,
        issues_entitled=0,
        issues_delivered=0,
        issues_free=0,
        quantity=line.ordered.quantity,
        price=line.regular.amount,
        currency=line.regular.currency,
        payment_method=order.payment_method,
        bank_account_id=order.bank_account_id,
        invoice_address_id=_invoiced(choices).id,
        delivery_address_id=address and address.id,
        additional_data=data,
        **{name: getattr(offer, name) for name in _TERMS},
    )


async def _begin(
    work: Work, subscriptions: Sequence[Subscription], reckoning: Reckoning
) -> list[SubscriptionPeriod]:
    """Add subscriptions with their first accounting periods and the access that they give."""
    zone = (await work.tenant()).time_zone
    periods = [
        begun(subscription, price=line.gross, issues=line.ordered.sold.offer.issues_per_period)
        for subscription, line in zip(subscriptions, reckoning.lines, strict=True)
    ]
    for subscription in subscriptions:
        work.add(subscription)
    await work.flush()
    for subscription, period, line in zip(subscriptions, periods, reckoning.lines, strict=True):
        period.subscription_id = subscription.id
        work.add(period)
        grants = line.ordered.sold.grants
        for right in rights_to(grants, subscription, subscription.starts_on, zone):
            work.add(right)
    await work.flush()
    return periods


def _lines(
    reckoning: Reckoning,
    items: Sequence[Sequence[OrderItem]],
    periods: Sequence[SubscriptionPeriod],
) -> list[Line]:
    """The lines of the invoice: one for each item of the order."""
    return [
        Line(item.title, item.quantity, amount, line.period, item.id, period.id)
        for line, own, period in zip(reckoning.lines, items, periods, strict=True)
        for item, amount in zip(own, line.amounts, strict=True)
    ]


async def _bill(
    work: Work,
    order: Order,
    choices: Choices,
    subscriptions: Sequence[Subscription],
    lines: Sequence[Line],
) -> None:
    """Issue the order's first invoice, where there is something to be paid."""
    if not order.gross:
        return
    occasion = Occasion(
        order_id=order.id,
        subscription_id=subscriptions[0].id if len(subscriptions) == 1 else None,
        purchase_order_number=order.purchase_order_number,
    )
    payer = Payer(
        choices.customer, order.invoice_address, choices.payment_method, choices.bank_account
    )
    await bill(work, payer, lines, occasion)


def _told(order: Order, reckoning: Reckoning) -> str:
    """The order in a sentence, which is not longer where there are many lines."""
    lines = [line.ordered for line in reckoning.lines]
    names = [f"{line.quantity} of {line.sold.offer.name}" for line in lines[:_MOST_TOLD]]
    if len(lines) > _MOST_TOLD:
        names.append(f"{len(lines) - _MOST_TOLD} more")
    return f"Order {order.number} placed: {', '.join(names)}; {order.gross} {order.currency}."
