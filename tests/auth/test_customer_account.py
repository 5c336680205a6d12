"""What customers do about how they sign in themselves, over HTTP."""

from typing import Any

import pyotp
import pytest

from tests.auth.customers import FAILED, Reader, read_in
from tests.auth.people import HASH, PASSWORD
from tests.publisher import Publisher, codes, refusals

VIEWER = "{ viewer { kind } }"
NEW = "another horse battery"
CHANGE = """mutation ($input: ChangePasswordInput!) {
    changePassword(input: $input) { done userErrors { code field message } } }"""
ENROL = """mutation ($input: EnrolTwoFactorInput!) {
    enrolTwoFactor(input: $input) { secret uri qrCode userErrors { code field message } } }"""
CONFIRM = """mutation ($input: ConfirmTwoFactorInput!) {
    confirmTwoFactor(input: $input) { recoveryCodes userErrors { code field message } } }"""
REMOVE = """mutation ($input: RemoveTwoFactorInput!) {
    removeTwoFactor(input: $input) { done userErrors { code field message } } }"""
LOGOUT = """mutation ($input: CustomerLogoutInput!) {
    customerLogout(input: $input) { done userErrors { code } } }"""


@pytest.fixture
async def reader(publisher: Publisher) -> Reader:
    """A customer of the publisher's, with a password."""
    return await read_in(publisher)


async def _ask(reader: Reader, query: str, token: str, **given: Any) -> dict[str, Any]:
    answer = await reader.publisher.ask(query, token, input=given)
    assert "errors" not in answer, answer["errors"]
    (payload,) = answer["data"].values()
    assert isinstance(payload, dict)
    return payload


async def _history(reader: Reader) -> list[tuple[str, str]]:
    entries = await reader.publisher.history(reader.global_id)
    return [(entry["action"], entry["actor_kind"]) for entry in entries]


async def test_a_password_is_changed_by_who_knows_it_and_other_sessions_end(
    reader: Reader,
) -> None:
    mine, other = await reader.token(), await reader.token()
    wrong = await _ask(reader, CHANGE, mine, currentPassword="x", newPassword=NEW)
    assert refusals(wrong) == [("PASSWORD_WRONG", "currentPassword")]
    short = await _ask(reader, CHANGE, mine, currentPassword=PASSWORD, newPassword="x")
    assert refusals(short) == [("PASSWORD_INVALID", "newPassword")]
    assert await _history(reader) == []
    assert (await _ask(reader, CHANGE, mine, currentPassword=PASSWORD, newPassword=NEW))["done"]
    assert codes(await reader.publisher.ask(VIEWER, mine)) == []
    assert codes(await reader.publisher.ask(VIEWER, other)) == ["UNAUTHENTICATED"]
    assert refusals(await reader.login()) == FAILED
    assert (await reader.login(password=NEW))["token"]
    assert await _history(reader) == [("customer.password_changed", "CUSTOMER")]


async def test_a_second_factor_is_set_up_used_and_removed(reader: Reader) -> None:
    token = await reader.token()
    wrong = await _ask(reader, ENROL, token, password="x")
    assert refusals(wrong) == [("PASSWORD_WRONG", "password")]
    missing = await _ask(reader, CONFIRM, token, code="000000")
    assert refusals(missing) == [("TWO_FACTOR_NOT_ACTIVE", "")]
    offered = await _ask(reader, ENROL, token, password=PASSWORD)
    name = await reader.owner.fetchval(
        "SELECT name FROM tenant WHERE id = $1", reader.publisher.tenant_id
    )
    assert f"issuer={name}" in offered["uri"]
    assert offered["qrCode"].startswith("<svg")
    assert len(offered["secret"]) == 32
    # Until a code was shown, the password is enough.
    other = await reader.token()
    wrong = await _ask(reader, CONFIRM, token, code="000000")
    assert refusals(wrong) == [("TWO_FACTOR_INVALID", "code")]
    code = pyotp.TOTP(offered["secret"]).now()
    recovery = (await _ask(reader, CONFIRM, token, code=code))["recoveryCodes"]
    assert len(set(recovery)) == 10
    assert codes(await reader.publisher.ask(VIEWER, other)) == ["UNAUTHENTICATED"]
    again = await _ask(reader, ENROL, token, password=PASSWORD)
    assert refusals(again) == [("TWO_FACTOR_ACTIVE", "")]
    # The code that set it up is used.
    assert refusals(await reader.login(code=code)) == [("TWO_FACTOR_INVALID", "code")]
    assert (await reader.login(recoveryCode=recovery[0]))["token"]
    given = {"password": PASSWORD, "recoveryCode": recovery[0]}
    used = await _ask(reader, REMOVE, token, **given)
    assert refusals(used) == [("TWO_FACTOR_INVALID", "recoveryCode")]
    given = {"password": PASSWORD, "recoveryCode": recovery[1]}
    assert (await _ask(reader, REMOVE, token, **given))["done"]
    assert (await reader.login())["token"]
    missing = await _ask(reader, REMOVE, token, **given)
    assert refusals(missing) == [("TWO_FACTOR_NOT_ACTIVE", "")]
    assert await _history(reader) == [
        ("customer.two_factor_activated", "CUSTOMER"),
        ("customer.two_factor_removed", "CUSTOMER"),
    ]


