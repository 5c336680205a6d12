"""Subscriptions that were ordered in the tests of what is done with them."""

from datetime import UTC, date, datetime, time
from typing import Any, Self

from app.schema.node import encode_id, key_of
from app.schema.subscription import Subscription
from tests.actions.conftest import Clock
from tests.actions.selling import Shop
from tests.publisher import Publisher, refusals

STATE = """subscription { id status startsOn endsOn cancelledFor nextBillingOn pausedFrom resumesOn
    price { amount } version offer { name } nextOffer { name } paymentMethod
    issues { entitled delivered open }
    periods(orderBy: {field: STARTS_ON, direction: ASC}) { nodes {
        startsOn endsOn pausedDays price { amount } } } }"""

YEARLY: dict[str, Any] = {
    "price": "240.00",
    "term_count": 1,
    "term_unit": "YEAR",
    "accounting_count": 1,
    "accounting_unit": "YEAR",
}


def noon(day: str) -> datetime:
    """The middle of a day, by ISO 8601."""
    return datetime.combine(date.fromisoformat(day), time(12), UTC)


class Contract:
    """A subscription, and what came of it."""

    def __init__(self, shop: Shop, clock: Clock, id: str, offer: str) -> None:
        self.shop = shop
        self.clock = clock
        self.id = id
        self.offer = offer
        self.key = key_of(id, Subscription)

    @classmethod
    async def ordered(
        cls,
        publisher: Publisher,
        clock: Clock,
        day: str,
        *,
        order: dict[str, Any] | None = None,
        business: bool = False,
        **offer: Any,
    ) -> Self:
        """A subscription that is ordered on a day, and begins with it."""
        clock.at = noon(day)
        shop = await Shop.open(publisher)
        return await cls.of(shop, clock, await shop.offer(**offer), order, business=business)

    @classmethod
    async def of(
        cls,
        shop: Shop,
        clock: Clock,
        offer: str,
        order: dict[str, Any] | None = None,
        *,
        business: bool = False,
    ) -> Self:
        """A subscription to an offer of a shop."""
        await shop.order(shop.input(offer, **order or {}))
        publisher = shop.publisher
        key = await publisher.owner.fetchval(
            "SELECT max(id) FROM subscription WHERE tenant_id = $1", publisher.tenant_id
        )
        await publisher.owner.execute(
            "UPDATE subscription SET consumer = $3 WHERE (tenant_id, id) = ($1, $2)",
            publisher.tenant_id,
            key,
            not business,
        )
        return cls(shop, clock, encode_id("Subscription", key), offer)

    @property
    def publisher(self) -> Publisher:
        """Who sells it."""
        return self.shop.publisher

    def on(self, day: str) -> Self:
        """Let it be a day."""
        self.clock.at = noon(day)
        return self

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query of the owner gives, `$1` being the tenant."""
        return [
            tuple(row) for row in await self.publisher.owner.fetch(query, self.publisher.tenant_id)
        ]

    async def pay(self) -> None:
        """Let a transfer come in for each open invoice."""
        owner, tenant = self.publisher.owner, self.publisher.tenant_id
        await owner.execute(
            "INSERT INTO payment_transaction (tenant_id, customer_id, action, status, amount,"
            " currency, executed_on, invoice_id) SELECT tenant_id, customer_id, 'BANK_TRANSFER',"
            " 'SUCCESS', gross, currency, issued_on, id FROM invoice"
            " WHERE tenant_id = $1 AND status = 'OPEN'",
            tenant,
        )
        await owner.execute(
            "UPDATE invoice SET status = 'PAID', paid_at = now()"
            " WHERE tenant_id = $1 AND status = 'OPEN'",
            tenant,
        )

    async def act(self, action: str, **input: Any) -> dict[str, Any]:
        """Do something to it that nothing stands against; how it stands then."""
        payload = await self.publisher.act(action, {"subscriptionId": self.id, **input}, STATE)
        assert payload["userErrors"] == []
        subscription: dict[str, Any] = payload["subscription"]
        return subscription

    async def refused(
        self, action: str, token: str | None = None, **input: Any
    ) -> list[tuple[str, str]]:
        """Why something can't be done to it."""
        given = {"subscriptionId": self.id, **input}
        return refusals(await self.publisher.act(action, given, token=token))

    async def documents(self) -> list[tuple[str, str, str]]:
        """The types, amounts and states of its documents, in their order."""
        return [
            (kind, str(gross), status)
            for kind, gross, status in await self.rows(
                "SELECT type, gross, status FROM invoice WHERE tenant_id = $1 ORDER BY id"
            )
        ]

    async def money(self) -> list[tuple[str, str, str]]:
        """What moved or will, in the order in which that was known."""
        return [
            (action, str(amount), status)
            for action, amount, status in await self.rows(
                "SELECT action, amount, status FROM payment_transaction WHERE tenant_id = $1"
                " ORDER BY id"
            )
        ]

    async def lines(self) -> list[tuple[str, str, str]]:
        """The days and amounts of the last document's lines."""
        return [
            (str(first), str(last), str(gross))
            for first, last, gross in await self.rows(
                "SELECT service_from, service_until, gross FROM invoice_item WHERE tenant_id = $1"
                " AND invoice_id = (SELECT max(id) FROM invoice WHERE tenant_id = $1)"
                " ORDER BY position"
            )
        ]

    async def planned(self) -> list[str]:
        """The days of what will be delivered."""
        return [
            str(day)
            for (day,) in await self.rows(
                "SELECT publishing_on FROM delivery WHERE tenant_id = $1 AND status = 'PLANNED'"
                " ORDER BY publishing_on"
            )
        ]

    async def access_ends(self) -> list[datetime | None]:
        """When its access rights end, in the order in which they were given."""
        return [
            until
            for (until,) in await self.rows(
                "SELECT valid_until FROM access_right WHERE tenant_id = $1 ORDER BY id"
            )
        ]

    async def mails(self) -> list[str]:
        """The templates of the mails about it, without the order's own."""
        return [
            template
            for (template,) in await self.rows(
                "SELECT template FROM mail WHERE tenant_id = $1 AND order_id IS NULL ORDER BY id"
            )
        ]
