"""Mandates are corrected before their first use, revoked for good, and lapse by themselves."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import models
from app.domain.mandates import lapses_on
from app.schema.customer import Customer
from app.schema.node import encode_id, key_of
from tests.actions.test_bank_accounts import IBAN, OTHER, TODAY, add, made
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals

MANDATE = "bankAccount { mandateReference mandateSignedOn mandateState mandateRevokedAt preferred }"
STATE = "query ($id: ID!) { node(id: $id) { ... on BankAccount { mandateState mandateLapsesOn } } }"


async def test_a_mandate_is_corrected_before_its_first_use(
    publisher: Publisher, customer: str
) -> None:
    account = await add(publisher, customer, mandateReference="M-1", mandateSignedOn="2026-11-01")
    corrected = {"mandateReference": "M-2", "mandateSignedOn": "2026-10-31"}
    payload = await publisher.act(
        "updateMandate", {"bankAccountId": account["id"], **corrected}, MANDATE
    )
    assert payload["bankAccount"] == {
        **corrected,
        "mandateState": "ACTIVE",
        "mandateRevokedAt": None,
        "preferred": True,
    }
    entry = (await publisher.history(customer))[-1]
    assert entry["action"] == "mandate.updated"
    assert entry["before"] == {
        "personal": {"mandate_reference": "M-1", "mandate_signed_on": "2026-11-01"}
    }
    assert entry["after"] == {
        "personal": {"mandate_reference": "M-2", "mandate_signed_on": "2026-10-31"}
    }
    assert (await publisher.diary(customer))[-1] == "Mandate corrected: M-2."


async def test_its_own_reference_can_be_spelled_anew(publisher: Publisher, customer: str) -> None:
    account = await add(publisher, customer, mandateReference="M-1")
    payload = await publisher.act(
        "updateMandate", {"bankAccountId": account["id"], "mandateReference": "m - 1"}, MANDATE
    )
    assert payload["bankAccount"]["mandateReference"] == "m - 1"


REFUSED: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "no reference": ({"mandateReference": None}, [("REQUIRED", "mandateReference")]),
    "no day": ({"mandateSignedOn": None}, [("REQUIRED", "mandateSignedOn")]),
    "odd letters": ({"mandateReference": "Ä"}, [("INVALID", "mandateReference")]),
    "too long": ({"mandateReference": "x" * 36}, [("TOO_LONG", "mandateReference")]),
    "taken": ({"mandateReference": "ta ken"}, [("MANDATE_REFERENCE_TAKEN", "mandateReference")]),
    "a day to come": (
        {"mandateSignedOn": (TODAY + timedelta(2)).isoformat()},
        [("DATE_IN_FUTURE", "mandateSignedOn")],
    ),
    "a day long ago": (
        {"mandateSignedOn": (TODAY - timedelta(1097)).isoformat()},
        [("MANDATE_LAPSED", "mandateSignedOn")],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_wrong_correction_is_refused_without_a_trace(
    publisher: Publisher, customer: str, everything: Everything, case: str
) -> None:
    wrong, refused = REFUSED[case]
    await made(publisher, customer, mandate_reference="Taken", mandate_state="REVOKED")
    account = await made(publisher, customer)
    async with everything.unchanged():
        payload = await publisher.act("updateMandate", {"bankAccountId": account, **wrong})
    assert refusals(payload) == refused


STATES: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "revoked": ({"mandate_state": "REVOKED"}, "MANDATE_REVOKED", ["MANDATE_REVOKED"]),
    "lapsed": ({"mandate_state": "LAPSED"}, "MANDATE_LAPSED", []),
    "lapsed by its dates": ({"mandate_signed_on": date(2020, 1, 1)}, "MANDATE_LAPSED", []),
    "used": ({"mandate_last_used_on": TODAY}, "MANDATE_USED", []),
}


@pytest.mark.parametrize("case", STATES)
async def test_only_an_unused_mandate_is_corrected_and_any_is_revoked_once(
    publisher: Publisher, customer: str, everything: Everything, case: str
) -> None:
    state, refused, revoking = STATES[case]
    account = await made(publisher, customer, **state)
    given_new = {"bankAccountId": account, "mandateReference": "new"}
    async with everything.unchanged():
        payload = await publisher.act("updateMandate", given_new)
    assert refusals(payload) == [(refused, "bankAccountId")]
    payload = await publisher.act("revokeMandate", {"bankAccountId": account})
    assert [code for code, _ in refusals(payload)] == revoking


@pytest.mark.parametrize("status", ["SUCCESS", "PENDING", "FAILURE"])
async def test_a_debit_makes_a_mandate_used(
    publisher: Publisher, customer: str, everything: Everything, status: str
) -> None:
    own = {"customer_id": key_of(customer, Customer)}
    account = await publisher.make(models.BankAccount, **own, mandate_signed_on=TODAY)
    await publisher.make(
        models.Transaction, **own, action="SEPA_DEBIT", status=status, bank_account_id=account
    )
    given_new = {"bankAccountId": encode_id("BankAccount", account), "mandateReference": "new"}
    async with everything.unchanged():
        payload = await publisher.act("updateMandate", given_new)
    assert refusals(payload) == [("MANDATE_USED", "bankAccountId")]


async def test_a_revoked_mandate_stays_revoked(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    account = await add(publisher, customer)
    given_reason = {"bankAccountId": account["id"], "reason": "By telephone.", "expectedVersion": 1}
    payload = await publisher.act("revokeMandate", given_reason, MANDATE)
    revoked = payload["bankAccount"]
    assert (revoked["mandateState"], revoked["preferred"]) == ("REVOKED", False)
    assert revoked["mandateRevokedAt"] is not None
    entry = (await publisher.history(customer))[-1]
    assert (entry["action"], entry["note"]) == ("mandate.revoked", "By telephone.")
    assert entry["before"] == {
        "mandate_state": "ACTIVE",
        "mandate_revoked_at": None,
        "preferred": True,
    }
    assert (await publisher.diary(customer))[-1] == "Mandate revoked: 10001. By telephone."
    async with everything.unchanged():
        payload = await publisher.act("revokeMandate", {"bankAccountId": account["id"]})
        reused = {"customerId": customer, "owner": "E", "iban": IBAN, "mandateReference": "10001"}
        again = await publisher.act("addBankAccount", reused)
    assert refusals(payload) == [("MANDATE_REVOKED", "bankAccountId")]
    assert refusals(again) == [("MANDATE_REFERENCE_TAKEN", "mandateReference")]
    assert (await add(publisher, customer, iban=OTHER))["mandateReference"] == "10002"


@pytest.mark.parametrize(
    ("values", "state", "lapses"),
    [
        ({}, "ACTIVE", True),
        ({"mandate_state": "REVOKED"}, "REVOKED", False),
        ({"mandate_state": "LAPSED", "mandate_signed_on": TODAY}, "LAPSED", True),
        ({"mandate_signed_on": date(2020, 2, 29)}, "LAPSED", True),
        ({"mandate_signed_on": date(2020, 2, 29), "mandate_last_used_on": TODAY}, "ACTIVE", True),
    ],
)
async def test_the_state_follows_from_the_dates(
    publisher: Publisher, customer: str, values: dict[str, Any], state: str, lapses: bool
) -> None:
    account = await made(publisher, customer, **values)
    node = (await publisher.data(STATE, id=account))["node"]
    assert (node["mandateState"], node["mandateLapsesOn"] is not None) == (state, lapses)
    filtered = """query ($id: ID!, $state: MandateState!) { customer(by: {id: $id}) {
        bankAccounts(where: {mandateState: {eq: $state}}) { totalCount } } }"""
    data = await publisher.data(filtered, id=customer, state=state)
    assert data["customer"]["bankAccounts"]["totalCount"] == 1


async def test_it_lapses_at_midnight_where_the_tenant_is(
    publisher: Publisher, customer: str
) -> None:
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        await publisher.owner.execute(
            "UPDATE tenant SET time_zone = $2 WHERE id = $1", publisher.tenant_id, zone
        )
        day: date = await publisher.owner.fetchval("SELECT timezone($1, now())::date", zone)
        for signed_on, state in ((day, "LAPSED"), (day + timedelta(1), "ACTIVE")):
            # Leap days aside, 36 months before that day.
            signed = signed_on.replace(year=signed_on.year - 3)
            account = await made(publisher, customer, mandate_signed_on=signed)
            assert (await publisher.data(STATE, id=account))["node"]["mandateState"] == state
            payload = await publisher.act("setPreferredBankAccount", {"bankAccountId": account})
            assert (refusals(payload) == []) == (state == "ACTIVE")


@given(signed=st.dates(date(2000, 1, 1), TODAY), used=st.none() | st.dates(date(2000, 1, 1), TODAY))
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_both_tellings_of_the_rule_agree(
    publisher: Publisher, customer: str, signed: date, used: date | None
) -> None:
    account = await made(publisher, customer, mandate_signed_on=signed, mandate_last_used_on=used)
    node = (await publisher.data(STATE, id=account))["node"]
    lapses = lapses_on(signed, used)
    assert node == {
        "mandateState": "LAPSED" if lapses <= datetime.now(UTC).date() else "ACTIVE",
        "mandateLapsesOn": lapses.isoformat(),
    }
