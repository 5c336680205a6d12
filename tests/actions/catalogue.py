"""A catalogue for tests of actions: what each action needs at the least."""

from typing import Any

from tests.publisher import Publisher

MONTH = {"count": 1, "unit": "MONTH"}
YEAR = {"count": 1, "unit": "YEAR"}


def euros(amount: str) -> dict[str, str]:
    """An amount in euros, as inputs have it."""
    return {"amount": amount, "currency": "EUR"}


OFFER: dict[str, Any] = {
    "code": "DIGI-M",
    "name": "Digital im Monat",
    "price": euros("9.90"),
    "term": MONTH,
    "accountingPeriod": MONTH,
    "notice": {"count": 2, "unit": "WEEK"},
}
DIGITAL = {"kind": "DIGITAL", "name": "E-Paper", "uniqueId": "e-paper", "taxClass": "REDUCED"}


async def done(publisher: Publisher, action: str, input: dict[str, Any], select: str) -> Any:
    """Do an action that must succeed; the record that it shows."""
    payload = await publisher.act(action, input, select)
    assert payload["userErrors"] == []
    return payload[select.split()[0]]


async def publication(publisher: Publisher, title: str = "Tagblatt") -> str:
    """The id of a new publication."""
    given = {"title": title, "frequency": "MONTHLY"}
    made = await done(publisher, "createPublication", given, "publication { id }")
    return str(made["id"])


async def product(publisher: Publisher, **values: Any) -> str:
    """The id of a new product, digital unless told."""
    made = await done(publisher, "createProduct", {**DIGITAL, **values}, "product { id }")
    return str(made["id"])


async def printed(publisher: Publisher) -> str:
    """The id of a new printed product."""
    return await product(
        publisher,
        kind="PRINT",
        name="Heft",
        uniqueId=None,
        publicationId=await publication(publisher, "Heft"),
    )


async def offer(publisher: Publisher, product_id: str, **values: Any) -> str:
    """The id of a new offer."""
    given = {**OFFER, "productId": product_id, **values}
    return str((await done(publisher, "createOffer", given, "offer { id }"))["id"])


async def assortment(publisher: Publisher) -> dict[str, str]:
    """The ids of products for every use."""
    ids = {
        "own": await product(publisher),
        "beside": await product(publisher, uniqueId="beside"),
        "retired": await product(publisher, uniqueId="retired"),
        "printed": await printed(publisher),
    }
    await done(publisher, "retireProduct", {"productId": ids["retired"]}, "product { id }")
    return ids
