"""Addresses: added, changed, preferred and removed, now and for a day that lies ahead."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app import models
from app.schema.customer import Customer
from app.schema.node import encode_id, key_of
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals

TODAY = datetime.now(ZoneInfo("Europe/Berlin")).date()
NEXT_WEEK = (TODAY + timedelta(days=7)).isoformat()
BERLIN: dict[str, Any] = {
    "lastName": "Muster",
    "street": "Hauptstraße",
    "houseNumber": "5",
    "postalCode": "10115",
    "city": "Berlin",
    "country": "DE",
}
BONN = {**BERLIN, "street": "Markt", "postalCode": "53111", "city": "Bonn"}
KOELN = {**BERLIN, "street": "Domplatz", "postalCode": "50667", "city": "Köln"}
ALL = (
    "address { id type business company lastName street houseNumber postalCode city region country"
    " vatNumber validFrom preferred inEffect current validation version }"
)
TAB = """query ($id: ID!, $where: AddressWhere) { customer(by: {id: $id}) {
    addresses(where: $where, orderBy: {field: CITY}) { nodes { city preferred inEffect current } }
} }"""


async def add(
    publisher: Publisher, customer: str, values: dict[str, Any], action: str = "addInvoiceAddress"
) -> dict[str, Any]:
    """Add an address that nothing stands against."""
    payload = await publisher.act(action, {"customerId": customer, **values}, ALL)
    assert payload["userErrors"] == []
    address: dict[str, Any] = payload["address"]
    return address


async def stand(publisher: Publisher, customer: str, where: Any = None) -> dict[str, str]:
    """How the addresses stand, by their cities: preferred, in effect, current."""
    data = await publisher.data(TAB, id=customer, where=where)
    return {
        node["city"]: "".join(
            letter if node[name] else "-"
            for letter, name in (("p", "preferred"), ("e", "inEffect"), ("c", "current"))
        )
        for node in data["customer"]["addresses"]["nodes"]
    }


async def found(publisher: Publisher, words: str) -> int:
    """How many customers the overview finds."""
    data = await publisher.data(
        "query ($words: String) { customers(search: $words) { totalCount } }", words=words
    )
    count: int = data["customers"]["totalCount"]
    return count


@pytest.mark.parametrize(
    ("action", "type"), [("addInvoiceAddress", "INVOICE"), ("addDeliveryAddress", "DELIVERY")]
)
async def test_an_address_is_added(
    publisher: Publisher, customer: str, action: str, type: str
) -> None:
    given = {
        **BERLIN,
        "company": "Muster KG",
        "salutation": "MS",
        "postalCode": " D-10115",
        "vatNumber": "de 136 695 976",
        "deliveryNote": "Bei Müller\nabgeben",
    }
    address = await add(publisher, customer, given, action)
    expected = {
        **BERLIN,
        "id": address["id"],
        "type": type,
        "business": True,
        "company": "Muster KG",
        "region": None,
        "vatNumber": "DE136695976",
        "validFrom": None,
        "preferred": True,
        "inEffect": True,
        "current": True,
        "validation": "VALID",
        "version": 1,
    }
    assert address == expected
    (entry,) = await publisher.history(customer)
    assert entry["action"] == f"{type.lower()}_address.added"
    assert entry["record_type"] == "Address"
    assert entry["before"] is None
    assert {"type": type, "preferred": True}.items() <= entry["after"].items()
    assert entry["after"]["personal"]["street"] == "Hauptstraße"
    assert not set(entry["after"]["personal"]) & set(entry["after"])
    assert await publisher.diary(customer) == [f"{type.title()} address added."]


async def test_sending_it_again_adds_none(publisher: Publisher, customer: str) -> None:
    given = {"customerId": customer, "idempotencyKey": "k", **BERLIN}
    first = await publisher.act("addInvoiceAddress", given, ALL)
    assert await publisher.act("addInvoiceAddress", given, ALL) == first
    assert len(await publisher.history(customer)) == 1


INVALID: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "nobody": ({"lastName": " ", "firstName": "Max"}, [("ADDRESS_INVALID", "lastName")]),
    "nowhere": ({"street": None}, [("ADDRESS_INVALID", "street")]),
    "no postal code": ({"postalCode": None}, [("ADDRESS_INVALID", "postalCode")]),
    "another country's": ({"country": "AT"}, [("ADDRESS_INVALID", "postalCode")]),
    "no city": ({"city": ""}, [("ADDRESS_INVALID", "city")]),
    "no province": ({"country": "IT"}, [("ADDRESS_INVALID", "region")]),
    "no VAT number": ({"vatNumber": "DE136695977"}, [("ADDRESS_INVALID", "vatNumber")]),
    "no country": ({"country": "EU"}, [("INVALID", "country")]),
    "too long": ({"city": "x" * 201}, [("TOO_LONG", "city")]),
    "control characters": ({"street": "a\0b"}, [("INVALID", "street")]),
    "today": ({"validFrom": TODAY.isoformat()}, [("DATE_NOT_IN_FUTURE", "validFrom")]),
    "too long in capitals": (
        {"postalCode": "ß" * 20, "override": True},
        [("TOO_LONG", "postalCode")],
    ),
    "a VAT number too long in capitals": (
        {"country": "US", "region": "CA", "postalCode": "90210", "vatNumber": "ΐ" * 30},
        [("TOO_LONG", "vatNumber")],
    ),
    "long ago": ({"validFrom": "0001-01-02"}, [("DATE_NOT_IN_FUTURE", "validFrom")]),
    "several": (
        {"validFrom": "2020-01-01", "lastName": None, "postalCode": "1"},
        [
            ("DATE_NOT_IN_FUTURE", "validFrom"),
            ("ADDRESS_INVALID", "lastName"),
            ("ADDRESS_INVALID", "postalCode"),
        ],
    ),
}


@pytest.mark.parametrize("case", INVALID)
async def test_what_is_no_address_is_refused(
    publisher: Publisher, customer: str, everything: Everything, case: str
) -> None:
    values, expected = INVALID[case]
    there = await add(publisher, customer, KOELN)
    async with everything.unchanged():
        added = await publisher.act(
            "addInvoiceAddress", {"customerId": customer, **BERLIN, **values}
        )
        changed = await publisher.act(
            "updateAddress", {"addressId": there["id"], **BERLIN, **values}
        )
    assert refusals(added) == refusals(changed) == expected


async def test_the_country_stays(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    there = await add(publisher, customer, BERLIN)
    async with everything.unchanged():
        payload = await publisher.act("updateAddress", {"addressId": there["id"], "country": None})
    assert refusals(payload) == [("REQUIRED", "country")]


@pytest.mark.parametrize(
    ("values", "validation"),
    [
        ({}, "VALID"),
        ({"houseNumber": None}, "SUSPECT"),
        ({"override": True}, "VALID"),
        ({"postalCode": "1", "override": True}, "OVERRIDDEN"),
        ({"country": "HK", "region": "Kowloon", "postalCode": None}, "VALID"),
    ],
)
async def test_what_checking_has_shown_is_kept(
    publisher: Publisher, customer: str, values: dict[str, Any], validation: str
) -> None:
    address = await add(publisher, customer, {**BERLIN, **values})
    assert address["validation"] == validation
    assert address["postalCode"] == ({**BERLIN, **values}["postalCode"] or "")


async def test_overriding_does_not_help_against_what_every_address_needs(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    async with everything.unchanged():
        payload = await publisher.act(
            "addInvoiceAddress",
            {"customerId": customer, **BERLIN, "street": None, "override": True},
        )
    assert refusals(payload) == [("ADDRESS_INVALID", "street")]


async def test_an_overridden_address_is_not_checked_again_for_a_note(
    publisher: Publisher, customer: str
) -> None:
    there = await add(publisher, customer, {**BERLIN, "postalCode": "1", "override": True})
    change = {"addressId": there["id"], "deliveryNote": "Hund"}
    payload = await publisher.act("updateAddress", change, ALL)
    assert payload["address"]["validation"] == "OVERRIDDEN"
    payload = await publisher.act("updateAddress", {**change, "street": "Markt"})
    assert refusals(payload) == [("ADDRESS_INVALID", "postalCode")]
    payload = await publisher.act("updateAddress", {**change, "postalCode": "10115"}, ALL)
    assert payload["address"]["validation"] == "VALID"


async def test_what_is_left_out_stays_and_the_history_has_the_rest(
    publisher: Publisher, customer: str
) -> None:
    there = await add(publisher, customer, {**BERLIN, "company": "Muster KG"})
    payload = await publisher.act(
        "updateAddress",
        {"addressId": there["id"], "company": None, "city": "Berlin-Mitte", "expectedVersion": 1},
        ALL,
    )
    assert payload["address"] == {**there, "company": None, "city": "Berlin-Mitte", "version": 2}
    entry = (await publisher.history(customer))[-1]
    assert (entry["action"], entry["before"], entry["after"]) == (
        "address.updated",
        {"personal": {"company": "Muster KG", "city": "Berlin"}},
        {"personal": {"company": None, "city": "Berlin-Mitte"}},
    )
    assert (await publisher.diary(customer))[-1] == "Address changed: company, city."


async def test_what_was_changed_meanwhile_is_not_overwritten(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    there = await add(publisher, customer, BERLIN)
    change = {"addressId": there["id"], "expectedVersion": 1, "city": "Bernau"}
    assert (await publisher.act("updateAddress", change))["userErrors"] == []
    async with everything.unchanged():
        payload = await publisher.act("updateAddress", change)
    assert refusals(payload) == [("STALE_VERSION", "expectedVersion")]


async def test_the_same_address_is_refused_in_whatever_spelling(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    await add(publisher, customer, BERLIN)
    other = await add(publisher, customer, BONN)
    same = {**BERLIN, "street": "HAUPTSTR. 5", "houseNumber": None, "lastName": "muster"}
    async with everything.unchanged():
        added = await publisher.act("addInvoiceAddress", {"customerId": customer, **same})
        changed = await publisher.act("updateAddress", {"addressId": other["id"], **same})
    assert refusals(added) == refusals(changed) == [("ADDRESS_DUPLICATE", "")]


async def test_the_same_for_another_type_customer_or_day_is_none(
    publisher: Publisher, customer: str
) -> None:
    await add(publisher, customer, BERLIN)
    await add(publisher, customer, BERLIN, "addDeliveryAddress")
    await add(publisher, encode_id("Customer", await publisher.customer()), BERLIN)
    await add(publisher, customer, {**BONN, "validFrom": NEXT_WEEK})
    back = {**BERLIN, "validFrom": (TODAY + timedelta(days=9)).isoformat()}
    await add(publisher, customer, back)
    payload = await publisher.act("addInvoiceAddress", {"customerId": customer, **back})
    assert refusals(payload) == [("ADDRESS_DUPLICATE", "")]


async def test_an_address_that_is_there_twice_can_be_changed_otherwise(
    publisher: Publisher, customer: str
) -> None:
    for _ in range(2):
        key = await publisher.make(models.Address, customer_id=key_of(customer, Customer))
    change = {"addressId": encode_id("Address", key), "deliveryNote": "Hund"}
    assert (await publisher.act("updateAddress", change))["userErrors"] == []


async def test_the_first_of_a_type_is_preferred_until_another_is(
    publisher: Publisher, customer: str
) -> None:
    await add(publisher, customer, {**BERLIN, "preferred": False})
    bonn = await add(publisher, customer, BONN)
    await add(publisher, customer, KOELN, "addDeliveryAddress")
    assert await stand(publisher, customer) == {"Berlin": "pec", "Bonn": "-e-", "Köln": "pec"}
    payload = await publisher.act("setPreferredAddress", {"addressId": bonn["id"]}, ALL)
    assert payload["address"] == {**bonn, "preferred": True, "current": True, "version": 2}
    assert await stand(publisher, customer) == {"Berlin": "-e-", "Bonn": "pec", "Köln": "pec"}
    entry = (await publisher.history(customer))[-1]
    (other,) = set(entry["after"]) - {"preferred"}
    assert other.startswith("Address:")
    assert entry["before"] == {"preferred": False, other: {"preferred": True}}
    assert entry["after"] == {"preferred": True, other: {"preferred": False}}
    await add(publisher, customer, {**KOELN, "preferred": True})
    current = {"type": {"eq": "INVOICE"}, "current": {"eq": True}}
    assert await stand(publisher, customer, current) == {"Köln": "pec"}


async def test_preferring_it_again_changes_nothing(publisher: Publisher, customer: str) -> None:
    there = await add(publisher, customer, BERLIN)
    payload = await publisher.act("setPreferredAddress", {"addressId": there["id"]}, ALL)
    assert payload == {"address": there, "userErrors": []}


async def test_an_address_takes_effect_on_its_day(publisher: Publisher, customer: str) -> None:
    await add(publisher, customer, BERLIN)
    await add(publisher, customer, KOELN)
    bonn = await add(publisher, customer, {**BONN, "validFrom": NEXT_WEEK})
    assert (bonn["preferred"], bonn["inEffect"], bonn["current"]) == (True, False, False)
    assert await stand(publisher, customer) == {"Berlin": "pec", "Bonn": "p--", "Köln": "-e-"}
    await arrive(publisher)
    assert await stand(publisher, customer) == {"Berlin": "-e-", "Bonn": "pec", "Köln": "-e-"}
    preferred = {"preferred": {"eq": True}}
    assert await stand(publisher, customer, preferred) == {"Bonn": "pec"}


async def arrive(publisher: Publisher) -> None:
    """Let a week go by."""
    await publisher.owner.execute(
        "UPDATE address SET valid_from = valid_from - 7 WHERE tenant_id = $1", publisher.tenant_id
    )


async def test_when_it_is_gone_the_one_before_is_used_again(
    publisher: Publisher, customer: str
) -> None:
    await add(publisher, customer, BERLIN)
    await add(publisher, customer, KOELN)
    bonn = await add(publisher, customer, {**BONN, "validFrom": NEXT_WEEK})
    await arrive(publisher)
    await publisher.act("removeAddress", {"addressId": bonn["id"]})
    assert await stand(publisher, customer) == {"Berlin": "pec", "Köln": "-e-"}


async def test_one_that_lies_ahead_need_not_be_preferred(
    publisher: Publisher, customer: str
) -> None:
    await add(publisher, customer, BERLIN)
    bonn = await add(publisher, customer, {**BONN, "validFrom": NEXT_WEEK})
    change = {"addressId": bonn["id"], "preferred": False}
    assert (await publisher.act("updateAddress", change))["userErrors"] == []
    await arrive(publisher)
    assert await stand(publisher, customer) == {"Berlin": "pec", "Bonn": "-e-"}


async def test_one_for_each_day_is_preferred(publisher: Publisher, customer: str) -> None:
    await add(publisher, customer, {**BERLIN, "validFrom": NEXT_WEEK})
    assert await stand(publisher, customer) == {"Berlin": "p--"}
    await add(publisher, customer, {**BONN, "validFrom": NEXT_WEEK})
    await add(publisher, customer, {**KOELN, "preferred": False})
    assert await stand(publisher, customer) == {"Berlin": "---", "Bonn": "p--", "Köln": "pec"}


async def test_moving_the_day_moves_the_preference(publisher: Publisher, customer: str) -> None:
    berlin = await add(publisher, customer, BERLIN)
    await add(publisher, customer, BONN)
    later = {"addressId": berlin["id"], "validFrom": NEXT_WEEK}
    assert (await publisher.act("updateAddress", later))["userErrors"] == []
    assert await stand(publisher, customer) == {"Berlin": "p--", "Bonn": "pec"}
    now = {"addressId": berlin["id"], "validFrom": None}
    assert (await publisher.act("updateAddress", now))["userErrors"] == []
    assert await stand(publisher, customer) == {"Berlin": "pec", "Bonn": "-e-"}


async def test_a_day_that_has_come_may_stay(publisher: Publisher, customer: str) -> None:
    bonn = await add(publisher, customer, {**BONN, "validFrom": NEXT_WEEK})
    await arrive(publisher)
    change = {"addressId": bonn["id"], "validFrom": TODAY.isoformat(), "houseNumber": "7"}
    assert (await publisher.act("updateAddress", change))["userErrors"] == []


@pytest.mark.parametrize(
    ("zone", "expected"), [("Pacific/Kiritimati", "pec"), ("Pacific/Pago_Pago", "p--")]
)
async def test_the_day_begins_where_the_tenant_is(
    publisher: Publisher, customer: str, zone: str, expected: str
) -> None:
    """The two zones never have the same day: they are 25 hours apart."""
    await publisher.owner.execute(
        "UPDATE tenant SET time_zone = $2 WHERE id = $1", publisher.tenant_id, zone
    )
    day: date = datetime.now(UTC).astimezone(ZoneInfo("Pacific/Kiritimati")).date()
    await publisher.make(
        models.Address, customer_id=key_of(customer, Customer), preferred=True, valid_from=day
    )
    assert await stand(publisher, customer) == {"Berlin": expected}


async def test_the_next_one_becomes_preferred_when_one_is_removed(
    publisher: Publisher, customer: str
) -> None:
    berlin = await add(publisher, customer, BERLIN)
    await add(publisher, customer, BONN)
    await add(publisher, customer, KOELN)
    payload = await publisher.act(
        "removeAddress", {"addressId": berlin["id"]}, "customer { counts { addresses } }"
    )
    assert payload == {"customer": {"counts": {"addresses": 2}}, "userErrors": []}
    assert await stand(publisher, customer) == {"Bonn": "-e-", "Köln": "pec"}
    entry = (await publisher.history(customer))[-1]
    assert (entry["action"], entry["record_type"]) == ("address.removed", "Address")
    assert entry["before"]["personal"]["city"] == "Berlin"
    (heir,) = entry["after"]
    assert entry["after"] == {heir: {"preferred": True}}
    assert (await publisher.diary(customer))[-1] == "Invoice address removed."


async def used_by(publisher: Publisher, customer: str, **values: Any) -> int:
    """A subscription's key."""
    product = await publisher.make(models.Product)
    offer = await publisher.make(models.Offer, product_id=product)
    return await publisher.make(
        models.Subscription, customer_id=key_of(customer, Customer), offer_id=offer, **values
    )


