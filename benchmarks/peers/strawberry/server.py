"""Strawberry as its documentation writes it: relay connections over lists of SQLAlchemy's objects.

Each resolver opens a session of its own, since resolvers run side by side and an `AsyncSession`
must not be shared by them. A total is the usual addition to `ListConnection`.
"""

# ruff: noqa: D101, D102  What the fields mean, the application's own schema says.
# mypy: disable-error-code="untyped-decorator"
# `relay.connection` has no types.

import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import strawberry
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import InstrumentedAttribute
from strawberry import relay
from strawberry.asgi import GraphQL
from strawberry.types import Info

from app import models
from app.settings import settings
from app.storage import Storage

engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://"), pool_size=10
)
sessions = async_sessionmaker(engine, expire_on_commit=False)
storage = Storage(settings())


@asynccontextmanager
async def session(info: Info) -> AsyncIterator[AsyncSession]:
    """A session that row-level security shows the request's tenant."""
    async with sessions() as opened:
        tenant = info.context["request"].headers["x-tenant-id"]
        await opened.execute(select(func.set_config("abokonto.tenant_id", tenant, text("true"))))
        yield opened


async def listed(info: Info, order: InstrumentedAttribute[Any], customer: int | None = None) -> Any:
    """All rows of a table, or those of a customer, the newest first."""
    model: Any = order.class_
    query = select(model).order_by(order.desc(), model.id.desc())
    if customer is not None:
        query = query.where(model.customer_id == customer)
    async with session(info) as opened:
        return (await opened.scalars(query)).all()


NodeType = TypeVar("NodeType", bound=relay.Node)


@strawberry.type
class Counted(relay.ListConnection[NodeType]):
    rows: strawberry.Private[list[Any] | None] = None

    @strawberry.field
    def total_count(self) -> int:
        return len(self.rows or [])

    @classmethod
    def resolve_connection(cls, nodes: Any, *, info: Info, **arguments: Any) -> Any:
        connection: Any = super().resolve_connection(nodes, info=info, **arguments)
        connection.rows = nodes
        return connection


@strawberry.type
class Row(relay.Node):
    id: relay.NodeID[int]

    @classmethod
    def is_type_of(cls, _row: object, _info: object) -> bool:
        """SQLAlchemy's objects stand for those of Strawberry."""
        return True


@strawberry.type
class File(Row):
    name: str
    key: strawberry.Private[str]
    content_type: strawberry.Private[str]

    @strawberry.field
    def download_url(self) -> str:
        return storage.signed_download_url(self.key, self.name, self.content_type, 300)


@strawberry.type
class Activity(Row):
    created_at: datetime
    changed_at: datetime
    kind: str
    text: str
    actor_kind: str
    actor_name: str | None

    @strawberry.field
    async def attachments(self, info: Info) -> list[File]:
        link = models.ActivityAttachment
        query = (
            select(models.File)
            .join(link, link.file_id == models.File.id)
            .where(link.activity_id == self.id)
            .order_by(link.position)
        )
        async with session(info) as opened:
            files: Any = (await opened.scalars(query)).all()
            return list(files)


@strawberry.type
class Address(Row):
    type: str
    first_name: str | None
    last_name: str | None
    street: str | None
    house_number: str | None
    postal_code: str
    city: str


@strawberry.type
class AccessRight(Row):
    access_id: str
    source: str
    valid_from: datetime
    valid_until: datetime | None
    blocked_at: datetime | None
    blocked_reason: str | None
    created_at: datetime


@strawberry.type
class BankAccount(Row):
    owner: str
    masked_iban: str | None = strawberry.field(resolver=lambda root: root.iban_masked)
    bic: str | None
    bank_name: str | None
    mandate_reference: str
    mandate_signed_on: date
    mandate_last_used_on: date | None


@strawberry.type
class Order(Row):
    number: str
    status: str
    ordered_at: datetime
    purchase_order_number: str | None
    payment_method: str
    gross: Decimal
    currency: str


@strawberry.type
class Subscription(Row):
    number: str
    status: str
    starts_on: date
    ends_on: date | None
    next_billing_on: date | None
    price: Decimal
    currency: str


@strawberry.type
class Invoice(Row):
    number: str
    type: str
    status: str
    issued_on: date
    due_on: date
    gross: Decimal
    currency: str


@strawberry.type
class Transaction(Row):
    created_at: datetime
    action: str
    status: str
    executed_on: date | None
    error_code: str | None
    amount: Decimal
    currency: str


