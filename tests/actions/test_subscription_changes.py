"""Changing where a subscription goes, how it is paid, what it is, and whether it gives access."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from app import models
from app.schema.node import encode_id
from tests.actions.conftest import Clock
from tests.actions.contracts import YEARLY, Contract, noon
from tests.actions.selling import Shop
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals


@pytest.fixture
async def contract(publisher: Publisher, clock: Clock) -> Contract:
    """A subscription of 240.00 a year, in its April."""
    contract = await Contract.ordered(publisher, clock, "2026-01-01", **YEARLY)
    return contract.on("2026-04-01")


async def test_an_upgrade_bills_what_is_left_anew(contract: Contract) -> None:
    await contract.pay()
    offer = await contract.shop.offer(**YEARLY | {"price": "360.00", "name": "Premium"})
    after = await contract.act("changeSubscriptionOffer", offerId=offer, at="NOW")
    assert (after["offer"]["name"], after["price"]["amount"]) == ("Premium", "360.00")
    # 90 of 364 days are used: of 240.00 59.34 (59.3406...), and of 360.00 270.99 are left
    # (360.00 - 89.0109...).
    assert await contract.lines() == [
        ("2026-01-01", "2026-03-31", "59.34"),
        ("2026-04-01", "2026-12-31", "270.99"),
    ]
    assert (await contract.documents())[2:] == [("CORRECTION", "330.33", "OPEN")]
    [period] = after["periods"]["nodes"]
    assert period["price"]["amount"] == "330.33"
    assert await contract.access_ends() == [datetime(2026, 3, 31, 22, tzinfo=UTC), None]


async def test_a_downgrade_gives_money_back(contract: Contract) -> None:
    await contract.pay()
    offer = await contract.shop.offer(**YEARLY | {"price": "120.00"})
    await contract.act("changeSubscriptionOffer", offerId=offer, at="NOW")
    # 59.34 and what is left of 120.00, which is 90.33 (120.00 - 29.6703...): 149.67 of 240.00.
    assert (await contract.documents())[2:] == [("CORRECTION", "149.67", "PAID")]
    assert (await contract.money())[1:] == [("REFUND", "90.33", "PENDING")]


async def test_a_change_can_wait_for_the_next_period(contract: Contract) -> None:
    offer = await contract.shop.offer(**YEARLY | {"price": "360.00", "name": "Premium"})
    after = await contract.act("changeSubscriptionOffer", offerId=offer, at="AT_NEXT_PERIOD")
    assert (after["offer"]["name"], after["nextOffer"]["name"]) == ("Abo", "Premium")
    assert after["price"]["amount"] == "240.00"
    assert len(await contract.documents()) == 1
    withdrawn = await contract.act(
        "changeSubscriptionOffer", offerId=contract.offer, at="AT_NEXT_PERIOD"
    )
    assert withdrawn["nextOffer"] is None


NOT_AVAILABLE: dict[str, dict[str, Any]] = {
    "not sold yet": {"valid_from": date(2026, 5, 1)},
    "not sold any more": {"valid_until": date(2026, 3, 31)},
    "in another currency": {"currency": "CHF"},
    "bound for longer than the law allows": {"term_count": 3},
    "billed by the month": {"accounting_unit": "MONTH"},
}


@pytest.mark.parametrize("case", NOT_AVAILABLE)
async def test_an_offer_that_can_not_be_had_changes_nothing(
    contract: Contract, everything: Everything, case: str
) -> None:
    offer = await contract.shop.offer(**YEARLY | NOT_AVAILABLE[case])
    async with everything.unchanged():
        refused = await contract.refused("changeSubscriptionOffer", offerId=offer, at="NOW")
    assert refused == [("OFFER_NOT_AVAILABLE", "offerId")]


async def test_other_offers_that_can_not_be_changed_to(
    contract: Contract, everything: Everything
) -> None:
    shop = contract.shop
    retired = await shop.offer(
        await shop.product(retired_at=datetime(2026, 1, 1, tzinfo=UTC)), **YEARLY
    )
    paper = await shop.publication(date(2026, 6, 5))
    print_offer = await shop.offer(
        await shop.product(kind="PRINT", publication_id=paper), publication_id=paper, **YEARLY
    )
    counted = await shop.offer(
        await shop.product(kind="PRINT", publication_id=paper),
        publication_id=paper,
        issues_per_period=12,
        **YEARLY,
    )
    await contract.publisher.owner.execute(
        "UPDATE subscription SET delivery_address_id = NULL WHERE tenant_id = $1",
        contract.publisher.tenant_id,
    )
    expected = {
        retired: ("OFFER_NOT_AVAILABLE", "offerId"),
        print_offer: ("ADDRESS_REQUIRED", "subscriptionId"),
        counted: ("ADDRESS_REQUIRED", "subscriptionId"),
        contract.offer: ("OFFER_UNCHANGED", "offerId"),
        encode_id("Offer", 999_999): ("NOT_FOUND", "offerId"),
    }
    async with everything.unchanged():
        for offer, reason in expected.items():
            refused = await contract.refused("changeSubscriptionOffer", offerId=offer, at="NOW")
            assert refused == [reason]


async def test_what_is_counted_in_issues_changes_with_its_next_period(
    publisher: Publisher, clock: Clock, everything: Everything
) -> None:
    clock.at = noon("2026-01-01")
    shop = await Shop.open(publisher)
    paper = await shop.publication(date(2026, 2, 6), date(2026, 3, 6))
    product = await shop.product(kind="PRINT", publication_id=paper)
    terms = {**YEARLY, "publication_id": paper}
    contract = await Contract.of(
        shop, clock, await shop.offer(product, issues_per_period=2, **terms)
    )
    more = await shop.offer(product, issues_per_period=3, **terms)
    in_time = await shop.offer(product, **terms)
    async with everything.unchanged():
        now = await contract.refused("changeSubscriptionOffer", offerId=more, at="NOW")
        lost = await contract.refused(
            "changeSubscriptionOffer", offerId=in_time, at="AT_NEXT_PERIOD"
        )
    assert now == lost == [("OFFER_NOT_AVAILABLE", "offerId")]
    after = await contract.act("changeSubscriptionOffer", offerId=more, at="AT_NEXT_PERIOD")
    assert after["nextOffer"] is not None


async def test_deliveries_follow_the_new_offer(publisher: Publisher, clock: Clock) -> None:
    clock.at = noon("2026-01-01")
    shop = await Shop.open(publisher)
    papers = [await shop.publication(date(2026, 3, day), date(2026, 6, day)) for day in (5, 6)]
    daily, weekend = [
        await shop.offer(
            await shop.product(kind="PRINT", publication_id=paper),
            publication_id=paper,
            **YEARLY,
        )
        for paper in papers
    ]
    contract = await Contract.of(shop, clock, daily)
    assert await contract.planned() == ["2026-03-05", "2026-06-05"]
    await contract.on("2026-04-01").act("changeSubscriptionOffer", offerId=weekend, at="NOW")
    assert await contract.planned() == ["2026-03-05", "2026-06-06"]


async def test_issues_past_their_closing_date_go_to_the_old_address(
    publisher: Publisher, clock: Clock
) -> None:
    clock.at = noon("2026-01-01")
    shop = await Shop.open(publisher)
    paper = await shop.publication(date(2026, 3, 6), date(2026, 3, 13))
    product = await shop.product(kind="PRINT", publication_id=paper)
    contract = await Contract.of(
        shop, clock, await shop.offer(product, publication_id=paper, **YEARLY)
    )
    invoices = await shop.address(preferred=False)
    issues = await shop.address(type="DELIVERY", preferred=False, city="Hamburg")
    await contract.on("2026-03-06").act(
        "changeSubscriptionAddress", invoiceAddressId=invoices, deliveryAddressId=issues
    )
    cities = await contract.rows(
        "SELECT a.city FROM delivery AS d JOIN address AS a"
        " ON (a.tenant_id, a.id) = (d.tenant_id, d.address_id)"
        " WHERE d.tenant_id = $1 ORDER BY d.publishing_on"
    )
    assert [city for (city,) in cities] == ["Berlin", "Hamburg"]
    [(one, other)] = await contract.rows(
        "SELECT invoice_address_id, delivery_address_id FROM subscription WHERE tenant_id = $1"
    )
    assert (encode_id("Address", one), encode_id("Address", other)) == (invoices, issues)


async def test_addresses_that_can_not_be_chosen(contract: Contract, everything: Everything) -> None:
    delivery = await contract.shop.address(type="DELIVERY", preferred=False)
    stranger = await contract.publisher.make(
        models.Address, customer_id=await contract.publisher.customer()
    )
    cases: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
        "none": ({}, ("REQUIRED", "invoiceAddressId")),
        "for deliveries": (
            {"invoiceAddressId": delivery},
            ("ADDRESS_INVALID", "invoiceAddressId"),
        ),
        "another customer's": (
            {"deliveryAddressId": encode_id("Address", stranger)},
            ("NOT_FOUND", "deliveryAddressId"),
        ),
    }
    async with everything.unchanged():
        for given, reason in cases.values():
            assert await contract.refused("changeSubscriptionAddress", **given) == [reason]


async def test_it_is_paid_from_another_account(publisher: Publisher, clock: Clock) -> None:
    clock.at = noon("2026-01-01")
    shop = await Shop.open(publisher)
    old = await shop.account(mandate_signed_on=date(2025, 12, 1))
    order = {"paymentMethod": "SEPA_DEBIT", "bankAccountId": old}
    contract = await Contract.of(shop, clock, await shop.offer(), order)
    new = await shop.account(mandate_signed_on=date(2025, 12, 1), preferred=False)
    given = {"paymentMethod": "SEPA_DEBIT", "bankAccountId": new}
    await contract.act("changeSubscriptionPayment", **given)
    drawn = await contract.rows(
        "SELECT bank_account_id, status FROM payment_transaction WHERE tenant_id = $1 ORDER BY id"
    )
    assert [(encode_id("BankAccount", key), status) for key, status in drawn] == [
        (old, "FAILURE"),
        (new, "PENDING"),
    ]
    after = await contract.act("changeSubscriptionPayment", paymentMethod="INVOICE")
    assert after["paymentMethod"] == "INVOICE"


async def test_ways_to_pay_that_can_not_be_chosen(
    contract: Contract, everything: Everything
) -> None:
    signed = {"mandate_signed_on": date(2025, 12, 1), "preferred": False}
    account = await contract.shop.account(**signed)
    revoked = await contract.shop.account(**signed, mandate_state="REVOKED")
    lapsed = await contract.shop.account(preferred=False, mandate_signed_on=date(2020, 1, 1))
    debit = {"paymentMethod": "SEPA_DEBIT"}
    cases: list[tuple[dict[str, Any], tuple[str, str]]] = [
        ({"paymentMethod": "PAYPAL"}, ("INVALID", "paymentMethod")),
        (debit, ("MANDATE_REQUIRED", "bankAccountId")),
        ({**debit, "bankAccountId": revoked}, ("MANDATE_REQUIRED", "bankAccountId")),
        ({**debit, "bankAccountId": lapsed}, ("MANDATE_REQUIRED", "bankAccountId")),
        (
            {"paymentMethod": "INVOICE", "bankAccountId": account},
            ("INVALID", "bankAccountId"),
        ),
        (
            {**debit, "bankAccountId": encode_id("BankAccount", 999_999)},
            ("NOT_FOUND", "bankAccountId"),
        ),
    ]
    async with everything.unchanged():
        for given, reason in cases:
            assert await contract.refused("changeSubscriptionPayment", **given) == [reason]


async def test_blocked_access_counts_at_once(contract: Contract, everything: Everything) -> None:
    publisher = contract.publisher
    given = {"subscriptionId": contract.id, "reason": "Missbrauch"}
    select = (
        "subscription { accessBlockedAt accessBlockedReason accessRights { nodes { status } } }"
    )
    blocked = (await publisher.act("blockSubscriptionAccess", given, select))["subscription"]
    assert blocked["accessBlockedReason"] == "Missbrauch"
    assert blocked["accessRights"] == {"nodes": [{"status": "BLOCKED"}]}
    async with everything.unchanged():
        again = refusals(await publisher.act("blockSubscriptionAccess", given))
    assert again == [("ALREADY_BLOCKED", "subscriptionId")]
    given = {"subscriptionId": contract.id}
    free = (await publisher.act("unblockSubscriptionAccess", given, select))["subscription"]
    assert free["accessBlockedAt"] is None
    async with everything.unchanged():
        again = refusals(await publisher.act("unblockSubscriptionAccess", given))
    assert again == [("NOT_BLOCKED", "subscriptionId")]
