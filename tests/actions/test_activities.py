"""Activities without files: writing, correcting, pinning and removing them."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from app.actions.activities import EDITED_WITHIN
from app.auth.tokens import hash_token, make_token
from app.models.access_token import TokenKind
from app.schema.customer import Customer
from app.schema.node import encode_id, key_of
from tests.actions.conftest import Clock
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals
from tests.rows import EPOCH, insert

SHOWN = "activity { id kind text pinned pinnedAt createdAt author { kind name } actor { name } }"
OPENED = """
    query ($id: ID!, $search: String) { customer(by: {id: $id}) {
        pinnedActivities { totalCount nodes { id text } }
        activities(search: $search, where: {kind: {oneOf: [NOTE, HINT, PHONE, EMAIL, LETTER]}}) {
            nodes { id text }
        }
    } }
"""
TOO_LATE = EDITED_WITHIN + timedelta(seconds=1)


async def add(
    publisher: Publisher, customer: str, token: str | None = None, **given: Any
) -> dict[str, Any]:
    """An activity that was added."""
    asked = {"customerId": customer, "kind": "NOTE", "text": "Rief an.", **given}
    payload = await publisher.act("addActivity", asked, SHOWN, token)
    assert payload["userErrors"] == []
    activity: dict[str, Any] = payload["activity"]
    return activity


async def opened(publisher: Publisher, customer: str, search: str = "") -> tuple[Any, list[str]]:
    """What the account opens with: the pinned activities, and the texts of all but SYSTEM ones."""
    account = (await publisher.data(OPENED, id=customer, search=search))["customer"]
    pinned = account["pinnedActivities"]
    assert pinned["totalCount"] == len(pinned["nodes"])
    return (
        [activity["text"] for activity in pinned["nodes"]],
        [activity["text"] for activity in account["activities"]["nodes"]],
    )


@pytest.fixture
async def colleague(publisher: Publisher) -> str:
    """The token of somebody else who may everything as well."""
    return await publisher.issue_token("activity:write", "activity:read", "internal:read")


@pytest.mark.parametrize("kind", ["NOTE", "HINT", "PHONE", "EMAIL", "LETTER"])
async def test_an_activity_is_written_down_once(
    publisher: Publisher, customer: str, kind: str
) -> None:
    activity = await add(publisher, customer, kind=kind, text=" Ruft\r\nzurück. ")
    assert activity["kind"] == kind
    assert activity["text"] == "Ruft\nzurück."
    assert activity["author"] == {"kind": "PARTNER", "name": "Test"}
    assert activity["pinned"] is (kind == "HINT")
    assert activity["pinnedAt"] == (activity["createdAt"] if kind == "HINT" else None)
    assert await publisher.diary(customer) == []
    (entry,) = await publisher.history(customer)
    assert (entry["action"], entry["record_type"]) == ("activity.added", "Activity")
    assert entry["before"] is None
    assert entry["after"].pop("pinned_at", None) is None or kind == "HINT"
    assert entry["after"] == {"kind": kind, "personal": {"text": "Ruft\nzurück."}}


async def test_the_longest_text_is_kept_whole(publisher: Publisher, customer: str) -> None:
    activity = await add(publisher, customer, text="ä" * 10_000)
    assert activity["text"] == "ä" * 10_000


async def test_adding_it_again_with_the_same_key_adds_nothing(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    first = await add(publisher, customer, idempotencyKey="once")
    async with everything.unchanged():
        assert await add(publisher, customer, idempotencyKey="once") == first


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"text": " \n "}, ("REQUIRED", "text")),
        ({"text": "x" * 10_001}, ("TOO_LONG", "text")),
        ({"text": "a\0b"}, ("INVALID", "text")),
        ({"kind": "SYSTEM"}, ("INVALID", "kind")),
        ({"customerId": encode_id("Customer", 2**40)}, ("NOT_FOUND", "customerId")),
        ({"customerId": encode_id("Activity", 1)}, ("INVALID", "customerId")),
    ],
)
async def test_what_cannot_be_written_down_is_refused(
    publisher: Publisher,
    customer: str,
    everything: Everything,
    given: dict[str, Any],
    expected: tuple[str, str],
) -> None:
    asked = {"customerId": customer, "kind": "NOTE", "text": "Rief an.", **given}
    async with everything.unchanged():
        payload = await publisher.act("addActivity", asked, SHOWN)
    assert refusals(payload) == [expected]
    assert payload["activity"] is None


async def test_correcting_keeps_both_texts_and_search_follows(
    publisher: Publisher, customer: str, clock: Clock
) -> None:
    activity = await add(publisher, customer, text="Zeitung fehlte am Montag.")
    clock.ahead = EDITED_WITHIN - timedelta(seconds=5)
    payload = await publisher.act(
        "editActivity",
        {"activityId": activity["id"], "text": "Zeitung fehlte am Dienstag.", "kind": "PHONE"},
        SHOWN,
    )
    assert payload["activity"]["text"] == "Zeitung fehlte am Dienstag."
    assert payload["activity"]["kind"] == "PHONE"
    assert payload["activity"]["createdAt"] == activity["createdAt"]
    entry = (await publisher.history(customer))[-1]
    assert entry["action"] == "activity.edited"
    assert entry["before"] == {
        "kind": "NOTE",
        "personal": {"text": "Zeitung fehlte am Montag."},
    }
    assert entry["after"] == {
        "kind": "PHONE",
        "personal": {"text": "Zeitung fehlte am Dienstag."},
    }
    assert await publisher.diary(customer) == ["Activity edited."]
    assert (await opened(publisher, customer, "montag"))[1] == []
    assert len((await opened(publisher, customer, "dienstag"))[1]) == 1


async def test_saving_it_as_it_is_says_so(publisher: Publisher, customer: str) -> None:
    activity = await add(publisher, customer)
    payload = await publisher.act("editActivity", {"activityId": activity["id"]}, SHOWN)
    assert payload["userErrors"] == []
    assert await publisher.diary(customer) == ["Activity saved without a change."]


async def test_what_becomes_a_hint_is_pinned(publisher: Publisher, customer: str) -> None:
    activity = await add(publisher, customer)
    payload = await publisher.act(
        "editActivity", {"activityId": activity["id"], "kind": "HINT"}, SHOWN
    )
    assert payload["activity"]["pinned"] is True


@pytest.mark.parametrize("field", ["text", "kind"])
async def test_nothing_can_be_taken_away_by_correcting(
    publisher: Publisher, customer: str, everything: Everything, field: str
) -> None:
    activity = await add(publisher, customer)
    async with everything.unchanged():
        payload = await publisher.act(
            "editActivity", {"activityId": activity["id"], field: None}, SHOWN
        )
    assert refusals(payload) == [("REQUIRED", field)]


@pytest.mark.parametrize("action", ["editActivity", "removeActivity"])
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("later", [EDITED_WITHIN - timedelta(seconds=5), TOO_LATE])
async def test_only_the_author_changes_it_and_only_soon(
    publisher: Publisher,
    customer: str,
    colleague: str,
    clock: Clock,
    everything: Everything,
    action: str,
    own: bool,
    later: timedelta,
) -> None:
    activity = await add(publisher, customer)
    clock.ahead = later
    given = {"activityId": activity["id"]} | ({"text": "Neu."} if action == "editActivity" else {})
    expected = []
    if not own:
        expected = [("NOT_AUTHOR", "activityId")]
    elif later == TOO_LATE:
        expected = [("EDIT_PERIOD_OVER", "activityId")]
    if expected:
        async with everything.unchanged():
            payload = await publisher.act(action, given, token=None if own else colleague)
    else:
        payload = await publisher.act(action, given)
    assert refusals(payload) == expected


async def test_the_period_ends_after_exactly_fifteen_minutes(
    publisher: Publisher, customer: str, owner: asyncpg.Connection, clock: Clock
) -> None:
    activity = await add(publisher, customer)
    written_at = await owner.fetchval(
        "SELECT created_at FROM activity WHERE tenant_id = $1", publisher.tenant_id
    )
    for beyond, expected in ((0, []), (1, [("EDIT_PERIOD_OVER", "activityId")])):
        clock.at = written_at + EDITED_WITHIN + timedelta(microseconds=beyond)
        payload = await publisher.act("editActivity", {"activityId": activity["id"]})
        assert refusals(payload) == expected


async def test_a_member_of_staff_is_the_same_by_whatever_token(
    publisher: Publisher, customer: str, owner: asyncpg.Connection
) -> None:
    role = await insert(
        owner, "role", tenant_id=publisher.tenant_id, permissions=["activity:write"]
    )
    tokens = {}
    for name in ("Anna", "Ben"):
        staff = await insert(owner, "staff", name=name)
        await owner.execute(
            "INSERT INTO staff_membership (tenant_id, staff_id, role_id) VALUES ($1, $2, $3)",
            publisher.tenant_id,
            staff,
            role,
        )
        tokens[name] = [make_token(TokenKind.STAFF) for _ in range(2)]
        for token in tokens[name]:
            await owner.execute(
                "INSERT INTO access_token (tenant_id, kind, staff_id, name, hash, permissions)"
                " VALUES ($1, 'STAFF', $2, $3, $4, '{}')",
                publisher.tenant_id,
                staff,
                name,
                hash_token(token),
            )
    asked = {"customerId": customer, "kind": "NOTE", "text": "Rief an."}
    await publisher.act("addActivity", asked, token=tokens["Anna"][0])
    key = await owner.fetchval(
        "SELECT id FROM activity WHERE tenant_id = $1 AND author_name = 'Anna'",
        publisher.tenant_id,
    )
    edit = {"activityId": encode_id("Activity", key), "text": "Rief zurück."}
    payload = await publisher.act("editActivity", edit, token=tokens["Anna"][1])
    assert refusals(payload) == []
    payload = await publisher.act("editActivity", edit, token=tokens["Ben"][0])
    assert refusals(payload) == [("NOT_AUTHOR", "activityId")]


@pytest.mark.parametrize("action", ["editActivity", "removeActivity"])
async def test_what_the_application_wrote_stands(
    publisher: Publisher, customer: str, everything: Everything, action: str
) -> None:
    await publisher.act("addTag", {"customerId": customer, "tag": "VIP"})
    of = {"id": customer}
    account = await publisher.data(
        "query ($id: ID!) { customer(by: {id: $id}) { activities { nodes { id kind } } } }", **of
    )
    (activity,) = account["customer"]["activities"]["nodes"]
    assert activity["kind"] == "SYSTEM"
    async with everything.unchanged():
        payload = await publisher.act(action, {"activityId": activity["id"]})
    assert refusals(payload) == [("SYSTEM_ACTIVITY", "activityId")]


async def test_what_is_pinned_stands_first_whatever_it_is(
    publisher: Publisher, customer: str, colleague: str
) -> None:
    hint = await add(publisher, customer, kind="HINT", text="Hört schlecht.")
    note = await add(publisher, customer, text="Zieht um.")
    assert await opened(publisher, customer) == (
        ["Hört schlecht."],
        ["Zieht um.", "Hört schlecht."],
    )
    payload = await publisher.act("pinActivity", {"activityId": note["id"]}, SHOWN, colleague)
    assert payload["activity"]["pinned"] is True
    payload = await publisher.act("unpinActivity", {"activityId": hint["id"]}, SHOWN)
    assert payload["activity"]["kind"] == "HINT"
    assert payload["activity"]["pinnedAt"] is None
    assert await opened(publisher, customer) == (["Zieht um."], ["Zieht um.", "Hört schlecht."])
    assert await publisher.diary(customer) == ["Activity pinned.", "Activity unpinned."]
    pinned, unpinned = (await publisher.history(customer))[-2:]
    assert (pinned["action"], unpinned["action"]) == ("activity.pinned", "activity.unpinned")
    assert pinned["before"] == {"pinned_at": None}
    assert unpinned["after"] == {"pinned_at": None}


async def test_whoever_pins_it_does_not_become_its_author(
    publisher: Publisher, customer: str, colleague: str
) -> None:
    activity = await add(publisher, customer, colleague)
    await publisher.act("pinActivity", {"activityId": activity["id"]})
    edit = {"activityId": activity["id"], "text": "Neu."}
    assert refusals(await publisher.act("editActivity", edit)) == [("NOT_AUTHOR", "activityId")]
    assert refusals(await publisher.act("editActivity", edit, token=colleague)) == []


async def test_pinning_twice_is_refused(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    activity = await add(publisher, customer)
    async with everything.unchanged():
        payload = await publisher.act("unpinActivity", {"activityId": activity["id"]})
    assert refusals(payload) == [("NOT_PINNED", "activityId")]
    await publisher.act("pinActivity", {"activityId": activity["id"]})
    async with everything.unchanged():
        payload = await publisher.act("pinActivity", {"activityId": activity["id"]})
    assert refusals(payload) == [("ALREADY_PINNED", "activityId")]


async def test_what_was_removed_is_in_the_history_alone(
    publisher: Publisher, customer: str
) -> None:
    activity = await add(publisher, customer, text="Gehört nicht hierher.")
    payload = await publisher.act(
        "removeActivity", {"activityId": activity["id"]}, "customer { counts { activities } }"
    )
    assert payload == {"customer": {"counts": {"activities": 1}}, "userErrors": []}
    assert await publisher.diary(customer) == ["Activity removed."]
    entry = (await publisher.history(customer))[-1]
    assert (entry["action"], entry["record_type"]) == ("activity.removed", "Activity")
    assert entry["before"]["personal"]["text"] == "Gehört nicht hierher."
    assert entry["after"] is None


ON_ONE = ["editActivity", "removeActivity", "pinActivity", "unpinActivity"]


@pytest.mark.parametrize("action", ON_ONE)
async def test_of_others_nothing_is_found_and_closed_accounts_stay_as_they_are(
    publisher: Publisher,
    competitor: Publisher,
    customer: str,
    owner: asyncpg.Connection,
    everything: Everything,
    action: str,
) -> None:
    elsewhere = encode_id("Customer", await competitor.customer())
    theirs = await add(competitor, elsewhere)
    ours = await add(publisher, customer)
    await owner.execute(
        "UPDATE customer SET anonymized_at = $1 WHERE tenant_id = $2 AND id = $3",
        EPOCH,
        publisher.tenant_id,
        key_of(customer, Customer),
    )
    for of, expected in (
        (theirs["id"], ("NOT_FOUND", "activityId")),
        (customer, ("INVALID", "activityId")),
        (ours["id"], ("CUSTOMER_ANONYMIZED", "")),
    ):
        async with everything.unchanged():
            payload = await publisher.act(action, {"activityId": of})
        assert refusals(payload) == [expected]
    async with everything.unchanged():
        asked = {"customerId": customer, "kind": "NOTE", "text": "Rief an."}
        payload = await publisher.act("addActivity", asked)
    assert refusals(payload) == [("CUSTOMER_ANONYMIZED", "")]
