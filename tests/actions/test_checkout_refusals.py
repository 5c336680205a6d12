"""What stands against an order: told by the preview and by the order alike, and nothing is kept."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app import models
from app.schema.node import encode_id
from tests.actions.conftest import Clock
from tests.actions.selling import Shop
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals

TODAY = date(2031, 5, 15)
Given = dict[str, Any]
Case = Callable[[Shop], Awaitable[Given]]


@pytest.fixture
def clock(clock: Clock) -> Clock:
    """It is noon on a day of the year 2031 where the publishers are."""
    clock.at = datetime(2031, 5, 15, 10, tzinfo=UTC)
    return clock


@pytest.fixture
async def shop(publisher: Publisher) -> Shop:
    """Somebody to sell something to."""
    return await Shop.open(publisher)


def line(offer: str, **values: Any) -> Given:
    """A line of an order."""
    return {"offerId": offer, **values}


async def _nothing(shop: Shop) -> Given:
    return shop.input()


async def _many(shop: Shop) -> Given:
    return shop.input(*[await shop.offer()] * 51)


async def _unnamed(shop: Shop) -> Given:
    return shop.input({"quantity": 1})


async def _named_twice(shop: Shop) -> Given:
    return shop.input(line(await shop.offer(code="A"), offerCode="A"))


async def _no_id(shop: Shop) -> Given:
    return shop.input(await shop.offer(), shop.customer)


async def _unknown(shop: Shop) -> Given:
    return shop.input(encode_id("Offer", 2**40))


async def _unknown_code(shop: Shop) -> Given:
    return shop.input({"offerCode": "GIBTSNICHT"})


async def _over(shop: Shop) -> Given:
    return shop.input(await shop.offer(valid_until=TODAY - timedelta(days=1)))


async def _not_yet(shop: Shop) -> Given:
    return shop.input(await shop.offer(valid_from=TODAY + timedelta(days=1)))


async def _over_by_code(shop: Shop) -> Given:
    await shop.offer(code="ALT", valid_until=TODAY - timedelta(days=1))
    return shop.input({"offerCode": "ALT"})


async def _retired(shop: Shop) -> Given:
    product = await shop.product(retired_at=datetime(2030, 1, 1, tzinfo=UTC))
    return shop.input(await shop.offer(product))


async def _francs(shop: Shop) -> Given:
    return shop.input(await shop.offer(), await shop.offer(currency="CHF"))


async def _too_few(shop: Shop) -> Given:
    return shop.input(line(await shop.offer(), quantity=0))


async def _too_dear(shop: Shop) -> Given:
    return shop.input(line(await shop.offer(price="999999999999.99"), quantity=2))


async def _yesterday(shop: Shop) -> Given:
    return shop.input(line(await shop.offer(), startsOn="2031-05-14"))


async def _in_a_year(shop: Shop) -> Given:
    return shop.input(line(await shop.offer(), startsOn="2032-05-16"))


async def _nobody_to_bill(shop: Shop) -> Given:
    await _forget(shop, "INVOICE")
    return shop.input(await shop.offer())


async def _nowhere_to_deliver(shop: Shop) -> Given:
    await _forget(shop, "DELIVERY")
    return shop.input(await shop.offer(), await shop.bundle(await shop.publication()))


async def _delivered_later(shop: Shop) -> Given:
    await _forget(shop, "DELIVERY")
    await shop.address(type="DELIVERY", valid_from=TODAY + timedelta(days=2))
    bundle = await shop.bundle(await shop.publication())
    return shop.input(line(bundle, startsOn="2031-05-17"), line(bundle, startsOn="2031-05-16"))


async def _forget(shop: Shop, type: str) -> None:
    await shop.publisher.owner.execute(
        "DELETE FROM address WHERE tenant_id = $1 AND type = $2", shop.publisher.tenant_id, type
    )


async def _other_address(shop: Shop) -> Given:
    delivery = await shop.address(type="DELIVERY", preferred=False)
    return shop.input(await shop.offer(), invoiceAddressId=delivery)


async def _address_ahead(shop: Shop) -> Given:
    ahead = await shop.address(preferred=False, valid_from=TODAY + timedelta(days=1))
    return shop.input(await shop.offer(), invoiceAddressId=ahead)


async def _strange_address(shop: Shop) -> Given:
    other = await Shop.open(shop.publisher)
    strange = await other.address(type="DELIVERY", preferred=False)
    bundle = await shop.bundle(await shop.publication())
    return shop.input(line(bundle, deliveryAddressId=strange))


async def _no_mandate(shop: Shop) -> Given:
    await shop.account(preferred=False, mandate_signed_on=TODAY)
    return shop.input(await shop.offer(), paymentMethod="SEPA_DEBIT")


async def _lapsed_by_default(shop: Shop) -> Given:
    await shop.account(mandate_signed_on=date(2028, 5, 15))
    return shop.input(await shop.offer(), paymentMethod="SEPA_DEBIT")


async def _lapsed(shop: Shop) -> Given:
    account = await shop.account(mandate_signed_on=date(2028, 5, 15))
    return shop.input(await shop.offer(), paymentMethod="SEPA_DEBIT", bankAccountId=account)


async def _revoked(shop: Shop) -> Given:
    account = await shop.account(preferred=False, mandate_state="REVOKED")
    return shop.input(await shop.offer(), paymentMethod="SEPA_DEBIT", bankAccountId=account)


async def _removed(shop: Shop) -> Given:
    account = await shop.account(
        preferred=False, mandate_state="REVOKED", removed_at=datetime(2031, 1, 1, tzinfo=UTC)
    )
    return shop.input(await shop.offer(), paymentMethod="SEPA_DEBIT", bankAccountId=account)


async def _strange_account(shop: Shop) -> Given:
    strange = await (await Shop.open(shop.publisher)).account(mandate_signed_on=TODAY)
    return shop.input(await shop.offer(), paymentMethod="SEPA_DEBIT", bankAccountId=strange)


async def _account_for_invoices(shop: Shop) -> Given:
    account = await shop.account(mandate_signed_on=TODAY)
    return shop.input(await shop.offer(), bankAccountId=account)


async def _card(shop: Shop) -> Given:
    return shop.input(await shop.offer(), paymentMethod="CREDIT_CARD")


async def _debit_in_francs(shop: Shop) -> Given:
    await shop.account(mandate_signed_on=TODAY)
    return shop.input(await shop.offer(currency="CHF"), paymentMethod="SEPA_DEBIT")


async def _data_unknown(shop: Shop) -> Given:
    return shop.input(await shop.offer(), additionalData={"costCentre": "1"})


async def _data_missing(shop: Shop) -> Given:
    await shop.publisher.make(
        models.AdditionalDataDefinition, key="source", applies_to="SUBSCRIPTION", required=True
    )
    given = line(await shop.offer(), additionalData={"source": "a"})
    return shop.input(given, await shop.offer())


async def _other_amount(shop: Shop) -> Given:
    expected = {"amount": "9.99", "currency": "EUR"}
    return shop.input(await shop.offer(), expectedTotal=expected)


async def _other_currency(shop: Shop) -> Given:
    expected = {"amount": "10.00", "currency": "CHF"}
    return shop.input(await shop.offer(), expectedTotal=expected)


async def _other_token(shop: Shop) -> Given:
    return shop.input(await shop.offer(), priceToken="seen before")


async def _all_at_once(shop: Shop) -> Given:
    await _forget(shop, "INVOICE")
    return shop.input(
        line(await shop.offer(), startsOn="2031-05-14"),
        line(await shop.offer(valid_until=TODAY - timedelta(days=1))),
        paymentMethod="SEPA_DEBIT",
        additionalData={"costCentre": "1"},
    )


CASES: dict[str, tuple[Case, list[tuple[str, str]]]] = {
    "nothing is ordered": (_nothing, [("REQUIRED", "lines")]),
    "too many lines": (_many, [("TOO_MANY_LINES", "lines")]),
    "no offer is named": (_unnamed, [("REQUIRED", "lines.0.offerId")]),
    "an offer is named twice": (_named_twice, [("REQUIRED", "lines.0.offerId")]),
    "another id": (_no_id, [("INVALID", "lines.1.offerId")]),
    "an unknown offer": (_unknown, [("NOT_FOUND", "lines.0.offerId")]),
    "an unknown code": (_unknown_code, [("OFFER_NOT_AVAILABLE", "lines.0.offerCode")]),
    "an offer that is over": (_over, [("OFFER_NOT_AVAILABLE", "lines.0.offerId")]),
    "an offer that is not yet sold": (_not_yet, [("OFFER_NOT_AVAILABLE", "lines.0.offerId")]),
    "a code that is over": (_over_by_code, [("OFFER_NOT_AVAILABLE", "lines.0.offerCode")]),
    "a retired product": (_retired, [("OFFER_NOT_AVAILABLE", "lines.0.offerId")]),
    "two currencies": (_francs, [("CURRENCIES_MIXED", "lines.1")]),
    "no copies": (_too_few, [("INVALID", "lines.0.quantity")]),
    "more money than there is": (_too_dear, [("INVALID", "lines")]),
    "a start in the past": (_yesterday, [("START_DATE_INVALID", "lines.0.startsOn")]),
    "a start too far ahead": (_in_a_year, [("START_DATE_INVALID", "lines.0.startsOn")]),
    "nobody to bill": (_nobody_to_bill, [("ADDRESS_REQUIRED", "invoiceAddressId")]),
    "nowhere to deliver": (
        _nowhere_to_deliver,
        [("ADDRESS_REQUIRED", "lines.1.deliveryAddressId")],
    ),
    "an address that comes too late": (
        _delivered_later,
        [("ADDRESS_REQUIRED", "lines.1.deliveryAddressId")],
    ),
    "a delivery address for invoices": (_other_address, [("INVALID", "invoiceAddressId")]),
    "an address of the future": (_address_ahead, [("INVALID", "invoiceAddressId")]),
    "somebody else's address": (_strange_address, [("NOT_FOUND", "lines.0.deliveryAddressId")]),
    "no mandate": (_no_mandate, [("MANDATE_REQUIRED", "bankAccountId")]),
    "a lapsed mandate by default": (_lapsed_by_default, [("MANDATE_REQUIRED", "bankAccountId")]),
    "a lapsed mandate": (_lapsed, [("MANDATE_LAPSED", "bankAccountId")]),
    "a revoked mandate": (_revoked, [("MANDATE_REVOKED", "bankAccountId")]),
    "a removed account": (_removed, [("BANK_ACCOUNT_REMOVED", "bankAccountId")]),
    "somebody else's account": (_strange_account, [("NOT_FOUND", "bankAccountId")]),
    "an account for invoices": (_account_for_invoices, [("INVALID", "bankAccountId")]),
    "a credit card": (_card, [("INVALID", "paymentMethod")]),
    "debits in francs": (_debit_in_francs, [("INVALID", "paymentMethod")]),
    "unknown data": (_data_unknown, [("ADDITIONAL_DATA_INVALID", "additionalData.costCentre")]),
    "missing data": (
        _data_missing,
        [("ADDITIONAL_DATA_INVALID", "lines.1.additionalData.source")],
    ),
    "everything at once": (
        _all_at_once,
        [
            ("OFFER_NOT_AVAILABLE", "lines.1.offerId"),
            ("START_DATE_INVALID", "lines.0.startsOn"),
            ("ADDRESS_REQUIRED", "invoiceAddressId"),
            ("MANDATE_REQUIRED", "bankAccountId"),
            ("ADDITIONAL_DATA_INVALID", "additionalData.costCentre"),
        ],
    ),
}
CHANGED: dict[str, tuple[Case, list[tuple[str, str]]]] = {
    "another amount": (_other_amount, [("PRICE_CHANGED", "expectedTotal")]),
    "another currency": (_other_currency, [("PRICE_CHANGED", "expectedTotal")]),
    "another token": (_other_token, [("PRICE_CHANGED", "priceToken")]),
}


@pytest.mark.parametrize("case", [*CASES, *CHANGED])
async def test_an_order_is_refused_and_leaves_no_trace(
    shop: Shop, everything: Everything, case: str
) -> None:
    make, expected = (CASES | CHANGED)[case]
    given = await make(shop)
    async with everything.unchanged():
        payload = await shop.publisher.act("placeOrder", given, "order { id }")
    assert payload["order"] is None
    assert refusals(payload) == expected
    if case in CASES:
        assert (await shop.preview(given))["userErrors"] == payload["userErrors"]


async def test_what_is_missing_beside_leaves_the_prices(shop: Shop) -> None:
    await _forget(shop, "INVOICE")
    preview = await shop.preview(shop.input(await shop.offer(), voucherCode="GIBTSNICHT"))
    assert preview["checkout"]["totalToday"]["amount"] == "10.00"
    assert refusals(preview) == [
        ("ADDRESS_REQUIRED", "invoiceAddressId"),
        ("VOUCHER_INVALID", "voucherCode"),
    ]


async def test_anonymised_customers_order_nothing(publisher: Publisher, shop: Shop) -> None:
    given = shop.input(await shop.offer())
    await publisher.owner.execute(
        "UPDATE customer SET anonymized_at = now() WHERE tenant_id = $1 AND id = $2",
        publisher.tenant_id,
        shop.key,
    )
    preview = await shop.preview(given)
    assert (preview["checkout"], refusals(preview)) == (None, [("CUSTOMER_ANONYMIZED", "")])


async def test_what_another_tenant_sells_is_not_found(shop: Shop, competitor: Publisher) -> None:
    foreign = await (await Shop.open(competitor)).offer()
    payload = await shop.publisher.act("placeOrder", shop.input(foreign), "order { id }")
    assert refusals(payload) == [("NOT_FOUND", "lines.0.offerId")]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE offer SET first_price = 5 WHERE tenant_id = $1",
        "UPDATE offer SET price = 11 WHERE tenant_id = $1",
        "UPDATE offer SET notice_count = 0 WHERE tenant_id = $1",
        "UPDATE product SET tax_class = 'STANDARD' WHERE tenant_id = $1",
        "UPDATE voucher SET percent = 20 WHERE tenant_id = $1",
    ],
)
async def test_what_changed_since_the_preview_is_refused(
    publisher: Publisher, shop: Shop, everything: Everything, change: str
) -> None:
    await shop.voucher("ZEHN")
    given = shop.input(await shop.offer(first_price="1.00"), voucherCode="ZEHN")
    given["priceToken"] = (await shop.preview(given))["checkout"]["priceToken"]
    await publisher.owner.execute(change, publisher.tenant_id)
    async with everything.unchanged():
        payload = await publisher.act("placeOrder", given, "order { id }")
    assert refusals(payload) == [("PRICE_CHANGED", "priceToken")]


async def test_the_message_names_both_totals(shop: Shop) -> None:
    payload = await shop.publisher.act("placeOrder", await _other_amount(shop), "order { id }")
    [error] = payload["userErrors"]
    assert error["message"] == "10.00 EUR are to be paid today, and not 9.99 EUR."


async def test_what_the_preview_said_is_accepted(shop: Shop) -> None:
    given = shop.input(await shop.offer())
    checkout = (await shop.preview(given))["checkout"]
    agreed = {"expectedTotal": checkout["totalToday"], "priceToken": checkout["priceToken"]}
    assert (await shop.order(given | agreed))["number"] == "10001"
