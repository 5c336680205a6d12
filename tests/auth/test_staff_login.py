"""Signing in over HTTP: sessions, second factors, cookies, and what those learn who guess."""

import asyncio
from typing import Any

import asyncpg
import httpx2
import pytest

from app.auth import passwords
from app.auth.operating import reset_staff_password
from app.auth.passwords import verify_password
from app.auth.recovery_codes import new_codes
from tests.auth.people import (
    HASH,
    LOGIN,
    PASSWORD,
    Person,
    ask,
    employ,
    hashed,
    keep_code,
    login,
    work_for,
)
from tests.publisher import Publisher, codes, refusals

VIEWER = "{ viewer { kind name tenantId permissions } }"
FAILED = [("LOGIN_FAILED", "")]


async def test_a_session_may_what_its_holders_role_allows(
    client: httpx2.AsyncClient, erika: Person
) -> None:
    payload = await erika.login(client)
    assert payload["name"] == "Erika"
    assert payload["twoFactorWanted"] is False
    assert [tenant["slug"] for tenant in payload["tenants"]] == [erika.slug]
    viewer = (await ask(client, VIEWER, payload["token"]))["data"]["viewer"]
    assert (viewer["kind"], viewer["tenantId"]) == ("STAFF", erika.tenant_id)
    assert "customer:read" in viewer["permissions"]
    assert "staff:write" not in viewer["permissions"]
    assert await erika.history() == ["staff.signed_in"]
    kept = await erika.owner.fetchrow("SELECT * FROM access_token WHERE staff_id = $1", erika.id)
    assert kept is not None
    assert kept["hash"] == hashed(payload["token"])
    assert str(kept["address"]) == "127.0.0.1"


async def test_unknown_wrong_and_blocked_get_the_same_answer(
    client: httpx2.AsyncClient, owner: asyncpg.Connection, publisher: Publisher, erika: Person
) -> None:
    blocked, left, without = [await employ(owner, publisher.tenant_id) for _ in range(3)]
    await owner.execute("UPDATE staff SET deactivated_at = now() WHERE id = $1", blocked.id)
    await owner.execute(
        "UPDATE staff_membership SET deactivated_at = now() WHERE staff_id = $1", left.id
    )
    await owner.execute("UPDATE staff SET password_hash = NULL WHERE id = $1", without.id)
    before = await owner.fetchval("SELECT count(*) FROM access_token")
    answers = [
        await login(client, email="nobody@example.org"),
        await erika.login(client, password="wrong horse battery"),
        await blocked.login(client),
        await left.login(client),
        await left.login(client, tenant=erika.slug),
        await without.login(client),
        await erika.login(client, password="x" * 2_000),
        await erika.login(client, password=""),
    ]
    assert [refusals(answer) for answer in answers] == [FAILED] * len(answers)
    assert all(answer == answers[0] for answer in answers)
    assert await owner.fetchval("SELECT count(*) FROM access_token") == before


