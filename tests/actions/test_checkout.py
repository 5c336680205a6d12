"""Placing orders: everything that comes of one."""

from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

import pytest

from app.schema.node import encode_id
from tests.actions.conftest import Clock
from tests.actions.selling import Shop
from tests.actions.unchanged import Everything
from tests.postgres_proxy import PostgresProxy
from tests.publisher import Publisher

TODAY = date(2031, 1, 31)
MONEY = "{ amount currency }"
SHOWN = f"""
    number status purchaseOrderNumber note paymentMethod additionalData
    net {MONEY} tax {MONEY} gross {MONEY}
    invoiceAddress {{ city street country }} deliveryAddress {{ city }}
    items {{ position title quantity net taxPercent tax gross voucherCode }}
    subscriptions(orderBy: {{field: NUMBER}}) {{ nodes {{
        number status startsOn endsOn nextBillingOn quantity price {MONEY}
        issues {{ entitled delivered open free }} additionalData
        invoiceAddress {{ city }} deliveryAddress {{ city }} bankAccount {{ id }}
        periods {{ nodes {{ kind startsOn endsOn price {MONEY} }} }}
        accessRights {{ nodes {{ uniqueId source validFrom validUntil }} }}
        deliveries(orderBy: {{field: PUBLISHING_ON}}) {{
            nodes {{ publishingOn kind status quantity }} }}
    }} }}
    invoices {{ nodes {{
        number type status issuedOn dueOn serviceFrom serviceUntil paymentMethod
        net {MONEY} tax {MONEY} gross {MONEY} address {{ city }}
        items {{ position title quantity net taxPercent tax gross }}
        taxes {{ taxPercent net tax gross }}
    }} }}
"""


def euros(amount: str) -> dict[str, str]:
    """An amount in euros, as answers have it."""
    return {"amount": amount, "currency": "EUR"}


@pytest.fixture
def clock(clock: Clock) -> Clock:
    """It is noon on the last day of a month in which clocks aren't changed."""
    clock.at = datetime(2031, 1, 31, 11, tzinfo=UTC)
    return clock


@pytest.fixture
async def shop(publisher: Publisher) -> Shop:
    """Something to sell, and somebody to sell it to."""
    return await Shop.open(publisher)


@pytest.fixture
async def paper(shop: Shop) -> int:
    """The key of a publication with five issues; the first closes before today."""
    days = [TODAY + timedelta(days=count) for count in (0, 7, 14, 35, 42)]
    return await shop.publication(*days)


async def test_everything_comes_of_an_order(shop: Shop, paper: int) -> None:
    digital = await shop.offer(await shop.product(access_id="e-paper"), name="Digital")
    bundle = await shop.bundle(paper, name="Beides", price="33.33", first_price="9.99")
    issues = await shop.offer(
        await shop.product(kind="PRINT", publication_id=paper, access_id=None),
        name="Heft",
        price="30.00",
        publication_id=paper,
        issues_per_period=3,
    )
    order = await shop.order(shop.input(digital, {"offerId": bundle, "quantity": 2}, issues), SHOWN)
    # 10.00 at 7: 9.35 + 0.65. 2 x 9.99 = 19.98, 70 of 100 at 7: 13.986, so 13.99 and 5.99;
    # 13.99 / 1.07 = 13.0748, 5.99 / 1.19 = 5.0336. 30.00 / 1.07 = 28.0374.
    assert [
        (i["title"], i["quantity"], i["net"], i["tax"], i["gross"]) for i in order["items"]
    ] == [
        ("Digital", 1, "9.35", "0.65", "10.00"),
        ("Beides", 2, "13.07", "0.92", "13.99"),
        ("Beides", 2, "5.03", "0.96", "5.99"),
        ("Heft", 1, "28.04", "1.96", "30.00"),
    ]
    assert [item["position"] for item in order["items"]] == [1, 2, 3, 4]
    assert (order["net"], order["tax"], order["gross"]) == (
        euros("55.49"),
        euros("4.49"),
        euros("59.98"),
    )
    assert order["status"] == "ACTIVE"
    assert order["invoiceAddress"] == {"city": "Berlin", "street": "Hauptstraße", "country": "DE"}
    first, second, third = order["subscriptions"]["nodes"]
    # A month from 31 January ends with 27 February, since the next one begins on the 28th.
    period = {"kind": "REGULAR", "startsOn": "2031-01-31", "endsOn": "2031-02-27"}
    assert first["periods"]["nodes"] == [{**period, "price": euros("10.00")}]
    assert second["periods"]["nodes"] == [{**period, "price": euros("19.98")}]
    assert {one["nextBillingOn"] for one in (first, second, third)} == {"2031-02-28"}
    assert (second["price"], second["quantity"]) == (euros("66.66"), 2)
    assert [right["uniqueId"] for right in first["accessRights"]["nodes"]] == ["e-paper"]
    assert first["accessRights"]["nodes"][0]["validFrom"] == "2031-01-30T23:00:00+00:00"
    assert third["accessRights"]["nodes"] == []
    assert third["issues"] == {"entitled": 3, "delivered": 0, "open": 3, "free": 0}
    days = {
        one["number"]: [row["publishingOn"] for row in one["deliveries"]["nodes"]]
        for one in (first, second, third)
    }
    assert list(days.values()) == [
        [],
        # In time: what appears by 27 February. In issues: the next three.
        ["2031-02-07", "2031-02-14"],
        ["2031-02-07", "2031-02-14", "2031-03-07"],
    ]
    assert {row["quantity"] for row in second["deliveries"]["nodes"]} == {2}
    _check_invoice(order)


