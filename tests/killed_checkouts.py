"""Checkouts and corrections over several workers, which are killed one after the other.

`make soak` keeps it up for a minute; `tests/test_killed_checkouts.py` for some seconds.
"""

import asyncio
import contextlib
import os
import random
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import httpx2

from app.schema.node import encode_id
from app.settings import Settings
from tests.actions import catalogue
from tests.publisher import Publisher
from tests.served import client_of, environment_of, serving

AT_ONCE = 64
WORKERS = 3
CUSTOMERS = 24
PRICE = Decimal("9.90")

_PLACED = "order { id gross { amount } invoices { nodes { id } } }"
_AGAIN = {"UNAVAILABLE", "RATE_LIMITED"}


@dataclass
class Ledger:
    """What clients were told, which has to be what the database holds."""

    orders: dict[str, str] = field(default_factory=dict)
    """The ids of orders by the keys of the requests that placed them."""
    documents: dict[str, str] = field(default_factory=dict)
    """The ids of the documents that cancelled others, by their requests' keys."""
    total: Decimal = Decimal(0)
    """What all documents add up to."""
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    lost: int = 0
    """How many requests got no answer, and were sent again."""

    @property
    def done(self) -> int:
        """How many requests have been answered."""
        return len(self.orders) + len(self.documents)