async def test_a_wrong_password_costs_as_many_statements_as_nobodys(
    client: httpx2.AsyncClient, erika: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    matches = passwords._matches

    def noted(stored: str, password: str) -> bool:
        compared.append(stored)
        return matches(stored, password)

    monkeypatch.setattr(passwords, "_matches", noted)
    await login(client, email="nobody@example.org")
    await erika.login(client, password="wrong horse battery")
    assert compared == [passwords._nobodys(), HASH]
    parameters = [stored.rsplit("$", 2)[0] for stored in compared]
    assert parameters[0] == parameters[1]


async def test_a_second_factor_is_asked_for_after_the_password(
    client: httpx2.AsyncClient, erika: Person
) -> None:
    await erika.protect()
    assert refusals(await erika.login(client, password="wrong horse battery")) == FAILED
    assert refusals(await erika.login(client)) == [("TWO_FACTOR_REQUIRED", "code")]
    wrong = [("TWO_FACTOR_INVALID", "code")]
    assert refusals(await erika.login(client, code="000000")) == wrong
    assert refusals(await erika.login(client, code=erika.code(back=2))) == wrong
    assert await erika.history() == []
    assert (await erika.login(client, code=erika.code()))["token"]


async def test_a_used_step_and_those_before_are_never_taken_again(
    client: httpx2.AsyncClient, erika: Person
) -> None:
    await erika.protect()
    before, now = erika.code(back=1), erika.code()
    assert (await erika.login(client, code=before))["token"]
    assert refusals(await erika.login(client, code=before)) == [("TWO_FACTOR_INVALID", "code")]
    assert (await erika.login(client, code=now))["token"]
    for used in (before, now):
        assert refusals(await erika.login(client, code=used)) == [("TWO_FACTOR_INVALID", "code")]


async def _unthrottled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let as many try at once as want to; the pauses are tested elsewhere."""

    async def nothing(*_: Any) -> None:
        return None

    monkeypatch.setattr("app.auth.throttle.Throttle.count", nothing)


async def test_of_fifty_at_once_with_one_code_exactly_one_passes(
    client: httpx2.AsyncClient, erika: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _unthrottled(monkeypatch)
    await erika.protect()
    code = erika.code()
    answers = await asyncio.gather(*(erika.login(client, code=code) for _ in range(50)))
    assert sum(answer["token"] is not None for answer in answers) == 1
    assert await erika.history() == ["staff.signed_in"]
    count = "SELECT count(*) FROM access_token WHERE staff_id = $1"
    assert await erika.owner.fetchval(count, erika.id) == 1


async def test_of_fifty_at_once_with_one_recovery_code_exactly_one_passes(
    client: httpx2.AsyncClient, erika: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _unthrottled(monkeypatch)
    await erika.protect()
    first, second = new_codes()[:2]
    await keep_code(erika, first)
    await keep_code(erika, second)
    answers = await asyncio.gather(*(erika.login(client, recoveryCode=first) for _ in range(50)))
    assert sum(answer["token"] is not None for answer in answers) == 1
    loosely = f" {second.lower().replace('-', ' ')} "
    assert (await erika.login(client, recoveryCode=loosely))["token"]
    wrong = [("TWO_FACTOR_INVALID", "recoveryCode")]
    for spent in (first, second, "AAAA-AAAA-AAAA-AAAA", "A"):
        assert refusals(await erika.login(client, recoveryCode=spent)) == wrong


async def test_another_persons_recovery_code_is_worth_nothing(
    client: httpx2.AsyncClient, owner: asyncpg.Connection, publisher: Publisher, erika: Person
) -> None:
    await erika.protect()
    other = await employ(owner, publisher.tenant_id)
    code = new_codes()[0]
    await keep_code(other, code)
    assert refusals(await erika.login(client, recoveryCode=code)) == [
        ("TWO_FACTOR_INVALID", "recoveryCode")
    ]


async def test_the_session_is_for_one_tenant_and_the_list_says_which_there_are(
    client: httpx2.AsyncClient, owner: asyncpg.Connection, erika: Person
) -> None:
    other = await Publisher.found(owner, client)
    slug = await owner.fetchval("SELECT slug FROM tenant WHERE id = $1", other.tenant_id)
    await work_for(owner, erika.id, other.tenant_id, "lesend", ["customer:read"])
    first = await erika.login(client)
    assert {t["slug"]: t["current"] for t in first["tenants"]} == {erika.slug: True, slug: False}
    there = await erika.login(client, tenant=slug)
    viewer = (await ask(client, VIEWER, there["token"]))["data"]["viewer"]
    assert (viewer["tenantId"], viewer["permissions"]) == (other.tenant_id, ["customer:read"])
    # Without a word it is where they were last.
    again = await erika.login(client)
    assert {t["slug"]: t["current"] for t in again["tenants"]} == {erika.slug: False, slug: True}
    for unknown in ("nowhere", "x'; --"):
        payload = await erika.login(client, tenant=unknown)
        assert refusals(payload) == [("TENANT_UNKNOWN", "tenant")]


SWITCH = """
    mutation ($to: String!) {
        switchTenant(input: {tenant: $to}) { token tenants { slug current } userErrors { code } }
    }
"""


async def test_switching_ends_the_session_and_begins_another_with_the_same_end(
    client: httpx2.AsyncClient, owner: asyncpg.Connection, erika: Person
) -> None:
    other = await Publisher.found(owner, client)
    slug = await owner.fetchval("SELECT slug FROM tenant WHERE id = $1", other.tenant_id)
    await work_for(owner, erika.id, other.tenant_id, "lesend", ["customer:read"])
    token = await erika.token(client, tenant=erika.slug)
    refused = (await ask(client, SWITCH, token, to="nowhere"))["data"]["switchTenant"]
    assert [error["code"] for error in refused["userErrors"]] == ["TENANT_UNKNOWN"]
    assert "errors" not in await ask(client, VIEWER, token)
    switched = (await ask(client, SWITCH, token, to=slug))["data"]["switchTenant"]
    viewer = (await ask(client, VIEWER, switched["token"]))["data"]["viewer"]
    assert viewer["tenantId"] == other.tenant_id
    assert codes(await ask(client, VIEWER, token)) == ["UNAUTHENTICATED"]
    ends = await owner.fetch(
        "SELECT DISTINCT expires_at FROM access_token WHERE staff_id = $1", erika.id
    )
    assert len(ends) == 1


async def test_a_tenant_that_wants_a_second_factor_lets_nobody_in_without(
    client: httpx2.AsyncClient, owner: asyncpg.Connection, erika: Person
) -> None:
    await owner.execute(
        "UPDATE tenant SET two_factor_required = true WHERE id = $1", erika.tenant_id
    )
    payload = await erika.login(client)
    assert payload["twoFactorWanted"] is True
    viewer = (await ask(client, VIEWER, payload["token"]))["data"]["viewer"]
    assert viewer["permissions"] == []
    answer = await ask(client, "{ customers { totalCount } }", payload["token"])
    assert codes(answer) == ["FORBIDDEN"]
    await erika.protect()
    viewer = (await ask(client, VIEWER, payload["token"]))["data"]["viewer"]
    assert "customer:read" in viewer["permissions"]


async def test_a_session_ends_by_itself_idle_or_not(
    client: httpx2.AsyncClient, owner: asyncpg.Connection, erika: Person
) -> None:
    for change, ends in (
        ("last_used_at = now() - interval '119 minutes'", False),
        ("last_used_at = now() - interval '121 minutes'", True),
        ("created_at = now() - interval '121 minutes'", True),
        ("last_used_at = now(), expires_at = now() - interval '1 second'", True),
        ("revoked_at = now()", True),
    ):
        token = await erika.token(client)
        assert "errors" not in await ask(client, VIEWER, token)
        await owner.execute(f"UPDATE access_token SET {change} WHERE hash = $1", hashed(token))  # noqa: S608  Our own words.
        assert codes(await ask(client, VIEWER, token)) == (["UNAUTHENTICATED"] if ends else [])


async def test_who_is_deactivated_is_out_at_once(
    client: httpx2.AsyncClient, owner: asyncpg.Connection, erika: Person
) -> None:
    token = await erika.token(client)
    await owner.execute(
        "UPDATE staff_membership SET deactivated_at = now() WHERE staff_id = $1", erika.id
    )
    assert codes(await ask(client, VIEWER, token)) == ["UNAUTHENTICATED"]


async def test_a_password_that_changes_while_it_is_checked_opens_nothing(
    client: httpx2.AsyncClient, erika: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def and_meanwhile(stored: str | None, password: str) -> bool:
        matches = await verify_password(stored, password)
        await erika.owner.execute("UPDATE staff SET password_hash = 'x' WHERE id = $1", erika.id)
        return matches

    monkeypatch.setattr("app.auth.staff_login.verify_password", and_meanwhile)
    assert refusals(await erika.login(client)) == FAILED
    assert await erika.history() == []


async def test_a_second_factor_that_is_set_up_meanwhile_is_not_gone_past(
    client: httpx2.AsyncClient, erika: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def and_meanwhile(stored: str | None, password: str) -> bool:
        await erika.protect()
        return await verify_password(stored, password)

    monkeypatch.setattr("app.auth.staff_login.verify_password", and_meanwhile)
    assert refusals(await erika.login(client)) == FAILED
    assert await erika.history() == []


async def test_an_old_hash_is_made_anew(client: httpx2.AsyncClient, erika: Person) -> None:
    from argon2 import PasswordHasher

    # It was chosen when passwords could be shorter.
    short = "horse"
    weak = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(short)
    query = "UPDATE staff SET password_hash = $2 WHERE id = $1"
    await erika.owner.execute(query, erika.id, weak)
    await erika.token(client, password=short)
    kept = await erika.owner.fetchval("SELECT password_hash FROM staff WHERE id = $1", erika.id)
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    await erika.token(client, password=short)


@pytest.mark.parametrize(
    "document",
    [
        f"{LOGIN.replace('mutation', 'mutation Login')} query Other {{ viewer {{ name }} }}",
        'mutation { staffLogin(input: {email: "a@example.org", password: "x"}) { token }'
        ' addTag(input: {customerId: "x", tag: "x"}) { userErrors { code } } }',
        'mutation { a: staffLogin(input: {email: "a@example.org", password: "x"}) { token }'
        ' b: staffLogin(input: {email: "a@example.org", password: "x"}) { token } }',
        "mutation { ...F } fragment F on Mutation {"
        ' staffLogin(input: {email: "a@example.org", password: "x"}) { token } }',
        "{ mySessions { id } }",
        "mutation { staffLogout(input: {}) { ended } }",
    ],
)
async def test_nobody_unknown_asks_for_more_than_one_public_mutation(
    client: httpx2.AsyncClient, document: str
) -> None:
    answer = await client.post("/graphql", json={"query": document})
    assert answer.status_code == 401
    assert codes(answer.json()) == ["UNAUTHENTICATED"]


async def test_a_login_that_is_written_wrongly_is_told_so(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/graphql", json={"query": "mutation { staffLogin { token } }"})
    assert set(codes(answer.json())) == {"GRAPHQL_VALIDATION_FAILED"}
    long = "mutation { staffLogin(input: {}) { token } }" + " " * 4_000
    assert (await client.post("/graphql", json={"query": long})).status_code == 401
    given = {"query": LOGIN, "variables": {"input": {"email": "a@example.org"}}}
    assert codes((await client.post("/graphql", json=given)).json()) == ["BAD_REQUEST"]


async def test_a_login_by_get_is_refused(client: httpx2.AsyncClient, erika: Person) -> None:
    document = (
        f'mutation {{ staffLogin(input: {{email: "{erika.email}", password: "{PASSWORD}"}})'
        " { token } }"
    )
    answer = await client.get("/graphql", params={"query": document})
    assert answer.status_code == 405
    assert await erika.history() == []


async def _reset(person: Person) -> str:
    """A one-time password, as an operator gives it."""
    return await reset_staff_password(person.owner, person.email)


async def test_a_one_time_password_asks_for_one_of_their_own_and_is_good_once(
    client: httpx2.AsyncClient, erika: Person
) -> None:
    session = await erika.token(client)
    password = await _reset(erika)
    assert codes(await ask(client, VIEWER, session)) == ["UNAUTHENTICATED"]
    assert refusals(await erika.login(client)) == [("LOGIN_FAILED", "")]
    assert refusals(await erika.login(client, password=password)) == [
        ("NEW_PASSWORD_REQUIRED", "newPassword")
    ]
    for chosen in ("short", password):
        refused = await erika.login(client, password=password, newPassword=chosen)
        assert refusals(refused) == [("PASSWORD_INVALID", "newPassword")]
    await erika.owner.execute("DELETE FROM throttle")
    new = "another horse battery"
    assert (await erika.login(client, password=password, newPassword=new))["token"]
    again = await erika.login(client, password=password, newPassword=new)
    assert refusals(again) == [("LOGIN_FAILED", "")]
    assert (await erika.login(client, password=new))["token"]
    # Whoever has chosen one is not asked for another, and one that is sent is not taken.
    assert (await erika.login(client, password=new, newPassword="x" * 12))["token"]
    assert (await erika.login(client, password=new))["token"]


async def test_a_one_time_password_expires_and_leaves_the_second_factor(
    client: httpx2.AsyncClient, erika: Person
) -> None:
    await erika.protect()
    once = {"password": await _reset(erika), "newPassword": "another horse battery"}
    assert refusals(await erika.login(client, **{**once, "newPassword": None})) == [
        ("TWO_FACTOR_REQUIRED", "code"),
        ("NEW_PASSWORD_REQUIRED", "newPassword"),
    ]
    assert refusals(await erika.login(client, **once)) == [("TWO_FACTOR_REQUIRED", "code")]
    await erika.owner.execute("UPDATE staff SET one_time_until = now()")
    late = await erika.login(client, **once, code=erika.code())
    assert refusals(late) == [("LOGIN_FAILED", "")]
    await erika.owner.execute("UPDATE staff SET one_time_until = now() + interval '1 hour'")
    assert (await erika.login(client, **once, code=erika.code()))["token"]


async def test_of_two_at_once_with_a_one_time_password_one_gets_in(
    client: httpx2.AsyncClient, erika: Person
) -> None:
    password = await _reset(erika)
    tries = [
        erika.login(client, password=password, newPassword=f"another horse {number}")
        for number in range(2)
    ]
    payloads = await asyncio.gather(*tries)
    assert sorted(bool(payload["token"]) for payload in payloads) == [False, True]
    (refused,) = (payload for payload in payloads if not payload["token"])
    assert refusals(refused) == [("LOGIN_FAILED", "")]
