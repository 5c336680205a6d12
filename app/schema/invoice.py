"""The tab of invoices: what was billed, corrected and paid."""

from datetime import date, datetime
from decimal import Decimal

from app.auth.permissions import Permission
from app.models.base import PaymentMethod
from app.models.invoice import Invoice as InvoiceModel
from app.models.invoice import InvoiceItem as InvoiceItemModel
from app.models.invoice import InvoiceStatus, InvoiceType
from app.models.invoice import InvoiceTax as InvoiceTaxModel
from app.resolvers.fields import column, embedded, many, one
from app.schema.common import AddressSnapshot, File, Money, money
from app.schema.connection import Connection, tab
from app.schema.enums import described
from app.schema.lazy import LazyInvoice, LazyOrder, LazySubscription
from app.schema.node import AccountRecord, record
from app.schema.transaction import Transaction
from app.work.outstanding import outstanding

described(
    InvoiceType,
    "What a document does.",
    {
        "INVOICE": "It bills.",
        "CANCELLATION": "It cancels an invoice.",
        "CORRECTION": "It bills anew what a cancellation took back.",
        "CANCELLATION_CORRECTION": "It cancels a correction.",
    },
)
described(
    InvoiceStatus,
    "Whether an invoice is settled.",
    {
        "OPEN": "It awaits payment.",
        "PAID": "It is paid.",
        "NOT_PAID": "Payment failed or was not made.",
        "CANCELLED": "It was cancelled.",
    },
)


@record(
    InvoiceItemModel,
    needs=Permission.INVOICE_READ,
    description="A line of an invoice, with the tax rate frozen at issue.",
    order="position",
)
class InvoiceItem:
    """What is billed, in the invoice's currency."""

    position: int = column("The line's place, from 1.")
    title: str = column("What is billed.")
    quantity: int = column("How many.")
    service_from: date | None = column("The first day of what the line bills.")
    service_until: date | None = column("The last day of what the line bills.")
    net: Decimal = column("The line's amount without tax.")
    tax_percent: Decimal = column("The tax rate in percent.")
    tax: Decimal = column("The line's tax.")
    gross: Decimal = column("The line's amount with tax.")


@record(
    InvoiceTaxModel,
    needs=Permission.INVOICE_READ,
    description="The sum of an invoice's lines at one tax rate.",
    order="tax_percent",
)
class InvoiceTax:
    """Net, tax and gross at one rate, in the invoice's currency."""

    tax_percent: Decimal = column("The tax rate in percent.")
    net: Decimal = column("The sum without tax.")
    tax: Decimal = column("The tax.")
    gross: Decimal = column("The sum with tax.")


@record(
    InvoiceModel,
    needs=Permission.INVOICE_READ,
    description="An issued document. It is never changed; a correction is a document of its own.",
    order="-issued_on",
)
class Invoice(AccountRecord):
    """An invoice, a cancellation or a correction."""

    number: str = column("The document's number, gapless in its range.", where=True, order=True)
    type: InvoiceType = column("What the document does.", where=True, order=True)
    status: InvoiceStatus = column("Whether it is settled.", where=True, order=True)
    issued_on: date = column("The day of issue.", where=True, order=True)
    due_on: date = column("The day payment is due.", where=True, order=True)
    service_from: date | None = column("The first day of what is billed.", where=True)
    service_until: date | None = column("The last day of what is billed.", where=True)
    paid_at: datetime | None = column("When it was paid.", where=True, order=True)
    payment_method: PaymentMethod = column("How it is to be paid.", where=True)
    net: Money = embedded("The sum without tax.", money("net"))
    tax: Money = embedded("The tax.", money("tax"))
    gross: Money = embedded("The sum with tax.", money("gross"), compared_by="gross")
    outstanding: Money = embedded(
        "What is still owed: nothing of what is paid, cancelled or takes back; otherwise the sum "
        "with tax, less what was received and stayed. A debit that is under way counts as owed.",
        money(outstanding),
    )
    address: AddressSnapshot = embedded("The address as it was at issue.", document="address")
    items: list[InvoiceItem] = many("invoice_id", "Its lines.", order="position")
    taxes: list[InvoiceTax] = many("invoice_id", "Its sums per tax rate.", order="tax_percent")
    pdf: File | None = one("file_id", "The document as PDF.", needs=Permission.CUSTOMER_READ)
    e_invoice: File | None = one(
        "einvoice_file_id",
        "The document as XML: an XRechnung, or an e-invoice by EN 16931 where something that "
        "XRechnung asks for is not known.",
        needs=Permission.CUSTOMER_READ,
    )
    reason: str | None = column("Why it cancels or corrects another document.")
    precursor: LazyInvoice | None = one(
        "precursor_id", "The document that this one cancels or corrects."
    )
    successor: LazyInvoice | None = one(
        "precursor_id", "The document that cancels or corrects this one.", inverse=True
    )
    order: LazyOrder | None = one("order_id", "The order billed.", needs=Permission.ORDER_READ)
    subscription: LazySubscription | None = one(
        "subscription_id", "The subscription billed.", needs=Permission.SUBSCRIPTION_READ
    )
    transactions: Connection[Transaction] | None = tab(
        "invoice_id", "Payments and returns on it.", needs=Permission.TRANSACTION_READ
    )
