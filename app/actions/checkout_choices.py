"""What a customer has chosen in a checkout, looked up and checked, and what it costs.

The preview and the order both begin with it, so that they can't differ. It notes all that stands
against the order, and goes on, so that all of it is told at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.actions.additional_data import definitions_for, merged_values
from app.actions.checkout_addresses import Addresses
from app.actions.checkout_inputs import MOST_LINES, CheckoutInput, CheckoutLineInput
from app.actions.faults import Faults
from app.actions.mandates import has_lapsed, require_usable
from app.actions.voucher_use import Redeemable, find_voucher
from app.billing.first_deliveries import Planned, first_deliveries
from app.billing.reckoning import Ordered, Reckoning, reckon
from app.billing.selling import Sold, find_sold
from app.billing.taxes import taxation, taxed_where
from app.domain.money import LARGEST_AMOUNT
from app.domain.periods import Period
from app.domain.tax import NoTaxRate
from app.errors import Refused, UserErrorCode
from app.models import Address, BankAccount, Customer, Offer
from app.models.additional_data import AdditionalDataTarget
from app.models.bank_account import MandateState
from app.models.base import Json, PaymentMethod
from app.work.keys import key_of
from app.work.unit import Work

_AHEAD = Period(1, "YEAR")
_EURO = "EUR"


@dataclass(frozen=True)
class Choices:
    """What was chosen, as far as it can be had; `faults` is what stands against the order."""

    customer: Customer
    today: date
    payment_method: PaymentMethod
    faults: Faults
    invoice_address: Address | None
    delivery_addresses: Sequence[Address | None]
    """For each line; None where nothing is delivered."""

    bank_account: BankAccount | None
    voucher: Redeemable | None
    order_data: Json
    subscription_data: Sequence[Json]
    reckoning: Reckoning | None
    """None where something of it can't be had."""

    deliveries: Sequence[Planned]

    @property
    def consumer(self) -> bool:
        """Whether the contract is one with a consumer."""
        return self.invoice_address is None or not self.invoice_address.business


async def choose(work: Work, input: CheckoutInput) -> Choices:
    """Look up and check what a customer has chosen, and reckon what it costs.

    Raises:
        Refused: What stands against any order, and TOO_MANY_LINES.
    """
    customer = await work.account(input.customer_id)
    _check_count(input)
    faults, today = Faults(), await work.today()
    lines = await _sold(work, input, today, faults)
    starts = [_start(line, today, place, faults) for place, line in enumerate(input.lines)]
    addresses = await Addresses.find(work, customer, input, starts, faults)
    invoice_address = addresses.for_invoices(today)
    delivery = [
        addresses.for_deliveries(place, starts[place]) if sold and sold.delivers else None
        for place, sold in enumerate(lines)
    ]
    account = await _bank_account(work, customer, input, faults)
    order_data, subscription_data = await _additional_data(work, input, faults)
    voucher, reckoning = None, None
    deliveries: Sequence[Planned] = ()
    sold_lines = [sold for sold in lines if sold is not None]
    if len(sold_lines) == len(lines) and _fit_together(input, sold_lines, faults):
        voucher = await _voucher(work, customer, input, sold_lines, today, faults)
        ordered = await _ordered(work, input, sold_lines, starts, invoice_address, delivery)
        consumer = invoice_address is None or not invoice_address.business
        reckoning = await _reckoned(work, ordered, today, consumer, voucher, faults)
    if reckoning is not None:
        deliveries = await first_deliveries(work, reckoning.lines, today)
    return Choices(
        customer,
        today,
        input.payment_method,
        faults,
        invoice_address,
        delivery,
        account,
        voucher,
        order_data,
        subscription_data,
        reckoning,
        deliveries,
    )


