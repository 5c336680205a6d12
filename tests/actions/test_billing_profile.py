"""The billing profile: what the tenant's documents say of it."""

from typing import Any

import pytest

from app.auth.permissions import Permission
from tests.actions.catalogue import done
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, codes, refusals

FIELDS = (
    "legalName street houseNumber postalCode city country vatNumber taxNumber registerCourt"
    " registerNumber managingDirectors email phone website bankName iban bic creditorId footer"
    " invoicePrefix paymentDays preNotificationDays version"
)
SHOWN = f"billingProfile {{ {FIELDS} }}"
WHOLE: dict[str, Any] = {
    "legalName": "Nordlicht Verlag GmbH",
    "street": "Speicherstraße",
    "houseNumber": "12",
    "postalCode": "20457",
    "city": "Hamburg",
    "country": "DE",
    "vatNumber": "DE 136 695 976",
    "taxNumber": "181/815/08155",
    "registerCourt": "Amtsgericht Hamburg",
    "registerNumber": "HRB 12345",
    "managingDirectors": "Dr. Anna Beispiel",
    "email": "service@nordlicht.example.com",
    "phone": "+49 40 3019 2000",
    "website": "https://nordlicht.example.com",
    "iban": "de89 3704 0044 0532 0130 00",
    "creditorId": "DE98 ZZZ 09999999999",
    "footer": "Vielen Dank.\nIhr Verlag",
    "invoicePrefix": "NV-",
    "paymentDays": 30,
    "preNotificationDays": 5,
}
KEPT = WHOLE | {
    "vatNumber": "DE136695976",
    "phone": "+494030192000",
    "iban": "DE89370400440532013000",
    "bic": "COBADEFFXXX",
    "bankName": "Commerzbank",
    "creditorId": "DE98ZZZ09999999999",
}


async def test_a_profile_is_filled_in_and_read(
    publisher: Publisher, everything: Everything
) -> None:
    before = (await publisher.data(f"{{ {SHOWN} }}"))["billingProfile"]
    assert before["legalName"] == "Test"
    changed = await done(publisher, "updateBillingProfile", WHOLE, SHOWN)
    assert changed == KEPT | {"version": before["version"] + 1}
    assert (await publisher.data(f"{{ {SHOWN} }}"))["billingProfile"] == changed
    [entry] = await publisher.tenant_history()
    assert entry["action"] == "billing_profile.updated"
    assert entry["before"]["legal_name"] == "Test"
    assert entry["after"]["iban"] == "DE89370400440532013000"
    async with everything.unchanged():
        stale = {"footer": "Neu", "expectedVersion": before["version"]}
        payload = await publisher.act("updateBillingProfile", stale, SHOWN)
        assert refusals(payload) == [("STALE_VERSION", "expectedVersion")]


async def test_what_is_left_out_stays_and_null_removes(publisher: Publisher) -> None:
    await done(publisher, "updateBillingProfile", WHOLE, SHOWN)
    given = {"footer": None, "taxNumber": " "}
    changed = await done(publisher, "updateBillingProfile", given, SHOWN)
    assert changed == KEPT | {"footer": None, "taxNumber": None, "version": changed["version"]}


