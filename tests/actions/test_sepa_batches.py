"""Debits given to the bank, once each, and what is left out."""

import asyncio
import hashlib
from datetime import date
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from lxml import etree

from app.auth.permissions import Permission
from app.schema.node import encode_id, global_key
from tests.actions.conftest import Clock
from tests.actions.debits import (
    NOON,
    PRESENTED,
    a_debit,
    a_due_debit,
    an_account,
    an_invoice,
    ready,
    rows,
)
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, codes, refusals

UNTIL = "2026-06-29"
BATCH = """
    sepaBatch {
        id number collectedUntil debitCount total { amount currency } size sha256 downloadUrl
        debits { nodes { id status endToEndId sequenceType dueOn sepaBatch { number } } }
        leftOut { nodes { id status errorCode errorMessage } }
    }
"""


@pytest.fixture(autouse=True)
def noon(clock: Clock) -> None:
    """Let it be one day in all of these tests."""
    clock.at = NOON


async def present(publisher: Publisher, until: str = UNTIL, **given: Any) -> dict[str, Any]:
    """Make a batch; the payload."""
    return await publisher.act("sepaBatch", {"collectedUntil": until, **given}, BATCH)


async def presented(publisher: Publisher, until: str = UNTIL) -> dict[str, Any]:
    """Make a batch that must succeed."""
    await ready(publisher)
    payload = await present(publisher, until)
    assert payload["userErrors"] == []
    batch: dict[str, Any] = payload["sepaBatch"]
    return batch


async def test_what_is_due_is_in_the_file(publisher: Publisher, customer: str) -> None:
    await publisher.owner.execute(
        "UPDATE billing_profile SET legal_name = 'Verlag Müller' WHERE tenant_id = $1",
        publisher.tenant_id,
    )
    invoice = await an_invoice(publisher, customer, number="R-2026/1", due_on=date(2026, 6, 22))
    account = await an_account(publisher, customer, owner="Zoë Müller", mandate_reference="M-77")
    debit = await a_debit(publisher, invoice, account)
    batch = await presented(publisher)
    [found] = batch["debits"]["nodes"]
    end_to_end_id = f"10001-{global_key(debit).key}"
    assert found == {
        "id": debit,
        "status": "PENDING",
        "endToEndId": end_to_end_id,
        "sequenceType": "FRST",
        "dueOn": "2026-06-22",
        "sepaBatch": {"number": "10001"},
    }
    assert (batch["number"], batch["collectedUntil"]) == ("10001", UNTIL)
    assert (batch["debitCount"], batch["total"]) == (1, {"amount": "10.00", "currency": "EUR"})
    async with httpx2.AsyncClient() as client:
        response = await client.get(batch["downloadUrl"])
    assert 'filename="sepa-10001.xml"' in response.headers["content-disposition"]
    assert batch["size"] == len(response.content)
    assert batch["sha256"] == hashlib.sha256(response.content).hexdigest()
    message = etree.fromstring(response.content)
    said = {
        name: message.findtext(f".//{{*}}{name}")
        for name in ("MsgId", "EndToEndId", "MndtId", "DtOfSgntr", "Ustrd", "SeqTp", "InstdAmt")
    }
    assert said == {
        "MsgId": f"SDD-{publisher.tenant_id}-10001",
        "EndToEndId": end_to_end_id,
        "MndtId": "M-77",
        "DtOfSgntr": "2026-01-31",
        "Ustrd": "R-2026/1",
        "SeqTp": "FRST",
        "InstdAmt": "10.00",
    }
    assert [element.text for element in message.iter("{*}IBAN")] == [
        "DE89370400440532013000",
        "DE89370400440532013000",
    ]
    [kept] = await rows(publisher, "bank_account")
    assert kept["mandate_last_used_on"] == date(2026, 6, 22)
    [entry] = await publisher.tenant_history()
    assert (entry["action"], entry["record_type"]) == ("sepa_batch.created", "SepaBatch")


async def test_only_the_first_debit_of_a_mandate_is_a_first_one(
    publisher: Publisher, customer: str
) -> None:
    new = await an_account(publisher, customer)
    old = await an_account(publisher, customer, mandate_last_used_on=date(2026, 3, 2))
    back = await an_account(publisher, customer)
    came_back = {"status": "SUCCESS", "executed_on": date(2026, 5, 4)}
    await a_debit(publisher, await an_invoice(publisher, customer), back, **came_back)
    for account in (new, new, old, back):
        await a_debit(publisher, await an_invoice(publisher, customer), account)
    batch = await presented(publisher)
    sequences = {node["id"]: node["sequenceType"] for node in batch["debits"]["nodes"]}
    assert [
        sequences[key] for key in sorted(sequences, key=lambda debit: global_key(debit).key)
    ] == [
        "FRST",
        "RCUR",
        "RCUR",
        "RCUR",
    ]


