"""Keyset paging: walking, its arguments, and what is wrong with them."""

import base64
from datetime import timedelta
from typing import Any

import pytest

from app import models
from app.schema.node import encode_id
from tests.publisher import Publisher, codes
from tests.rows import EPOCH

PAGE = """query($id: ID!, $first: Int, $after: String, $last: Int, $before: String,
    $orderBy: ActivityOrder, $where: ActivityWhere) { customer(by: {id: $id}) {
    activities(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy,
        where: $where) {
        totalCount nodes { text } edges { cursor }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""


async def page(publisher: Publisher, customer: int, **arguments: Any) -> dict[str, Any]:
    """One page of activities."""
    data = await publisher.data(PAGE, id=encode_id("Customer", customer), **arguments)
    activities: dict[str, Any] = data["customer"]["activities"]
    return activities


async def many_activities(publisher: Publisher, customer: int, count: int) -> None:
    """Activities in one statement, several of them in the same moment."""
    await publisher.owner.execute(
        "INSERT INTO activity (tenant_id, customer_id, kind, text, created_at)"
        " SELECT $1, $2, 'NOTE', 'Notiz ' || i, $3::timestamptz + make_interval(hours => i / 7)"
        " FROM generate_series(1, $4) AS i",
        publisher.tenant_id,
        customer,
        EPOCH,
        count,
    )


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("order", [None, {"field": "KIND", "direction": "ASC"}])
async def test_walking_sees_each_row_once_while_others_are_added(
    publisher: Publisher, backward: bool, order: dict[str, str] | None
) -> None:
    customer = await publisher.customer()
    await many_activities(publisher, customer, 10_000)
    size, edge = ("last", "before") if backward else ("first", "after")
    seen: list[str] = []
    arguments: dict[str, Any] = {size: 100, "orderBy": order}
    while True:
        found = await page(publisher, customer, **arguments)
        texts = [node["text"] for node in found["nodes"]]
        seen += reversed(texts) if backward else texts
        # One row before everything, one after it, and one in the middle.
        for moment in (EPOCH - timedelta(days=1), EPOCH + timedelta(days=9000), EPOCH):
            await publisher.make(
                models.Activity,
                customer_id=customer,
                created_at=moment,
                kind="PHONE",
                text="neu",
            )
        info = found["pageInfo"]
        if not info["hasPreviousPage" if backward else "hasNextPage"]:
            break
        arguments[edge] = info["startCursor" if backward else "endCursor"]
    original = [text for text in seen if text != "neu"]
    assert len(original) == len(set(original)) == 10_000


async def test_pages_say_where_they_lie(publisher: Publisher) -> None:
    customer = await publisher.customer()
    await many_activities(publisher, customer, 5)
    first = await page(publisher, customer, first=2)
    info = first["pageInfo"]
    assert first["totalCount"] == 5
    assert (info["hasPreviousPage"], info["hasNextPage"]) == (False, True)
    assert [edge["cursor"] for edge in first["edges"]] == [info["startCursor"], info["endCursor"]]
    second = await page(publisher, customer, first=3, after=info["endCursor"])
    assert [node["text"] for node in second["nodes"]] == ["Notiz 3", "Notiz 2", "Notiz 1"]
    info = second["pageInfo"]
    assert (info["hasPreviousPage"], info["hasNextPage"]) == (True, False)
    back = await page(publisher, customer, last=2, before=info["startCursor"])
    assert back["nodes"] == first["nodes"]
    last = await page(publisher, customer, last=2)
    assert [node["text"] for node in last["nodes"]] == ["Notiz 2", "Notiz 1"]
    assert (last["pageInfo"]["hasPreviousPage"], last["pageInfo"]["hasNextPage"]) == (True, False)


async def test_a_page_holds_twenty_unless_said_otherwise(publisher: Publisher) -> None:
    customer = await publisher.customer()
    await many_activities(publisher, customer, 30)
    assert len((await page(publisher, customer))["nodes"]) == 20
    assert len((await page(publisher, customer, first=100))["nodes"]) == 30


async def test_an_empty_list_is_a_page_without_cursors(publisher: Publisher) -> None:
    found = await page(publisher, await publisher.customer())
    assert found == {
        "totalCount": 0,
        "nodes": [],
        "edges": [],
        "pageInfo": {
            "hasNextPage": False,
            "hasPreviousPage": False,
            "startCursor": None,
            "endCursor": None,
        },
    }


def forged(text: str) -> str:
    """A cursor of our own making."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "arguments",
    [
        {"first": -1},
        {"first": 0},
        {"first": 101},
        {"first": 1000},
        {"last": 0},
        {"first": 2, "last": 2},
        {"first": 2, "before": forged("x:1:1")},
        {"last": 2, "after": forged("x:1:1")},
        {"after": forged("x:1:1"), "before": forged("x:1:1")},
        {"after": ""},
        {"after": "!"},
        {"after": "ä"},
        {"after": "YQ"},
        {"after": forged("00000000:1:2026-01-01")},
        {"after": forged("::")},
        {"after": forged("00000000:-1:2026-01-01")},
        {"after": forged("00000000:99999999999999999999:2026-01-01")},
        {"after": "A" * 5000},
    ],
    ids=repr,
)
async def test_wrong_arguments_are_told_apart(
    publisher: Publisher, arguments: dict[str, Any]
) -> None:
    customer = encode_id("Customer", await publisher.customer())
    answer = await publisher.ask(PAGE, id=customer, **arguments)
    assert codes(answer) == ["BAD_REQUEST"]
    assert answer["errors"][0]["path"] == ["customer", "activities"]
    assert answer["data"] == {"customer": {"activities": None}}


