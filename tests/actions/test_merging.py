"""What stands against a merge is told at once, by the preview and the action alike."""

from typing import Any

import asyncpg
import pytest

from app import models
from app.auth.permissions import Permission
from app.schema.node import encode_id
from tests.actions.unchanged import Everything
from tests.merges import PREVIEW, both
from tests.publisher import Publisher, codes, refusals
from tests.rows import EPOCH


async def exporting(publisher: Publisher, customer: int) -> None:
    """Have an export under way."""
    await publisher.make(models.Export, customer_id=customer, status="RUNNING")


async def merging(publisher: Publisher, customer: int) -> None:
    """Have another merge under way."""
    other = await publisher.customer()
    await publisher.act("mergeCustomers", both(customer, other))


async def vanishing(publisher: Publisher, customer: int) -> None:
    """Be about to become part of somebody else."""
    other = await publisher.customer()
    await publisher.act("mergeCustomers", both(other, customer))


async def to_be_anonymised(publisher: Publisher, customer: int) -> None:
    """Be requested to be anonymised."""
    given = {"customerId": encode_id("Customer", customer)}
    assert refusals(await publisher.act("requestAnonymization", given)) == []


async def anonymised(publisher: Publisher, customer: int) -> None:
    """Be anonymised."""
    await publisher.owner.execute(
        "UPDATE customer SET anonymized_at = $2 WHERE id = $1", customer, EPOCH
    )


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (exporting, "EXPORT_RUNNING"),
        (merging, "MERGE_RUNNING"),
        (vanishing, "MERGE_RUNNING"),
        (to_be_anonymised, "APPROVAL_REQUESTED"),
        (anonymised, "CUSTOMER_ANONYMIZED"),
    ],
)
async def test_either_can_stand_against_it(
    publisher: Publisher, everything: Everything, state: Any, code: str
) -> None:
    fine, troubled = await publisher.customer(), await publisher.customer()
    await state(publisher, troubled)
    for pair, path in (((troubled, fine), ""), ((fine, troubled), "duplicateId")):
        await refused(publisher, everything, both(*pair), [(code, path)])


async def refused(
    publisher: Publisher,
    everything: Everything,
    given: dict[str, Any],
    expected: list[tuple[str, str]],
) -> None:
    """See that a merge is refused, and that the preview says so beforehand."""
    async with everything.unchanged():
        payload = await publisher.act("mergeCustomers", given)
        told = await publisher.data(PREVIEW, input=given)
    assert refusals(payload) == expected
    assert refusals(told["previewMerge"]) == expected


async def test_all_that_stands_against_it_is_told_at_once(
    publisher: Publisher, everything: Everything
) -> None:
    kept, duplicate = await publisher.customer(), await publisher.customer()
    await exporting(publisher, kept)
    await exporting(publisher, duplicate)
    await to_be_anonymised(publisher, duplicate)
    given = both(kept, duplicate, take=["LANGUAGE", "PHONE", "EMAIL"])
    expected = [
        ("EXPORT_RUNNING", ""),
        ("EXPORT_RUNNING", "duplicateId"),
        ("APPROVAL_REQUESTED", "duplicateId"),
        ("NOTHING_TO_TAKE", "take.1"),
        ("NOTHING_TO_TAKE", "take.2"),
    ]
    await refused(publisher, everything, given, expected)


async def test_nobody_becomes_part_of_themselves(
    publisher: Publisher, everything: Everything
) -> None:
    customer = await publisher.customer()
    expected = [("SAME_CUSTOMER", "duplicateId")]
    await refused(publisher, everything, both(customer, customer), expected)


async def test_another_publishers_customer_is_not_found(
    publisher: Publisher, competitor: Publisher, everything: Everything
) -> None:
    mine, theirs = await publisher.customer(), await competitor.customer()
    for pair, path in (((mine, theirs), "duplicateId"), ((theirs, mine), "customerId")):
        await refused(publisher, everything, both(*pair), [("NOT_FOUND", path)])


async def test_a_change_that_was_not_seen_stands_against_it(
    publisher: Publisher, everything: Everything
) -> None:
    given = both(await publisher.customer(), await publisher.customer())
    versions = {"expectedVersion": 2, "expectedDuplicateVersion": 7}
    async with everything.unchanged():
        payload = await publisher.act("mergeCustomers", {**given, **versions})
    assert refusals(payload) == [
        ("STALE_VERSION", "expectedVersion"),
        ("STALE_VERSION", "expectedDuplicateVersion"),
    ]