def _check_count(input: CheckoutInput) -> None:
    if not input.lines:
        raise Refused(UserErrorCode.REQUIRED, "Nothing is ordered.", "lines")
    if len(input.lines) > MOST_LINES:
        raise Refused(
            UserErrorCode.TOO_MANY_LINES, f"An order has at most {MOST_LINES} lines.", "lines"
        )


async def _sold(work: Work, input: CheckoutInput, today: date, faults: Faults) -> list[Sold | None]:
    """The offer of each line; None where it can't be had."""
    keys: dict[int, int] = {}
    codes: dict[int, str] = {}
    for place, line in enumerate(input.lines):
        path = ("lines", str(place))
        if bool(line.offer_id) == bool(line.offer_code):
            message = "Either this or `offerCode` has to be given."
            faults.add(UserErrorCode.REQUIRED, message, *path, "offer_id")
        elif line.offer_id:
            with faults.noted():
                keys[place] = key_of(line.offer_id, Offer, *path, "offer_id")
        elif line.offer_code:
            codes[place] = line.offer_code
    found = await find_sold(work, set(keys.values()), set(codes.values()), today)
    by_key = {sold.offer.id: sold for sold in found}
    by_code = {sold.offer.code: sold for sold in found if sold.offer_on(today)}
    lines: list[Sold | None] = []
    for place in range(len(input.lines)):
        sold = by_key.get(keys.get(place, 0)) or by_code.get(codes.get(place, ""))
        if place in keys or place in codes:
            name = "offer_id" if place in keys else "offer_code"
            sold = _available(sold, today, faults, "lines", str(place), name)
        lines.append(sold)
    return lines


def _available(sold: Sold | None, today: date, faults: Faults, *path: str) -> Sold | None:
    """An offer that can be had today."""
    if sold is None and path[-1] == "offer_id":
        faults.add(UserErrorCode.NOT_FOUND, "There is no record with this id.", *path)
        return None
    fault = "Nothing is offered under this code today." if sold is None else sold.why_not(today)
    if fault is None:
        return sold
    faults.add(UserErrorCode.OFFER_NOT_AVAILABLE, fault, *path)
    return None


def _start(line: CheckoutLineInput, today: date, place: int, faults: Faults) -> date:
    """A line's first day."""
    day = line.starts_on or today
    if not today <= day <= _AHEAD.after(today):
        faults.add(
            UserErrorCode.START_DATE_INVALID,
            f"It begins today, {today}, or within a year.",
            "lines",
            str(place),
            "starts_on",
        )
        return today
    return day


def _fit_together(input: CheckoutInput, lines: Sequence[Sold], faults: Faults) -> bool:
    """Whether lines can be billed together."""
    currency = lines[0].offer.currency
    others = [place for place, sold in enumerate(lines) if sold.offer.currency != currency]
    for place in others:
        faults.add(
            UserErrorCode.CURRENCIES_MIXED,
            f"This is in {lines[place].offer.currency}, and the first line in {currency}.",
            "lines",
            str(place),
        )
    copies = [line.quantity for line in input.lines]
    prices = [max(sold.offer.price, sold.first_price.amount) for sold in lines]
    most = sum(price * count for price, count in zip(prices, copies, strict=True))
    if most > LARGEST_AMOUNT:
        faults.add(UserErrorCode.INVALID, "This is more than can be billed at once.", "lines")
    if input.payment_method is PaymentMethod.SEPA_DEBIT and currency != _EURO:
        faults.add(UserErrorCode.INVALID, "Debits are drawn in euros only.", "payment_method")
    return not others and most <= LARGEST_AMOUNT


