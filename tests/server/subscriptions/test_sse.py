"""Server-sent events beside JSON: who gets which, and how they look on the wire."""

import json

import httpx2
import pytest

from app import models
from app.server.http import EVENT_STREAM, GRAPHQL_RESPONSE, JSON, accepts_events
from app.settings import Settings
from tests.publisher import Publisher
from tests.server.subscriptions.client import asked, bearer

QUERY = {"query": "{ viewer { name } }"}
VIEWER = {"data": {"viewer": {"name": "Test"}}}
URQL = f"{GRAPHQL_RESPONSE}, application/graphql+json, {JSON}, {EVENT_STREAM}, multipart/mixed"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A configuration in which streams show often that they are there."""
    return settings.model_copy(update={"subscription_check_seconds": 0.1})


@pytest.fixture
async def export(publisher: Publisher) -> int:
    customer = await publisher.customer()
    return await publisher.make(models.Export, customer_id=customer, status="FAILED", percent=7)


async def sent(publisher: Publisher, content: object, accept: str, **more: str) -> httpx2.Response:
    """The whole answer to somebody who accepts some media types."""
    headers = {**bearer(publisher.token), "Accept": accept, **more}
    return await publisher.client.post("/graphql", json=content, headers=headers)


async def test_a_subscription_is_a_stream_on_the_wire(publisher: Publisher, export: int) -> None:
    answer = await sent(publisher, asked(export), URQL)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["x-content-type-options"] == "nosniff"
    body = json.dumps(
        {"data": {"exportChanged": {"status": "FAILED", "percent": 7}}}, separators=(",", ":")
    )
    assert answer.text == f"event: next\ndata: {body}\n\nevent: complete\ndata: \n\n"


async def test_lists_leave_no_line_ends_in_an_event(publisher: Publisher, export: int) -> None:
    query = (
        "subscription ($id: ID!) { exportChanged(id: $id) {"
        " customer { exports { nodes { percent } } } } }"
    )
    customer = await publisher.owner.fetchval(
        "SELECT customer_id FROM data_export WHERE tenant_id = $1", publisher.tenant_id
    )
    await publisher.make(models.Export, customer_id=customer, status="EXPIRED", percent=100)
    answer = await sent(publisher, asked(export, query), EVENT_STREAM)
    [event, complete, rest] = answer.text.split("\n\n")
    assert (complete, rest) == ("event: complete\ndata: ", "")
    nodes = [{"percent": 100}, {"percent": 7}]
    data = {"exportChanged": {"customer": {"exports": {"nodes": nodes}}}}
    assert json.loads(event.removeprefix("event: next\ndata: ")) == {"data": data}


async def test_it_can_be_asked_for_by_get(publisher: Publisher, export: int) -> None:
    content = asked(export)
    parameters = {"query": content["query"], "variables": json.dumps(content["variables"])}
    headers = {**bearer(publisher.token), "Accept": EVENT_STREAM}
    answer = await publisher.client.get("/graphql", params=parameters, headers=headers)
    assert answer.text.count("event: next") == 1


async def test_queries_are_json_for_whoever_takes_it(publisher: Publisher) -> None:
    answer = await sent(publisher, QUERY, URQL)
    assert answer.headers["content-type"].startswith(GRAPHQL_RESPONSE)
    assert answer.json() == VIEWER


async def test_whoever_takes_nothing_else_gets_a_query_as_an_event(publisher: Publisher) -> None:
    answer = await sent(publisher, QUERY, EVENT_STREAM)
    assert answer.headers["content-type"].startswith(EVENT_STREAM)
    event, complete, _ = answer.text.split("\n\n")
    assert json.loads(event.removeprefix("event: next\ndata: ")) == VIEWER
    assert complete.startswith("event: complete")


async def test_a_wrong_document_is_told_as_the_client_takes_it(publisher: Publisher) -> None:
    wrong = {"query": "subscription { nothing }"}
    answer = await sent(publisher, wrong, URQL)
    assert answer.status_code == 400
    answer = await sent(publisher, wrong, EVENT_STREAM)
    assert answer.status_code == 200
    assert "GRAPHQL_VALIDATION_FAILED" in answer.text
    assert answer.text.endswith("event: complete\ndata: \n\n")


async def test_plain_json_is_no_answer_to_a_subscription(publisher: Publisher, export: int) -> None:
    for accept in (JSON, "*/*", f"{JSON}, {EVENT_STREAM};q=0"):
        answer = await sent(publisher, asked(export), accept)
        [error] = answer.json()["errors"]
        assert error["extensions"]["code"] == "BAD_REQUEST"
        assert EVENT_STREAM in error["message"]


async def test_an_unknown_token_gets_no_stream(publisher: Publisher, export: int) -> None:
    for content in (asked(export), {"query": "subscription { nothing }"}, asked(0, "x")):
        answer = await sent(publisher, content, EVENT_STREAM, Authorization="Bearer x")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"].startswith(JSON)


async def test_a_cookie_alone_opens_no_stream(publisher: Publisher, export: int) -> None:
    headers = {"Accept": EVENT_STREAM, "Cookie": f"abokonto_session={publisher.token}"}
    refused = await publisher.client.post("/graphql", json=asked(export), headers=headers)
    assert refused.status_code == 400
    assert "GraphQL-Require-Preflight" in refused.text
    headers["GraphQL-Require-Preflight"] = "1"
    answer = await publisher.client.post("/graphql", json=asked(export), headers=headers)
    assert "event: next" in answer.text


async def test_a_quiet_stream_shows_that_it_is_there(publisher: Publisher, export: int) -> None:
    await publisher.owner.execute(
        "UPDATE data_export SET status = 'RUNNING' WHERE tenant_id = $1", publisher.tenant_id
    )
    headers = {**bearer(publisher.token), "Accept": EVENT_STREAM}
    seen = ""
    async with publisher.client.stream(
        "POST", "/graphql", json=asked(export), headers=headers
    ) as answer:
        async for text in answer.aiter_text():
            seen += text
            if seen.endswith("\n\n:\n\n"):
                break
    assert seen.count("event: next") == 1


@pytest.mark.parametrize(
    ("accept", "accepts"),
    [
        (None, False),
        ("*/*", False),
        ("text/*", False),
        (EVENT_STREAM, True),
        (URQL, True),
        (f"{JSON}, Text/Event-Stream; q=0.5", True),
        (f"{EVENT_STREAM};q=0", False),
    ],
)
def test_events_are_for_whoever_names_them(accept: str | None, accepts: bool) -> None:
    assert accepts_events(accept) is accepts