PAST, AHEAD = TODAY - timedelta(days=2), TODAY + timedelta(days=2)
CANCELLED = {
    "status": "CANCELLED",
    "starts_on": date(2020, 1, 1),
    "cancelled_at": datetime.now(UTC),
}


@pytest.mark.parametrize("column", ["invoice_address_id", "delivery_address_id"])
@pytest.mark.parametrize("state", [{}, {"status": "PAUSED"}, {**CANCELLED, "cancelled_for": AHEAD}])
async def test_an_address_of_a_running_subscription_stays(
    publisher: Publisher, customer: str, everything: Everything, column: str, state: dict[str, Any]
) -> None:
    there = await add(publisher, customer, BERLIN)
    await used_by(publisher, customer, **{column: key(there)}, **state)
    async with everything.unchanged():
        payload = await publisher.act("removeAddress", {"addressId": there["id"]})
    assert refusals(payload) == [("ADDRESS_IN_USE", "addressId")]


def key(address: dict[str, Any]) -> int:
    """The key in an address's id."""
    from app.schema.address import Address

    return key_of(address["id"], Address)


async def delivery(publisher: Publisher, customer: str, address: int, **values: Any) -> None:
    """Deliver an issue of a subscription that is over."""
    publication = await publisher.make(models.Publication)
    issue = await publisher.make(models.Issue, publication_id=publication)
    subscription = await used_by(publisher, customer, status="INACTIVE")
    await publisher.make(
        models.Delivery,
        customer_id=key_of(customer, Customer),
        subscription_id=subscription,
        issue_id=issue,
        address_id=address,
        **values,
    )


