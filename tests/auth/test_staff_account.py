"""What members of staff do about their own sessions, password and second factor; and cookies."""

from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx2
import pyotp

from app.settings import Settings
from tests.asgi import client_of, lifespan
from tests.auth.people import LOGIN, PASSWORD, Person, ask, hashed
from tests.publisher import Publisher, codes, refusals

VIEWER = "{ viewer { name } }"
SESSIONS = """
    {
        mySessions {
            id current tenant signedInBy signedInAt lastUsedAt expiresAt address userAgent
        }
    }
"""


async def do(
    client: httpx2.AsyncClient, token: str | None, mutation: str, **variables: Any
) -> dict[str, Any]:
    """The payload of a mutation of one field."""
    answer = await ask(client, mutation, token, **variables)
    assert "errors" not in answer, answer["errors"]
    (payload,) = answer["data"].values()
    found: dict[str, Any] = payload
    return found


REVOKE = """
    mutation ($id: ID!) {
        revokeSession(input: {sessionId: $id}) { ended userErrors { code field message } }
    }
"""
ENROL = """
    mutation ($password: String!) {
        enrolStaffTwoFactor(input: {password: $password}) {
            secret uri qrCode userErrors { code field message }
        }
    }
"""
CONFIRM = """
    mutation ($code: String!) {
        confirmStaffTwoFactor(input: {code: $code}) {
            recoveryCodes userErrors { code field message }
        }
    }
"""
REMOVE = """
    mutation ($input: RemoveStaffTwoFactorInput!) {
        removeStaffTwoFactor(input: $input) { done userErrors { code field message } }
    }
"""
CHANGE = """
    mutation ($input: ChangeStaffPasswordInput!) {
        changeStaffPassword(input: $input) { done userErrors { code field message } }
    }
"""


async def test_sessions_are_listed_and_ended(client: httpx2.AsyncClient, erika: Person) -> None:
    client.headers["User-Agent"] = "Browser/1"
    first, second, third = [await erika.token(client) for _ in range(3)]
    listed = (await ask(client, SESSIONS, second))["data"]["mySessions"]
    assert [session["current"] for session in listed] == [False, True, False]
    assert {session["userAgent"] for session in listed} == {"Browser/1"}
    assert {session["address"] for session in listed} == {"127.0.0.1"}
    assert {session["signedInBy"] for session in listed} == {"PASSWORD"}
    assert (await do(client, second, REVOKE, id=listed[0]["id"]))["ended"] == 1
    assert codes(await ask(client, VIEWER, third)) == ["UNAUTHENTICATED"]
    assert refusals(await do(client, second, REVOKE, id=listed[0]["id"])) == [
        ("NOT_FOUND", "sessionId")
    ]
    assert refusals(await do(client, second, REVOKE, id="x")) == [("INVALID", "sessionId")]
    others = "mutation { revokeOtherSessions { ended } }"
    assert (await do(client, second, others))["ended"] == 1
    assert codes(await ask(client, VIEWER, first)) == ["UNAUTHENTICATED"]
    logout = "mutation { staffLogout(input: {}) { ended } }"
    assert (await do(client, second, logout))["ended"] == 1
    assert codes(await ask(client, VIEWER, second)) == ["UNAUTHENTICATED"]
    assert (await erika.history())[-3:] == [
        "staff.session_revoked",
        "staff.sessions_revoked",
        "staff.signed_out",
    ]


async def test_nobody_ends_anothers_session(
    client: httpx2.AsyncClient, owner: asyncpg.Connection, publisher: Publisher, erika: Person
) -> None:
    from tests.auth.people import employ

    other = await employ(owner, publisher.tenant_id)
    mine, theirs = await erika.token(client), await other.token(client)
    (session,) = (await ask(client, SESSIONS, theirs))["data"]["mySessions"]
    assert refusals(await do(client, mine, REVOKE, id=session["id"])) == [
        ("NOT_FOUND", "sessionId")
    ]
    assert "errors" not in await ask(client, VIEWER, theirs)


async def test_a_partners_token_has_no_sessions_and_no_password(
    client: httpx2.AsyncClient, publisher: Publisher
) -> None:
    assert (await ask(client, SESSIONS, publisher.token))["data"] == {"mySessions": []}
    logout = "mutation { staffLogout(input: {}) { ended } }"
    assert codes(await ask(client, logout, publisher.token)) == ["FORBIDDEN"]
    enrol = await ask(client, ENROL, publisher.token, password=PASSWORD)
    assert codes(enrol) == ["FORBIDDEN"]


