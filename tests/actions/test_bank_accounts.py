"""Bank accounts are added, preferred and removed by the rules of SEPA."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app import models
from app.schema.customer import Customer
from app.schema.node import encode_id, key_of
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals
from tests.rows import KEYRING

IBAN = "DE89370400440532013000"
OTHER = "BE68539007547034"
MASKED = "DE89 **** **** **** **30 00"
TODAY = datetime.now(UTC).date()
ALL = (
    "bankAccount { id owner maskedIban bic bankName mandateReference mandateSignedOn"
    " mandateState mandateLastUsedOn mandateLapsesOn mandateRevokedAt preferred removedAt version }"
)


async def add(publisher: Publisher, customer: str, select: str = ALL, **given: Any) -> Any:
    """Add a bank account, which must succeed."""
    filled = {"customerId": customer, "owner": "Erika Muster", "iban": IBAN, **given}
    payload = await publisher.act("addBankAccount", filled, select)
    assert payload["userErrors"] == []
    return payload["bankAccount"]


async def made(publisher: Publisher, customer: str, **values: Any) -> str:
    """A bank account as it came to be before; its mandate was signed a year ago."""
    key = await publisher.make(
        models.BankAccount,
        customer_id=key_of(customer, Customer),
        **{"mandate_signed_on": TODAY - timedelta(365), **values},
    )
    return encode_id("BankAccount", key)


async def test_a_bank_account_is_added_with_what_follows_from_its_iban(
    publisher: Publisher, customer: str
) -> None:
    account = await add(publisher, customer, iban=" de89 3704 0044 0532 0130 00\t")
    assert account.pop("id")
    assert account == {
        "owner": "Erika Muster",
        "maskedIban": MASKED,
        "bic": "COBADEFFXXX",
        "bankName": "Commerzbank",
        "mandateReference": "10001",
        "mandateSignedOn": TODAY.isoformat(),
        "mandateState": "ACTIVE",
        "mandateLastUsedOn": None,
        "mandateLapsesOn": later(TODAY).isoformat(),
        "mandateRevokedAt": None,
        "preferred": True,
        "removedAt": None,
        "version": 1,
    }
    assert await publisher.diary(customer) == [f"Bank account added: {MASKED}."]


def later(day: date) -> date:
    """The day 36 months later."""
    try:
        return day.replace(year=day.year + 3)
    except ValueError:
        return day.replace(year=day.year + 3, day=28)


@pytest.mark.parametrize(
    ("iban", "bic", "kept"),
    [
        (OTHER, None, None),
        (OTHER, "gkcc be bb", "GKCCBEBB"),
        (IBAN, "MARKDEFF", "MARKDEFF"),
        ("NO9386011117947", None, "DABANO22"),
        ("MT84MALT011000012345MTLCAST001S", None, None),
        ("GB29NWBK60161331926819", "RBOSGGSX", "RBOSGGSX"),
    ],
)
async def test_a_bic_follows_or_is_given_or_is_left_out(
    publisher: Publisher, customer: str, iban: str, bic: str | None, kept: str | None
) -> None:
    account = await add(publisher, customer, iban=iban, bic=bic)
    assert account["bic"] == kept


async def test_its_history_shows_all_but_the_iban(publisher: Publisher, customer: str) -> None:
    account = await add(publisher, customer, mandateReference="M-1", mandateSignedOn="2026-11-01")
    [entry] = await publisher.history(customer)
    assert entry["action"] == "bank_account.added"
    assert encode_id(entry["record_type"], entry["record_id"]) == account["id"]
    assert entry["before"] is None
    after = dict(entry["after"])
    [transaction] = [after.pop(key) for key in list(after) if key.startswith("Transaction:")]
    personal = after.pop("personal")
    [reference] = [personal.pop(key) for key in list(personal) if key.startswith("Transaction:")]
    assert after == {"mandate_state": "ACTIVE", "preferred": True}
    assert personal == {
        "owner": "Erika Muster",
        "iban_masked": MASKED,
        "bic": "COBADEFFXXX",
        "bank_name": "Commerzbank",
        "mandate_reference": "M-1",
        "mandate_signed_on": "2026-11-01",
    }
    assert reference == {"reference": "M-1"}
    assert transaction["action"] == "SEPA_MANDATE_CREATION"


async def test_its_mandate_is_among_the_transactions(publisher: Publisher, customer: str) -> None:
    account = await add(publisher, customer)
    query = """query ($id: ID!) { customer(by: {id: $id}) { transactions { nodes {
        action status amount { amount currency } executedOn reference bankAccount { id } } } } }"""
    data = await publisher.data(query, id=customer)
    assert data["customer"]["transactions"]["nodes"] == [
        {
            "action": "SEPA_MANDATE_CREATION",
            "status": "SUCCESS",
            "amount": {"amount": "0.00", "currency": "EUR"},
            "executedOn": TODAY.isoformat(),
            "reference": "10001",
            "bankAccount": {"id": account["id"]},
        }
    ]


async def test_the_iban_stands_encrypted_in_the_table(publisher: Publisher, customer: str) -> None:
    await add(publisher, customer)
    row = await publisher.owner.fetchrow(
        "SELECT iban, iban_hash FROM bank_account WHERE tenant_id = $1", publisher.tenant_id
    )
    assert row is not None
    assert KEYRING.decrypt(row["iban"], "bank_account.iban") == IBAN
    assert row["iban_hash"] == KEYRING.lookup_hash(IBAN)


REFUSED: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "no owner": ({"owner": " "}, [("REQUIRED", "owner")]),
    "a long owner": ({"owner": "x" * 201}, [("TOO_LONG", "owner")]),
    "no IBAN": ({"iban": "  "}, [("REQUIRED", "iban")]),
    "wrong check digits": ({"iban": "DE89370400440532013001"}, [("IBAN_INVALID", "iban")]),
    "wrong length": ({"iban": "BE6853900754703"}, [("IBAN_INVALID", "iban")]),
    "wrong country": ({"iban": "XX89370400440532013000"}, [("IBAN_INVALID", "iban")]),
    "outside of SEPA": ({"iban": "TR330006100519786457841326"}, [("IBAN_NOT_IN_SEPA", "iban")]),
    "a malformed BIC": ({"bic": "COBADEF"}, [("BIC_INVALID", "bic")]),
    "another country's BIC": ({"bic": "GKCCBEBB"}, [("BIC_INVALID", "bic")]),
    "no BIC where it is needed": (
        {"iban": "SM86U0322509800000000270100"},
        [("REQUIRED", "bic")],
    ),
    "a reference of odd letters": (
        {"mandateReference": "M_1"},
        [("INVALID", "mandateReference")],
    ),
    "a reference with two slashes": (
        {"mandateReference": "M//1"},
        [("INVALID", "mandateReference")],
    ),
    "a long reference": ({"mandateReference": "x" * 36}, [("TOO_LONG", "mandateReference")]),
    "a signature to come": (
        {"mandateSignedOn": (TODAY + timedelta(2)).isoformat()},
        [("DATE_IN_FUTURE", "mandateSignedOn")],
    ),
    "a signature long ago": (
        {"mandateSignedOn": (TODAY - timedelta(1097)).isoformat()},
        [("MANDATE_LAPSED", "mandateSignedOn")],
    ),
    "all that is malformed at once": (
        {"owner": "", "iban": "1", "bic": "1", "mandateReference": "/"},
        [
            ("REQUIRED", "owner"),
            ("IBAN_INVALID", "iban"),
            ("BIC_INVALID", "bic"),
            ("INVALID", "mandateReference"),
        ],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_wrong_is_refused_without_a_trace(
    publisher: Publisher, customer: str, everything: Everything, case: str
) -> None:
    wrong, refused = REFUSED[case]
    given = {"customerId": customer, "owner": "Erika Muster", "iban": IBAN, **wrong}
    async with everything.unchanged():
        payload = await publisher.act("addBankAccount", given, ALL)
    assert payload["bankAccount"] is None
    assert sorted(refusals(payload)) == sorted(refused)


async def test_the_same_iban_is_refused_while_its_mandate_is_active(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    account = await add(publisher, customer)
    again = {"customerId": customer, "owner": "Max Muster", "iban": IBAN.lower()}
    async with everything.unchanged():
        payload = await publisher.act("addBankAccount", again)
    assert refusals(payload) == [("BANK_ACCOUNT_DUPLICATE", "iban")]
    other = encode_id("Customer", await publisher.customer())
    await add(publisher, other)
    await publisher.act("revokeMandate", {"bankAccountId": account["id"]})
    await add(publisher, customer)


async def test_the_same_iban_with_a_mandate_that_lapsed_gets_a_new_one(
    publisher: Publisher, customer: str
) -> None:
    old = await made(
        publisher,
        customer,
        iban_hash=KEYRING.lookup_hash(IBAN),
        mandate_signed_on=date(2020, 1, 1),
        preferred=True,
    )
    new = await add(publisher, customer)
    assert new["preferred"]
    query = "query ($id: ID!) { node(id: $id) { ... on BankAccount { mandateState preferred } } }"
    data = await publisher.data(query, id=old)
    assert data["node"] == {"mandateState": "LAPSED", "preferred": False}


@pytest.mark.parametrize("reference", ["M-7", "m-7", "M - 7", " M-7 "])
async def test_a_reference_is_taken_in_any_spelling(
    publisher: Publisher,
    competitor: Publisher,
    customer: str,
    everything: Everything,
    reference: str,
) -> None:
    account = await add(publisher, customer, mandateReference="M-7")
    await publisher.act("revokeMandate", {"bankAccountId": account["id"]})
    again = {"customerId": customer, "owner": "M", "iban": OTHER, "mandateReference": reference}
    async with everything.unchanged():
        payload = await publisher.act("addBankAccount", again)
    assert refusals(payload) == [("MANDATE_REFERENCE_TAKEN", "mandateReference")]
    theirs = encode_id("Customer", await competitor.customer())
    await add(competitor, theirs, mandateReference=reference)


async def test_numbers_step_over_references_given_by_hand(
    publisher: Publisher, customer: str
) -> None:
    await add(publisher, customer)
    await add(publisher, customer, iban=OTHER, mandateReference="100 02")
    account = await add(publisher, customer, iban="NO9386011117947")
    assert account["mandateReference"] == "10003"


@pytest.mark.parametrize(
    ("given", "preferred"),
    [
        ({}, [True, False]),
        ({"preferred": True}, [False, True]),
        ({"preferred": False}, [True, False]),
    ],
)
async def test_one_account_is_preferred(
    publisher: Publisher, customer: str, given: dict[str, Any], preferred: list[bool]
) -> None:
    await add(publisher, customer)
    await add(publisher, customer, iban=OTHER, **given)
    assert [flag for _, flag in await accounts(publisher, customer)] == preferred


async def accounts(publisher: Publisher, customer: str) -> list[tuple[str, bool]]:
    """The ids that the tab shows in the order they were made, and which is preferred."""
    query = """query ($id: ID!) { customer(by: {id: $id}) { counts { bankAccounts }
        bankAccounts(orderBy: {field: CREATED_AT}) { totalCount nodes { id preferred } } } }"""
    account = (await publisher.data(query, id=customer))["customer"]
    nodes = account["bankAccounts"]["nodes"]
    assert account["counts"]["bankAccounts"] == account["bankAccounts"]["totalCount"] == len(nodes)
    return [(node["id"], node["preferred"]) for node in nodes]


async def test_sent_again_with_its_key_it_is_added_once(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    first = await add(publisher, customer, idempotencyKey="k")
    async with everything.unchanged():
        assert await add(publisher, customer, idempotencyKey="k") == first
        payload = await publisher.act(
            "addBankAccount",
            {"customerId": customer, "owner": "E", "iban": OTHER, "idempotencyKey": "k"},
        )
    assert refusals(payload) == [("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")]


async def test_another_account_is_preferred(publisher: Publisher, customer: str) -> None:
    first = await add(publisher, customer)
    second = await add(publisher, customer, iban=OTHER)
    payload = await publisher.act(
        "setPreferredBankAccount",
        {"bankAccountId": second["id"], "expectedVersion": 1},
        "bankAccount { id preferred version }",
    )
    assert payload["bankAccount"] == {"id": second["id"], "preferred": True, "version": 2}
    assert await accounts(publisher, customer) == [(first["id"], False), (second["id"], True)]
    entry = (await publisher.history(customer))[-1]
    other = f"BankAccount:{entry['record_id'] - 1}"
    assert entry["action"] == "bank_account.preferred"
    assert entry["before"] == {"preferred": False, other: {"preferred": True}}
    assert entry["after"] == {"preferred": True, other: {"preferred": False}}
    assert (await publisher.diary(customer))[-1] == "Bank account preferred: BE68 **** **** 7034."


ON_ACCOUNTS = ("setPreferredBankAccount", "removeBankAccount", "updateMandate", "revokeMandate")


@pytest.mark.parametrize("action", ON_ACCOUNTS)
async def test_an_account_that_was_removed_is_left_alone(
    publisher: Publisher, customer: str, everything: Everything, action: str
) -> None:
    removed = await made(publisher, customer, mandate_state="REVOKED", removed_at=datetime.now(UTC))
    async with everything.unchanged():
        payload = await publisher.act(action, {"bankAccountId": removed})
    assert refusals(payload) == [("BANK_ACCOUNT_REMOVED", "bankAccountId")]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ({"preferred": True}, "BANK_ACCOUNT_PREFERRED"),
        ({"mandate_state": "REVOKED"}, "MANDATE_REVOKED"),
        ({"mandate_state": "LAPSED"}, "MANDATE_LAPSED"),
        ({"mandate_signed_on": TODAY - timedelta(1097)}, "MANDATE_LAPSED"),
    ],
)
async def test_what_can_be_preferred_no_more_is_refused(
    publisher: Publisher, customer: str, everything: Everything, state: dict[str, Any], code: str
) -> None:
    account = await made(publisher, customer, **state)
    async with everything.unchanged():
        payload = await publisher.act("setPreferredBankAccount", {"bankAccountId": account})
    assert refusals(payload) == [(code, "bankAccountId")]


async def test_nothing_of_an_iban_is_kept_in_clear(
    publisher: Publisher,
    customer: str,
    everything: Everything,
    capfd: pytest.CaptureFixture[str],
) -> None:
    account = await add(publisher, customer, idempotencyKey="k")
    for wrong in ({"iban": IBAN}, {"iban": IBAN[:-1] + "1"}, {"iban": IBAN, "owner": ""}):
        payload = await publisher.act(
            "addBankAccount", {"customerId": customer, "owner": "E", **wrong}
        )
        assert payload["userErrors"]
        assert "3704004405320130" not in str(payload)
    answer = await publisher.ask(
        "query ($id: ID!) { node(id: $id) { ... on BankAccount { iban } } }", id=account["id"]
    )
    assert answer["data"]["node"]["iban"] == IBAN
    await publisher.act("removeBankAccount", {"bankAccountId": account["id"]})
    rows, logs = str(await everything.rows()), "".join(capfd.readouterr())
    assert MASKED in rows
    assert "path=/graphql" in logs
    for piece in ("37040044", "0532013000", "3704 0044", IBAN.encode().hex()):
        assert piece not in rows
        assert piece not in logs
