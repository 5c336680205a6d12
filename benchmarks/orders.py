"""What placing an order costs: in an account's first order, and after many."""

import asyncio
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from app.auth.administration import create_partner_token, create_tenant
from app.auth.permissions import Permission
from app.settings import Settings
from benchmarks.client import WARM_UP, Answered, Client, Query
from benchmarks.report import Report
from benchmarks.servers import serving
from benchmarks.tenants import connect

_PREVIEW = """query Preview($input: PreviewCheckoutInput!) { previewCheckout(input: $input) {
  checkout { totalToday { amount } priceToken lines { title total { amount }
    renewal { nextBillingOn price { amount } } } taxes { taxPercent gross { amount } } }
  userErrors { code }
} }"""

_MONTH = {"count": 1, "unit": "MONTH"}
_ADDRESS = {
    "lastName": "Muster",
    "street": "Lindenallee 5",
    "postalCode": "10115",
    "city": "Berlin",
    "country": "DE",
}


def orders(settings: Settings, report: Report, before: int, count: int) -> None:
    """Measure, in a tenant of its own; there is a mail and an invoice to each order."""
    token = asyncio.run(_found(settings))
    with serving(settings) as served:
        shop = _Shop(Client(served.url), token)
        long = shop.customer()
        for _ in range(max(before, WARM_UP)):
            shop.client.send(shop.order(long))
        fresh = [shop.customer() for _ in range(count)]
        first, later, preview = Answered(), Answered(), Answered()
        for customer in fresh:
            preview.times.append(shop.client.timed(shop.preview(customer)))
            first.times.append(shop.client.timed(shop.order(customer)))
            later.times.append(shop.client.timed(shop.order(long)))
    rows = [
        ("previewCheckout, three lines", preview),
        ("placeOrder, three lines, the account's first", first),
        (f"placeOrder, three lines, after {before:,} orders", later),
    ]
    report.table(
        f"Orders: {count:,} of each, in turn",
        ("Median and p99 in ms", "p50", "p99"),
        [(name, f"{one.median:.2f}", f"{one.p99:.2f}") for name, one in rows],
    )


async def _found(settings: Settings) -> str:
    """A token for a tenant in which there is nothing yet."""
    connection = await connect(settings)
    try:
        slug = f"bench-orders-{secrets.token_hex(4)}"
        await create_tenant(connection, slug, "Orders")
        return await create_partner_token(
            connection, tenant=slug, name="benchmark", scopes=list(Permission), expires_at=None
        )
    finally:
        await connection.close()


class _Shop:
    """What is sold: digital access, printed issues, and a bundle with a tax split."""

    def __init__(self, client: Client, token: str) -> None:
        self.client = client
        self._token = token
        self._offers = list(self._sold())

    def customer(self) -> str:
        """The id of a new customer, who can be billed and delivered to."""
        name = secrets.token_hex(6)
        given = {"lastName": "Muster", "email": f"{name}@example.org"}
        customer = self._do("createCustomer", given, "customer { id }")
        for action in ("addInvoiceAddress", "addDeliveryAddress"):
            self._do(action, {**_ADDRESS, "customerId": customer}, "address { id }")
        return customer

    def order(self, customer: str) -> Query:
        """An order of three lines."""
        return self._mutation("placeOrder", self._input(customer), "order { id number }")

    def preview(self, customer: str) -> Query:
        """The same, to be shown what it costs."""
        return Query(_PREVIEW, {"input": self._input(customer)}, self._token)

    def _input(self, customer: str) -> dict[str, Any]:
        lines = [{"offerId": offer} for offer in self._offers]
        return {"customerId": customer, "lines": lines, "paymentMethod": "INVOICE"}

    def _sold(self) -> Iterator[str]:
        named = {"title": "Blatt", "frequency": "WEEKLY"}
        paper = self._do("createPublication", named, "publication { id }")
        today = datetime.now(UTC).date()
        days = [(today + timedelta(weeks=week)).isoformat() for week in range(1, 9)]
        issues = [
            {"number": day, "publishingOn": day, "closingOn": today.isoformat()} for day in days
        ]
        self._do("addIssues", {"publicationId": paper, "issues": issues}, "publication { id }")
        share = [
            {"taxClass": "REDUCED", "percent": "70"},
            {"taxClass": "STANDARD", "percent": "30"},
        ]
        kinds: list[dict[str, Any]] = [
            {"kind": "DIGITAL", "uniqueId": "digital", "taxClass": "REDUCED"},
            {"kind": "PRINT", "publicationId": paper, "taxClass": "REDUCED"},
            {"kind": "BUNDLE", "uniqueId": "all", "publicationId": paper, "taxShares": share},
        ]
        for kind in kinds:
            name = kind["kind"].title()
            product = self._do("createProduct", {"name": name, **kind}, "product { id }")
            yield self._do(
                "createOffer",
                {
                    "code": name.upper(),
                    "name": name,
                    "productId": product,
                    "price": {"amount": "19.90", "currency": "EUR"},
                    "term": _MONTH,
                    "accountingPeriod": _MONTH,
                    "notice": {"count": 2, "unit": "WEEK"},
                },
                "offer { id }",
            )

    def _do(self, action: str, given: dict[str, Any], select: str) -> str:
        """Do an action that is not measured; the id of the record that it shows.

        Raises:
            RuntimeError: when it is refused.
        """
        payload = self.client.send(self._mutation(action, given, select))[action]
        if payload["userErrors"]:
            raise RuntimeError(f"{action}: {payload['userErrors']}")
        record: dict[str, str] = payload[select.split()[0]]
        return record["id"]

    def _mutation(self, action: str, given: dict[str, Any], select: str) -> Query:
        named = f"{action[0].upper()}{action[1:]}Input"
        text = (
            f"mutation ($input: {named}!) {{ {action}(input: $input)"
            f" {{ {select} userErrors {{ code field message }} }} }}"
        )
        return Query(text, {"input": given}, self._token)