async def test_a_new_password_ends_the_other_sessions(
    client: httpx2.AsyncClient, erika: Person
) -> None:
    here, there = await erika.token(client), await erika.token(client)
    new = "another horse battery"
    wrong = {"currentPassword": "x", "newPassword": new}
    assert refusals(await do(client, here, CHANGE, input=wrong)) == [
        ("PASSWORD_WRONG", "currentPassword")
    ]
    short = {"currentPassword": PASSWORD, "newPassword": "short"}
    assert refusals(await do(client, here, CHANGE, input=short)) == [
        ("PASSWORD_INVALID", "newPassword")
    ]
    assert "errors" not in await ask(client, VIEWER, there)
    given = {"currentPassword": PASSWORD, "newPassword": new}
    assert (await do(client, here, CHANGE, input=given))["done"] is True
    assert codes(await ask(client, VIEWER, there)) == ["UNAUTHENTICATED"]
    assert "errors" not in await ask(client, VIEWER, here)
    assert refusals(await erika.login(client)) == [("LOGIN_FAILED", "")]
    assert (await erika.login(client, password=new))["token"]


async def test_a_second_factor_is_set_up_used_and_removed(
    client: httpx2.AsyncClient, owner: asyncpg.Connection, erika: Person
) -> None:
    here, there = await erika.token(client), await erika.token(client)
    assert refusals(await do(client, here, CONFIRM, code="123456")) == [
        ("TWO_FACTOR_NOT_ACTIVE", "")
    ]
    wrong_password = await do(client, here, ENROL, password="x")
    assert refusals(wrong_password) == [("PASSWORD_WRONG", "password")]
    offered = await do(client, here, ENROL, password=PASSWORD)
    assert offered["secret"] in offered["uri"]
    assert offered["qrCode"].startswith("<svg")
    kept = await owner.fetchval("SELECT totp_pending FROM staff WHERE id = $1", erika.id)
    assert offered["secret"].encode() not in kept
    assert (await erika.login(client))["token"]
    assert refusals(await do(client, here, CONFIRM, code="000000")) == [
        ("TWO_FACTOR_INVALID", "code")
    ]
    erika.secret = offered["secret"]
    confirmed = await do(client, here, CONFIRM, code=erika.code(back=1))
    assert len(confirmed["recoveryCodes"]) == 10
    assert codes(await ask(client, VIEWER, there)) == ["UNAUTHENTICATED"]
    assert refusals(await erika.login(client)) == [("TWO_FACTOR_REQUIRED", "code")]
    used = await erika.login(client, code=erika.code(back=1))
    assert refusals(used) == [("TWO_FACTOR_INVALID", "code")]
    assert (await erika.login(client, recoveryCode=confirmed["recoveryCodes"][0]))["token"]
    again = await do(client, here, ENROL, password=PASSWORD)
    assert refusals(again) == [("TWO_FACTOR_ACTIVE", "")]
    wrong = {"password": "x", "code": erika.code()}
    assert refusals(await do(client, here, REMOVE, input=wrong)) == [("PASSWORD_WRONG", "password")]
    without = {"password": PASSWORD}
    assert refusals(await do(client, here, REMOVE, input=without)) == [
        ("TWO_FACTOR_INVALID", "recoveryCode")
    ]
    given = {"password": PASSWORD, "recoveryCode": confirmed["recoveryCodes"][1]}
    assert (await do(client, here, REMOVE, input=given))["done"] is True
    assert (await erika.login(client))["token"]
    left = "SELECT count(*) FROM staff_recovery_code WHERE staff_id = $1"
    assert await owner.fetchval(left, erika.id) == 0
    assert pyotp.TOTP(erika.secret).now() not in str(await erika.history())


async def test_uses_are_written_down(
    client: httpx2.AsyncClient, owner: asyncpg.Connection, erika: Person
) -> None:
    token = await erika.token(client)
    await owner.execute(
        "SELECT abokonto.note_uses(ARRAY[$1]::bytea[], ARRAY['203.0.113.9']::inet[], ARRAY[60.0])",
        hashed(token),
    )
    query = "SELECT last_used_at, host(last_address) AS at FROM access_token WHERE hash = $1"
    row = await owner.fetchrow(query, hashed(token))
    assert row is not None
    assert row["at"] == "203.0.113.9"
    assert 55 < (datetime.now(UTC) - row["last_used_at"]).total_seconds() < 90


