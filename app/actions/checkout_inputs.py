"""The inputs of a checkout."""

from datetime import date

import strawberry
from strawberry import UNSET

from app.actions.catalogue_inputs import MoneyInput, whole
from app.models import Offer, Order
from app.models.base import PaymentMethod
from app.scalars import JSON
from app.work.inputs import OfCustomer, Repeatable, given, identifier, text

MOST_LINES = 50
MOST_COPIES = 10_000

_LONGEST_CODE = 60


@strawberry.input(description="A line of an order.")
class CheckoutLineInput:
    """An offer, how many of it, and from when on."""

    offer_id: strawberry.ID | None = identifier(
        "The id of the offer; either this or `offerCode`.", default=UNSET
    )
    offer_code: str | None = text(
        "The code of the offer, as it is today.", of=Offer.code, default=UNSET
    )
    quantity: int = given(
        f"How many copies, from 1 to {MOST_COPIES:,}.", default=1, check=whole(1, MOST_COPIES)
    )
    starts_on: date | None = given(
        "The first day: today, as it is unless given, or a day in the next year.", default=UNSET
    )
    delivery_address_id: strawberry.ID | None = identifier(
        "The id of the delivery address of this line, where it is another one than the order's.",
        default=UNSET,
    )
    additional_data: JSON | None = given(
        "Additional data of the subscription: what to keep under which key.", default=UNSET
    )


@strawberry.input
class CheckoutInput(OfCustomer):
    """What is ordered, where it goes, and how it is paid."""

    lines: list[CheckoutLineInput] = given(
        f"What is ordered: 1 to {MOST_LINES} lines, all in one currency."
    )
    invoice_address_id: strawberry.ID | None = identifier(
        "The id of the invoice address; the preferred one in effect unless given.", default=UNSET
    )
    delivery_address_id: strawberry.ID | None = identifier(
        "The id of the delivery address for everything that is delivered. Unless given, the "
        "preferred one that is in effect on a line's first day.",
        default=UNSET,
    )
    payment_method: PaymentMethod = given("How it is paid: `INVOICE` or `SEPA_DEBIT`.")
    bank_account_id: strawberry.ID | None = identifier(
        "The id of the bank account to draw debits from; the preferred one unless given.",
        default=UNSET,
    )
    voucher_code: str | None = text(
        "The code of a voucher, whatever its case.", most=_LONGEST_CODE, default=UNSET
    )
    purchase_order_number: str | None = text(
        "The customer's own number for the order.", of=Order.purchase_order_number, default=UNSET
    )
    additional_data: JSON | None = given(
        "Additional data of the order: what to keep under which key.", default=UNSET
    )
    note: str | None = text(
        "What the customer has to say about the order.", of=Order.note, lines=True, default=UNSET
    )


@strawberry.input(description="An order to be shown what it costs; nothing is kept of it.")
class PreviewCheckoutInput(CheckoutInput):
    """The same as an order has."""


@strawberry.input(description="An order to place.")
class PlaceOrderInput(CheckoutInput, Repeatable):
    """The order, and what the customer was told that it costs."""

    expected_total: MoneyInput | None = given(
        "What the customer was told to pay today. Where it is another amount by now, the answer "
        "is PRICE_CHANGED.",
        default=UNSET,
    )
    price_token: str | None = text(
        "The `priceToken` of the preview that the customer saw. Where any price, discount, tax "
        "rate or term is another one by now, also of later periods, the answer is PRICE_CHANGED.",
        most=100,
        default=UNSET,
    )
