"""A publisher with subscriptions of all kinds, whose time tests let pass."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import asyncpg
import httpx2

from app import models
from app.billing.tally import Tally
from app.encryption import Keyring
from app.files.inspection import FileInspector
from app.jobs.renewals import DailyRun
from app.settings import Settings
from app.storage import Storage
from app.work.action import routine
from app.work.files import Staging
from app.work.perform import Performer
from app.work.unit import Work
from app.writing import Writing
from tests.publisher import Publisher

MONTH = {"unit": "MONTH", "count": 1}


@dataclass
class Calendar:
    """The day that it is; its noon is what the clock of actions shows."""

    today: date

    def __call__(self, _now: datetime) -> datetime:
        """The time of actions."""
        return datetime.combine(self.today, time(12), UTC)


@dataclass
class House:
    """A publisher's house: what it sells, and how its days pass."""

    publisher: Publisher
    calendar: Calendar
    performer: Performer
    writing: Writing
    offers: dict[str, int] = field(default_factory=dict)
    customers: int = 0

    @property
    def owner(self) -> asyncpg.Connection:
        """A connection of the tables' owner."""
        return self.publisher.owner

    @property
    def tenant_id(self) -> int:
        """The publisher's key."""
        return self.publisher.tenant_id

    async def renew(self, until: date | None = None) -> Tally:
        """Let the daily run do what is due for this publisher."""
        run = DailyRun(self.performer, self.writing)
        return await run.renew(await run.tenant(self.tenant_id), until)

    async def do(
        self, key: int, rule: Callable[[Work, models.Subscription], Awaitable[Any]]
    ) -> None:
        """Do something to a subscription, in a transaction of its own."""

        async def locked(work: Work, key: int) -> models.Subscription | None:
            subscription = await work.lock_key(models.Subscription, key)
            assert subscription is not None
            await rule(work, subscription)
            return subscription

        done = routine(history="subscription.touched")(locked)
        assert await self.performer.run(done, key, self.tenant_id) == key

    async def rows(self, query: str, *values: Any) -> list[Any]:
        """What a query of the owner gives, `$1` being the tenant."""
        return list(await self.owner.fetch(query, self.tenant_id, *values))

    async def publication(self, first: date, last: date, months: int = 1) -> int:
        """A magazine with an issue on the 5th of every so many months."""
        publication = await self.publisher.make(models.Publication, frequency="MONTHLY")
        year, month = first.year, first.month
        while (day := date(year, month, 5)) <= last:
            await self.publisher.make(
                models.Issue,
                publication_id=publication,
                publishing_on=day,
                closing_on=day - timedelta(days=10),
            )
            year, month = year + (month + months > 12), (month + months - 1) % 12 + 1
        return publication

    async def offer(
        self,
        price: str = "10.00",
        *,
        every: tuple[int, str] = (1, "MONTH"),
        term: tuple[int, str] | None = None,
        kind: str = "DIGITAL",
        shares: dict[str, str] | None = None,
        publication: int | None = None,
        issues: int | None = None,
        tax_class: str | None = "REDUCED",
    ) -> int:
        """An offer of a product of its own."""
        make = self.publisher.make
        product = await make(
            models.Product,
            kind="BUNDLE" if shares else kind,
            tax_class=None if shares else tax_class,
            publication_id=publication,
        )
        for name, percent in (shares or {}).items():
            await make(models.ProductTaxShare, product_id=product, tax_class=name, percent=percent)
        term = term or every
        return await make(
            models.Offer,
            product_id=product,
            publication_id=publication,
            price=price,
            issues_per_period=issues,
            accounting_count=every[0],
            accounting_unit=every[1],
            term_count=term[0],
            term_unit=term[1],
            valid_from=date(2000, 1, 1),
        )

    async def customer(self, **values: Any) -> int:
        """A customer with an invoice address."""
        customer = await self.publisher.customer(**values)
        await self.publisher.make(models.Address, customer_id=customer, preferred=True)
        return customer

    async def subscribe(self, offer: int, starts_on: date, **values: Any) -> int:
        """A subscription to an offer, of a new customer and with an order, that was not billed."""
        make = self.publisher.make
        customer = values.pop("customer_id", None) or await self.customer()
        sold: Any = await self.owner.fetchrow(
            "SELECT * FROM offer WHERE (tenant_id, id) = ($1, $2)", self.tenant_id, offer
        )
        terms = (
            f"{one}_{of}" for one in ("term", "accounting", "notice") for of in ("count", "unit")
        )
        order = await make(models.Order, customer_id=customer)
        item = await make(models.OrderItem, order_id=order, offer_id=offer)
        given = {
            "offer_id": offer,
            "order_id": order,
            "order_item_id": item,
            "starts_on": starts_on,
            "ordered_on": starts_on,
            "next_billing_on": starts_on,
            "price": sold["price"],
            "issue_based": sold["issues_per_period"] is not None,
            **{name: sold[name] for name in terms},
        }
        key = await make(models.Subscription, customer_id=customer, **given | values)
        product: Any = await self.owner.fetchrow(
            "SELECT * FROM product WHERE (tenant_id, id) = ($1, $2)",
            self.tenant_id,
            sold["product_id"],
        )
        await make(
            models.AccessRight,
            customer_id=customer,
            source="SUBSCRIPTION",
            subscription_id=key,
            product_id=product["id"],
            access_id=product["access_id"],
            valid_from=datetime.combine(starts_on, time(), UTC),
        )
        return key


@dataclass
class Works:
    """What does what is done in a house; one house after the other can have it."""

    calendar: Calendar
    performer: Performer
    writing: Writing
    nobody: httpx2.AsyncClient

    async def house(self, owner: asyncpg.Connection) -> House:
        """A new publisher's house."""
        publisher = await Publisher.found(owner, self.nobody)
        return House(publisher, self.calendar, self.performer, self.writing)


@asynccontextmanager
async def opened_works(settings: Settings, today: date) -> AsyncIterator[Works]:
    """Works, at noon of a day."""
    writing, storage = Writing(settings), Storage(settings)
    inspector = FileInspector(settings)
    staging = Staging(writing, storage, inspector, settings.unclaimed_file_seconds)
    calendar = Calendar(today)
    performer = Performer(writing, Keyring.from_settings(settings), storage, staging, calendar)
    writing.open()
    async with httpx2.AsyncClient() as nobody:
        yield Works(calendar, performer, writing, nobody)
    await inspector.close()
    await writing.close()


@asynccontextmanager
async def opened_house(
    settings: Settings, owner: asyncpg.Connection, today: date
) -> AsyncIterator[House]:
    """A new publisher's house, at noon of a day."""
    async with opened_works(settings, today) as works:
        yield await works.house(owner)
