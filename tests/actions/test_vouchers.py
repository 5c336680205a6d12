"""Vouchers: what codes take off, and how often."""

from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from app import models
from app.auth.permissions import Permission
from app.schema.node import encode_id, key_of
from app.schema.voucher import Voucher
from tests.actions.catalogue import done, euros, offer, product
from tests.actions.conftest import Clock
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, codes, refusals

SHOWN = """voucher { id code name kind percent amount { amount currency } validFrom validUntil
    current usageLimit limitPerCustomer used version offers { code } }"""
TEN = {"code": "SOMMER-31", "name": "Sommer", "percent": "10"}


@pytest.fixture
def clock(clock: Clock) -> Clock:
    """It is noon on a day of the year 2031 where the publishers are."""
    clock.at = datetime(2031, 5, 15, 10, tzinfo=UTC)
    return clock


async def voucher(publisher: Publisher, **values: Any) -> str:
    """The id of a new voucher."""
    return str((await done(publisher, "createVoucher", {**TEN, **values}, SHOWN))["id"])


async def redeem(publisher: Publisher, voucher_id: str) -> int:
    """Use a voucher for an order."""
    order = await publisher.make(models.Order, customer_id=await publisher.customer())
    return await publisher.make(
        models.VoucherRedemption, voucher_id=key_of(voucher_id, Voucher), order_id=order
    )


async def test_a_voucher_is_created(publisher: Publisher, everything: Everything) -> None:
    sold = await offer(publisher, await product(publisher))
    given = {
        "code": " sommer-31 ",
        "name": "Sommer",
        "amount": euros("5"),
        "validUntil": "2031-08-31",
        "usageLimit": 100,
        "limitPerCustomer": 1,
        "offerIds": [sold],
        "idempotencyKey": "k",
    }
    made = await done(publisher, "createVoucher", given, SHOWN)
    assert made == {
        "id": made["id"],
        "code": "SOMMER-31",
        "name": "Sommer",
        "kind": "AMOUNT",
        "percent": None,
        "amount": euros("5.00"),
        "validFrom": "2031-05-15",
        "validUntil": "2031-08-31",
        "current": False,
        "usageLimit": 100,
        "limitPerCustomer": 1,
        "used": 0,
        "version": 1,
        "offers": [{"code": "DIGI-M"}],
    }
    async with everything.unchanged():
        assert await done(publisher, "createVoucher", given, SHOWN) == made
    *_, entry = await publisher.tenant_history()
    assert (entry["action"], entry["before"]) == ("voucher.created", None)
    assert entry["after"]["amount"] == "5.00"


REFUSED: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "taken": ({"code": "taken"}, [("CODE_TAKEN", "code")]),
    "blank": ({"code": " "}, [("REQUIRED", "code")]),
    "short": ({"code": "AB"}, [("INVALID", "code")]),
    "long": ({"code": "A" * 41}, [("TOO_LONG", "code")]),
    "an umlaut": ({"code": "FRÜHLING"}, [("INVALID", "code")]),
    "no name": ({"name": ""}, [("REQUIRED", "name")]),
    "nothing off": ({"percent": None}, [("REQUIRED", "percent")]),
    "both": ({"amount": euros("1")}, [("REQUIRED", "percent")]),
    "no percent": ({"percent": "0"}, [("INVALID", "percent")]),
    "more than all": ({"percent": "100.01"}, [("INVALID", "percent")]),
    "a third": ({"percent": "33.333"}, [("INVALID", "percent")]),
    "no amount": ({"percent": None, "amount": euros("0")}, [("PRICE_INVALID", "amount.amount")]),
    "a negative amount": (
        {"percent": None, "amount": euros("-1")},
        [("PRICE_INVALID", "amount.amount")],
    ),
    "never": ({"usageLimit": 0}, [("INVALID", "usageLimit")]),
    "never for anybody": ({"limitPerCustomer": 0}, [("INVALID", "limitPerCustomer")]),
    "over before it begins": ({"validUntil": "2031-05-14"}, [("PERIOD_INVALID", "validUntil")]),
    "another currency": (
        {"percent": None, "amount": {"amount": "1", "currency": "CHF"}, "offerIds": ["sold"]},
        [("PRICE_INVALID", "amount.currency")],
    ),
    "nobody's offer": (
        {"offerIds": ["sold", encode_id("Offer", 2**63 - 1)]},
        [("NOT_FOUND", "offerIds.1")],
    ),
    "too many offers": ({"offerIds": ["sold"] * 101}, [("INVALID", "offerIds")]),
}


