"""Who works for a tenant, in which roles: inviting, changing, letting go, and nobody too many."""

import asyncio
from typing import Any

import asyncpg
import httpx2
import pytest
from strawberry.utils.str_converters import to_snake_case

from app.auth.permissions import Permission
from app.schema.node import encode_id
from app.work.action import ACTIONS
from tests.actions.unchanged import Everything
from tests.auth.people import PASSWORD, Person, ask, employ, login, work_for
from tests.publisher import Publisher, codes, refusals

INVITED = "token staffInvitation { id email name role { name } acceptedAt revokedAt }"
MEMBER = "staffMembership { id name email role { name } deactivatedAt }"
ROLE = "role { id name permissions }"
ACCEPT = """
    mutation ($input: AcceptStaffInvitationInput!) {
        acceptStaffInvitation(input: $input) { tenant userErrors { code field } }
    }
"""


async def role_id(publisher: Publisher, name: str, *permissions: str) -> str:
    """The id of a role with permissions, made anew unless there is one of the name."""
    key = await publisher.owner.fetchval(
        "INSERT INTO role (tenant_id, name, permissions) VALUES ($1, $2, $3)"
        " ON CONFLICT (tenant_id, name) DO UPDATE SET name = excluded.name RETURNING id",
        publisher.tenant_id,
        name,
        list(permissions),
    )
    return encode_id("Role", key)


async def member_id(person: Person) -> str:
    """The id of somebody's membership."""
    key = await person.owner.fetchval(
        "SELECT id FROM staff_membership WHERE tenant_id = $1 AND staff_id = $2",
        person.tenant_id,
        person.id,
    )
    return encode_id("StaffMembership", key)


async def accept(client: httpx2.AsyncClient, token: str, password: str) -> dict[str, Any]:
    """Accept an invitation; the payload."""
    answer = await ask(client, ACCEPT, input={"token": token, "password": password})
    payload: dict[str, Any] = answer["data"]["acceptStaffInvitation"]
    return payload


async def invite(publisher: Publisher, email: str, role: str) -> str:
    """Invite somebody; the invitation's token."""
    given = {"email": email, "name": "Neu", "roleId": role}
    payload = await publisher.act("inviteStaff", given, INVITED)
    assert payload["userErrors"] == []
    token: str = payload["token"]
    return token


async def test_who_is_invited_comes_in_and_signs_in(
    publisher: Publisher, client: httpx2.AsyncClient
) -> None:
    role = await role_id(publisher, "lesend", "customer:read")
    given = {"email": "Neu@EXAMPLE.org", "name": "Neu", "roleId": role, "idempotencyKey": "k"}
    payload = await publisher.act("inviteStaff", given, INVITED)
    invited = payload["staffInvitation"]
    assert (invited["email"], invited["role"]["name"]) == ("Neu@example.org", "lesend")
    token = payload["token"]
    again = await publisher.act("inviteStaff", given, INVITED)
    assert (again["token"], again["staffInvitation"]) == (None, invited)
    assert refusals(await login(client, email="neu@example.org")) == [("LOGIN_FAILED", "")]
    short = await accept(client, token, "short")
    assert [error["code"] for error in short["userErrors"]] == ["PASSWORD_INVALID"]
    accepted = await accept(client, token, PASSWORD)
    assert accepted["userErrors"] == []
    signed_in = await login(client, email="NEU@example.org", tenant=accepted["tenant"])
    assert signed_in["name"] == "Neu"
    used = await accept(client, token, PASSWORD)
    assert [error["code"] for error in used["userErrors"]] == ["INVITATION_INVALID"]
    history = await publisher.tenant_history()
    assert history[0]["action"] == "staff.invited"
    assert token not in str(history)


async def test_whoever_is_known_elsewhere_keeps_their_password(
    publisher: Publisher, competitor: Publisher, client: httpx2.AsyncClient
) -> None:
    person = await employ(publisher.owner, competitor.tenant_id)
    role = await role_id(publisher, "lesend", "customer:read")
    token = await invite(publisher, person.email, role)
    wrong = await accept(client, token, "another password")
    assert [error["code"] for error in wrong["userErrors"]] == ["LOGIN_FAILED"]
    assert (await accept(client, token, PASSWORD))["userErrors"] == []
    tenants = (await person.login(client))["tenants"]
    assert {tenant["role"] for tenant in tenants} == {"agent", "lesend"}


