"""What there is to be sold in the tests of the checkout, and somebody to sell it to."""

from datetime import UTC, date, datetime, timedelta
from secrets import token_hex
from typing import Any

from app import models
from app.schema.catalogue import Offer
from app.schema.node import encode_id, key_of
from tests.publisher import Publisher

LONG_AGO = date(2020, 1, 1)
PREVIEW = """
    query ($input: PreviewCheckoutInput!) { previewCheckout(input: $input) {
        checkout {
            net { amount } tax { amount } totalToday { amount currency } dueOn priceToken
            discount { amount }
            taxes { taxPercent net { amount } tax { amount } gross { amount } }
            lines {
                offerId offerCode title quantity startsOn endsOn
                regularPrice { amount } firstPrice { amount } discount { amount } total { amount }
                taxes { taxPercent net { amount } tax { amount } gross { amount } }
                renewal { nextBillingOn price { amount } termEndsOn lastCancellationDay }
                deliveries { count firstOn }
            }
        }
        userErrors { code field message }
    } }
"""


class Shop:
    """A publisher's catalogue and a customer, made row by row."""

    def __init__(self, publisher: Publisher, customer: int) -> None:
        self.publisher = publisher
        self.key = customer
        self.customer = encode_id("Customer", customer)

    @classmethod
    async def open(cls, publisher: Publisher) -> "Shop":
        """Somebody in Berlin who can be billed and delivered to; nothing is sold yet."""
        shop = cls(publisher, await publisher.customer(email=f"{token_hex(6)}@example.org"))
        await shop.address()
        await shop.address(type="DELIVERY")
        return shop

    async def address(self, **values: Any) -> str:
        """The id of another address, preferred unless told."""
        row = {"type": "INVOICE", "preferred": True, **values}
        key = await self.publisher.make(models.Address, customer_id=self.key, **row)
        return encode_id("Address", key)

    async def account(self, **values: Any) -> str:
        """The id of a bank account with a mandate, preferred unless told."""
        row = {
            "preferred": True,
            "mandate_signed_on": datetime.now(UTC).date() - timedelta(days=30),
            **values,
        }
        key = await self.publisher.make(models.BankAccount, customer_id=self.key, **row)
        return encode_id("BankAccount", key)

    async def product(self, **values: Any) -> int:
        """The key of a product: digital, at the reduced rate."""
        return await self.publisher.make(models.Product, **values)

    async def publication(self, *days: date) -> int:
        """The key of a publication with issues on these days, which close the day before."""
        key = await self.publisher.make(models.Publication)
        for day in days:
            await self.publisher.make(
                models.Issue,
                publication_id=key,
                publishing_on=day,
                closing_on=day - timedelta(days=1),
            )
        return key

    async def offer(self, product: int | None = None, **values: Any) -> str:
        """The id of an offer: 10.00 euros a month, unless told."""
        row = {"valid_from": LONG_AGO, **values}
        key = await self.publisher.make(
            models.Offer, product_id=product or await self.product(), **row
        )
        return encode_id("Offer", key)

    async def bundle(self, publication: int, **values: Any) -> str:
        """The id of an offer of print and digital, 70 of 100 at the reduced rate."""
        product = await self.product(kind="BUNDLE", publication_id=publication, tax_class=None)
        for tax_class, percent in (("REDUCED", "70.00"), ("STANDARD", "30.00")):
            await self.publisher.make(
                models.ProductTaxShare, product_id=product, tax_class=tax_class, percent=percent
            )
        return await self.offer(product, publication_id=publication, **values)

    async def voucher(self, code: str, *offers: str, **values: Any) -> int:
        """The key of a voucher of 10 percent, unless told, for these offers or all."""
        row = {"valid_from": LONG_AGO, "code": code, **values}
        key = await self.publisher.make(models.Voucher, **row)
        for offer in offers:
            await self.publisher.make(
                models.VoucherOffer, voucher_id=key, offer_id=key_of(offer, Offer)
            )
        return key

    @staticmethod
    def key_of(offer: str) -> int:
        """The key of an offer."""
        return key_of(offer, Offer)

    def input(self, *lines: str | dict[str, Any], **values: Any) -> dict[str, Any]:
        """An order of offers, paid by invoice unless told."""
        given = [{"offerId": line} if isinstance(line, str) else line for line in lines]
        return {
            "customerId": self.customer,
            "lines": given,
            "paymentMethod": "INVOICE",
            **values,
        }

    async def order(self, input: dict[str, Any], select: str = "number") -> dict[str, Any]:
        """Place an order that nothing stands against; what is selected of it."""
        payload = await self.publisher.act("placeOrder", input, f"order {{ {select} }}")
        assert payload["userErrors"] == []
        order: dict[str, Any] = payload["order"]
        return order

    async def preview(self, input: dict[str, Any]) -> dict[str, Any]:
        """What an order would cost, with what stands against it."""
        data = await self.publisher.data(PREVIEW, input=input)
        preview: dict[str, Any] = data["previewCheckout"]
        return preview