async def test_vouchers_are_refused(publisher: Publisher, everything: Everything) -> None:
    await voucher(publisher, code="TAKEN")
    sold = await offer(publisher, await product(publisher))
    async with everything.unchanged():
        for case, (more, expected) in REFUSED.items():
            given: dict[str, Any] = {**TEN, **more}
            if "offerIds" in given:
                given["offerIds"] = [sold if one == "sold" else one for one in given["offerIds"]]
            payload = await publisher.act("createVoucher", given, SHOWN)
            assert (payload["voucher"], refusals(payload)) == (None, expected), case


async def test_a_voucher_changes(publisher: Publisher, everything: Everything) -> None:
    sold = await product(publisher)
    one, other = [await offer(publisher, sold, code=code) for code in ("one", "other")]
    made = await voucher(publisher, offerIds=[one])
    given = {
        "voucherId": made,
        "expectedVersion": 1,
        "code": "winter",
        "amount": euros("3"),
        "usageLimit": 7,
        "offerIds": [other],
        "validFrom": "2031-06-01",
    }
    changed = await done(publisher, "updateVoucher", given, SHOWN)
    assert (changed["code"], changed["kind"], changed["percent"]) == ("WINTER", "AMOUNT", None)
    assert (changed["amount"], changed["offers"]) == (euros("3.00"), [{"code": "other"}])
    *_, entry = await publisher.tenant_history()
    assert (entry["before"]["percent"], entry["after"]["percent"]) == ("10.00", None)
    await voucher(publisher, code="TAKEN")
    cases: list[tuple[dict[str, Any], tuple[str, str]]] = [
        ({"code": "TAKEN"}, ("CODE_TAKEN", "code")),
        ({"code": None}, ("REQUIRED", "code")),
        ({"name": None}, ("REQUIRED", "name")),
        ({"validFrom": None}, ("REQUIRED", "validFrom")),
        ({"amount": None}, ("REQUIRED", "percent")),
        ({"percent": "5", "amount": euros("1")}, ("REQUIRED", "percent")),
        ({"amount": {"amount": "1", "currency": "CHF"}}, ("PRICE_INVALID", "amount.currency")),
        ({"validUntil": "2031-05-31"}, ("PERIOD_INVALID", "validUntil")),
        ({"validFrom": "2031-01-01", "validUntil": "2031-05-13"}, ("PERIOD_INVALID", "validUntil")),
        ({"expectedVersion": 1}, ("STALE_VERSION", "expectedVersion")),
    ]
    async with everything.unchanged():
        for given, expected in cases:
            payload = await publisher.act("updateVoucher", {"voucherId": made, **given})
            assert refusals(payload) == [expected], given


async def test_what_a_voucher_was_used_for_stays(
    publisher: Publisher, everything: Everything
) -> None:
    made = await voucher(publisher, usageLimit=3)
    for _ in range(2):
        await redeem(publisher, made)
    async with everything.unchanged():
        for given, path in (
            ({"code": "ANDERS"}, "code"),
            ({"percent": "20"}, "percent"),
            ({"amount": euros("1")}, "amount"),
        ):
            payload = await publisher.act("updateVoucher", {"voucherId": made, **given})
            assert refusals(payload) == [("VOUCHER_ALREADY_USED", path)]
        payload = await publisher.act("updateVoucher", {"voucherId": made, "usageLimit": 1})
        assert refusals(payload) == [("INVALID", "usageLimit")]
    same = {"voucherId": made, "percent": "10.00", "code": "sommer-31", "usageLimit": 2}
    changed = await done(publisher, "updateVoucher", same, SHOWN)
    assert (changed["used"], changed["usageLimit"]) == (2, 2)
    # Being used has not raised it, so that an agent can save what they began to edit.
    assert changed["version"] == 2