class Shop:
    """Clients of one publisher, each of which does one thing after the other."""

    def __init__(
        self, publisher: Publisher, moments: random.Random, clients: int = AT_ONCE
    ) -> None:
        self.publisher = publisher
        self.clients = clients
        self.ledger = Ledger()
        self.over = asyncio.Event()
        self._moments = moments
        self._customers: list[str] = []
        self._offer = ""

    async def open(self) -> None:
        """Make what is ordered, and who orders it."""
        product = await catalogue.product(self.publisher)
        self._offer = await catalogue.offer(self.publisher, product)
        for _ in range(CUSTOMERS):
            key = await self.publisher.customer()
            customer = encode_id("Customer", key)
            await catalogue.done(
                self.publisher,
                "addInvoiceAddress",
                {
                    "customerId": customer,
                    "lastName": "Muster",
                    "street": "Hauptstraße",
                    "houseNumber": "1",
                    "postalCode": "10115",
                    "city": "Berlin",
                    "country": "DE",
                },
                "address { id }",
            )
            self._customers.append(customer)

    async def sell(self, orders: int | None = None) -> None:
        """Place orders until it is over, or so many were placed."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self.clients):
                group.create_task(self._customer(orders))

    async def _customer(self, most: int | None) -> None:
        while not self.over.is_set() and (most is None or len(self.ledger.orders) < most):
            placed = await self._place()
            [invoice] = placed["invoices"]["nodes"]
            if self._moments.random() < 0.3:
                await self._cancel(invoice["id"])

    async def _place(self) -> dict[str, Any]:
        count = self._moments.randrange(1, 4)
        key = self._key()
        given = {
            "customerId": self._moments.choice(self._customers),
            "lines": [{"offerId": self._offer, "quantity": count}],
            "paymentMethod": "INVOICE",
            "idempotencyKey": key,
        }
        placed: dict[str, Any] = await self._once("placeOrder", given, _PLACED, "order")
        assert Decimal(placed["gross"]["amount"]) == PRICE * count
        assert self.ledger.orders.setdefault(key, placed["id"]) == placed["id"]
        self.ledger.total += PRICE * count
        return placed

    async def _cancel(self, invoice: str) -> None:
        key = self._key()
        given = {"invoiceId": invoice, "reason": "Irrtum", "idempotencyKey": key}
        select = "invoice { id gross { amount } }"
        document = await self._once("cancelInvoice", given, select, "invoice")
        self.ledger.documents[key] = document["id"]
        self.ledger.total += Decimal(document["gross"]["amount"])

    def _key(self) -> str:
        return str(uuid.UUID(int=self._moments.getrandbits(128)))

    async def _once(self, action: str, input: dict[str, Any], select: str, record: str) -> Any:
        """Do an action, however often it has to be asked for; some clients ask twice at once."""
        self.ledger.requests.append((action, input))
        times = 2 if self._moments.random() < 0.2 else 1
        answers = await asyncio.gather(
            *(self._until_answered(action, input, select) for _ in range(times))
        )
        records = [answer[record] for answer in answers]
        assert all(found["id"] == records[0]["id"] for found in records)
        return records[0]

    async def _until_answered(self, action: str, input: dict[str, Any], select: str) -> Any:
        while True:
            try:
                answer = await self.publisher.ask_to(action, input, select)
            except (httpx2.TransportError, ValueError):
                # The worker is gone, perhaps in the middle of its answer.
                self.ledger.lost += 1
                await asyncio.sleep(self._moments.random())
                continue
            if "errors" in answer:
                codes = {error["extensions"]["code"] for error in answer["errors"]}
                assert codes <= _AGAIN, answer["errors"]
            else:
                payload = answer["data"][action]
                refused = {error["code"] for error in payload["userErrors"]}
                if not refused:
                    return payload
                assert refused == {"IDEMPOTENCY_IN_PROGRESS"}, payload["userErrors"]
            await asyncio.sleep(self._moments.random())

    async def ask_again(self) -> None:
        """Send every request once more: each gives the answer that it gave, and does nothing."""
        known = self.ledger.orders | self.ledger.documents
        for action, given in self.ledger.requests:
            record = "order" if action == "placeOrder" else "invoice"
            answer = await self._until_answered(action, given, f"{record} {{ id }}")
            assert answer[record]["id"] == known[given["idempotencyKey"]]


@asynccontextmanager
async def served(settings: Settings, publisher: Publisher) -> AsyncIterator[int]:
    """Several workers behind one port, which the publisher asks; the id of their parent."""
    environment = environment_of(settings, workers=WORKERS)
    with serving(environment) as process:
        async with client_of(environment) as publisher.client:
            yield process.pid


@dataclass(frozen=True)
class Pace:
    """How soon after a worker the next one is killed: once both have come."""

    seconds: float = 1
    answers: int = 1


async def kill_workers(shop: Shop, parent: int, moments: random.Random, pace: Pace) -> int:
    """Kill a worker again and again until it is over; how many."""
    killed, done = 0, 0
    while not shop.over.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(shop.over.wait(), pace.seconds)
        workers = _workers(parent)
        if shop.ledger.done >= done + pace.answers and workers and not shop.over.is_set():
            done = shop.ledger.done
            with contextlib.suppress(ProcessLookupError):
                os.kill(moments.choice(workers), signal.SIGKILL)
                killed += 1
    return killed


def _workers(parent: int) -> list[int]:
    """The processes that answer requests."""
    found = []
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        with contextlib.suppress(FileNotFoundError):
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


async def compare(shop: Shop, owner: asyncpg.Connection) -> None:
    """See that the database holds what clients were told, and nothing else."""
    ledger, tenant = shop.ledger, shop.publisher.tenant_id
    counts = {
        "customer_order": len(ledger.orders),
        "subscription": len(ledger.orders),
        "invoice": len(ledger.orders) + len(ledger.documents),
    }
    for table, expected in counts.items():
        query = f"SELECT count(*) FROM {table} WHERE tenant_id = $1"  # noqa: S608  Ours.
        assert await owner.fetchval(query, tenant) == expected, table
    rows = await owner.fetch("SELECT number FROM invoice WHERE tenant_id = $1", tenant)
    numbers = sorted(int(row["number"].rpartition("-")[2]) for row in rows)
    assert numbers == list(range(1, len(rows) + 1))
    total = await owner.fetchval("SELECT sum(gross) FROM invoice WHERE tenant_id = $1", tenant)
    assert total == ledger.total
    ordered = await owner.fetchval(
        "SELECT sum(gross) FROM customer_order WHERE tenant_id = $1", tenant
    )
    issued = await owner.fetchval(
        "SELECT sum(gross) FROM invoice WHERE tenant_id = $1 AND type = 'INVOICE'", tenant
    )
    assert ordered == issued


async def killed_again_and_again(
    settings: Settings,
    owner: asyncpg.Connection,
    moments: random.Random,
    *,
    clients: int = AT_ONCE,
    orders: int | None = None,
    seconds: float | None = None,
    pace: Pace = Pace(),
) -> tuple[Shop, int]:
    """Sell for so long or so many times while workers are killed, and compare; how many were."""
    async with httpx2.AsyncClient() as nobody:
        publisher = await Publisher.found(owner, nobody)
        async with served(settings, publisher) as parent:
            shop = Shop(publisher, moments, clients)
            await shop.open()
            selling = asyncio.create_task(shop.sell(orders))
            killing = asyncio.create_task(kill_workers(shop, parent, moments, pace))
            await asyncio.wait([selling], timeout=seconds)
            shop.over.set()
            await selling
            killed = await killing
            await compare(shop, owner)
            await shop.ask_again()
            await compare(shop, owner)
    return shop, killed
