"""The tab of orders: what the customer ordered, and for how much."""

from datetime import datetime
from decimal import Decimal

from app.auth.permissions import Permission
from app.models.base import PaymentMethod
from app.models.order import Order as OrderModel
from app.models.order import OrderItem as OrderItemModel
from app.models.order import OrderStatus
from app.resolvers.fields import column, embedded, many, one
from app.scalars import JSON
from app.schema.bank_account import BankAccount
from app.schema.catalogue import Offer
from app.schema.common import AddressSnapshot, Money, money
from app.schema.connection import Connection, tab
from app.schema.enums import described
from app.schema.lazy import LazyInvoice, LazySubscription
from app.schema.node import AccountRecord, record

described(
    OrderStatus,
    "How far an order is.",
    {
        "ACTIVE": "What was ordered still runs.",
        "DONE": "Everything ordered was delivered or has ended.",
        "CANCELLED": "It was cancelled.",
    },
)


@record(
    OrderItemModel,
    needs=Permission.ORDER_READ,
    description="A line of an order.",
    order="position",
)
class OrderItem:
    """An offer, how many of it, and what they cost together, in the order's currency."""

    position: int = column("The line's place, from 1.")
    title: str = column("What was ordered, as it was called then.")
    quantity: int = column("How many.")
    net: Decimal = column("The line's amount without tax.")
    tax_percent: Decimal = column("The tax rate in percent.")
    tax: Decimal = column("The line's tax.")
    gross: Decimal = column("The line's amount with tax.")
    voucher_code: str | None = column("The voucher that was redeemed.")
    offer: Offer | None = one(
        "offer_id", "The offer that was ordered.", needs=Permission.CATALOGUE_READ
    )


@record(
    OrderModel,
    needs=Permission.ORDER_READ,
    description="What a customer ordered at once.",
    order="-ordered_at",
)
class Order(AccountRecord):
    """An order; the actor is who placed it."""

    number: str = column("The order's number.", where=True, order=True)
    status: OrderStatus = column("How far it is.", where=True, order=True)
    ordered_at: datetime = column("When it was placed.", where=True, order=True)
    purchase_order_number: str | None = column("The customer's own number for it.", where=True)
    note: str | None = column("What the customer had to say about it.", long=True)
    payment_method: PaymentMethod = column("How it is paid.", where=True)
    net: Money = embedded("The sum without tax.", money("net"))
    tax: Money = embedded("The tax.", money("tax"))
    gross: Money = embedded("The sum with tax.", money("gross"), compared_by="gross")
    invoice_address: AddressSnapshot = embedded(
        "The invoice address as it was then.", document="invoice_address"
    )
    delivery_address: AddressSnapshot | None = embedded(
        "The delivery address as it was then.",
        document="delivery_address",
        null_when_null="delivery_address",
    )
    additional_data: JSON = column("The tenant's own fields, by key.", where=True)
    version: int = column("Rises with every change; for `expectedVersion`.")
    items: list[OrderItem] = many("order_id", "What was ordered.", order="position")
    bank_account: BankAccount | None = one(
        "bank_account_id", "The account it is paid from.", needs=Permission.BANK_ACCOUNT_READ
    )
    subscriptions: Connection[LazySubscription] | None = tab(
        "order_id",
        "The subscriptions that came of it.",
        needs=Permission.SUBSCRIPTION_READ,
    )
    invoices: Connection[LazyInvoice] | None = tab(
        "order_id", "The invoices for it.", needs=Permission.INVOICE_READ
    )