async def test_the_bank_follows_the_iban(publisher: Publisher) -> None:
    await done(publisher, "updateBillingProfile", WHOLE, SHOWN)
    given: dict[str, Any] = {"iban": "AT61 1904 3002 3457 3201"}
    changed = await done(publisher, "updateBillingProfile", given, SHOWN)
    assert changed["iban"] == "AT611904300234573201"
    assert changed["bic"] != "COBADEFFXXX"
    given = {"bic": "gibaatwwxxx", "bankName": "Erste"}
    changed = await done(publisher, "updateBillingProfile", given, SHOWN)
    assert (changed["bic"], changed["bankName"]) == ("GIBAATWWXXX", "Erste")
    changed = await done(publisher, "updateBillingProfile", {"iban": None}, SHOWN)
    assert (changed["iban"], changed["bic"], changed["bankName"]) == (None, None, None)


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"legalName": None}, [("REQUIRED", "legalName")]),
        ({"legalName": " "}, [("REQUIRED", "legalName")]),
        ({"legalName": "x" * 201}, [("TOO_LONG", "legalName")]),
        ({"country": None}, [("REQUIRED", "country")]),
        ({"country": "XX"}, [("INVALID", "country")]),
        ({"vatNumber": "DE136695977"}, [("INVALID", "vatNumber")]),
        ({"vatNumber": None, "taxNumber": None}, [("REQUIRED", "vatNumber")]),
        ({"taxNumber": "12"}, [("INVALID", "taxNumber")]),
        ({"postalCode": "1234"}, [("ADDRESS_INVALID", "postalCode")]),
        ({"city": None}, [("ADDRESS_INVALID", "city")]),
        ({"email": "nobody"}, [("INVALID", "email")]),
        ({"phone": "040"}, [("INVALID", "phone")]),
        ({"website": "nordlicht"}, [("INVALID", "website")]),
        ({"website": "ftp://nordlicht.example.com"}, [("INVALID", "website")]),
        ({"website": "javascript:alert(1)"}, [("INVALID", "website")]),
        ({"iban": "DE89370400440532013001"}, [("IBAN_INVALID", "iban")]),
        ({"iban": "BR1500000000000010932840814P2"}, [("IBAN_NOT_IN_SEPA", "iban")]),
        ({"bic": "COBA"}, [("BIC_INVALID", "bic")]),
        ({"bic": "GIBAATWWXXX"}, [("BIC_INVALID", "bic")]),
        ({"creditorId": "DE97ZZZ09999999999"}, [("INVALID", "creditorId")]),
        ({"creditorId": "DE98ZZZ0999999999"}, [("INVALID", "creditorId")]),
        ({"footer": "x" * 1001}, [("TOO_LONG", "footer")]),
        ({"invoicePrefix": "Ä-"}, [("INVALID", "invoicePrefix")]),
        ({"invoicePrefix": "x" * 21}, [("INVALID", "invoicePrefix")]),
        ({"paymentDays": -1}, [("INVALID", "paymentDays")]),
        ({"paymentDays": 366}, [("INVALID", "paymentDays")]),
        ({"preNotificationDays": 0}, [("INVALID", "preNotificationDays")]),
        ({"preNotificationDays": 61}, [("INVALID", "preNotificationDays")]),
        (
            {"email": "nobody", "creditorId": "x"},
            [("INVALID", "email"), ("INVALID", "creditorId")],
        ),
        (
            {"vatNumber": "1", "taxNumber": "1", "iban": "1"},
            [("INVALID", "vatNumber"), ("INVALID", "taxNumber"), ("IBAN_INVALID", "iban")],
        ),
    ],
)
async def test_what_cannot_be_is_refused(
    publisher: Publisher,
    everything: Everything,
    given: dict[str, Any],
    refused: list[tuple[str, str]],
) -> None:
    await done(publisher, "updateBillingProfile", WHOLE, SHOWN)
    async with everything.unchanged():
        payload = await publisher.act("updateBillingProfile", given, SHOWN)
        assert refusals(payload) == refused
        assert payload["billingProfile"] is None


async def test_a_first_change_has_to_say_who_the_tax_office_knows(
    publisher: Publisher, everything: Everything
) -> None:
    async with everything.unchanged():
        payload = await publisher.act("updateBillingProfile", {"footer": "Danke"}, SHOWN)
        assert refusals(payload) == [("REQUIRED", "vatNumber")]


async def test_permissions_are_asked_for(publisher: Publisher, everything: Everything) -> None:
    reader = await publisher.issue_token(*(set(Permission) - {Permission.BILLING_READ}))
    answer = await publisher.ask(f"{{ {SHOWN} }}", reader)
    assert answer["data"] == {"billingProfile": None}
    assert codes(answer) == ["FORBIDDEN"]
    writer = await publisher.issue_token(*(set(Permission) - {Permission.BILLING_WRITE}))
    async with everything.unchanged():
        answer = await publisher.ask(
            "mutation { updateBillingProfile(input: {footer: null}) { userErrors { code } } }",
            writer,
        )
        assert codes(answer) == ["FORBIDDEN"]


async def test_each_tenant_has_its_own(publisher: Publisher, competitor: Publisher) -> None:
    await done(publisher, "updateBillingProfile", WHOLE, SHOWN)
    theirs = (await competitor.data(f"{{ {SHOWN} }}"))["billingProfile"]
    assert theirs["legalName"] == "Test"
    assert theirs["iban"] is None
