"""Recovery codes are made anew without removing the second factor."""

import httpx2
import pytest

from tests.auth.customers import Reader, read_in
from tests.auth.people import PASSWORD, Person, ask, keep_code
from tests.publisher import Publisher, refusals

OLD = "AAAA-AAAA-AAAA-AAAA"
WRONG = "wrong horse battery"
RENEW = "mutation ($input: Renew{}RecoveryCodesInput!) {{ renew{}RecoveryCodes(input: $input) {{"
RENEW += " recoveryCodes userErrors {{ code field message }} }} }}"
STAFF, CUSTOMER = RENEW.format("Staff", "Staff"), RENEW.format("", "")


@pytest.fixture
async def reader(publisher: Publisher) -> Reader:
    """A customer with a password."""
    return await read_in(publisher)


async def _renew(client: httpx2.AsyncClient, query: str, token: str, **given: object) -> dict:  # type: ignore[type-arg]  # As JSON has it.
    answer = await ask(client, query, token, input=given)
    assert "errors" not in answer, answer
    (payload,) = answer["data"].values()
    assert isinstance(payload, dict)
    return payload


async def _refusals_of(
    client: httpx2.AsyncClient, query: str, token: str, code: str
) -> list[list[tuple[str, str]]]:
    tried = (
        {"password": WRONG, "code": code},
        {"password": PASSWORD, "code": "000000"},
        {"password": PASSWORD, "recoveryCode": "BBBB-BBBB-BBBB-BBBB"},
        {"password": PASSWORD},
    )
    return [refusals(await _renew(client, query, token, **given)) for given in tried]


REFUSED = [
    [("PASSWORD_WRONG", "password")],
    [("TWO_FACTOR_INVALID", "code")],
    [("TWO_FACTOR_INVALID", "recoveryCode")],
    [("TWO_FACTOR_INVALID", "recoveryCode")],
]


async def test_staff_renew_them(client: httpx2.AsyncClient, erika: Person) -> None:
    token = await erika.token(client)
    none = await _renew(client, STAFF, token, password=PASSWORD, code="000000")
    assert refusals(none) == [("TWO_FACTOR_NOT_ACTIVE", "")]
    await erika.protect()
    await keep_code(erika, OLD)
    count = "SELECT count(*) FROM staff_recovery_code WHERE staff_id = $1"
    assert await _refusals_of(client, STAFF, token, erika.code()) == REFUSED
    assert await erika.owner.fetchval(count, erika.id) == 1
    await erika.owner.execute("DELETE FROM throttle")
    renewed = await _renew(client, STAFF, token, password=PASSWORD, code=erika.code())
    assert len(set(renewed["recoveryCodes"])) == 10
    assert await erika.owner.fetchval(count, erika.id) == 10
    assert refusals(await erika.login(client, recoveryCode=OLD)) == [
        ("TWO_FACTOR_INVALID", "recoveryCode")
    ]
    used, by = renewed["recoveryCodes"][:2]
    assert (await erika.login(client, recoveryCode=used))["token"]
    # The second factor stays, the session as well, and one of the codes is enough to ask.
    again = await _renew(client, STAFF, token, password=PASSWORD, recoveryCode=by)
    assert set(again["recoveryCodes"]).isdisjoint(renewed["recoveryCodes"])
    assert (await erika.history()).count("staff.recovery_codes_renewed") == 2


async def test_customers_renew_them(client: httpx2.AsyncClient, reader: Reader) -> None:
    token = await reader.token()
    none = await _renew(client, CUSTOMER, token, password=PASSWORD, code="000000")
    assert refusals(none) == [("TWO_FACTOR_NOT_ACTIVE", "")]
    await reader.protect()
    await reader.keep_code(OLD)
    count = "SELECT count(*) FROM customer_recovery_code WHERE customer_id = $1"
    assert await _refusals_of(client, CUSTOMER, token, reader.code()) == REFUSED
    assert await reader.owner.fetchval(count, reader.id) == 1
    await reader.owner.execute("DELETE FROM throttle")
    renewed = await _renew(client, CUSTOMER, token, password=PASSWORD, code=reader.code())
    assert await reader.owner.fetchval(count, reader.id) == 10
    assert refusals(await reader.login(recoveryCode=OLD)) == [
        ("TWO_FACTOR_INVALID", "recoveryCode")
    ]
    assert (await reader.login(recoveryCode=renewed["recoveryCodes"][0]))["token"]
    entries = await reader.publisher.history(reader.global_id)
    assert [entry["action"] for entry in entries] == ["customer.recovery_codes_renewed"]