def _check_invoice(order: dict[str, Any]) -> None:
    [invoice] = order["invoices"]["nodes"]
    assert invoice["number"] == "RE-2031-0000001"
    assert (invoice["type"], invoice["status"]) == ("INVOICE", "OPEN")
    assert (invoice["issuedOn"], invoice["dueOn"]) == ("2031-01-31", "2031-02-14")
    assert (invoice["serviceFrom"], invoice["serviceUntil"]) == ("2031-01-31", "2031-02-27")
    for name in ("net", "tax", "gross"):
        assert invoice[name] == order[name]
    kept = ("position", "title", "quantity", "net", "taxPercent", "tax", "gross")
    assert invoice["items"] == [{name: item[name] for name in kept} for item in order["items"]]
    assert invoice["taxes"] == [
        {"taxPercent": "7.00", "net": "50.46", "tax": "3.53", "gross": "53.99"},
        {"taxPercent": "19.00", "net": "5.03", "tax": "0.96", "gross": "5.99"},
    ]


async def test_what_is_ordered_can_be_read_at_once(
    publisher: Publisher, shop: Shop, clock: Clock
) -> None:
    clock.at = None
    soon = datetime.now(UTC).date() + timedelta(days=3)
    lines = [
        {"offerId": await shop.offer(await shop.product(access_id="archiv"))},
        {
            "offerId": await shop.offer(await shop.product(access_id="e-paper")),
            "startsOn": soon.isoformat(),
        },
    ]
    await shop.order(shop.input(*lines))
    asked = (
        'query ($id: ID!) { archiv: hasAccess(customer: {id: $id}, uniqueId: "archiv") { allowed }'
        ' paper: hasAccess(customer: {id: $id}, uniqueId: "e-paper") { allowed reason } }'
    )
    answer = await publisher.data(asked, id=shop.customer)
    assert answer["archiv"] == {"allowed": True}
    assert answer["paper"] == {"allowed": False, "reason": "NOT_YET"}


async def test_access_is_given_to_all_that_the_offer_grants(
    publisher: Publisher, shop: Shop
) -> None:
    from app import models

    offer = await shop.offer(await shop.product(access_id="own"))
    for name in ("beside", "besides"):
        await publisher.make(
            models.OfferGrant,
            offer_id=shop.key_of(offer),
            product_id=await shop.product(access_id=name),
        )
    order = await shop.order(shop.input(offer), SHOWN)
    [subscription] = order["subscriptions"]["nodes"]
    rights = {right["uniqueId"] for right in subscription["accessRights"]["nodes"]}
    assert rights == {"own", "beside", "besides"}


async def test_what_begins_later_is_paid_for_now(shop: Shop, paper: int) -> None:
    bundle = await shop.bundle(paper)
    line = {"offerId": bundle, "startsOn": "2031-02-28"}
    order = await shop.order(shop.input(line), SHOWN)
    [subscription] = order["subscriptions"]["nodes"]
    assert (subscription["status"], subscription["startsOn"]) == ("ACTIVE", "2031-02-28")
    assert subscription["nextBillingOn"] == "2031-03-28"
    assert [row["publishingOn"] for row in subscription["deliveries"]["nodes"]] == [
        "2031-03-07",
        "2031-03-14",
    ]
    assert {r["validFrom"] for r in subscription["accessRights"]["nodes"]} == {
        "2031-02-27T23:00:00+00:00"
    }
    [invoice] = order["invoices"]["nodes"]
    assert (invoice["issuedOn"], invoice["serviceFrom"]) == ("2031-01-31", "2031-02-28")