async def test_a_voucher_is_used_no_more_often_than_its_limit(publisher: Publisher) -> None:
    made = await voucher(publisher, usageLimit=1)
    used = await redeem(publisher, made)
    with pytest.raises(asyncpg.CheckViolationError, match="ck_voucher_usage"):
        await redeem(publisher, made)
    await publisher.owner.execute(
        "DELETE FROM voucher_redemption WHERE tenant_id = $1 AND id = $2",
        publisher.tenant_id,
        used,
    )
    await redeem(publisher, made)
    given = {"voucherId": made, "name": "Sommer"}
    assert (await done(publisher, "updateVoucher", given, SHOWN))["used"] == 1


async def test_a_voucher_ends(publisher: Publisher, everything: Everything) -> None:
    made = await voucher(publisher, validFrom="2031-05-01")
    given = {"voucherId": made, "validUntil": "2031-05-14", "expectedVersion": 1}
    async with everything.unchanged():
        payload = await publisher.act("endVoucher", given | {"validUntil": "2031-05-13"})
        assert refusals(payload) == [("PERIOD_INVALID", "validUntil")]
    assert (await done(publisher, "endVoucher", given, SHOWN))["validUntil"] == "2031-05-14"
    async with everything.unchanged():
        assert refusals(await publisher.act("endVoucher", {"voucherId": made})) == [
            ("PERIOD_INVALID", "validUntil")
        ]
    other = await voucher(publisher, code="other")
    assert (await done(publisher, "endVoucher", {"voucherId": other}, SHOWN))[
        "validUntil"
    ] == "2031-05-15"
    actions = [entry["action"] for entry in await publisher.tenant_history()]
    assert actions == ["voucher.created", "voucher.ended", "voucher.created", "voucher.ended"]


async def test_who_may_not_or_is_another_tenant_changes_nothing(
    publisher: Publisher, competitor: Publisher, everything: Everything
) -> None:
    made = await voucher(publisher)
    token = await publisher.issue_token(*(set(Permission) - {Permission.VOUCHER_WRITE}))
    async with everything.unchanged():
        for action in ("updateVoucher", "endVoucher"):
            given = {"voucherId": made}
            assert codes(await publisher.ask_to(action, given, token=token)) == ["FORBIDDEN"]
            assert refusals(await competitor.act(action, given)) == [("NOT_FOUND", "voucherId")]
            payload = await publisher.act(action, given | {"expectedVersion": 2})
            assert refusals(payload) == [("STALE_VERSION", "expectedVersion")]
        answer = await publisher.ask_to("createVoucher", TEN | {"code": "neu"}, token=token)
        assert codes(answer) == ["FORBIDDEN"]
    assert await voucher(competitor)
    blind = await publisher.issue_token(*(set(Permission) - {Permission.VOUCHER_READ}))
    answer = await publisher.ask("{ vouchers { totalCount } }", blind)
    assert codes(answer) == ["FORBIDDEN"]


async def test_vouchers_are_found_by_words_and_days(publisher: Publisher, clock: Clock) -> None:
    clock.at = None
    made = await voucher(publisher)
    await voucher(publisher, code="ahead", name="Später", validFrom="2999-01-01")
    for arguments in ('search: "sommer-31"', "where: {current: {eq: true}, kind: {eq: PERCENT}}"):
        data = await publisher.data(f"{{ vouchers({arguments}) {{ nodes {{ id }} }} }}")
        assert data["vouchers"]["nodes"] == [{"id": made}]