async def test_a_cursor_is_good_only_for_its_order_and_filter(publisher: Publisher) -> None:
    customer = await publisher.customer()
    await many_activities(publisher, customer, 5)
    cursor = (await page(publisher, customer, first=2))["pageInfo"]["endCursor"]
    for arguments in (
        {"orderBy": {"field": "KIND", "direction": "ASC"}},
        {"orderBy": {"field": "CREATED_AT", "direction": "ASC"}},
        {"where": {"kind": {"eq": "NOTE"}}},
    ):
        answer = await publisher.ask(
            PAGE, id=encode_id("Customer", customer), after=cursor, **arguments
        )
        assert codes(answer) == ["BAD_REQUEST"]


async def test_a_cursor_with_a_forged_value_is_refused(publisher: Publisher) -> None:
    customer = await publisher.customer()
    await many_activities(publisher, customer, 5)
    cursor = (await page(publisher, customer, first=2))["pageInfo"]["endCursor"]
    fingerprint = base64.urlsafe_b64decode(cursor + "==").decode().split(":")[0]
    for value in ("yesterday", "2026-W01-1x", "", "NaN", "0" * 300, "\0"):
        answer = await publisher.ask(
            PAGE,
            id=encode_id("Customer", customer),
            after=forged(f"{fingerprint}:1:{value}"),
        )
        assert codes(answer) == ["BAD_REQUEST"], value


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_records_without_a_value_have_their_place_in_the_order(
    publisher: Publisher, direction: str
) -> None:
    customer = await publisher.customer()
    for ends_at in (None, EPOCH, None, EPOCH + timedelta(days=1)):
        await publisher.make(models.AccessRight, customer_id=customer, valid_until=ends_at)
    query = """query($id: ID!, $after: String, $direction: OrderDirection!) {
        customer(by: {id: $id}) { accessRights(first: 1, after: $after,
            orderBy: {field: VALID_UNTIL, direction: $direction}) {
            nodes { validUntil } pageInfo { endCursor hasNextPage } } } }"""
    seen, after = [], None
    for _ in range(4):
        data = await publisher.data(
            query, id=encode_id("Customer", customer), after=after, direction=direction
        )
        rights = data["customer"]["accessRights"]
        seen.append(rights["nodes"][0]["validUntil"])
        after = rights["pageInfo"]["endCursor"]
    expected = [
        "2020-01-01T12:00:00+00:00",
        "2020-01-02T12:00:00+00:00",
        None,
        None,
    ]
    assert seen == (expected if direction == "ASC" else expected[::-1])
    assert not rights["pageInfo"]["hasNextPage"]
