"""Access rights given by hand, and what they are worth when a paywall asks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, select

from app import models
from app.auth.permissions import Permission
from app.database import Statement
from app.resolvers.sql import table_of
from app.schema.access_right import denial
from app.schema.customer import Customer
from app.schema.node import encode_id, key_of
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, codes, refusals

HOUR = timedelta(hours=1)
NOW = datetime.now(UTC)
ALL = (
    "accessRight { id uniqueId source status validFrom validUntil blockedAt blockedReason version"
    " product { name } }"
)
ASK = """query ($by: CustomerBy!, $uniqueId: String!) {
    hasAccess(customer: $by, uniqueId: $uniqueId) { allowed reason validFrom validUntil } }"""
BOTH = """query ($id: ID!) {
    customer(by: {id: $id}) { accessRights { nodes { status } } }
    hasAccess(customer: {id: $id}, uniqueId: "digital") { allowed reason validUntil } }"""


async def give(publisher: Publisher, customer: str, **values: Any) -> dict[str, Any]:
    """Give a right that nothing stands against."""
    payload = await publisher.act(
        "addAccessRight", {"customerId": customer, "uniqueId": "digital", **values}, ALL
    )
    assert payload["userErrors"] == []
    right: dict[str, Any] = payload["accessRight"]
    return right


async def ask(publisher: Publisher, customer: str, unique_id: str = "digital") -> tuple[bool, Any]:
    """Whether there is access, and the reason when not."""
    data = await publisher.data(ASK, by={"id": customer}, uniqueId=unique_id)
    return data["hasAccess"]["allowed"], data["hasAccess"]["reason"]


async def test_a_right_is_given(publisher: Publisher, customer: str) -> None:
    product = await publisher.make(models.Product, name="E-Paper", access_id="e-paper")
    assert await ask(publisher, customer, "e-paper") == (False, "NO_RIGHT")
    right = await give(
        publisher,
        customer,
        uniqueId=None,
        productId=encode_id("Product", product),
        validUntil="2999-01-01T00:00:00+01:00",
    )
    begins = datetime.fromisoformat(right["validFrom"])
    assert NOW <= begins <= datetime.now(UTC)
    expected = {
        "id": right["id"],
        "uniqueId": "e-paper",
        "source": "MANUAL",
        "status": "ACTIVE",
        "validFrom": right["validFrom"],
        "validUntil": "2998-12-31T23:00:00+00:00",
        "blockedAt": None,
        "blockedReason": None,
        "version": 1,
        "product": {"name": "E-Paper"},
    }
    assert right == expected
    assert await ask(publisher, customer, "e-paper") == (True, None)
    (entry,) = await publisher.history(customer)
    assert (entry["action"], entry["before"]) == ("access_right.added", None)
    assert {"access_id": "e-paper", "product_id": product}.items() <= entry["after"].items()
    assert await publisher.diary(customer) == ["Access right added: e-paper."]


async def test_sending_it_again_gives_none(publisher: Publisher, customer: str) -> None:
    first = await give(publisher, customer, idempotencyKey="k")
    assert await give(publisher, customer, idempotencyKey="k") == first
    assert len(await publisher.history(customer)) == 1


WRONG: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "nothing named": ({"uniqueId": None}, [("REQUIRED", "uniqueId")]),
    "blank": ({"uniqueId": " "}, [("REQUIRED", "uniqueId")]),
    "one letter": ({"uniqueId": "a"}, [("INVALID", "uniqueId")]),
    "31 letters": ({"uniqueId": "a" * 31}, [("TOO_LONG", "uniqueId")]),
    "an underscore": ({"uniqueId": "e_paper"}, [("INVALID", "uniqueId")]),
    "an umlaut": ({"uniqueId": "ä-paper"}, [("INVALID", "uniqueId")]),
    "two lines": ({"uniqueId": "e-\npaper"}, [("INVALID", "uniqueId")]),
    "no product": ({"productId": encode_id("Product", 1)}, [("NOT_FOUND", "productId")]),
    "another type": ({"productId": encode_id("Offer", 1)}, [("INVALID", "productId")]),
    "ends before it begins": (
        {"validFrom": "2999-01-02T00:00:00Z", "validUntil": "2999-01-01T00:00:00Z"},
        [("PERIOD_INVALID", "validUntil")],
    ),
    "ends as it begins": (
        {"validFrom": "2999-01-01T01:00:00+01:00", "validUntil": "2999-01-01T00:00:00Z"},
        [("PERIOD_INVALID", "validUntil")],
    ),
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_is_no_right_is_refused(
    publisher: Publisher, customer: str, everything: Everything, case: str
) -> None:
    values, expected = WRONG[case]
    there = await give(publisher, customer)
    async with everything.unchanged():
        added = await publisher.act(
            "addAccessRight", {"customerId": customer, "uniqueId": "digital", **values}
        )
        changed = await publisher.act("updateAccessRight", {"accessRightId": there["id"], **values})
    assert refusals(added) == refusals(changed) == expected


async def test_a_right_that_is_over_is_not_given_but_one_can_be_ended(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    over = {"validFrom": "2020-01-01T00:00:00Z", "validUntil": "2020-01-02T00:00:00Z"}
    async with everything.unchanged():
        added = await publisher.act(
            "addAccessRight", {"customerId": customer, "uniqueId": "digital", **over}
        )
    assert refusals(added) == [("PERIOD_INVALID", "validUntil")]
    there = await give(publisher, customer)
    payload = await publisher.act("updateAccessRight", {"accessRightId": there["id"], **over}, ALL)
    assert (payload["accessRight"]["status"], payload["userErrors"]) == ("EXPIRED", [])
    assert await ask(publisher, customer) == (False, "EXPIRED")


async def test_a_right_is_changed(publisher: Publisher, customer: str) -> None:
    product = encode_id("Product", await publisher.make(models.Product, access_id="e-paper"))
    there = await give(publisher, customer, productId=product)
    assert there["uniqueId"] == "digital"
    change = {"accessRightId": there["id"], "expectedVersion": 1, "productId": None}
    later = {"uniqueId": "plus", "validFrom": "2999-01-01T00:00:00Z", "validUntil": None}
    payload = await publisher.act("updateAccessRight", {**change, **later}, ALL)
    assert payload["accessRight"] == {
        **there,
        "uniqueId": "plus",
        "product": None,
        "validFrom": "2999-01-01T00:00:00+00:00",
        "status": "PENDING",
        "version": 2,
    }
    entry = (await publisher.history(customer))[-1]
    assert entry["action"] == "access_right.updated"
    assert (entry["before"]["access_id"], entry["after"]["access_id"]) == ("digital", "plus")
    diary = (await publisher.diary(customer))[-1]
    assert diary == "Access right plus changed: unique id, product id, valid from."
    assert await ask(publisher, customer, "plus") == (False, "NOT_YET")


async def test_what_was_changed_meanwhile_is_not_overwritten(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    there = await give(publisher, customer)
    change = {"accessRightId": there["id"], "expectedVersion": 1, "uniqueId": "plus"}
    assert (await publisher.act("updateAccessRight", change))["userErrors"] == []
    async with everything.unchanged():
        payload = await publisher.act("updateAccessRight", change)
        nothing = await publisher.act(
            "updateAccessRight", {"accessRightId": there["id"], "validFrom": None}
        )
    assert refusals(payload) == [("STALE_VERSION", "expectedVersion")]
    assert refusals(nothing) == [("REQUIRED", "validFrom")]


async def test_a_right_is_blocked_and_unblocked(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    there = {"accessRightId": (await give(publisher, customer))["id"]}
    async with everything.unchanged():
        payload = await publisher.act("unblockAccessRight", there)
    assert refusals(payload) == [("NOT_BLOCKED", "accessRightId")]
    payload = await publisher.act("blockAccessRight", {**there, "reason": "Weitergegeben"}, ALL)
    right = payload["accessRight"]
    assert (right["status"], right["blockedReason"]) == ("BLOCKED", "Weitergegeben")
    assert await ask(publisher, customer) == (False, "RIGHT_BLOCKED")
    entry = (await publisher.history(customer))[-1]
    assert (entry["action"], entry["note"]) == ("access_right.blocked", "Weitergegeben")
    assert entry["after"]["personal"] == {"blocked_reason": "Weitergegeben"}
    async with everything.unchanged():
        payload = await publisher.act("blockAccessRight", there)
    assert refusals(payload) == [("ALREADY_BLOCKED", "accessRightId")]
    payload = await publisher.act("unblockAccessRight", there, ALL)
    right = payload["accessRight"]
    assert (right["status"], right["blockedAt"], right["blockedReason"]) == ("ACTIVE", None, None)
    assert await ask(publisher, customer) == (True, None)
    assert await publisher.diary(customer) == [
        "Access right added: digital.",
        "Access right blocked: digital. Weitergegeben",
        "Access right unblocked: digital.",
    ]


async def test_a_right_is_removed(publisher: Publisher, customer: str) -> None:
    there = await give(publisher, customer)
    payload = await publisher.act(
        "removeAccessRight", {"accessRightId": there["id"]}, "customer { counts { accessRights } }"
    )
    assert payload == {"customer": {"counts": {"accessRights": 0}}, "userErrors": []}
    assert await ask(publisher, customer) == (False, "NO_RIGHT")
    entry = (await publisher.history(customer))[-1]
    assert (entry["action"], entry["record_type"]) == ("access_right.removed", "AccessRight")
    assert entry["before"]["access_id"] == "digital"
    assert entry["after"] is None


async def sold(publisher: Publisher, customer: int, source: str, **values: Any) -> int:
    """The key of a right that an order or a subscription brought."""
    if source == "ORDER":
        values["order_id"] = await publisher.make(models.Order, customer_id=customer)
    return await publisher.make(models.AccessRight, customer_id=customer, source=source, **values)


async def subscribed(publisher: Publisher, customer: int, **values: Any) -> int:
    """A subscription's key."""
    product = await publisher.make(models.Product)
    offer = await publisher.make(models.Offer, product_id=product)
    return await publisher.make(models.Subscription, customer_id=customer, offer_id=offer, **values)