@pytest.mark.parametrize("ended", ["expires_at = now()", "revoked_at = now()"])
async def test_an_invitation_that_has_ended_lets_nobody_in(
    publisher: Publisher, client: httpx2.AsyncClient, ended: str
) -> None:
    role = await role_id(publisher, "lesend", "customer:read")
    token = await invite(publisher, "neu2@example.org", role)
    await publisher.owner.execute(
        f"UPDATE staff_invitation SET {ended} WHERE tenant_id = $1",  # noqa: S608  Our own words.
        publisher.tenant_id,
    )
    for unknown in (token, "abo_invitation_guessed"):
        payload = await accept(client, unknown, PASSWORD)
        assert [error["code"] for error in payload["userErrors"]] == ["INVITATION_INVALID"]


async def test_of_many_who_accept_one_invitation_at_once_one_does(
    publisher: Publisher, client: httpx2.AsyncClient
) -> None:
    role = await role_id(publisher, "lesend", "customer:read")
    token = await invite(publisher, f"race{publisher.tenant_id}@example.org", role)
    answers = await asyncio.gather(
        *(ask(client, ACCEPT, input={"token": token, "password": PASSWORD}) for _ in range(4))
    )
    payloads = [(answer["data"] or {}).get("acceptStaffInvitation") for answer in answers]
    assert sum(bool(payload and payload["tenant"]) for payload in payloads) == 1
    count = "SELECT count(*) FROM staff_membership WHERE tenant_id = $1"
    assert await publisher.owner.fetchval(count, publisher.tenant_id) == 1


async def test_a_member_gets_another_role_is_let_go_and_comes_back(
    publisher: Publisher, client: httpx2.AsyncClient
) -> None:
    person = await employ(publisher.owner, publisher.tenant_id)
    member, token = await member_id(person), await person.token(client)
    role = await role_id(publisher, "lesend", "customer:read")
    given = {"staffMembershipId": member, "roleId": role}
    payload = await publisher.act("assignStaffRole", given, MEMBER)
    assert payload["staffMembership"]["role"]["name"] == "lesend"
    viewer = (await ask(client, "{ viewer { permissions } }", token))["data"]["viewer"]
    assert viewer["permissions"] == ["customer:read"]
    payload = await publisher.act("deactivateStaff", {"staffMembershipId": member}, MEMBER)
    assert payload["staffMembership"]["deactivatedAt"]
    assert codes(await ask(client, "{ viewer { name } }", token)) == ["UNAUTHENTICATED"]
    assert refusals(await person.login(client)) == [("LOGIN_FAILED", "")]
    again = await publisher.act("deactivateStaff", {"staffMembershipId": member})
    assert refusals(again) == [("ALREADY_DEACTIVATED", "staffMembershipId")]
    await publisher.act("reactivateStaff", {"staffMembershipId": member})
    assert codes(await ask(client, "{ viewer { name } }", token)) == ["UNAUTHENTICATED"]
    await person.token(client)
    again = await publisher.act("reactivateStaff", {"staffMembershipId": member})
    assert refusals(again) == [("NOT_DEACTIVATED", "staffMembershipId")]
    actions = [entry["action"] for entry in await publisher.tenant_history()]
    assert [action for action in actions if action != "staff.signed_in"] == [
        "staff.role_assigned",
        "staff.deactivated",
        "staff.reactivated",
    ]


async def test_nobody_gives_or_takes_what_they_may_not_do(
    publisher: Publisher, everything: Everything
) -> None:
    person = await employ(publisher.owner, publisher.tenant_id, role="administrator")
    member = await member_id(person)
    strong = await role_id(publisher, "administrator")
    weak = await role_id(publisher, "lesend", "staff:read")
    token = await publisher.issue_token(Permission.STAFF_WRITE, Permission.STAFF_READ)
    attempts: dict[str, tuple[dict[str, Any], str]] = {
        "inviteStaff": ({"email": "x@example.org", "name": "X", "roleId": strong}, "roleId"),
        "assignStaffRole": ({"staffMembershipId": member, "roleId": weak}, "staffMembershipId"),
        "deactivateStaff": ({"staffMembershipId": member}, "staffMembershipId"),
        "createRole": ({"name": "X", "permissions": ["customer:read"]}, "permissions"),
        "updateRole": ({"roleId": weak, "permissions": ["customer:read"]}, "permissions"),
        "removeRole": ({"roleId": strong}, "roleId"),
    }
    async with everything.unchanged():
        for action, (given, field) in attempts.items():
            payload = await publisher.act(action, given, "", token)
            assert (action, refusals(payload)) == (action, [("PERMISSION_EXCEEDED", field)])


