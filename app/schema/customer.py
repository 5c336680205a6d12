"""The customer's account: their own data, the three locks, and every tab with its count."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import strawberry
from sqlalchemy import ColumnElement, func, select

from app.auth.permissions import Permission
from app.models.access_right import AccessRight as AccessRightModel
from app.models.access_token import CustomerSession as CustomerSessionModel
from app.models.activity import Activity as ActivityModel
from app.models.address import Address as AddressModel
from app.models.bank_account import BankAccount as BankAccountModel
from app.models.base import TenantRow
from app.models.customer import Customer as CustomerModel
from app.models.customer import Salutation
from app.models.customer_merge import CustomerMerge as CustomerMergeModel
from app.models.delivery import Delivery as DeliveryModel
from app.models.export import Export as ExportModel
from app.models.goodwill import Goodwill as GoodwillModel
from app.models.history import History as HistoryModel
from app.models.invoice import Invoice as InvoiceModel
from app.models.login import Login as LoginModel
from app.models.mail import Mail as MailModel
from app.models.opt_in import OptIn as OptInModel
from app.models.order import Order as OrderModel
from app.models.subscription import Subscription as SubscriptionModel
from app.models.transaction import Transaction as TransactionModel
from app.resolvers.fields import column, embedded, expression, part
from app.resolvers.reads import Columns
from app.resolvers.sql import table_of
from app.scalars import JSON, EmailAddress
from app.schema.access_right import AccessRight
from app.schema.activity import Activity
from app.schema.address import Address
from app.schema.available_action import AvailableAction, available_actions
from app.schema.bank_account import BankAccount, not_removed
from app.schema.connection import Connection, tab, words_in
from app.schema.customer_merge import CustomerMerge
from app.schema.customer_sessions import CustomerSession, still_works
from app.schema.delivery import Delivery
from app.schema.export import Export
from app.schema.goodwill import Goodwill
from app.schema.history import HistoryEntry
from app.schema.invoice import Invoice
from app.schema.login import Login
from app.schema.mail import Mail
from app.schema.node import Record, record
from app.schema.opt_in import OptIn
from app.schema.order import Order
from app.schema.subscription import Subscription
from app.schema.transaction import Transaction


def _count(
    model: type[TenantRow],
    what: str,
    needs: Permission,
    only: Callable[[Columns], ColumnElement[bool]] | None = None,
) -> Any:
    """How many records of a kind the account holds, but for those that its tab leaves out."""

    def counted(t: Columns) -> ColumnElement[int]:
        table = table_of(model)
        rows = select(func.count()).select_from(table)
        rows = rows.where(table.c.tenant_id == t.tenant_id, table.c.customer_id == t.id)
        if only is not None:
            rows = rows.where(only(table.c))
        return rows.correlate_except(table).scalar_subquery()

    return expression(counted, f"How many {what} there are.", needs=needs)


@strawberry.type(description="How many records stand in each tab of an account.")
class CustomerCounts:
    """What stands over the tabs, in one go."""

    activities: int | None = _count(ActivityModel, "activities", Permission.ACTIVITY_READ)
    addresses: int | None = _count(AddressModel, "addresses", Permission.ADDRESS_READ)
    access_rights: int | None = _count(
        AccessRightModel, "access rights", Permission.ACCESS_RIGHT_READ
    )
    bank_accounts: int | None = _count(
        BankAccountModel, "bank accounts", Permission.BANK_ACCOUNT_READ, not_removed
    )
    orders: int | None = _count(OrderModel, "orders", Permission.ORDER_READ)
    subscriptions: int | None = _count(
        SubscriptionModel, "subscriptions", Permission.SUBSCRIPTION_READ
    )
    invoices: int | None = _count(InvoiceModel, "invoices", Permission.INVOICE_READ)
    transactions: int | None = _count(TransactionModel, "transactions", Permission.TRANSACTION_READ)
    deliveries: int | None = _count(DeliveryModel, "deliveries", Permission.DELIVERY_READ)
    goodwill: int | None = _count(GoodwillModel, "gifts", Permission.GOODWILL_READ)
    opt_ins: int | None = _count(OptInModel, "opt-ins", Permission.OPT_IN_READ)
    mails: int | None = _count(MailModel, "mails", Permission.MAIL_READ)
    logins: int | None = _count(LoginModel, "attempts to log in", Permission.LOGIN_READ)
    sessions: int | None = _count(
        CustomerSessionModel, "sessions", Permission.SESSION_READ, still_works
    )
    exports: int | None = _count(ExportModel, "exports", Permission.EXPORT_READ)
    merges: int | None = _count(CustomerMergeModel, "merges", Permission.INTERNAL_READ)
    history: int | None = _count(HistoryModel, "history entries", Permission.HISTORY_READ)


@strawberry.type(description="Since when and why something is locked.")
class Lock:
    """A lock that is closed."""

    since: datetime = part("When it was closed.")
    reason: str | None = part("Why.", needs=Permission.INTERNAL_READ)


@record(
    CustomerModel,
    needs=Permission.CUSTOMER_READ,
    description="A person or company with an account.",
)
class Customer(Record):
    """The account. Its three locks are independent of each other."""

    number: str = column("The customer number, unique in the tenant.", where=True, order=True)
    external_id: str | None = column(
        "The customer's id in another system, unique in the tenant.", where=True
    )
    email: EmailAddress | None = column("The e-mail address to log in with.", where=True)
    salutation: Salutation | None = column("How the person is addressed.", where=True)
    title: str | None = column("An academic or other title.")
    first_name: str | None = column("The first name.", where=True)
    last_name: str | None = column("The last name.", where=True)
    company: str | None = column("The company.", where=True)
    sort_name: str = column(
        "Last name, first name and company in lower case without accents: what names sort by.",
        order=True,
    )
    phone: str | None = column("The telephone number, as it was given.", where=True)
    birthday: date | None = column("The day of birth.", where=True)
    language: str = column("The language of letters and mails (ISO 639-1).", where=True)
    tags: list[str] | None = column(
        "Words that staff put on the account.", where=True, needs=Permission.INTERNAL_READ
    )
    additional_data: JSON = column("The tenant's own fields, by key.", where=True)
    version: int = column("Rises with every change; for `expectedVersion`.")

    login_blocked: bool = expression(
        lambda t: t.login_blocked_at.is_not(None),
        "First lock: whether the customer cannot log in.",
        where=True,
    )
    login_block: Lock | None = embedded(
        "Since when and why the customer cannot log in.",
        {"since": "login_blocked_at", "reason": "login_blocked_reason"},
        null_when_null="login_blocked_at",
    )
    access_blocked: bool = expression(
        lambda t: t.access_blocked_at.is_not(None),
        "Second lock: whether the customer, though logged in, has no access to the products.",
        where=True,
    )
    access_block: Lock | None = embedded(
        "Since when and why the customer has no access to the products.",
        {"since": "access_blocked_at", "reason": "access_blocked_reason"},
        null_when_null="access_blocked_at",
    )
    anonymized: bool = expression(
        lambda t: t.anonymized_at.is_not(None),
        "Third lock: whether the account is anonymised and closed to editing.",
        where=True,
    )
    anonymized_at: datetime | None = column("When it was anonymised.", where=True)
    two_factor_since: datetime | None = column(
        "Since when a second factor is asked for at login; null means it is not.", where=True
    )

    available_actions: list[AvailableAction] = available_actions()

    counts: CustomerCounts = embedded("How many records stand in each tab.")

    activities: Connection[Activity] | None = tab(
        "customer_id",
        "Notes, hints and what was said with the customer.",
        needs=Permission.ACTIVITY_READ,
        search=words_in("text"),
    )
    pinned_activities: Connection[Activity] | None = tab(
        "customer_id",
        "The activities that are pinned: hints, and what staff wanted to be seen first.",
        needs=Permission.ACTIVITY_READ,
        search=words_in("text"),
        only=lambda t: t.pinned_at.is_not(None),
    )
    addresses: Connection[Address] | None = tab(
        "customer_id", "Invoice and delivery addresses.", needs=Permission.ADDRESS_READ
    )
    access_rights: Connection[AccessRight] | None = tab(
        "customer_id", "Which products may be used, and when.", needs=Permission.ACCESS_RIGHT_READ
    )
    bank_accounts: Connection[BankAccount] | None = tab(
        "customer_id",
        "Bank accounts and their mandates, but for those that were removed.",
        needs=Permission.BANK_ACCOUNT_READ,
        only=not_removed,
    )
    orders: Connection[Order] | None = tab(
        "customer_id", "What was ordered.", needs=Permission.ORDER_READ
    )
    subscriptions: Connection[Subscription] | None = tab(
        "customer_id", "The running and ended contracts.", needs=Permission.SUBSCRIPTION_READ
    )
    invoices: Connection[Invoice] | None = tab(
        "customer_id", "Invoices and their corrections.", needs=Permission.INVOICE_READ
    )
    transactions: Connection[Transaction] | None = tab(
        "customer_id", "Payments, returns and mandates.", needs=Permission.TRANSACTION_READ
    )
    deliveries: Connection[Delivery] | None = tab(
        "customer_id", "Which issues went where.", needs=Permission.DELIVERY_READ
    )
    goodwill: Connection[Goodwill] | None = tab(
        "customer_id",
        "What was given away.",
        needs=Permission.GOODWILL_READ,
        search=words_in("reason"),
    )
    opt_ins: Connection[OptIn] | None = tab(
        "customer_id", "What the customer agreed to.", needs=Permission.OPT_IN_READ
    )
    mails: Connection[Mail] | None = tab(
        "customer_id",
        "Mails to the customer.",
        needs=Permission.MAIL_READ,
        search=words_in("subject", "recipient", "body"),
    )
    logins: Connection[Login] | None = tab(
        "customer_id", "Every attempt to log in.", needs=Permission.LOGIN_READ
    )
    sessions: Connection[CustomerSession] | None = tab(
        "customer_id",
        "Where the customer is signed in at the moment.",
        needs=Permission.SESSION_READ,
        only=still_works,
    )
    exports: Connection[Export] | None = tab(
        "customer_id", "Copies of everything held.", needs=Permission.EXPORT_READ
    )
    merges: Connection[CustomerMerge] | None = tab(
        "customer_id",
        "Other accounts that became part of this one, or were to.",
        needs=Permission.INTERNAL_READ,
    )
    history: Connection[HistoryEntry] | None = tab(
        "customer_id",
        "Who did what, and what it changed.",
        needs=Permission.HISTORY_READ,
        search=words_in("action", "note"),
    )