async def test_what_was_sold_is_not_changed_by_hand(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    key = key_of(customer, Customer)
    subscription = await subscribed(publisher, key)
    rights = {
        "SUBSCRIPTION": await sold(
            publisher, key, "SUBSCRIPTION", subscription_id=subscription, blocked_at=NOW
        ),
        "ORDER": await sold(publisher, key, "ORDER"),
    }
    everywhere = {"SUBSCRIPTION": ("blockAccessRight", "unblockAccessRight"), "ORDER": ()}
    async with everything.unchanged():
        for source, right in rights.items():
            for action in ("updateAccessRight", "removeAccessRight", *everywhere[source]):
                payload = await publisher.act(
                    action, {"accessRightId": encode_id("AccessRight", right)}
                )
                assert refusals(payload) == [("ACCESS_RIGHT_NOT_MANUAL", "accessRightId")]
    order = {"accessRightId": encode_id("AccessRight", rights["ORDER"])}
    for action in ("blockAccessRight", "unblockAccessRight"):
        assert (await publisher.act(action, order))["userErrors"] == []


async def test_another_tenant_is_not_found(
    publisher: Publisher, competitor: Publisher, customer: str, everything: Everything
) -> None:
    theirs = encode_id("Product", await competitor.make(models.Product))
    given = {"customerId": customer, "uniqueId": "digital", "productId": theirs}
    async with everything.unchanged():
        payload = await publisher.act("addAccessRight", given)
    assert refusals(payload) == [("NOT_FOUND", "productId")]
    answer = await competitor.ask(ASK, by={"id": customer}, uniqueId="digital")
    assert (answer["data"], codes(answer)) == ({"hasAccess": None}, ["NOT_FOUND"])


async def test_a_paywall_needs_one_permission_and_any_of_the_customers_keys(
    publisher: Publisher,
) -> None:
    key = await publisher.customer(number="7", email="Erika@Example.org", external_id="crm-7")
    await publisher.make(models.AccessRight, customer_id=key)
    token = await publisher.issue_token(Permission.ACCESS_CHECK)
    for by in (
        {"id": encode_id("Customer", key)},
        {"number": "7"},
        {"email": "erika@example.ORG"},
        {"externalId": "crm-7"},
    ):
        answer = await publisher.ask(ASK, token, by=by, uniqueId="digital")
        assert answer["data"]["hasAccess"]["allowed"] is True
    token = await publisher.issue_token(*(set(Permission) - {Permission.ACCESS_CHECK}))
    answer = await publisher.ask(ASK, token, by={"number": "7"}, uniqueId="digital")
    assert (answer["data"], codes(answer)) == ({"hasAccess": None}, ["FORBIDDEN"])


@pytest.mark.parametrize("unique_id", ["", "a", "e_paper", "digital\n", "a\0b", "a" * 31])
async def test_what_is_no_unique_id_is_no_question(
    publisher: Publisher, customer: str, unique_id: str
) -> None:
    answer = await publisher.ask(ASK, by={"id": customer}, uniqueId=unique_id)
    assert (answer["data"], codes(answer)) == ({"hasAccess": None}, ["BAD_REQUEST"])


async def test_a_customer_who_is_not_there_is_not_found(publisher: Publisher) -> None:
    answer = await publisher.ask(ASK, by={"number": "nobody"}, uniqueId="digital")
    assert (answer["data"], codes(answer)) == ({"hasAccess": None}, ["NOT_FOUND"])


async def test_the_locks_are_not_merged(publisher: Publisher, customer: str) -> None:
    await give(publisher, customer)
    locked = {"customerId": customer}
    await publisher.act("blockCustomer", locked)
    assert await ask(publisher, customer) == (True, None)
    await publisher.act("blockAccess", locked)
    assert await ask(publisher, customer) == (False, "ACCESS_BLOCKED")
    await publisher.act("unblockCustomer", locked)
    assert await ask(publisher, customer) == (False, "ACCESS_BLOCKED")
    await publisher.act("unblockAccess", locked)
    assert await ask(publisher, customer) == (True, None)


async def test_it_says_how_long_access_lasts_and_when_it_begins(
    publisher: Publisher, customer: str
) -> None:
    async def times() -> tuple[Any, Any]:
        data = await publisher.data(ASK, by={"id": customer}, uniqueId="digital")
        return data["hasAccess"]["validFrom"], data["hasAccess"]["validUntil"]

    assert await times() == (None, None)
    days = [f"29{day}-01-01T00:00:00+00:00" for day in (90, 91, 92)]
    await give(publisher, customer, validFrom=days[1])
    await give(publisher, customer, validFrom=days[0], validUntil=days[2])
    assert await times() == (days[0], days[2])
    short = await give(publisher, customer, validUntil=days[0])
    long = await give(publisher, customer, validUntil=days[1])
    assert await times() == (long["validFrom"], days[1])
    endless = await give(publisher, customer)
    assert await times() == (endless["validFrom"], None)
    assert short["status"] == "ACTIVE"


async def test_a_right_begins_at_its_first_moment_and_is_over_at_its_last(
    publisher: Publisher, customer: str, owner: asyncpg.Connection
) -> None:
    right = key_of_right(await give(publisher, customer))
    table = table_of(models.AccessRight)
    asked = Statement.of(
        select(denial(table.c)).where(table.c.id == bindparam("right", type_=table.c.id.type))
    )
    async with owner.transaction():
        for begins, ends, expected in (
            ("0", "1 us", None),
            ("1 us", "2 us", "NOT_YET"),
            ("-1 us", "0", "EXPIRED"),
            ("-1 us", "1 us", None),
        ):
            await owner.execute(
                "UPDATE access_right SET valid_from = now() + $2::text::interval,"
                " valid_until = now() + $3::text::interval WHERE id = $1",
                right,
                begins,
                ends,
            )
            found = await owner.fetchval(asked.sql, *asked.arguments({"right": right}))
            assert found == expected


def key_of_right(right: dict[str, Any]) -> int:
    """The key in a right's id."""
    from app.schema.access_right import AccessRight

    return key_of(right["id"], AccessRight)


MOMENTS = st.sampled_from((-3, -2, -1, 1, 2, 3))


def is_period(right: Any) -> bool:
    """Whether the database lets a right be."""
    return right["ends"] is None or right["begins"] <= right["ends"]


RIGHTS: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.fixed_dictionaries(
        {
            "begins": MOMENTS,
            "ends": st.none() | MOMENTS,
            "blocked": st.booleans(),
            "subscription": st.sampled_from((None, "open", "blocked")),
        }
    ).filter(is_period),
    max_size=4,
)
LOCKS = st.fixed_dictionaries(
    {name: st.booleans() for name in ("login_blocked_at", "access_blocked_at", "anonymized_at")}
)
REASONS = {"BLOCKED": {"RIGHT_BLOCKED", "SUBSCRIPTION_BLOCKED"}, "PENDING": {"NOT_YET"}}