async def test_somebody_stays_who_can_write_to_staff(
    publisher: Publisher, everything: Everything
) -> None:
    one, other = [
        await employ(publisher.owner, publisher.tenant_id, role="administrator") for _ in range(2)
    ]
    administrator = await role_id(publisher, "administrator")
    weak = await role_id(publisher, "lesend", "customer:read")
    await publisher.act("deactivateStaff", {"staffMembershipId": await member_id(other)})
    member = await member_id(one)
    attempts: dict[str, dict[str, Any]] = {
        "deactivateStaff": {"staffMembershipId": member},
        "assignStaffRole": {"staffMembershipId": member, "roleId": weak},
        "updateRole": {"roleId": administrator, "permissions": ["customer:read"]},
    }
    async with everything.unchanged():
        for action, given in attempts.items():
            assert refusals(await publisher.act(action, given)) == [("LAST_ADMINISTRATOR", "")]


async def test_two_administrators_do_not_let_each_other_go_at_once(publisher: Publisher) -> None:
    people = [
        await employ(publisher.owner, publisher.tenant_id, role="administrator") for _ in range(2)
    ]
    members = [await member_id(person) for person in people]
    payloads = await asyncio.gather(
        *(publisher.act("deactivateStaff", {"staffMembershipId": member}) for member in members)
    )
    assert sorted(len(payload["userErrors"]) for payload in payloads) == [0, 1]


async def test_roles_are_made_changed_and_removed(
    publisher: Publisher, everything: Everything
) -> None:
    given: dict[str, Any] = {
        "name": "Kasse",
        "permissions": ["invoice:read", "customer:read", "invoice:read"],
    }
    made = (await publisher.act("createRole", given, ROLE))["role"]
    assert made["permissions"] == ["customer:read", "invoice:read"]
    given = {"roleId": made["id"], "name": "Kontor", "permissions": ["invoice:read"]}
    changed = (await publisher.act("updateRole", given, ROLE))["role"]
    assert changed == {"id": made["id"], "name": "Kontor", "permissions": ["invoice:read"]}
    other = await role_id(publisher, "anders", "customer:read")
    async with everything.unchanged():
        for action, given, refusal in (
            ("createRole", {"name": "Kontor", "permissions": ["x:y"]}, "PERMISSION_UNKNOWN"),
            ("createRole", {"name": "Kontor", "permissions": []}, "REQUIRED"),
            ("createRole", {"name": "Kontor", "permissions": ["invoice:read"]}, "NAME_TAKEN"),
            ("updateRole", {"roleId": other, "name": "Kontor"}, "NAME_TAKEN"),
            ("updateRole", {"roleId": other, "permissions": []}, "REQUIRED"),
            ("updateRole", {"roleId": other, "permissions": None}, "REQUIRED"),
        ):
            payload = await publisher.act(action, given)
            assert [code for code, _ in refusals(payload)] == [refusal]
    removed = await publisher.act("removeRole", {"roleId": made["id"]}, ROLE)
    assert removed == {"role": None, "userErrors": []}
    history = [entry["action"] for entry in await publisher.tenant_history()]
    assert history == ["role.created", "role.updated", "role.removed"]


async def test_a_role_that_somebody_has_is_not_removed(
    publisher: Publisher, everything: Everything
) -> None:
    await employ(publisher.owner, publisher.tenant_id, role="agent")
    held = await role_id(publisher, "agent")
    promised = await role_id(publisher, "lesend", "customer:read")
    await invite(publisher, "neu3@example.org", promised)
    async with everything.unchanged():
        for role in (held, promised):
            assert refusals(await publisher.act("removeRole", {"roleId": role})) == [
                ("ROLE_IN_USE", "roleId")
            ]


async def test_an_invitation_is_taken_back_once(
    publisher: Publisher, client: httpx2.AsyncClient
) -> None:
    role = await role_id(publisher, "lesend", "customer:read")
    given = {"email": "neu4@example.org", "name": "Neu", "roleId": role}
    payload = await publisher.act("inviteStaff", given, INVITED)
    which = {"staffInvitationId": payload["staffInvitation"]["id"]}
    assert (await publisher.act("revokeStaffInvitation", which, "staffInvitation { revokedAt }"))[
        "staffInvitation"
    ]["revokedAt"]
    assert refusals(await publisher.act("revokeStaffInvitation", which)) == [
        ("INVITATION_INVALID", "staffInvitationId")
    ]
    refused = await accept(client, payload["token"], PASSWORD)
    assert [error["code"] for error in refused["userErrors"]] == ["INVITATION_INVALID"]


