"""Customers sign in by a front end's token, over HTTP, and what those learn who guess."""

import asyncio
from typing import Any

import pytest

from app.auth import passwords
from app.auth.passwords import _hasher
from app.auth.recovery_codes import new_codes
from app.auth.roles import CUSTOMER
from tests.auth.customers import FAILED, LOGIN, Reader, read_in
from tests.auth.people import HASH, PASSWORD, hashed
from tests.publisher import Publisher, codes, refusals

VIEWER = "{ viewer { kind name customerId tenantId permissions } }"
NEW = "another horse battery"


@pytest.fixture
async def reader(publisher: Publisher) -> Reader:
    """A customer of the publisher's, with a password."""
    return await read_in(publisher, first_name="Lea", last_name="Leser")


@pytest.fixture
def unthrottled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let as many try at once as want to; the pauses are tested elsewhere."""

    async def nothing(*_: Any) -> None:
        return None

    monkeypatch.setattr("app.auth.throttle.Throttle.count", nothing)


async def test_a_session_is_the_customers(reader: Reader) -> None:
    payload = await reader.login(email="LESER@example.org")
    assert payload["userErrors"] == []
    assert payload["customerId"] == reader.global_id
    assert payload["token"].startswith("abo_customer_")
    viewer = (await reader.publisher.ask(VIEWER, payload["token"]))["data"]["viewer"]
    assert viewer == {
        "kind": "CUSTOMER",
        "name": "Lea Leser",
        "customerId": reader.global_id,
        "tenantId": reader.publisher.tenant_id,
        "permissions": sorted(CUSTOMER),
    }
    kept = await reader.owner.fetchrow(
        "SELECT * FROM access_token WHERE customer_id = $1", reader.id
    )
    assert kept is not None
    assert kept["hash"] == hashed(payload["token"])
    assert kept["expires_at"].isoformat()[:16] == payload["expiresAt"][:16]


async def test_each_attempt_stands_in_the_tab_of_logins(reader: Reader) -> None:
    where = {"clientIp": "2001:DB8::7", "clientUserAgent": "Firefox"}
    await reader.login(password="wrong horse battery", **where)
    await reader.login(**where)
    query = """query ($id: ID!) { customer(by: {id: $id}) {
        logins(orderBy: {field: CREATED_AT, direction: ASC}) {
            nodes { succeeded failure ip userAgent actor { kind } }
        }
    } }"""
    data = await reader.publisher.data(query, id=reader.global_id)
    seen = {"ip": "2001:db8::7", "userAgent": "Firefox", "actor": {"kind": "CUSTOMER"}}
    assert data["customer"]["logins"]["nodes"] == [
        {"succeeded": False, "failure": "WRONG_PASSWORD", **seen},
        {"succeeded": True, "failure": None, **seen},
    ]


async def test_whoever_may_not_sign_in_gets_the_same_answer(
    publisher: Publisher, reader: Reader
) -> None:
    blocked = await read_in(publisher, email="b@example.org")
    await blocked.set(login_blocked_at=(await reader.owner.fetchval("SELECT now()")))
    gone = await read_in(publisher, email="a@example.org")
    await gone.set(anonymized_at=(await reader.owner.fetchval("SELECT now()")))
    without = await read_in(publisher, email="w@example.org", password_hash=None)
    late = await read_in(publisher, email="l@example.org")
    await late.give_one_time("late horse battery", hours=-1)
    answers = [
        await reader.login(email="nobody@example.org"),
        await reader.login(password="wrong horse battery"),
        await reader.login(password="x" * 2_000),
        await reader.login(password=""),
        await blocked.login(),
        await blocked.login(password="wrong horse battery"),
        await gone.login(),
        await without.login(),
        await late.login(password="late horse battery", newPassword=NEW),
    ]
    assert [refusals(answer) for answer in answers] == [FAILED] * len(answers)
    assert all(answer == answers[0] for answer in answers)
    assert await reader.logins() == ["WRONG_PASSWORD"] * 3
    assert await blocked.logins() == ["LOGIN_BLOCKED"] * 2
    assert await gone.logins() == ["LOGIN_BLOCKED"]
    assert await late.logins() == ["PASSWORD_EXPIRED"]
    count = "SELECT count(*) FROM access_token WHERE kind = 'CUSTOMER'"
    assert await reader.owner.fetchval(count) == 0


async def test_one_password_is_compared_whoever_it_is(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    matches = passwords._matches

    def noted(stored: str, password: str) -> bool:
        compared.append(stored)
        return matches(stored, password)

    monkeypatch.setattr(passwords, "_matches", noted)
    await reader.login(email="nobody@example.org")
    await reader.login(password="wrong horse battery")
    await reader.set(login_blocked_at=(await reader.owner.fetchval("SELECT now()")))
    await reader.login()
    assert compared == [passwords._nobodys(), HASH, HASH]


async def test_signing_customers_in_takes_a_permission(reader: Reader) -> None:
    for token in (await reader.publisher.issue_token("customer:read"), await reader.token()):
        answer = await reader.publisher.ask(
            LOGIN, token, input={"email": reader.email, "password": PASSWORD}
        )
        assert codes(answer) == ["FORBIDDEN"]
    assert await reader.logins() == [None]


async def test_a_front_end_signs_in_its_own_tenants_customers_only(
    publisher: Publisher, reader: Reader
) -> None:
    other = await Publisher.found(publisher.owner, publisher.client)
    reader.front_end = await other.issue_token("customer:login")
    assert refusals(await reader.login()) == FAILED
    assert await reader.logins() == []


async def test_a_second_factor_is_asked_for_after_the_password(reader: Reader) -> None:
    await reader.protect()
    assert refusals(await reader.login(password="wrong horse battery")) == FAILED
    assert refusals(await reader.login()) == [("TWO_FACTOR_REQUIRED", "code")]
    wrong = [("TWO_FACTOR_INVALID", "code")]
    assert refusals(await reader.login(code="000000")) == wrong
    assert refusals(await reader.login(code=reader.code(back=2))) == wrong
    assert (await reader.login(code=reader.code()))["token"]
    assert await reader.logins() == ["WRONG_PASSWORD", "WRONG_CODE", "WRONG_CODE", None]


async def test_a_used_step_and_those_before_are_never_taken_again(
    reader: Reader, unthrottled: None
) -> None:
    del unthrottled
    await reader.protect()
    before, now = reader.code(back=1), reader.code()
    for code, taken in (
        (before, True),
        (before, False),
        (now, True),
        (now, False),
        (before, False),
    ):
        assert ((await reader.login(code=code))["token"] is not None) is taken


async def test_of_fifty_at_once_with_one_code_exactly_one_passes(
    reader: Reader, unthrottled: None
) -> None:
    del unthrottled
    await reader.protect()
    code = reader.code()
    answers = await asyncio.gather(*(reader.login(code=code) for _ in range(50)))
    assert sum(answer["token"] is not None for answer in answers) == 1
    assert await reader.sessions() == 1
    assert sorted(map(str, await reader.logins())) == ["None"] + ["WRONG_CODE"] * 49


async def test_of_fifty_at_once_with_one_recovery_code_exactly_one_passes(
    reader: Reader, unthrottled: None
) -> None:
    del unthrottled
    await reader.protect()
    first, second = new_codes()[:2]
    await reader.keep_code(first)
    await reader.keep_code(second)
    answers = await asyncio.gather(*(reader.login(recoveryCode=first) for _ in range(50)))
    assert sum(answer["token"] is not None for answer in answers) == 1
    assert (await reader.login(recoveryCode=second.lower()))["token"]
    wrong = [("TWO_FACTOR_INVALID", "recoveryCode")]
    for spent in (first, second, "AAAA-AAAA-AAAA-AAAA"):
        assert refusals(await reader.login(recoveryCode=spent)) == wrong


async def test_a_one_time_password_asks_for_a_new_one_and_is_good_once(reader: Reader) -> None:
    await reader.give_one_time("once horse battery")
    once = {"password": "once horse battery"}
    assert refusals(await reader.login(**once)) == [("NEW_PASSWORD_REQUIRED", "newPassword")]
    short = await reader.login(**once, newPassword="short")
    assert refusals(short) == [("PASSWORD_INVALID", "newPassword")]
    assert await reader.sessions() == 0
    assert (await reader.login(**once, newPassword=NEW))["token"]
    assert refusals(await reader.login(**once, newPassword=NEW)) == FAILED
    assert (await reader.login(password=NEW))["token"]


async def test_a_one_time_password_does_not_become_ones_own(reader: Reader) -> None:
    once = "once horse battery"
    await reader.give_one_time(once)
    refused = await reader.login(password=once, newPassword=once)
    assert refusals(refused) == [("PASSWORD_INVALID", "newPassword")]
    assert await reader.sessions() == 0
    assert (await reader.login(password=once, newPassword=NEW))["token"]


async def test_a_one_time_password_does_not_stand_in_for_the_second_factor(
    reader: Reader,
) -> None:
    await reader.protect()
    await reader.give_one_time("once horse battery")
    once = {"password": "once horse battery"}
    assert refusals(await reader.login(**once)) == [
        ("TWO_FACTOR_REQUIRED", "code"),
        ("NEW_PASSWORD_REQUIRED", "newPassword"),
    ]
    wrong = await reader.login(**once, newPassword=NEW, code="000000")
    assert refusals(wrong) == [("TWO_FACTOR_INVALID", "code")]
    assert (await reader.login(**once, newPassword=NEW, code=reader.code()))["token"]


async def test_a_one_time_password_is_worth_nothing_after_ten_wrong_ones(
    reader: Reader, unthrottled: None
) -> None:
    del unthrottled
    await reader.give_one_time("once horse battery")
    for _ in range(10):
        assert refusals(await reader.login()) == FAILED
    late = await reader.login(password="once horse battery", newPassword=NEW)
    assert refusals(late) == FAILED
    assert (await reader.logins())[-1] == "PASSWORD_EXPIRED"


async def test_of_two_at_once_with_a_one_time_password_one_passes(reader: Reader) -> None:
    await reader.give_one_time("once horse battery")
    once = {"password": "once horse battery"}
    answers = await asyncio.gather(
        *(reader.login(**once, newPassword=f"{NEW} {number}") for number in range(4))
    )
    assert sum(answer["token"] is not None for answer in answers) == 1
    assert await reader.sessions() == 1


async def _pause(reader: Reader) -> None:
    """Lengthen the pauses there are: the first lasts a second, which a busy machine may need."""
    await reader.owner.execute(
        "UPDATE throttle SET until = until + interval '1 minute' WHERE until > last_at"
    )


async def test_guessing_is_slowed_down_and_locks_nobody_out(reader: Reader) -> None:
    guesser, home = {"clientIp": "203.0.113.9"}, {"clientIp": "198.51.100.7"}
    for _ in range(5):
        await reader.login(password="wrong horse battery", **guesser)
    await _pause(reader)
    assert refusals(await reader.login(**guesser)) == [("TOO_MANY_ATTEMPTS", "")]
    assert (await reader.logins())[-1] == "TOO_MANY_ATTEMPTS"
    unknown = {"email": "nobody@example.org", **guesser}
    for _ in range(5):
        await reader.login(**unknown)
    await _pause(reader)
    assert refusals(await reader.login(**unknown)) == [("TOO_MANY_ATTEMPTS", "")]
    device = (await reader.login(**home))["deviceToken"]
    # Somebody beside them, at the same address, guesses as well; their device is known.
    for _ in range(6):
        await reader.login(password="wrong horse battery", **home)
    await _pause(reader)
    assert refusals(await reader.login(**home)) == [("TOO_MANY_ATTEMPTS", "")]
    assert (await reader.login(**home, deviceToken=device))["token"]
    other = await read_in(reader.publisher, email="other@example.org")
    assert refusals(await other.login(**home, deviceToken=device)) == []


async def test_who_has_many_networks_of_ipv6_has_the_tries_of_one(reader: Reader) -> None:
    for network in range(5):
        await reader.login(password="wrong horse battery", clientIp=f"2001:db8:7:{network}::1")
    await _pause(reader)
    more = await reader.login(clientIp="2001:db8:7:ffff::1")
    assert refusals(more) == [("TOO_MANY_ATTEMPTS", "")]
    assert (await reader.login(clientIp="2001:db8:8::1"))["token"]


async def test_blocking_and_anonymising_end_sessions_at_once(
    publisher: Publisher, reader: Reader
) -> None:
    token = await reader.token()
    await publisher.act("blockCustomer", {"customerId": reader.global_id})
    assert codes(await publisher.ask(VIEWER, token)) == ["UNAUTHENTICATED"]
    assert await reader.sessions() == 0
    await publisher.act("unblockCustomer", {"customerId": reader.global_id})
    assert codes(await publisher.ask(VIEWER, token)) == ["UNAUTHENTICATED"]
    token = await reader.token()
    await reader.set(anonymized_at=(await reader.owner.fetchval("SELECT now()")))
    assert codes(await publisher.ask(VIEWER, token)) == ["UNAUTHENTICATED"]


async def test_a_second_factor_that_is_set_up_meanwhile_is_not_gone_past(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def and_meanwhile(stored: str | None, password: str) -> bool:
        await reader.protect()
        return await passwords.verify_password(stored, password)

    monkeypatch.setattr("app.auth.customer_login.verify_password", and_meanwhile)
    assert refusals(await reader.login()) == FAILED
    assert await reader.sessions() == 0


async def test_an_old_hash_is_made_anew(reader: Reader) -> None:
    from argon2 import PasswordHasher

    # It was chosen when passwords could be shorter.
    short = "horse"
    weak = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(short)
    await reader.set(password_hash=weak)
    await reader.token(password=short)
    kept = await reader.owner.fetchval("SELECT password_hash FROM customer WHERE id=$1", reader.id)
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert _hasher.verify(kept, short)


async def test_an_address_that_is_none_is_refused(reader: Reader) -> None:
    assert refusals(await reader.login(clientIp="home")) == [("INVALID", "clientIp")]
    assert await reader.logins() == []


async def _rows(reader: Reader) -> list[tuple[str | None, int]]:
    rows = await reader.owner.fetch(
        "SELECT failure, attempts FROM login WHERE customer_id = $1 ORDER BY id", reader.id
    )
    return [(row["failure"], row["attempts"]) for row in rows]


async def test_attempts_that_are_slowed_down_are_counted_in_one_row_of_an_hour(
    reader: Reader,
) -> None:
    guess = {"password": "wrong horse battery", "clientIp": "198.51.100.1"}
    for _ in range(5):
        await reader.login(**guess)
    await reader.owner.execute("UPDATE throttle SET until = now() + interval '1 hour'")
    burst = await asyncio.gather(*(reader.login(**guess) for _ in range(30)))
    assert {code for one in burst for code, _ in refusals(one)} == {"TOO_MANY_ATTEMPTS"}
    assert await _rows(reader) == [*[("WRONG_PASSWORD", 1)] * 5, ("TOO_MANY_ATTEMPTS", 30)]
    # The next hour has a row of its own.
    await reader.owner.execute("SET abokonto.erasure = 'on'")
    await reader.owner.execute("UPDATE login SET created_at = created_at - interval '61 minutes'")
    await reader.login(**guess)
    assert (await _rows(reader))[5:] == [("TOO_MANY_ATTEMPTS", 30), ("TOO_MANY_ATTEMPTS", 1)]


@pytest.mark.usefixtures("unthrottled")
async def test_guessing_from_everywhere_does_not_fill_the_tab_of_logins(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.auth.customer_steps.MOST_FAILURES", 3)
    for guesser in range(8):
        await reader.login(password="wrong horse battery", clientIp=f"198.51.100.{guesser}")
    assert await _rows(reader) == [*[("WRONG_PASSWORD", 1)] * 2, ("WRONG_PASSWORD", 6)]
    # Whoever does get in is written down in any case.
    assert (await reader.login())["token"]
    assert (await _rows(reader))[-1] == (None, 1)
    query = """query ($id: ID!) { customer(by: {id: $id}) {
        logins(where: {succeeded: {eq: false}}) { nodes { attempts } } } }"""
    data = await reader.publisher.data(query, id=reader.global_id)
    assert sum(one["attempts"] for one in data["customer"]["logins"]["nodes"]) == 8
