"""The preview of a checkout: what an order costs today and later, and what stands against it."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry.types.info import Info

from app.actions.checkout_inputs import PreviewCheckoutInput
from app.actions.checkout_preview import PLACE_ORDER, Preview, preview_checkout
from app.billing.first_deliveries import Planned
from app.billing.reckoning import ReckonedLine, Reckoning
from app.context import RequestContext
from app.domain import money
from app.domain.tax import TaxedAmount
from app.errors import Refused
from app.resolvers.fields import field, part
from app.resolvers.reads import Row
from app.schema.common import Money
from app.schema.mutations import told
from app.schema.node import encode_id
from app.schema.user_error import UserError

_CENTS = Decimal("0.01")


@strawberry.type(description="What is paid at one tax rate.")
class CheckoutTax:
    """An amount and the tax in it."""

    tax_percent: Decimal = part("The tax rate in percent.")
    net: Money = part("The amount without tax.")
    tax: Money = part("The tax.")
    gross: Money = part("The amount with tax.")


@strawberry.type(description="What a line costs after its first accounting period.")
class CheckoutRenewal:
    """When the next accounting period begins, and how the contract can be ended."""

    next_billing_on: date = part("The first day of the second accounting period.")
    price: Money = part("What each further accounting period costs, with tax.")
    term_ends_on: date = part("The last day for which the customer is bound.")
    last_cancellation_day: date | None = part(
        "The last day on which it can be cancelled to end then; null where the notice is so long "
        "that none is left."
    )


@strawberry.type(description="What is delivered in a line's first accounting period.")
class CheckoutDeliveries:
    """The issues that are known by now."""

    count: int = part("How many issues, each in as many copies as are ordered.")
    first_on: date | None = part("When the first one appears; null where none is known yet.")


@strawberry.type(description="A line of an order, and what it costs.")
class CheckoutLine:
    """What the first accounting period costs, all copies together, and what comes after it."""

    offer_id: strawberry.ID = part("The id of the offer.")
    offer_code: str = part("Its code.")
    title: str = part("Its name.")
    quantity: int = part("How many copies.")
    starts_on: date = part("The first day of the first accounting period.")
    ends_on: date = part("The last day of the first accounting period.")
    regular_price: Money = part("What an accounting period costs, with tax.")
    first_price: Money = part("What the first one costs, with tax and before vouchers.")
    discount: Money = part("What the voucher takes off.")
    total: Money = part("What is to be paid for the first period.")
    taxes: list[CheckoutTax] = part("The same for each tax class in it.")
    renewal: CheckoutRenewal = part("What comes after the first period.")
    deliveries: CheckoutDeliveries | None = part(
        "What is delivered in the first period; null where nothing is."
    )


@strawberry.type(description="What an order costs.")
class Checkout:
    """Lines, taxes and totals, by the same reckoning as the order's."""

    lines: list[CheckoutLine] = part("The lines, as they were given.")
    net: Money = part("What is to be paid today, without tax.")
    tax: Money = part("The tax in it.")
    total_today: Money = part("What is to be paid today, with tax; for `expectedTotal`.")
    taxes: list[CheckoutTax] = part("The same for each tax rate.")
    discount: Money = part("What the voucher takes off in all.")
    due_on: date = part("By when it is paid, or on which day it is drawn.")
    price_token: str = part("What stands for all these prices, for `placeOrder`.")


@strawberry.type(description="What an order would cost, and what stands against placing it.")
class CheckoutPreview:
    """Nothing of it is kept."""

    checkout: Checkout | None = part(
        "What it costs; null where something of it can't be had. What stands against the voucher "
        "or is missing otherwise leaves the prices without it."
    )
    user_errors: list[UserError] = part(
        "What `placeOrder` would be refused with, all at once; empty where it would be done."
    )


@field(
    "What an order would cost, what renews when and at what price, and what stands against it. It "
    "is reckoned as `placeOrder` does, at this moment, and nothing is kept.",
    needs=PLACE_ORDER.needs,
)
async def preview(
    info: Info,
    input: Annotated[
        PreviewCheckoutInput, strawberry.argument(description="The order, as for `placeOrder`.")
    ],
) -> CheckoutPreview | None:
    """Rehearse an order."""
    context: RequestContext = info.context
    try:
        found: Preview = await context.rehearse(PLACE_ORDER, preview_checkout, input)
    except Refused as refused:
        return {"checkout": None, "user_errors": told(refused)}  # type: ignore[return-value]  # A source.
    reckoning, faults = found.choices.reckoning, found.choices.faults
    return {  # type: ignore[return-value]  # A source.
        "checkout": None if reckoning is None else _checkout(reckoning, found),
        "user_errors": told(Refused.because(faults)) if faults else [],
    }


def _checkout(reckoning: Reckoning, found: Preview) -> Row:
    choices, totals = found.choices, reckoning.totals
    currency = totals.gross.currency
    return {
        "lines": [
            _line(line, planned, choices.today)
            for line, planned in zip(reckoning.lines, choices.deliveries, strict=True)
        ],
        "net": _money(totals.net),
        "tax": _money(totals.tax),
        "total_today": _money(totals.gross),
        "taxes": [_tax(rate) for rate in totals.rates],
        "discount": _money(
            money.Money.total((line.discount for line in reckoning.lines), currency)
        ),
        "due_on": found.due_on,
        "price_token": reckoning.token,
    }


def _line(line: ReckonedLine, planned: Planned, today: date) -> Row:
    offer = line.ordered.sold.offer
    return {
        "offer_id": encode_id("Offer", offer.id),
        "offer_code": offer.code,
        "title": offer.name,
        "quantity": line.ordered.quantity,
        "starts_on": line.period.starts_on,
        "ends_on": line.period.ends_on,
        "regular_price": _money(line.regular),
        "first_price": _money(line.first),
        "discount": _money(line.discount),
        "total": _money(line.gross),
        "taxes": [_tax(amount) for amount in line.amounts],
        "renewal": _renewal(line, today),
        "deliveries": _deliveries(planned) if line.ordered.sold.delivers else None,
    }


def _renewal(line: ReckonedLine, today: date) -> Row:
    last = line.last_cancellation_day
    return {
        "next_billing_on": line.next_billing_on,
        "price": _money(line.regular),
        "term_ends_on": line.term_ends_on,
        "last_cancellation_day": None if last < today else last,
    }


def _deliveries(planned: Planned) -> Row:
    days = [delivery.issue.publishing_on for delivery in planned]
    return {"count": len(days), "first_on": min(days, default=None)}


def _tax(amount: TaxedAmount) -> Row:
    return {
        "tax_percent": amount.percent,
        "net": _money(amount.net),
        "tax": _money(amount.tax),
        "gross": _money(amount.gross),
    }


def _money(amount: money.Money) -> dict[str, Any]:
    """An amount with the two decimals that tables keep."""
    return {"amount": amount.amount.quantize(_CENTS), "currency": amount.currency}