async def test_what_comes_too_late_is_drawn_on_the_first_day_that_the_bank_takes(
    publisher: Publisher, customer: str
) -> None:
    for due_on in (date(2026, 6, 9), date(2026, 6, 15), date(2026, 6, 16), date(2026, 6, 17)):
        invoice = await an_invoice(publisher, customer)
        await a_debit(publisher, invoice, await an_account(publisher, customer), due_on=due_on)
    # Monday's debits reach the bank for Tuesday at the earliest.
    batch = await presented(publisher, "2026-06-16")
    assert [node["dueOn"] for node in batch["debits"]["nodes"]] == ["2026-06-16"] * 3


LEFT_OUT: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = [
    ({"mandate_state": "REVOKED"}, {}, {}, "MANDATE_REVOKED"),
    ({"mandate_state": "LAPSED"}, {}, {}, "MANDATE_LAPSED"),
    # Signed three years before the collection day, and not used since.
    ({"mandate_signed_on": date(2023, 6, 22)}, {}, {}, "MANDATE_LAPSED"),
    ({"mandate_state": "REVOKED", "removed_at": NOON}, {}, {}, "BANK_ACCOUNT_REMOVED"),
    ({"iban": None, "iban_hash": None, "iban_masked": None}, {}, {}, "CUSTOMER_ANONYMIZED"),
    ({"owner": "🙂"}, {}, {}, "NOT_WRITABLE"),
    ({}, {"status": "CANCELLED"}, {}, "NOT_OWED"),
    ({}, {"status": "PAID", "paid_at": NOON}, {}, "NOT_OWED"),
    ({}, {}, {"currency": "CHF"}, "CURRENCY_NOT_EUR"),
]


@pytest.mark.parametrize(("account", "invoice", "debit", "code"), LEFT_OUT)
async def test_what_can_not_be_drawn_is_left_out_and_says_why(
    publisher: Publisher,
    customer: str,
    account: dict[str, Any],
    invoice: dict[str, Any],
    debit: dict[str, Any],
    code: str,
) -> None:
    good = await a_due_debit(publisher, customer)
    bad = await a_debit(
        publisher,
        await an_invoice(publisher, customer, **invoice),
        await an_account(publisher, customer, **account),
        **debit,
    )
    batch = await presented(publisher)
    assert [node["id"] for node in batch["debits"]["nodes"]] == [good]
    [left_out] = batch["leftOut"]["nodes"]
    assert (left_out["id"], left_out["status"]) == (bad, "FAILURE")
    assert left_out["errorCode"] == code
    assert left_out["errorMessage"].endswith(".")
    assert batch["debitCount"] == 1


async def test_debits_of_the_anonymised_are_left_out(publisher: Publisher) -> None:
    gone = encode_id("Customer", await publisher.customer(anonymized_at=NOON))
    await a_due_debit(publisher, gone)
    batch = await presented(publisher)
    # With nothing to present there is no file.
    assert (batch["debitCount"], batch["size"], batch["downloadUrl"]) == (0, None, None)
    assert [node["errorCode"] for node in batch["leftOut"]["nodes"]] == ["CUSTOMER_ANONYMIZED"]
    assert refusals(await present(publisher)) == [("NOTHING_DUE", "collectedUntil")]


async def test_what_is_not_due_or_known_to_the_bank_is_not_presented(
    publisher: Publisher, customer: str, competitor: Publisher, everything: Everything
) -> None:
    await ready(publisher)
    theirs = encode_id("Customer", await competitor.customer())
    await a_due_debit(competitor, theirs)
    for values in (
        {"due_on": date(2026, 6, 30)},
        PRESENTED,
        {"status": "FAILURE"},
        {"status": "SUCCESS"},
    ):
        invoice = await an_invoice(publisher, customer)
        await a_debit(publisher, invoice, await an_account(publisher, customer), **values)
    async with everything.unchanged():
        assert refusals(await present(publisher)) == [("NOTHING_DUE", "collectedUntil")]


async def test_two_batches_at_once_present_no_debit_twice(
    publisher: Publisher, customer: str
) -> None:
    await ready(publisher)
    debits = {await a_due_debit(publisher, customer) for _ in range(6)}

    async def once() -> dict[str, Any]:
        # Whoever waits too long for the first one is asked to try again.
        while "errors" in (answer := await publisher.ask_to("sepaBatch", given, BATCH)):
            assert codes(answer) == ["UNAVAILABLE"]
        payload: dict[str, Any] = answer["data"]["sepaBatch"]
        return payload

    given = {"collectedUntil": UNTIL}
    payloads = await asyncio.gather(*(once() for _ in range(3)))
    made = [payload["sepaBatch"] for payload in payloads if payload["sepaBatch"]]
    [batch] = made
    assert {node["id"] for node in batch["debits"]["nodes"]} == debits
    refused = [refusals(payload) for payload in payloads if not payload["sepaBatch"]]
    assert refused == [[("NOTHING_DUE", "collectedUntil")]] * 2
    ids = [row["end_to_end_id"] for row in await rows(publisher, "payment_transaction")]
    assert len(set(ids)) == 6


