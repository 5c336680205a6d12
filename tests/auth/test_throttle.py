"""Guessing is slowed down, and nobody is locked out by somebody else's."""

import asyncio

import asyncpg
import httpx2

from tests.auth.people import PASSWORD, Person, ask, login
from tests.publisher import refusals

WRONG = "wrong horse battery"
MANY = ["TOO_MANY_ATTEMPTS"]


def told(payload: dict[str, object]) -> list[str]:
    return [code for code, _ in refusals(payload)]


async def test_after_some_tries_there_are_pauses_which_double(
    client: httpx2.AsyncClient, owner: asyncpg.Connection, erika: Person
) -> None:
    for _ in range(5):
        assert told(await erika.login(client, password=WRONG)) == ["LOGIN_FAILED"]
    refused = await erika.login(client)
    assert told(refused) == MANY
    assert "Try again in 1 seconds" in refused["userErrors"][0]["message"]
    waits = []
    for _ in range(3):
        await owner.execute("UPDATE throttle SET until = now() - interval '1 second'")
        assert told(await erika.login(client, password=WRONG)) == ["LOGIN_FAILED"]
        waits.append(await owner.fetchval("SELECT max(until - last_at) FROM throttle"))
    assert [wait.total_seconds() for wait in waits] == [2, 4, 8]
    # Trying during a pause does not prolong it.
    before = await owner.fetchval("SELECT max(until) FROM throttle")
    assert told(await erika.login(client)) == MANY
    assert await owner.fetchval("SELECT max(until) FROM throttle") == before


async def test_nobody_learns_from_it_who_there_is(client: httpx2.AsyncClient) -> None:
    for _ in range(5):
        assert told(await login(client, email="x@example.org", password=WRONG)) == ["LOGIN_FAILED"]
    assert told(await login(client, email="X@example.org")) == MANY


async def test_guessing_elsewhere_locks_nobody_out(
    client: httpx2.AsyncClient, elsewhere: httpx2.AsyncClient, erika: Person
) -> None:
    for _ in range(8):
        await erika.login(elsewhere, password=WRONG)
    assert told(await erika.login(elsewhere)) == MANY
    assert (await erika.login(client))["token"]


async def test_a_device_that_is_known_has_tries_of_its_own(
    client: httpx2.AsyncClient, erika: Person
) -> None:
    device = (await erika.login(client))["deviceToken"]
    for _ in range(6):
        await erika.login(client, password=WRONG)
    assert told(await erika.login(client)) == MANY
    assert (await erika.login(client, deviceToken=device))["token"]
    assert told(await erika.login(client, deviceToken="abo_device_guessed")) == MANY
    for _ in range(5):
        await erika.login(client, password=WRONG, deviceToken=device)
    assert told(await erika.login(client, deviceToken=device)) == MANY


async def test_a_device_has_a_token_that_nobody_can_guess(
    client: httpx2.AsyncClient, erika: Person
) -> None:
    for guessable in ("web", "abo_device_1", "abo_device_" + "ö" * 43):
        payload = await erika.login(client, deviceToken=guessable)
        assert payload["deviceToken"] != guessable
        for _ in range(6):
            await erika.login(client, password=WRONG)
        assert told(await erika.login(client, deviceToken=guessable)) == MANY
        assert (await erika.login(client, deviceToken=payload["deviceToken"]))["token"]
        await erika.owner.execute("TRUNCATE throttle")


async def test_an_address_that_tries_many_names_is_slowed_down(
    client: httpx2.AsyncClient,
    elsewhere: httpx2.AsyncClient,
    owner: asyncpg.Connection,
    erika: Person,
) -> None:
    await login(client, email="a@example.org", password=WRONG)
    await owner.execute("UPDATE throttle SET count = 49")
    assert told(await login(client, email="b@example.org", password=WRONG)) == ["LOGIN_FAILED"]
    assert told(await erika.login(client)) == MANY
    assert (await erika.login(elsewhere))["token"]


async def test_a_success_forgets_the_failures(
    client: httpx2.AsyncClient, owner: asyncpg.Connection, erika: Person
) -> None:
    for _ in range(4):
        await erika.login(client, password=WRONG)
    assert (await erika.login(client))["token"]
    counts = await owner.fetch("SELECT count FROM throttle")
    assert [row["count"] for row in counts] == [4]
    assert told(await erika.login(client, password=WRONG)) == ["LOGIN_FAILED"]


async def test_tries_at_the_same_time_do_not_overtake_the_count(
    client: httpx2.AsyncClient, erika: Person
) -> None:
    answers = await asyncio.gather(
        *(erika.login(client, password=WRONG) for _ in range(20)), erika.login(client)
    )
    failed = sum(told(answer) == ["LOGIN_FAILED"] for answer in answers)
    assert failed <= 5
    assert sum(told(answer) == MANY for answer in answers) >= 15


async def test_codes_are_counted_wherever_they_come_from(
    client: httpx2.AsyncClient, elsewhere: httpx2.AsyncClient, erika: Person
) -> None:
    await erika.protect()
    for number in range(5):
        at = client if number % 2 else elsewhere
        assert told(await erika.login(at, code="000000")) == ["TWO_FACTOR_INVALID"]
    assert told(await erika.login(client, code=erika.code())) == MANY
    assert told(await erika.login(client, password=PASSWORD + "x")) in (["LOGIN_FAILED"], MANY)


async def test_whoever_knows_the_password_alone_does_not_keep_its_owner_out(
    client: httpx2.AsyncClient, elsewhere: httpx2.AsyncClient, erika: Person
) -> None:
    payload = await erika.login(client)
    await erika.protect()
    for _ in range(6):
        await erika.login(elsewhere, code="000000")
    assert told(await erika.login(elsewhere, code=erika.code())) == MANY
    # They sign in on a device that they have signed in with, and change the password.
    device = payload["deviceToken"]
    assert (await erika.login(client, code=erika.code(), deviceToken=device))["token"]
    change = """
        mutation { changeStaffPassword(
            input: { currentPassword: "%s", newPassword: "another horse battery" }
        ) { done userErrors { code } } }
    """
    answer = await ask(client, change % PASSWORD, payload["token"])
    assert answer["data"]["changeStaffPassword"] == {"done": True, "userErrors": []}


async def test_codes_are_counted_on_a_known_device_too(
    client: httpx2.AsyncClient, erika: Person
) -> None:
    device = (await erika.login(client))["deviceToken"]
    await erika.protect()
    for _ in range(5):
        await erika.login(client, code="000000", deviceToken=device)
    assert told(await erika.login(client, code=erika.code(), deviceToken=device)) == MANY