async def _bank_account(
    work: Work, customer: Customer, input: CheckoutInput, faults: Faults
) -> BankAccount | None:
    """The bank account that debits are drawn from, where they are."""
    if input.payment_method is not PaymentMethod.SEPA_DEBIT:
        if input.payment_method is not PaymentMethod.INVOICE:
            message = "Orders are paid by `INVOICE` or `SEPA_DEBIT`."
            faults.add(UserErrorCode.INVALID, message, "payment_method")
        elif input.bank_account_id:
            message = "It is paid by invoice, and nothing is drawn from an account."
            faults.add(UserErrorCode.INVALID, message, "bank_account_id")
        return None
    if input.bank_account_id:
        return await _given_account(work, input.bank_account_id, faults)
    preferred = await work.rows(
        BankAccount,
        BankAccount.customer_id == customer.id,
        BankAccount.preferred.is_(True),
        BankAccount.mandate_state == MandateState.ACTIVE.value,
    )
    today = await work.today()
    usable = [account for account in preferred if not has_lapsed(account, today)]
    if not usable:
        message = "There is no preferred bank account with a mandate that can be used."
        faults.add(UserErrorCode.MANDATE_REQUIRED, message, "bank_account_id")
        return None
    return usable[0]


async def _given_account(work: Work, id: str, faults: Faults) -> BankAccount | None:
    try:
        account = await work.find(BankAccount, id, "bank_account_id")
        if account.removed_at is not None:
            raise Refused(
                UserErrorCode.BANK_ACCOUNT_REMOVED,
                "This bank account was removed.",
                "bank_account_id",
            )
        await require_usable(work, account)
    except Refused as refused:
        faults += refused.refusals
        return None
    return account


async def _additional_data(
    work: Work, input: CheckoutInput, faults: Faults
) -> tuple[Json, list[Json]]:
    """The additional data of the order, and of each line's subscription."""
    targets = (AdditionalDataTarget.ORDER, AdditionalDataTarget.SUBSCRIPTION)
    definitions = await definitions_for(work, *targets)
    of = {
        target: [row for row in definitions if row.applies_to == target.value] for target in targets
    }
    order: Json = {}
    subscriptions: list[Json] = [{} for _ in input.lines]
    with faults.noted("additional_data"):
        order = merged_values(of[AdditionalDataTarget.ORDER], {}, input.additional_data or {})
    for place, line in enumerate(input.lines):
        with faults.noted("lines", str(place), "additional_data"):
            subscriptions[place] = merged_values(
                of[AdditionalDataTarget.SUBSCRIPTION], {}, line.additional_data or {}
            )
    return order, subscriptions


async def _voucher(
    work: Work,
    customer: Customer,
    input: CheckoutInput,
    lines: Sequence[Sold],
    today: date,
    faults: Faults,
) -> Redeemable | None:
    """The voucher to redeem, where one was given that the order can have."""
    if not input.voucher_code:
        return None
    voucher = await find_voucher(work, input.voucher_code, customer)
    fault = "There is no voucher with this code."
    if voucher is not None:
        reason = voucher.why_not(today, lines)
        if reason is None:
            return voucher
        fault = reason
    faults.add(UserErrorCode.VOUCHER_INVALID, fault, "voucher_code")
    return None


async def _ordered(
    work: Work,
    input: CheckoutInput,
    lines: Sequence[Sold],
    starts: Sequence[date],
    invoice: Address | None,
    delivery: Sequence[Address | None],
) -> list[Ordered]:
    """The lines, each with the country where it is taxed."""
    country = (await work.tenant()).country if invoice is None else invoice.country
    return [
        Ordered(
            sold,
            line.quantity,
            starts_on,
            taxed_where(country, None if address is None else address.country),
        )
        for line, sold, starts_on, address in zip(input.lines, lines, starts, delivery, strict=True)
    ]


async def _reckoned(
    work: Work,
    lines: Sequence[Ordered],
    today: date,
    consumer: bool,
    voucher: Redeemable | None,
    faults: Faults,
) -> Reckoning | None:
    rates = await taxation(work, *(line.country for line in lines))
    off = None if voucher is None else voucher.off
    try:
        return reckon(lines, rates, today, consumer=consumer, off=off)
    except NoTaxRate as error:
        faults.add(UserErrorCode.OFFER_NOT_AVAILABLE, str(error), "lines")
        return None