async def test_a_batch_that_is_asked_for_twice_is_made_once(
    publisher: Publisher, customer: str
) -> None:
    await ready(publisher)
    await a_due_debit(publisher, customer)
    one, again = [await present(publisher, idempotencyKey="k") for _ in range(2)]
    assert one["sepaBatch"]["id"] == again["sepaBatch"]["id"]
    assert len(await rows(publisher, "sepa_batch")) == 1


async def test_batches_are_numbered_and_listed(publisher: Publisher, customer: str) -> None:
    for _ in range(2):
        await a_due_debit(publisher, customer)
        await presented(publisher)
    found = await publisher.data(
        "{ sepaBatches(orderBy: {field: NUMBER, direction: DESC}) { totalCount"
        " nodes { id number actor { kind } debits { totalCount } } } }"
    )
    assert found["sepaBatches"]["totalCount"] == 2
    first, second = found["sepaBatches"]["nodes"]
    assert [first["number"], second["number"]] == ["10002", "10001"]
    assert first["debits"]["totalCount"] == 1
    node = "query ($id: ID!) { node(id: $id) { ... on SepaBatch { number } } }"
    assert await publisher.data(node, id=first["id"]) == {"node": {"number": "10002"}}


@pytest.mark.parametrize(
    ("profile", "count"),
    [
        ("creditor_id = NULL", 1),
        ("iban = NULL", 1),
        ("creditor_id = NULL, iban = NULL, legal_name = '🙂'", 3),
    ],
)
async def test_the_bank_has_to_know_the_creditor(
    publisher: Publisher, customer: str, everything: Everything, profile: str, count: int
) -> None:
    await a_due_debit(publisher, customer)
    await ready(publisher)
    await publisher.owner.execute(
        f"UPDATE billing_profile SET {profile} WHERE tenant_id = $1",  # noqa: S608  It is ours.
        publisher.tenant_id,
    )
    async with everything.unchanged():
        payload = await present(publisher)
    assert refusals(payload) == [("CREDITOR_INCOMPLETE", "")] * count


async def test_banks_take_nothing_too_early(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    await a_due_debit(publisher, customer)
    await ready(publisher)
    async with everything.unchanged():
        payload = await present(publisher, "2026-06-30")
    assert refusals(payload) == [("INVALID", "collectedUntil")]


async def test_whoever_may_look_may_not_present_or_download(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    await a_due_debit(publisher, customer)
    await presented(publisher)
    token = await publisher.issue_token(*(set(Permission) - {Permission.SEPA_BATCH_WRITE}))
    async with everything.unchanged():
        answer = await publisher.ask_to("sepaBatch", {"collectedUntil": UNTIL}, "", token)
    assert codes(answer) == ["FORBIDDEN"]
    answer = await publisher.ask("{ sepaBatches { nodes { number downloadUrl } } }", token)
    assert codes(answer) == ["FORBIDDEN"]
    assert answer["data"]["sepaBatches"]["nodes"] == [{"number": "10001", "downloadUrl": None}]


async def test_the_sweep_leaves_the_files_of_batches(publisher: Publisher, customer: str) -> None:
    await a_due_debit(publisher, customer)
    await presented(publisher)
    [batch] = await rows(publisher, "sepa_batch")
    unknown = await publisher.owner.fetch(
        "SELECT * FROM abokonto.unknown_files($1)",
        [batch["file_key"], f"{publisher.tenant_id}/{'0' * 32}"],
    )
    assert [row[0] for row in unknown] == [f"{publisher.tenant_id}/{'0' * 32}"]


async def test_a_batch_is_never_changed(publisher: Publisher, customer: str) -> None:
    await a_due_debit(publisher, customer)
    await presented(publisher)
    for statement in ("UPDATE sepa_batch SET total = 0", "DELETE FROM sepa_batch"):
        with pytest.raises(Exception, match="never changed"):
            await publisher.owner.execute(f"{statement} WHERE tenant_id = {publisher.tenant_id}")


async def test_many_debits_add_up(publisher: Publisher, customer: str) -> None:
    amounts = [Decimal(number) / 100 for number in range(1, 30)]
    for amount in amounts:
        invoice = await an_invoice(publisher, customer)
        account = await an_account(publisher, customer)
        await a_debit(publisher, invoice, account, amount=amount)
    batch = await presented(publisher)
    assert Decimal(batch["total"]["amount"]) == sum(amounts)
    assert batch["debitCount"] == len(amounts)