async def test_an_invitation_takes_the_place_of_those_before(
    publisher: Publisher, client: httpx2.AsyncClient
) -> None:
    strong = await role_id(publisher, "stark", "customer:read", "customer:block")
    weak = await role_id(publisher, "schwach", "customer:read")
    address = f"twice{publisher.tenant_id}@example.org"
    by_mistake = await invite(publisher, address.upper(), strong)
    token = await invite(publisher, address, weak)
    assert refusals(await accept(client, by_mistake, PASSWORD)) == [("INVITATION_INVALID", "token")]
    assert (await accept(client, token, PASSWORD))["tenant"]


@pytest.mark.parametrize("then", ["deactivateStaff", "assignStaffRole"])
async def test_no_old_invitation_gets_around_what_was_decided_since(
    publisher: Publisher, client: httpx2.AsyncClient, then: str
) -> None:
    strong = await role_id(publisher, "stark", "customer:read", "customer:block")
    weak = await role_id(publisher, "schwach", "customer:read")
    person = await employ(publisher.owner, publisher.tenant_id, "auditor")
    address = f"{then}{publisher.tenant_id}@example.org".lower()
    token = await invite(publisher, address, strong)
    # As if they had come in while they were being invited.
    await publisher.owner.execute("UPDATE staff SET email = $2 WHERE id = $1", person.id, address)
    given = {"staffMembershipId": await member_id(person)}
    given |= {"roleId": weak} if then == "assignStaffRole" else {}
    assert refusals(await publisher.act(then, given)) == []
    assert refusals(await accept(client, token, PASSWORD)) == [("INVITATION_INVALID", "token")]


async def test_members_are_not_invited_again(publisher: Publisher, everything: Everything) -> None:
    person = await employ(publisher.owner, publisher.tenant_id)
    role = await role_id(publisher, "lesend", "customer:read")
    async with everything.unchanged():
        given = {"email": person.email.upper(), "name": "Neu", "roleId": role}
        assert refusals(await publisher.act("inviteStaff", given)) == [("ALREADY_MEMBER", "email")]


async def test_another_tenants_staff_and_roles_are_not_found(
    publisher: Publisher, competitor: Publisher, everything: Everything
) -> None:
    person = await employ(publisher.owner, publisher.tenant_id)
    member, role = await member_id(person), await role_id(publisher, "agent")
    own = await role_id(competitor, "lesend", "customer:read")
    async with everything.unchanged():
        for action, given, field in (
            ("deactivateStaff", {"staffMembershipId": member}, "staffMembershipId"),
            ("reactivateStaff", {"staffMembershipId": member}, "staffMembershipId"),
            ("assignStaffRole", {"staffMembershipId": member, "roleId": own}, "staffMembershipId"),
            ("updateRole", {"roleId": role, "name": "X"}, "roleId"),
            ("removeRole", {"roleId": role}, "roleId"),
            ("inviteStaff", {"email": "x@example.org", "name": "X", "roleId": role}, "roleId"),
        ):
            assert refusals(await competitor.act(action, given)) == [("NOT_FOUND", field)]


async def test_all_of_it_needs_the_permission(
    publisher: Publisher, owner: asyncpg.Connection, everything: Everything
) -> None:
    del owner
    token = await publisher.issue_token(*(set(Permission) - {Permission.STAFF_WRITE}))
    member, role = encode_id("StaffMembership", 1), encode_id("Role", 1)
    attempts: dict[str, dict[str, Any]] = {
        "inviteStaff": {"email": "x@example.org", "name": "X", "roleId": role},
        "revokeStaffInvitation": {"staffInvitationId": encode_id("StaffInvitation", 1)},
        "assignStaffRole": {"staffMembershipId": member, "roleId": role},
        "deactivateStaff": {"staffMembershipId": member},
        "reactivateStaff": {"staffMembershipId": member},
        "createRole": {"name": "X", "permissions": ["customer:read"]},
        "updateRole": {"roleId": role, "name": "X"},
        "removeRole": {"roleId": role},
    }
    guarded = {n for n, a in ACTIONS.items() if a.history.startswith(("staff.", "role."))}
    assert {ACTIONS[name].needs for name in guarded} == {Permission.STAFF_WRITE}
    assert guarded == {to_snake_case(name) for name in attempts}
    async with everything.unchanged():
        for action, given in attempts.items():
            assert codes(await publisher.ask_to(action, given, "", token)) == ["FORBIDDEN"]


async def test_who_works_where_else_is_not_told(
    publisher: Publisher, competitor: Publisher
) -> None:
    person = await employ(publisher.owner, publisher.tenant_id)
    await work_for(publisher.owner, person.id, competitor.tenant_id, "lesend", ["customer:read"])
    data = await publisher.data("{ staff { nodes { name email role { name } } } }")
    assert data["staff"]["nodes"] == [
        {"name": "Erika", "email": person.email, "role": {"name": "agent"}}
    ]