@strawberry.type
class Delivery(Row):
    publishing_on: date
    kind: str
    status: str
    quantity: int
    sent_at: datetime | None
    created_at: datetime
    changed_at: datetime


@strawberry.type
class Goodwill(Row):
    created_at: datetime
    changed_at: datetime
    kind: str
    count: int
    reason: str
    value: Decimal
    currency: str


@strawberry.type
class Mail(Row):
    created_at: datetime
    template: str
    recipient: str
    subject: str
    status: str
    sent_at: datetime | None
    error: str | None


@strawberry.type
class Login(Row):
    created_at: datetime
    succeeded: bool
    failure: str | None

    @strawberry.field
    def ip(self) -> str | None:
        address = self.__dict__["ip"]
        return None if address is None else str(address)

    user_agent: str | None
    actor_kind: str
    actor_name: str | None


@strawberry.type
class Customer(Row):
    number: str
    first_name: str | None
    last_name: str | None
    email: str | None

    @relay.connection(Counted[Activity])
    async def activities(self, info: Info) -> Iterable[Activity]:
        rows: Iterable[Activity] = await listed(info, models.Activity.created_at, self.id)
        return rows

    @relay.connection(Counted[Address])
    async def addresses(self, info: Info) -> Iterable[Address]:
        rows: Iterable[Address] = await listed(info, models.Address.created_at, self.id)
        return rows

    @relay.connection(Counted[AccessRight])
    async def access_rights(self, info: Info) -> Iterable[AccessRight]:
        rows: Iterable[AccessRight] = await listed(info, models.AccessRight.created_at, self.id)
        return rows

    @relay.connection(Counted[BankAccount])
    async def bank_accounts(self, info: Info) -> Iterable[BankAccount]:
        rows: Iterable[BankAccount] = await listed(info, models.BankAccount.created_at, self.id)
        return rows

    @relay.connection(Counted[Order])
    async def orders(self, info: Info) -> Iterable[Order]:
        rows: Iterable[Order] = await listed(info, models.Order.created_at, self.id)
        return rows

    @relay.connection(Counted[Subscription])
    async def subscriptions(self, info: Info) -> Iterable[Subscription]:
        rows: Iterable[Subscription] = await listed(info, models.Subscription.created_at, self.id)
        return rows

    @relay.connection(Counted[Invoice])
    async def invoices(self, info: Info) -> Iterable[Invoice]:
        rows: Iterable[Invoice] = await listed(info, models.Invoice.issued_on, self.id)
        return rows

    @relay.connection(Counted[Transaction])
    async def transactions(self, info: Info) -> Iterable[Transaction]:
        rows: Iterable[Transaction] = await listed(info, models.Transaction.created_at, self.id)
        return rows

    @relay.connection(Counted[Delivery])
    async def deliveries(self, info: Info) -> Iterable[Delivery]:
        rows: Iterable[Delivery] = await listed(info, models.Delivery.publishing_on, self.id)
        return rows

    @relay.connection(Counted[Goodwill])
    async def goodwill(self, info: Info) -> Iterable[Goodwill]:
        rows: Iterable[Goodwill] = await listed(info, models.Goodwill.created_at, self.id)
        return rows

    @relay.connection(Counted[Mail])
    async def mails(self, info: Info) -> Iterable[Mail]:
        rows: Iterable[Mail] = await listed(info, models.Mail.created_at, self.id)
        return rows

    @relay.connection(Counted[Login])
    async def logins(self, info: Info) -> Iterable[Login]:
        rows: Iterable[Login] = await listed(info, models.Login.created_at, self.id)
        return rows


@strawberry.type
class Query:
    @strawberry.field
    async def customer(self, info: Info, id: int) -> Customer | None:
        async with session(info) as opened:
            found: Any = await opened.scalar(
                select(models.Customer).where(models.Customer.id == id)
            )
            customer: Customer | None = found
            return customer

    @relay.connection(Counted[Customer])
    async def customers(self, info: Info) -> Iterable[Customer]:
        rows: Iterable[Customer] = await listed(info, models.Customer.created_at)
        return rows


@strawberry.type
class AddedActivity:
    activity: Activity


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def add_activity(
        self, info: Info, customer_id: int, kind: str, text: str
    ) -> AddedActivity:
        tenant = int(info.context["request"].headers["x-tenant-id"])
        row: Any = models.Activity(tenant_id=tenant, customer_id=customer_id, kind=kind, text=text)
        async with session(info) as opened:
            opened.add(row)
            await opened.commit()
        return AddedActivity(activity=row)


app = GraphQL[Any, Any](strawberry.Schema(Query, Mutation))