async def test_signing_out_here_or_everywhere(reader: Reader) -> None:
    first, second, third = [await reader.token() for _ in range(3)]
    assert (await _ask(reader, LOGOUT, first))["done"]
    assert codes(await reader.publisher.ask(VIEWER, first)) == ["UNAUTHENTICATED"]
    assert codes(await reader.publisher.ask(VIEWER, second)) == []
    assert (await _ask(reader, LOGOUT, second, everywhere=True))["done"]
    assert codes(await reader.publisher.ask(VIEWER, third)) == ["UNAUTHENTICATED"]


async def test_it_is_for_customers_and_staffs_is_not(reader: Reader) -> None:
    for token in (reader.publisher.token, reader.front_end):
        answer = await reader.publisher.ask(ENROL, token, input={"password": PASSWORD})
        assert codes(answer) == ["FORBIDDEN"]
    staffs = 'mutation { enrolStaffTwoFactor(input: {password: "x"}) { secret } }'
    assert codes(await reader.publisher.ask(staffs, await reader.token())) == ["FORBIDDEN"]


async def test_a_stolen_session_does_not_guess_the_password(reader: Reader) -> None:
    token = await reader.token()
    for _ in range(5):
        await _ask(reader, CHANGE, token, currentPassword="x", newPassword=NEW)
    more = await _ask(reader, CHANGE, token, currentPassword=PASSWORD, newPassword=NEW)
    assert refusals(more) == [("TOO_MANY_ATTEMPTS", "")]
    assert (await reader.login())["token"]


async def test_a_stolen_session_and_the_password_do_not_guess_codes(reader: Reader) -> None:
    token = await reader.token()
    await reader.protect()
    for _ in range(4):
        await _ask(reader, REMOVE, token, password=PASSWORD, code="000000")
    changed = await _ask(reader, CHANGE, token, currentPassword=PASSWORD, newPassword=NEW)
    assert changed["done"]
    more = await _ask(reader, REMOVE, token, password=NEW, code=reader.code())
    assert refusals(more) == [("TOO_MANY_ATTEMPTS", "")]


async def test_whoever_knows_the_password_alone_does_not_keep_the_customer_out(
    reader: Reader,
) -> None:
    payload = await reader.login()
    await reader.protect()
    for number in range(6):
        await reader.login(code="000000", clientIp=f"203.0.113.{number}")
    refused = await reader.login(code=reader.code(), clientIp="203.0.113.99")
    assert refusals(refused) == [("TOO_MANY_ATTEMPTS", "")]
    device = payload["deviceToken"]
    assert (await reader.login(code=reader.code(), deviceToken=device))["token"]
    changed = await _ask(
        reader, CHANGE, payload["token"], currentPassword=PASSWORD, newPassword=NEW
    )
    assert changed["done"]


async def test_nothing_is_hashed_for_those_who_may_change_no_password(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, hashed = await reader.token(), []

    async def hash_it(password: str, *_: str) -> str:
        hashed.append(password)
        return HASH

    monkeypatch.setattr("app.auth.own_account.hashed", hash_it)
    wrong = await _ask(reader, CHANGE, token, currentPassword="x", newPassword=NEW)
    assert refusals(wrong) == [("PASSWORD_WRONG", "currentPassword")]
    answer = await reader.publisher.ask(
        CHANGE, reader.front_end, input={"currentPassword": PASSWORD, "newPassword": NEW}
    )
    assert codes(answer) == ["FORBIDDEN"]
    assert hashed == []