async def test_an_address_that_an_issue_will_go_to_stays(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    there = await add(publisher, customer, BERLIN)
    await delivery(publisher, customer, key(there))
    async with everything.unchanged():
        payload = await publisher.act("removeAddress", {"addressId": there["id"]})
    assert refusals(payload) == [("ADDRESS_IN_USE", "addressId")]


@pytest.mark.parametrize(
    "state",
    [
        {"status": "INACTIVE"},
        {"starts_on": date(2020, 1, 1), "ends_on": PAST},
        {**CANCELLED, "cancelled_for": PAST},
    ],
)
async def test_an_address_of_what_is_over_can_be_removed(
    publisher: Publisher, customer: str, state: dict[str, Any]
) -> None:
    there, other = await add(publisher, customer, BERLIN), await add(publisher, customer, BONN)
    subscription = await used_by(
        publisher, customer, invoice_address_id=key(there), delivery_address_id=key(other), **state
    )
    sent = {"status": "SENT", "sent_at": datetime.now(UTC)}
    await delivery(publisher, customer, key(there), **sent)
    snapshot = {"last_name": "Muster", "city": "Berlin"}
    await publisher.make(models.Invoice, customer_id=key_of(customer, Customer), address=snapshot)
    payload = await publisher.act("removeAddress", {"addressId": there["id"]})
    assert payload["userErrors"] == []
    left = await publisher.owner.fetchrow(
        "SELECT invoice_address_id, delivery_address_id FROM subscription WHERE id = $1",
        subscription,
    )
    assert left is not None
    assert tuple(left) == (None, key(other))
    data = await publisher.data(
        "query ($id: ID!) { customer(by: {id: $id}) {"
        " invoices { nodes { address { city } } } deliveries { nodes { status } } } }",
        id=customer,
    )
    assert data["customer"]["invoices"]["nodes"] == [{"address": {"city": "Berlin"}}]
    assert data["customer"]["deliveries"]["nodes"] == [{"status": "SENT"}]


async def test_the_overview_finds_what_is_there_and_not_what_was(
    publisher: Publisher, customer: str
) -> None:
    berlin = await add(publisher, customer, {**BERLIN, "street": "Lindenallee"})
    assert await found(publisher, "linden berlin") == 1
    await publisher.act("updateAddress", {"addressId": berlin["id"], "street": "Buchenweg"})
    assert (await found(publisher, "lindenallee"), await found(publisher, "buchenweg")) == (0, 1)
    await publisher.act("removeAddress", {"addressId": berlin["id"]})
    assert (await found(publisher, "buchenweg"), await found(publisher, "10115")) == (0, 0)