async def test_a_worker_writes_down_the_uses_when_it_stops(
    settings: Settings, owner: asyncpg.Connection, publisher: Publisher
) -> None:
    from app.main import create_app

    app = create_app(settings)
    async with lifespan(app), client_of(app) as client:
        assert "errors" not in await ask(client, VIEWER, publisher.token)
    query = "SELECT last_used_at, host(last_address) AS at FROM access_token WHERE hash = $1"
    row = await owner.fetchrow(query, hashed(publisher.token))
    assert row is not None
    assert row["last_used_at"] is not None
    assert row["at"] == "127.0.0.1"


def cookies(answer: httpx2.Response) -> dict[str, str]:
    """What an answer sets, by name, with its attributes."""
    return dict(line.split("=", 1) for line in answer.headers.get_list("set-cookie"))


async def enter(client: httpx2.AsyncClient, person: Person, **headers: str) -> httpx2.Response:
    """Sign in as browsers do."""
    given = {"email": person.email, "password": PASSWORD, "browser": True}
    return await client.post(
        "/graphql", json={"query": LOGIN, "variables": {"input": given}}, headers=headers
    )


GUARD = {"GraphQL-Require-Preflight": "1"}


async def test_a_browser_gets_a_cookie_that_scripts_and_others_cannot_have(
    client: httpx2.AsyncClient, browser: httpx2.AsyncClient, erika: Person
) -> None:
    answer = await enter(client, erika, **GUARD)
    payload = answer.json()["data"]["staffLogin"]
    assert (payload["token"], payload["deviceToken"]) == (None, None)
    assert payload["name"] == "Erika"
    attributes = cookies(answer)["abokonto_session"].split("; ")[1:]
    assert attributes == ["Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Lax"]
    answer = await enter(browser, erika, **GUARD)
    kept = cookies(answer)
    assert set(kept) == {"__Host-abokonto_session", "__Host-abokonto_device"}
    for value in kept.values():
        assert value.split("; ")[1] == "Path=/"
        assert value.split("; ")[3:] == ["HttpOnly", "SameSite=Lax", "Secure"]


async def test_a_cookie_counts_only_with_the_header_that_others_cannot_send(
    client: httpx2.AsyncClient, erika: Person
) -> None:
    refused = await enter(client, erika)
    assert codes(refused.json()) == ["BAD_REQUEST"]
    assert "set-cookie" not in refused.headers
    await enter(client, erika, **GUARD)
    assert (await ask(client, VIEWER))["data"]["viewer"]["name"] == "Erika"
    logout = "mutation { staffLogout(input: {}) { ended } }"
    for document in (VIEWER, logout):
        answer = await client.post("/graphql", json={"query": document})
        assert answer.status_code == 400
        assert codes(answer.json()) == ["BAD_REQUEST"]
        answer = await client.get("/graphql", params={"query": document})
        assert answer.status_code == 400
    # A bearer token needs no such header, and goes before the cookie.
    bearer = {"Authorization": "Bearer abo_staff_guessed"}
    answer = await client.post("/graphql", json={"query": VIEWER}, headers=bearer)
    assert answer.status_code == 401
    answer = await client.post("/graphql", json={"query": logout}, headers=GUARD)
    assert cookies(answer)["abokonto_session"].startswith("; Path=/; Max-Age=0")
    assert codes(await ask(client, VIEWER)) == ["UNAUTHENTICATED"]


async def test_a_session_that_somebody_else_planted_is_not_gone_on_with(
    client: httpx2.AsyncClient, owner: asyncpg.Connection, erika: Person
) -> None:
    planted = "abo_staff_planted"
    client.cookies.set("abokonto_session", planted)
    answer = await enter(client, erika, **GUARD)
    assert planted not in cookies(answer)["abokonto_session"]
    known = "SELECT count(*) FROM access_token WHERE hash = $1"
    assert await owner.fetchval(known, hashed(planted)) == 0


async def test_over_https_only_a_cookie_that_the_host_has_set_counts(
    client: httpx2.AsyncClient, browser: httpx2.AsyncClient, erika: Person
) -> None:
    token = await erika.token(client)
    browser.cookies.set("abokonto_session", token)
    assert codes(await ask(browser, VIEWER)) == ["UNAUTHENTICATED"]
    browser.cookies.set("__Host-abokonto_session", token)
    assert "errors" not in await ask(browser, VIEWER)
