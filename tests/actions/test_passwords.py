"""One-time passwords, second factors taken away, and signing out, as agents do them."""

from typing import Any

import pytest

from app.auth.one_time import one_time_password
from tests.actions.unchanged import Everything
from tests.auth.customers import FAILED, Reader, read_in
from tests.publisher import Publisher, codes, refusals

VIEWER = "{ viewer { kind } }"
NEW = "another horse battery"


@pytest.fixture
async def reader(publisher: Publisher) -> Reader:
    """A customer of the publisher's, with a password."""
    return await read_in(publisher)


async def _mails(reader: Reader) -> list[tuple[str, str]]:
    rows = await reader.owner.fetch(
        "SELECT template, status, body FROM mail WHERE customer_id = $1 ORDER BY id", reader.id
    )
    return [(row["template"], row["status"]) for row in rows]


async def _act(reader: Reader, action: str, select: str = "") -> dict[str, Any]:
    return await reader.publisher.act(action, {"customerId": reader.global_id}, select)


async def test_a_one_time_password_is_shown_once_and_takes_the_others_place(
    publisher: Publisher, reader: Reader
) -> None:
    session = await reader.token()
    payload = await _act(reader, "resetPassword", "oneTimePassword customer { number }")
    assert payload["userErrors"] == []
    password = payload["oneTimePassword"]
    assert codes(await publisher.ask(VIEWER, session)) == ["UNAUTHENTICATED"]
    assert refusals(await reader.login()) == FAILED
    required = await reader.login(password=password)
    assert refusals(required) == [("NEW_PASSWORD_REQUIRED", "newPassword")]
    assert (await reader.login(password=password, newPassword=NEW))["token"]
    assert (await reader.login(password=NEW))["token"]
    assert await _mails(reader) == [("password_reset", "QUEUED")]
    (entry,) = await publisher.history(reader.global_id)
    assert entry["action"] == "customer.password_reset"
    assert entry["before"] is None
    assert "password_hash" not in str(entry)
    assert await publisher.diary(reader.global_id) == ["Password reset."]
    kept = await reader.owner.fetch(
        "SELECT to_jsonb(m)::text AS row FROM mail AS m UNION ALL"
        " SELECT to_jsonb(h)::text FROM history AS h"
    )
    assert not any(password in row["row"] for row in kept)


async def test_it_expires_after_a_day(reader: Reader) -> None:
    payload = await _act(reader, "resetPassword", "oneTimePassword")
    left = await reader.owner.fetchval(
        "SELECT extract(hour FROM one_time_until - now() + interval '1 minute')"
        " + 24 * extract(day FROM one_time_until - now() + interval '1 minute')"
        " FROM customer_sign_in WHERE customer_id = $1",
        reader.id,
    )
    assert left == 24
    await reader.owner.execute(
        "UPDATE customer_sign_in SET one_time_until = now() WHERE customer_id = $1", reader.id
    )
    late = await reader.login(password=payload["oneTimePassword"], newPassword=NEW)
    assert refusals(late) == FAILED
    again = (await _act(reader, "resetPassword", "oneTimePassword"))["oneTimePassword"]
    assert (await reader.login(password=again, newPassword=NEW))["token"]


async def test_a_reset_leaves_the_second_factor(reader: Reader) -> None:
    await reader.protect()
    payload = await _act(reader, "resetPassword", "oneTimePassword")
    once = {"password": payload["oneTimePassword"], "newPassword": NEW}
    assert refusals(await reader.login(**once)) == [("TWO_FACTOR_REQUIRED", "code")]
    assert (await reader.login(**once, code=reader.code()))["token"]


def test_no_two_are_the_same_and_none_is_guessed() -> None:
    made = {one_time_password() for _ in range(1_000)}
    assert len(made) == 1_000
    assert {len(password) for password in made} == {19}


async def test_a_second_factor_is_taken_away_with_its_codes(
    publisher: Publisher, reader: Reader
) -> None:
    # Somebody else may have set it up, and so shut the customer out.
    token = await reader.token()
    await reader.protect()
    await reader.keep_code("AAAA-AAAA-AAAA-AAAA")
    payload = await _act(reader, "deactivateTwoFactor", "customer { twoFactorSince }")
    assert payload == {"customer": {"twoFactorSince": None}, "userErrors": []}
    assert codes(await publisher.ask(VIEWER, token)) == ["UNAUTHENTICATED"]
    assert (await reader.login())["token"]
    count = "SELECT count(*) FROM customer_recovery_code WHERE customer_id = $1"
    assert await reader.owner.fetchval(count, reader.id) == 0
    assert await _mails(reader) == [("two_factor_deactivated", "QUEUED")]
    (entry,) = await publisher.history(reader.global_id)
    assert (entry["action"], entry["actor_kind"]) == ("customer.two_factor_deactivated", "PARTNER")
    assert entry["after"]["two_factor_since"] is None
    assert await publisher.diary(reader.global_id) == ["Second factor deactivated."]


async def test_signing_out_ends_all_sessions_of_one_customer(
    publisher: Publisher, reader: Reader
) -> None:
    tokens = [await reader.token(), await reader.token()]
    other = await read_in(publisher, email="other@example.org")
    others = await other.token()
    listed = "customer { sessions { totalCount nodes { ip userAgent } } counts { sessions } }"
    before = await publisher.data(
        "query ($id: ID!) { customer(by: {id: $id}) { sessions { totalCount } } }",
        id=reader.global_id,
    )
    assert before["customer"]["sessions"]["totalCount"] == 2
    payload = await _act(reader, "endSessions", listed)
    assert payload["customer"] == {
        "sessions": {"totalCount": 0, "nodes": []},
        "counts": {"sessions": 0},
    }
    for token in tokens:
        assert codes(await publisher.ask(VIEWER, token)) == ["UNAUTHENTICATED"]
    assert codes(await publisher.ask(VIEWER, others)) == []


@pytest.mark.parametrize(
    ("action", "code", "field"),
    [
        ("deactivateTwoFactor", "TWO_FACTOR_NOT_ACTIVE", ""),
        ("endSessions", "NOT_SIGNED_IN", "customerId"),
    ],
)
async def test_what_is_not_there_is_not_taken_away(
    reader: Reader, everything: Everything, action: str, code: str, field: str
) -> None:
    async with everything.unchanged():
        assert refusals(await _act(reader, action)) == [(code, field)]


@pytest.mark.parametrize("action", ["resetPassword", "deactivateTwoFactor", "endSessions"])
async def test_an_anonymised_account_refuses_them(
    reader: Reader, everything: Everything, action: str
) -> None:
    await reader.protect()
    await reader.set(anonymized_at=(await reader.owner.fetchval("SELECT now()")))
    async with everything.unchanged():
        assert ("CUSTOMER_ANONYMIZED", "") in refusals(await _act(reader, action))
