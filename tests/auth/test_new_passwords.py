"""New passwords that are known from breaches are refused, wherever one is set."""

import hashlib
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
from structlog.testing import capture_logs

from app.auth.new_passwords import BreachedPasswordError, NewPasswords
from app.auth.passwords import PasswordError, verify_password
from app.schema.node import encode_id
from app.settings import Settings
from tests.auth.customers import read_in
from tests.auth.people import PASSWORD, ask, employ
from tests.publisher import Publisher, refusals

BREACHED = "password1234"
GOOD = "another horse battery"
KNOWN = [BREACHED, *(f"known password {number}" for number in range(40))]


def _list(path: Path, passwords: list[str], end: str = "\r\n", *, last: bool = True) -> Path:
    """A list as Have I Been Pwned gives it out."""
    hashes = sorted(hashlib.sha1(one.encode()).hexdigest().upper() for one in passwords)  # noqa: S324  The list's own hashes.
    lines = [f"{one}:{count}" for count, one in enumerate(hashes, 1)]
    path.write_bytes((end.join(lines) + (end if last and lines else "")).encode())
    return path


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """A configuration with a list."""
    listed = _list(tmp_path / "breached.txt", KNOWN)
    return settings.model_copy(update={"breached_passwords_file": listed})


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("last", [True, False])
async def test_every_line_of_a_list_is_found_and_nothing_else(
    settings: Settings, tmp_path: Path, end: str, last: bool
) -> None:
    for count in (0, 1, 2, 3, len(KNOWN)):
        path = _list(tmp_path / f"{count}", KNOWN[:count], end, last=last)
        passwords = NewPasswords(settings.model_copy(update={"breached_passwords_file": path}))
        for known in KNOWN[:count]:
            with pytest.raises(BreachedPasswordError):
                await passwords.hash(known)
    assert await verify_password(await passwords.hash(GOOD), GOOD)
    for short in ("x" * 11, "x" * 1025):
        with pytest.raises(PasswordError, match="12 to 1024"):
            await passwords.hash(short)


async def test_without_a_list_or_one_that_can_be_read_passwords_are_taken(
    settings: Settings, tmp_path: Path
) -> None:
    for path in (None, tmp_path / "gone"):
        passwords = NewPasswords(settings.model_copy(update={"breached_passwords_file": path}))
        with capture_logs() as logs:
            assert await verify_password(await passwords.hash(BREACHED), BREACHED)
        told = [] if path is None else ["breached_passwords_unread"]
        assert [entry["event"] for entry in logs] == told


async def _set(client: httpx2.AsyncClient, session: str | None, name: str, **given: Any) -> Any:
    kind = f"{name[0].upper()}{name[1:]}Input"
    query = (
        f"mutation ($input: {kind}!) {{ {name}(input: $input) {{ userErrors {{ code field }} }} }}"
    )
    answer = await ask(client, query, session, input=given)
    assert "errors" not in answer, answer
    return refusals(answer["data"][name])


async def test_customers_choose_none_of_them(publisher: Publisher) -> None:
    reader = await read_in(publisher)
    change = {"currentPassword": PASSWORD, "newPassword": BREACHED}
    refused = [("PASSWORD_BREACHED", "newPassword")]
    token = await reader.token()
    assert await _set(publisher.client, token, "changePassword", **change) == refused
    await reader.give_one_time("good-for-one-time")
    once = {"password": "good-for-one-time"}
    assert refusals(await reader.login(**once, newPassword=BREACHED)) == refused
    assert (await reader.login(**once, newPassword=GOOD))["token"]


async def test_members_of_staff_choose_none_of_them(
    client: httpx2.AsyncClient, owner: asyncpg.Connection, publisher: Publisher
) -> None:
    erika = await employ(owner, publisher.tenant_id, role="administrator")
    token = await erika.token(client)
    change = {"currentPassword": PASSWORD, "newPassword": BREACHED}
    refused = [("PASSWORD_BREACHED", "newPassword")]
    assert await _set(client, token, "changeStaffPassword", **change) == refused
    await owner.execute(
        "UPDATE staff SET one_time_until = now() + interval '1 hour' WHERE id = $1", erika.id
    )
    assert refusals(await erika.login(client, newPassword=BREACHED)) == refused
    invite = {"email": "neu@example.org", "name": "Neu", "roleId": await _role(publisher)}
    invited = await publisher.act("inviteStaff", invite, "token")
    given = {"token": invited["token"], "password": BREACHED}
    assert await _set(client, None, "acceptStaffInvitation", **given) == [
        ("PASSWORD_BREACHED", "password")
    ]
    assert await owner.fetchval("SELECT count(*) FROM staff") == 1


async def _role(publisher: Publisher) -> str:
    key = await publisher.owner.fetchval(
        "SELECT id FROM role WHERE tenant_id = $1 LIMIT 1", publisher.tenant_id
    )
    return encode_id("Role", key)