async def test_what_costs_nothing_gets_no_invoice(shop: Shop) -> None:
    order = await shop.order(shop.input(await shop.offer(first_price="0.00")), SHOWN)
    assert order["gross"] == euros("0.00")
    assert order["invoices"]["nodes"] == []
    [subscription] = order["subscriptions"]["nodes"]
    assert subscription["price"] == euros("10.00")
    assert subscription["periods"]["nodes"][0]["price"] == euros("0.00")


async def test_debits_are_planned_and_announced(publisher: Publisher, shop: Shop) -> None:
    account = await shop.account(mandate_signed_on=TODAY)
    given = shop.input(await shop.offer(), paymentMethod="SEPA_DEBIT")
    order = await shop.order(given, SHOWN)
    [subscription], [invoice] = (
        order["subscriptions"]["nodes"],
        order["invoices"]["nodes"],
    )
    assert subscription["bankAccount"] == {"id": account}
    # 14 days after the 31st is a Friday, on which banks work.
    assert (invoice["paymentMethod"], invoice["dueOn"]) == ("SEPA_DEBIT", "2031-02-14")
    [debit] = await publisher.owner.fetch(
        "SELECT action, status, amount::text, due_on FROM payment_transaction WHERE tenant_id = $1",
        publisher.tenant_id,
    )
    assert tuple(debit) == ("SEPA_DEBIT", "PENDING", "10.00", date(2031, 2, 14))
    assert await _mails(publisher) == ["sepa_pre_notification", "order_confirmation"]


async def _mails(publisher: Publisher) -> list[str]:
    rows = await publisher.owner.fetch(
        "SELECT template FROM mail WHERE tenant_id = $1 ORDER BY id", publisher.tenant_id
    )
    return [row["template"] for row in rows]


async def test_the_customer_is_told_and_jobs_are_left(publisher: Publisher, shop: Shop) -> None:
    await shop.order(shop.input(await shop.offer()))
    assert await _mails(publisher) == ["order_confirmation"]
    jobs = await publisher.owner.fetch(
        "SELECT entrypoint FROM abokonto.pgqueuer WHERE headers->>'tenant' = $1 ORDER BY id",
        str(publisher.tenant_id),
    )
    assert [row["entrypoint"] for row in jobs] == ["invoice.render", "mail.send"]


async def test_the_history_has_one_entry_and_the_diary_a_sentence(
    publisher: Publisher, shop: Shop
) -> None:
    offers = [await shop.offer(name=f"Abo {count}") for count in range(7)]
    await shop.order(shop.input(*offers, note="Bitte leise klingeln."))
    [entry] = await publisher.history(shop.customer)
    assert (entry["action"], entry["record_type"]) == ("order.placed", "Order")
    assert entry["before"] is None
    assert entry["after"]["gross"] == "70.00"
    assert entry["after"]["personal"]["note"] == "Bitte leise klingeln."
    names = {name.split(":")[0] for name in entry["after"] if ":" in name}
    assert {"OrderItem", "Subscription", "SubscriptionPeriod", "AccessRight", "Invoice"} <= names
    told = ", ".join(f"1 of Abo {count}" for count in range(5))
    assert await publisher.diary(shop.customer) == [
        f"Order 10001 placed: {told}, 2 more; 70.00 EUR."
    ]


async def test_each_line_has_an_address_and_data_of_its_own(
    publisher: Publisher, shop: Shop, paper: int
) -> None:
    from app import models

    for target in ("ORDER", "SUBSCRIPTION"):
        await publisher.make(
            models.AdditionalDataDefinition, key="source", applies_to=target, required=True
        )
    bundle = await shop.bundle(paper)
    cottage = await shop.address(type="DELIVERY", preferred=False, city="Potsdam")
    office = await shop.address(preferred=False, city="Bonn", business=True, company="Muster AG")
    lines = [
        {"offerId": bundle, "additionalData": {"source": "a"}},
        {"offerId": bundle, "additionalData": {"source": "b"}, "deliveryAddressId": cottage},
    ]
    given = shop.input(
        *lines,
        invoiceAddressId=office,
        additionalData={"source": "c"},
        purchaseOrderNumber=" EK-1 ",
        note="Danke!\n",
    )
    order = await shop.order(given, SHOWN)
    assert (order["purchaseOrderNumber"], order["note"]) == ("EK-1", "Danke!")
    assert order["additionalData"] == {"source": "c"}
    first, second = order["subscriptions"]["nodes"]
    assert [one["additionalData"] for one in (first, second)] == [{"source": "a"}, {"source": "b"}]
    assert [one["deliveryAddress"]["city"] for one in (first, second)] == ["Berlin", "Potsdam"]
    assert {one["invoiceAddress"]["city"] for one in (first, second)} == {"Bonn"}
    rows = await publisher.owner.fetch(
        "SELECT consumer FROM subscription WHERE tenant_id = $1", publisher.tenant_id
    )
    assert [row["consumer"] for row in rows] == [False, False]