def worth(right: dict[str, Any]) -> str:
    """What a right is worth, told a second time."""
    if right["blocked"] or right["subscription"] == "blocked":
        return "BLOCKED"
    if right["begins"] > 0:
        return "PENDING"
    return "EXPIRED" if right["ends"] is not None and right["ends"] < 0 else "ACTIVE"


@settings(
    derandomize=True,
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rights=RIGHTS, locks=LOCKS)
async def test_status_and_access_agree(
    publisher: Publisher, rights: list[dict[str, Any]], locks: dict[str, bool]
) -> None:
    customer = await publisher.customer(**{name: NOW for name, closed in locks.items() if closed})
    for right in rights:
        await _make(publisher, customer, right)
    data = await publisher.data(BOTH, id=encode_id("Customer", customer))
    statuses = [node["status"] for node in data["customer"]["accessRights"]["nodes"]]
    assert sorted(statuses) == sorted(map(worth, rights))
    access = data["hasAccess"]
    assert access["allowed"] == (access["reason"] is None)
    if locks["anonymized_at"]:
        assert access["reason"] == "ANONYMIZED"
    elif locks["access_blocked_at"]:
        assert access["reason"] == "ACCESS_BLOCKED"
    elif not statuses:
        assert access["reason"] == "NO_RIGHT"
    else:
        best = next(s for s in ("ACTIVE", "BLOCKED", "PENDING", "EXPIRED") if s in statuses)
        assert access["reason"] in REASONS.get(best, {None if best == "ACTIVE" else best})


async def _make(publisher: Publisher, customer: int, right: dict[str, Any]) -> None:
    values: dict[str, Any] = {"source": "MANUAL"}
    if right["subscription"] is not None:
        blocked = NOW if right["subscription"] == "blocked" else None
        values = {
            "source": "SUBSCRIPTION",
            "subscription_id": await subscribed(publisher, customer, access_blocked_at=blocked),
        }
    await publisher.make(
        models.AccessRight,
        customer_id=customer,
        valid_from=NOW + right["begins"] * HOUR,
        valid_until=None if right["ends"] is None else NOW + right["ends"] * HOUR,
        blocked_at=NOW if right["blocked"] else None,
        **values,
    )
