"""Roles: named sets of permissions that members of staff have."""

import strawberry
from strawberry import UNSET

from app.actions.staff_rules import (
    count_administrators,
    expect_own,
    keep_an_administrator,
    known_permissions,
    lock_roles,
    permission_name,
)
from app.auth.permissions import Permission
from app.errors import Refusal, UserErrorCode
from app.models import Role
from app.work.action import action
from app.work.inputs import Repeatable, given, identifier, text
from app.work.unit import Work

_NAME_TAKEN = {
    "uq_role_tenant_id_name": Refusal(
        UserErrorCode.NAME_TAKEN, "There is another role of this name.", ("name",)
    )
}
_IN_USE = {
    constraint: Refusal(
        UserErrorCode.ROLE_IN_USE, "Members of staff or invitations have this role.", ("role_id",)
    )
    for constraint in (
        "fk_staff_membership_tenant_id_role_id",
        "fk_staff_invitation_tenant_id_role_id",
    )
}


@strawberry.input(description="A new role.")
class CreateRoleInput(Repeatable):
    """Its name, and what it allows."""

    name: str = text("Its name, unique in the tenant.", of=Role.name)
    permissions: list[str] = given(
        "What it allows, as `customer:read`; none that you lack.", check=permission_name
    )


@strawberry.input(description="What to change of a role: what is left out stays as it is.")
class UpdateRoleInput:
    """Which role, and what to change."""

    role_id: strawberry.ID = identifier("The id of the role.")
    name: str | None = text("Its name.", of=Role.name, default=UNSET)
    permissions: list[str] | None = given(
        "What it is to allow from now on.", check=permission_name, default=UNSET
    )


@strawberry.input(description="A role to remove.")
class RemoveRoleInput:
    """Which role."""

    role_id: strawberry.ID = identifier("The id of the role.")


@action(
    history="role.created",
    needs=Permission.STAFF_WRITE,
    refuses=(UserErrorCode.PERMISSION_UNKNOWN, UserErrorCode.PERMISSION_EXCEEDED),
    conflicts=_NAME_TAKEN,
    in_account=False,
    diary=False,
)
async def create_role(work: Work, input: CreateRoleInput) -> Role:
    """Create a role."""
    permissions = known_permissions(input.permissions, "permissions")
    expect_own(work, permissions, "permissions")
    return work.add(Role(name=input.name, permissions=permissions))


@action(
    history="role.updated",
    needs=Permission.STAFF_WRITE,
    refuses=(
        UserErrorCode.NOT_FOUND,
        UserErrorCode.PERMISSION_UNKNOWN,
        UserErrorCode.PERMISSION_EXCEEDED,
        UserErrorCode.LAST_ADMINISTRATOR,
    ),
    conflicts=_NAME_TAKEN,
    in_account=False,
    diary=False,
)
async def update_role(work: Work, input: UpdateRoleInput) -> Role:
    """Change a role. Whoever has it may what it allows from their next request on."""
    await lock_roles(work)
    role = await work.lock(Role, input.role_id, "role_id")
    expect_own(work, role.permissions, "role_id")
    before = await count_administrators(work)
    if input.permissions:
        permissions = known_permissions(input.permissions, "permissions")
        expect_own(work, permissions, "permissions")
        role.permissions = permissions
    elif input.permissions is not UNSET:
        known_permissions((), "permissions")
    role.name = input.name or role.name
    await keep_an_administrator(work, before)
    return role


@action(
    history="role.removed",
    needs=Permission.STAFF_WRITE,
    refuses=(UserErrorCode.NOT_FOUND, UserErrorCode.PERMISSION_EXCEEDED),
    conflicts=_IN_USE,
    in_account=False,
    diary=False,
)
async def remove_role(work: Work, input: RemoveRoleInput) -> Role:
    """Remove a role that nobody has. The payload's `role` is null, since it is gone."""
    await lock_roles(work)
    role = await work.lock(Role, input.role_id, "role_id")
    expect_own(work, role.permissions, "role_id")
    await work.remove(role)
    return role