async def test_the_address_that_is_used_on_the_first_day_is_delivered_to(
    shop: Shop, paper: int
) -> None:
    await shop.address(type="DELIVERY", city="Kiel", valid_from=date(2031, 2, 10))
    bundle = await shop.bundle(paper)
    lines = [{"offerId": bundle}, {"offerId": bundle, "startsOn": "2031-02-10"}]
    order = await shop.order(shop.input(*lines), SHOWN)
    cities = [one["deliveryAddress"]["city"] for one in order["subscriptions"]["nodes"]]
    assert cities == ["Berlin", "Kiel"]


async def test_an_offer_can_be_named_by_its_code(shop: Shop) -> None:
    await shop.offer(code="NEU", name="Alt", valid_until=TODAY - timedelta(days=1))
    await shop.offer(code="NEU", name="Neu", valid_from=TODAY)
    order = await shop.order(shop.input({"offerCode": "NEU"}), SHOWN)
    assert [item["title"] for item in order["items"]] == ["Neu"]


async def test_what_is_brought_abroad_is_taxed_there(shop: Shop, paper: int) -> None:
    offers = [await shop.offer(), await shop.bundle(paper)]
    abroad = await shop.address(type="DELIVERY", preferred=False, country="AT", postal_code="1010")
    order = await shop.order(shop.input(*offers, deliveryAddressId=abroad), SHOWN)
    percents = [item["taxPercent"] for item in order["items"]]
    # Digital is taxed where the customer is; Austria asks 10 and 20 percent.
    assert percents == ["7.00", "10.00", "20.00"]


async def test_a_request_that_is_repeated_gives_the_same_order(
    shop: Shop, everything: Everything
) -> None:
    given = shop.input(await shop.offer(), idempotencyKey="once")
    first = await shop.order(given, "id number")
    async with everything.unchanged():
        assert await shop.order(given, "id number") == first


async def test_a_preview_keeps_nothing(shop: Shop, everything: Everything) -> None:
    given = shop.input(await shop.offer())
    async with everything.unchanged():
        preview = await shop.preview(given)
    assert preview["userErrors"] == []
    assert preview["checkout"]["totalToday"] == euros("10.00")


async def test_a_preview_tells_what_renews_when(shop: Shop, paper: int) -> None:
    year = {"term_count": 1, "term_unit": "YEAR"}
    bundle = await shop.bundle(paper, price="20.00", first_price="5.00", **year)
    given = shop.input({"offerId": bundle, "quantity": 3}, paymentMethod="INVOICE")
    checkout = (await shop.preview(given))["checkout"]
    [line] = checkout["lines"]
    assert (line["regularPrice"], line["firstPrice"], line["total"]) == (
        {"amount": "60.00"},
        {"amount": "15.00"},
        {"amount": "15.00"},
    )
    assert (line["startsOn"], line["endsOn"]) == ("2031-01-31", "2031-02-27")
    assert line["renewal"] == {
        "nextBillingOn": "2031-02-28",
        "price": {"amount": "60.00"},
        "termEndsOn": "2032-01-30",
        "lastCancellationDay": "2031-12-30",
    }
    assert line["deliveries"] == {"count": 2, "firstOn": "2031-02-07"}
    assert checkout["dueOn"] == "2031-02-14"


async def test_a_preview_needs_the_permission_to_place_orders(
    publisher: Publisher, shop: Shop
) -> None:
    token = await publisher.issue_token("customer:read")
    query = (
        "query ($input: PreviewCheckoutInput!)"
        " { previewCheckout(input: $input) { userErrors { code } } }"
    )
    answer = await publisher.ask(query, token, input=shop.input(encode_id("Offer", 1)))
    assert answer["data"] == {"previewCheckout": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]


async def test_statements_depend_neither_on_the_account_nor_on_the_lines(
    statements: PostgresProxy, shop: Shop, paper: int
) -> None:
    offers = [await shop.offer(), await shop.bundle(paper), await shop.bundle(paper)]
    await shop.voucher("ZEHN")
    given = shop.input(*offers, voucherCode="ZEHN")
    await shop.order(given)
    with statements.counting() as first:
        await shop.order(given)
    for _ in range(5):
        await shop.order(given)
    with statements.counting() as later:
        await shop.order(given)
    with statements.counting() as longer:
        await shop.order(shop.input(*offers * 5, voucherCode="ZEHN"))
    # Deliveries are sent as one statement with many rows, in one go.
    counts = [len(list(groupby(counted))) for counted in (first, later, longer)]
    assert counts == [36, 36, 36]
