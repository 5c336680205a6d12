"""Names for types that refer to each other, resolved when the schema is built."""

from typing import TYPE_CHECKING, Annotated

import strawberry

if TYPE_CHECKING:
    from app.schema.bank_account import BankAccount
    from app.schema.catalogue import Offer, Product
    from app.schema.customer import Customer
    from app.schema.delivery import Delivery
    from app.schema.goodwill import Goodwill
    from app.schema.invoice import Invoice
    from app.schema.order import Order
    from app.schema.sepa_batch import SepaBatch
    from app.schema.subscription import Subscription
    from app.schema.transaction import Transaction

LazyBankAccount = Annotated["BankAccount", strawberry.lazy("app.schema.bank_account")]
LazyCustomer = Annotated["Customer", strawberry.lazy("app.schema.customer")]
LazyDelivery = Annotated["Delivery", strawberry.lazy("app.schema.delivery")]
LazyGoodwill = Annotated["Goodwill", strawberry.lazy("app.schema.goodwill")]
LazyInvoice = Annotated["Invoice", strawberry.lazy("app.schema.invoice")]
LazyOrder = Annotated["Order", strawberry.lazy("app.schema.order")]
LazySepaBatch = Annotated["SepaBatch", strawberry.lazy("app.schema.sepa_batch")]
LazySubscription = Annotated["Subscription", strawberry.lazy("app.schema.subscription")]
LazyOffer = Annotated["Offer", strawberry.lazy("app.schema.catalogue")]
LazyProduct = Annotated["Product", strawberry.lazy("app.schema.catalogue")]
LazyTransaction = Annotated["Transaction", strawberry.lazy("app.schema.transaction")]
