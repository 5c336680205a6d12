"""Customers list and end their own sessions by the same fields as members of staff."""

from typing import Any

import pytest

from app.schema.node import encode_id
from tests.auth.customers import Reader, read_in
from tests.publisher import Publisher, codes, refusals

VIEWER = "{ viewer { kind } }"
SESSIONS = """{
    mySessions { id current tenant signedInBy signedInAt expiresAt address userAgent }
}"""
REVOKE = """mutation ($id: ID!) {
    revokeSession(input: {sessionId: $id}) { ended userErrors { code field message } }
}"""
OTHERS = "mutation { revokeOtherSessions { ended userErrors { code } } }"


@pytest.fixture
async def reader(publisher: Publisher) -> Reader:
    """A customer of the publisher's, with a password."""
    return await read_in(publisher)


async def _data(reader: Reader, query: str, token: str, **variables: Any) -> Any:
    answer = await reader.publisher.ask(query, token, **variables)
    assert "errors" not in answer, answer["errors"]
    (found,) = answer["data"].values()
    return found


async def test_a_customer_lists_and_ends_their_sessions(reader: Reader) -> None:
    where = {"clientIp": "198.51.100.7", "clientUserAgent": "Firefox"}
    first, second, third = [await reader.token(**where) for _ in range(3)]
    listed = await _data(reader, SESSIONS, second)
    assert [session["current"] for session in listed] == [False, True, False]
    name = await reader.owner.fetchval(
        "SELECT name FROM tenant WHERE id = $1", reader.publisher.tenant_id
    )
    assert {session["tenant"] for session in listed} == {name}
    assert {session["address"] for session in listed} == {"198.51.100.7"}
    assert {session["userAgent"] for session in listed} == {"Firefox"}
    assert {session["signedInBy"] for session in listed} == {"PASSWORD"}
    assert not any(token in str(listed) for token in (first, second, third))
    assert (await _data(reader, REVOKE, second, id=listed[0]["id"]))["ended"] == 1
    assert codes(await reader.publisher.ask(VIEWER, third)) == ["UNAUTHENTICATED"]
    assert (await _data(reader, OTHERS, second))["ended"] == 1
    assert codes(await reader.publisher.ask(VIEWER, first)) == ["UNAUTHENTICATED"]
    assert len(await _data(reader, SESSIONS, second)) == 1
    entries = await reader.publisher.history(reader.global_id)
    assert [(entry["action"], entry["actor_kind"]) for entry in entries] == [
        ("customer.session_revoked", "CUSTOMER"),
        ("customer.sessions_revoked", "CUSTOMER"),
    ]


async def test_sessions_that_are_over_are_not_listed(reader: Reader) -> None:
    token = await reader.token()
    for over in (
        "revoked_at = now()",
        "expires_at = now()",
        "last_used_at = now() - make_interval(secs => idle_seconds)",
    ):
        await reader.token()
        await reader.owner.execute(
            f"UPDATE access_token SET {over} WHERE id = (SELECT max(id) FROM access_token)"  # noqa: S608  Our own words.
        )
    assert [session["current"] for session in await _data(reader, SESSIONS, token)] == [True]


async def test_nobody_ends_anothers_session(publisher: Publisher, reader: Reader) -> None:
    other = await read_in(publisher, email="other@example.org")
    theirs, mine = await other.token(), await reader.token()
    key = await reader.owner.fetchval(
        "SELECT id FROM access_token WHERE customer_id = $1", other.id
    )
    assert len(await _data(reader, SESSIONS, mine)) == 1
    refused = await _data(reader, REVOKE, mine, id=encode_id("OwnSession", key))
    assert refusals(refused) == [("NOT_FOUND", "sessionId")]
    assert (await _data(reader, OTHERS, mine))["ended"] == 0
    assert codes(await publisher.ask(VIEWER, theirs)) == []
    assert await publisher.history(reader.global_id) == []


async def test_programs_have_no_sessions(publisher: Publisher) -> None:
    assert (await publisher.ask(SESSIONS))["data"] == {"mySessions": []}
    for query in (OTHERS, REVOKE):
        answer = await publisher.ask(query, id=encode_id("OwnSession", 1))
        assert codes(answer) == ["FORBIDDEN"]