async def test_it_needs_its_permission(publisher: Publisher, everything: Everything) -> None:
    given = both(await publisher.customer(), await publisher.customer())
    token = await publisher.issue_token(*(set(Permission) - {Permission.CUSTOMER_MERGE}))
    async with everything.unchanged():
        assert codes(await publisher.ask_to("mergeCustomers", given, token=token)) == ["FORBIDDEN"]
        assert codes(await publisher.ask(PREVIEW, token, input=given)) == ["FORBIDDEN"]
    alone = await publisher.issue_token(Permission.CUSTOMER_MERGE)
    answer = await publisher.ask(PREVIEW, alone, input=given)
    assert answer["data"]["previewMerge"]["defaultFields"] is None
    assert answer["data"]["previewMerge"]["userErrors"] == []


async def test_a_request_that_is_sent_again_orders_one_merge(
    publisher: Publisher, owner: asyncpg.Connection
) -> None:
    given = both(await publisher.customer(), await publisher.customer(), idempotencyKey="once")
    answers = [
        await publisher.act("mergeCustomers", given, "customerMerge { id }") for _ in range(2)
    ]
    assert answers[0] == answers[1]
    found = await owner.fetchval(
        "SELECT count(*) FROM customer_merge WHERE tenant_id = $1", publisher.tenant_id
    )
    assert found == 1


async def test_a_preview_tells_what_differs_and_what_to_know(publisher: Publisher) -> None:
    kept = await publisher.customer(
        email="a@example.org", first_name="Anna", additional_data={"club": 1}
    )
    duplicate = await publisher.customer(
        email="b@example.org",
        phone="+4930123",
        additional_data={"club": 2, "more": 3},
        login_blocked_at=EPOCH,
        password_hash="x",
    )
    product = await publisher.make(models.Product)
    offer = await publisher.make(models.Offer, product_id=product)
    for customer in (kept, duplicate):
        own = {"customer_id": customer}
        await publisher.make(models.Subscription, offer_id=offer, **own)
        await publisher.make(models.BankAccount, iban_hash=b"i" * 32, **own)
        await publisher.make(models.OptIn, purpose="werbung", **own)
    given = both(kept, duplicate, take=["EMAIL"])
    told = (await publisher.data(PREVIEW, input=given))["previewMerge"]
    defaults = {one["field"]: one["value"] for one in told["defaultFields"]}
    assert defaults == {
        "EMAIL": "b@example.org",
        "FIRST_NAME": "Anna",
        "LAST_NAME": "Muster",
        "PHONE": "+4930123",
        "LANGUAGE": "de",
    }
    assert told["alternateFields"] == [{"field": "EMAIL", "value": "a@example.org"}]
    assert told["additionalData"] == [{"key": "club", "chosen": 1, "other": 2}]
    assert {one["record"]: (one["count"], one["becomeOne"]) for one in told["records"]} == {
        "BankAccount": (1, 0),
        "OptIn": (1, 1),
        "Subscription": (1, 0),
    }
    assert {one["kind"] for one in told["notices"]} == {
        "SAME_OFFER",
        "SAME_BANK_ACCOUNT",
        "LOGIN_BLOCKED",
        "PASSWORD_TAKEN",
    }


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ({"password_hash": "x"}, {"PASSWORD_ENDS", "TWO_FACTOR_ENDS"}),
        ({"password_hash": "x", "totp_secret": b"s", "two_factor_since": EPOCH}, {"PASSWORD_ENDS"}),
        ({}, {"PASSWORD_TAKEN"}),
    ],
)
async def test_a_preview_tells_that_a_second_factor_ends(
    publisher: Publisher, own: dict[str, Any], told: set[str]
) -> None:
    second = {"password_hash": "y", "totp_secret": b"t", "two_factor_since": EPOCH}
    given = both(await publisher.customer(**own), await publisher.customer(**second))
    preview = (await publisher.data(PREVIEW, input=given))["previewMerge"]
    assert {notice["kind"] for notice in preview["notices"]} == told
