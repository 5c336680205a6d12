"""The rules that a tenant sets itself, changed by its administrators."""

from typing import Any

import asyncpg
import httpx2
import pytest

from app.auth.permissions import Permission
from app.auth.roles import ROLES
from app.models.tenant import RULES as COLUMNS
from tests.actions.unchanged import Everything
from tests.auth.people import Person, ask, employ
from tests.publisher import Publisher, codes, refusals

RULES = "twoFactorRequired fourEyes bookYears invoiceYears letterYears loginDays"
SHOWN = f"tenantSettings {{ {RULES} }}"
DEFAULTS = {
    "twoFactorRequired": False,
    "fourEyes": False,
    "bookYears": 10,
    "invoiceYears": 8,
    "letterYears": 6,
    "loginDays": 365,
}
HISTORY = "SELECT * FROM history WHERE action = 'tenant.rules_changed' AND id > $1 ORDER BY id"


@pytest.fixture
async def last(owner: asyncpg.Connection) -> int:
    """The newest entry of the history before the test."""
    key: int = await owner.fetchval("SELECT coalesce(max(id), 0) FROM history")
    return key


@pytest.fixture(autouse=True)
async def _by_default(owner: asyncpg.Connection) -> None:
    """Begin with the rules that every tenant begins with: the tests share one."""
    names = ", ".join(f"{name} = DEFAULT" for name in COLUMNS)
    await owner.execute(f"UPDATE tenant SET {names}")  # noqa: S608  The names are ours.


async def _update(client: httpx2.AsyncClient, token: str, **given: Any) -> dict[str, Any]:
    query = (
        "mutation ($input: UpdateTenantSettingsInput!) { updateTenantSettings(input: $input) {"
        f" {SHOWN} userErrors {{ code field }} }} }}"
    )
    answer = await ask(client, query, token, input=given)
    assert "errors" not in answer, answer
    payload: dict[str, Any] = answer["data"]["updateTenantSettings"]
    return payload


@pytest.fixture
async def erika(owner: asyncpg.Connection, publisher: Publisher) -> Person:
    """An administrator."""
    return await employ(owner, publisher.tenant_id, role="administrator")


async def test_rules_are_read_and_changed_with_an_entry_in_the_history(
    publisher: Publisher, competitor: Publisher, owner: asyncpg.Connection, last: int
) -> None:
    read = f"{{ {SHOWN} }}"
    assert await publisher.data(read) == {"tenantSettings": DEFAULTS}
    given = {"fourEyes": True, "invoiceYears": 12, "loginDays": 30}
    changed = {**DEFAULTS, **given}
    payload = await publisher.act("updateTenantSettings", given, SHOWN)
    assert payload == {"tenantSettings": changed, "userErrors": []}
    assert await publisher.data(read) == {"tenantSettings": changed}
    (entry,) = await owner.fetch(HISTORY, last)
    assert (entry["record_type"], entry["record_id"]) == ("TenantSettings", publisher.tenant_id)
    assert entry["before"] == '{"four_eyes": false, "login_days": 365, "invoice_years": 8}'
    assert entry["after"] == '{"four_eyes": true, "login_days": 30, "invoice_years": 12}'
    assert await competitor.data(read) == {"tenantSettings": DEFAULTS}


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"bookYears": 101}, "INVALID", "bookYears"),
        ({"invoiceYears": -1}, "INVALID", "invoiceYears"),
        ({"letterYears": 101}, "INVALID", "letterYears"),
        ({"loginDays": 0}, "INVALID", "loginDays"),
        ({"loginDays": 36_501}, "INVALID", "loginDays"),
        ({"fourEyes": None}, "REQUIRED", "fourEyes"),
        ({"bookYears": None}, "REQUIRED", "bookYears"),
    ],
)
async def test_rules_that_can_not_be_are_refused(
    publisher: Publisher, everything: Everything, given: dict[str, Any], code: str, field: str
) -> None:
    async with everything.unchanged():
        payload = await publisher.act("updateTenantSettings", {**given, "twoFactorRequired": True})
        assert refusals(payload) == [(code, field)]


async def test_only_an_operator_makes_rules_less_strict(
    publisher: Publisher, everything: Everything
) -> None:
    strict = {"fourEyes": True, "bookYears": 11, "invoiceYears": 12, "letterYears": 7}
    assert (await publisher.act("updateTenantSettings", strict))["userErrors"] == []
    less = {"fourEyes": False, "bookYears": 10, "invoiceYears": 0, "letterYears": 6, "loginDays": 9}
    async with everything.unchanged():
        payload = await publisher.act("updateTenantSettings", less)
        assert refusals(payload) == [("OPERATOR_REQUIRED", name) for name in strict]
    assert (await publisher.act("updateTenantSettings", {"loginDays": 9}))["userErrors"] == []


async def test_whoever_has_no_second_factor_does_not_lock_themselves_out(
    client: httpx2.AsyncClient, erika: Person, everything: Everything
) -> None:
    token = await erika.token(client)
    async with everything.unchanged():
        refused = await _update(client, token, twoFactorRequired=True, loginDays=7)
        assert refusals(refused) == [("TWO_FACTOR_NOT_ACTIVE", "twoFactorRequired")]
    await erika.protect()
    payload = await _update(client, token, twoFactorRequired=True)
    assert payload["tenantSettings"]["twoFactorRequired"] is True
    assert (await _update(client, token, loginDays=7))["userErrors"] == []


async def test_a_provider_of_identities_sees_to_second_factors_itself(
    client: httpx2.AsyncClient, erika: Person, owner: asyncpg.Connection
) -> None:
    token = await erika.token(client)
    await owner.execute(
        "UPDATE access_token SET signed_in_by = 'OIDC' WHERE staff_id = $1", erika.id
    )
    payload = await _update(client, token, twoFactorRequired=True)
    assert payload["userErrors"] == []


async def test_agents_read_them_and_administrators_change_them(
    client: httpx2.AsyncClient, publisher: Publisher, owner: asyncpg.Connection, last: int
) -> None:
    assert Permission.TENANT_WRITE not in ROLES["agent"] | ROLES["auditor"]
    agent = await (await employ(owner, publisher.tenant_id, role="agent")).token(client)
    answer = await ask(client, f"{{ {SHOWN} }}", agent)
    assert answer["data"]["tenantSettings"] == DEFAULTS
    answer = await ask(
        client,
        "mutation { updateTenantSettings(input: {fourEyes: true}) { userErrors { code } } }",
        agent,
    )
    assert codes(answer) == ["FORBIDDEN"]
    nobody = await publisher.issue_token("customer:read")
    assert codes(await publisher.ask(f"{{ {SHOWN} }}", nobody)) == ["FORBIDDEN"]
    assert await owner.fetch(HISTORY, last) == []
