"""Staff: inviting people to work for the tenant, what they may there, and letting them go."""

from datetime import timedelta

import strawberry
from sqlalchemy import func, select, update

from app.actions.staff_rules import (
    count_administrators,
    expect_own,
    keep_an_administrator,
    lock_roles,
)
from app.auth.permissions import Permission
from app.auth.tokens import INVITATION, hash_token, make_secret
from app.errors import Refused, UserErrorCode
from app.models import AccessToken, Role, Staff, StaffInvitation, StaffMembership
from app.work.action import action
from app.work.inputs import Repeatable, email, identifier, text
from app.work.unit import Work

INVITATION_LASTS = timedelta(days=7)

_MEMBER = (UserErrorCode.NOT_FOUND, UserErrorCode.PERMISSION_EXCEEDED)


@strawberry.input(description="Somebody who is to work for the tenant.")
class InviteStaffInput(Repeatable):
    """Who they are, and what they may then."""

    email: str = email("What they will sign in with.")
    name: str = text("Their name, as records show it.", of=Staff.name)
    role_id: strawberry.ID = identifier("The id of the role that they are to have.")


@strawberry.input(description="An invitation that is to be worth nothing.")
class RevokeStaffInvitationInput:
    """Which invitation."""

    staff_invitation_id: strawberry.ID = identifier("The id of the invitation.")


@strawberry.input(description="A member of staff.")
class StaffMemberInput:
    """Who it is about."""

    staff_membership_id: strawberry.ID = identifier("The id of the member of staff.")


@strawberry.input(description="Another role for a member of staff.")
class AssignStaffRoleInput(StaffMemberInput):
    """Which role."""

    role_id: strawberry.ID = identifier("The id of the role that they are to have.")


@strawberry.input(description="A member of staff who is to go.")
class DeactivateStaffInput(StaffMemberInput):
    """Who."""


@strawberry.input(description="A member of staff who is to come back.")
class ReactivateStaffInput(StaffMemberInput):
    """Who."""


@action(
    history="staff.invited",
    needs=Permission.STAFF_WRITE,
    refuses=(
        UserErrorCode.NOT_FOUND,
        UserErrorCode.PERMISSION_EXCEEDED,
        UserErrorCode.ALREADY_MEMBER,
    ),
    in_account=False,
    diary=False,
    shows={"token": "What the person comes in with, by `acceptStaffInvitation`, within a week."},
)
async def invite_staff(work: Work, input: InviteStaffInput) -> StaffInvitation:
    """Invite somebody to work for the tenant, in place of earlier invitations. Whether they are
    known elsewhere is not told.
    """
    await lock_roles(work)
    role = await work.find(Role, input.role_id, "role_id")
    expect_own(work, role.permissions, "role_id")
    if await _works_here(work, input.email):
        raise Refused(
            UserErrorCode.ALREADY_MEMBER, "They work here, or did and can be reactivated.", "email"
        )
    await _revoke_invitations(work, input.email)
    token = make_secret(INVITATION)
    work.show("token", token)
    return work.add(
        StaffInvitation(
            email=input.email,
            name=input.name,
            role_id=role.id,
            hash=hash_token(token),
            created_at=work.now,
            expires_at=work.now + INVITATION_LASTS,
        )
    )


@action(
    history="staff.invitation_revoked",
    needs=Permission.STAFF_WRITE,
    refuses=(UserErrorCode.NOT_FOUND, UserErrorCode.INVITATION_INVALID),
    in_account=False,
    diary=False,
)
async def revoke_staff_invitation(work: Work, input: RevokeStaffInvitationInput) -> StaffInvitation:
    """Take an invitation back."""
    invitation = await work.lock(StaffInvitation, input.staff_invitation_id, "staff_invitation_id")
    if invitation.accepted_at is not None or invitation.revoked_at is not None:
        raise Refused(
            UserErrorCode.INVITATION_INVALID,
            "The invitation was accepted or revoked already.",
            "staff_invitation_id",
        )
    invitation.revoked_at = work.now
    return invitation


@action(
    history="staff.role_assigned",
    needs=Permission.STAFF_WRITE,
    refuses=(*_MEMBER, UserErrorCode.LAST_ADMINISTRATOR),
    in_account=False,
    diary=False,
)
async def assign_staff_role(work: Work, input: AssignStaffRoleInput) -> StaffMembership:
    """Give a member of staff another role."""
    member = await _locked(work, input)
    role = await work.find(Role, input.role_id, "role_id")
    expect_own(work, role.permissions, "role_id")
    before = await count_administrators(work)
    await _revoke_invitations(work, await _address(work, member))
    member.role_id = role.id
    await keep_an_administrator(work, before)
    return member


@action(
    history="staff.deactivated",
    needs=Permission.STAFF_WRITE,
    refuses=(*_MEMBER, UserErrorCode.LAST_ADMINISTRATOR, UserErrorCode.ALREADY_DEACTIVATED),
    in_account=False,
    diary=False,
)
async def deactivate_staff(work: Work, input: DeactivateStaffInput) -> StaffMembership:
    """Let a member of staff go: their sessions and tokens here end at once."""
    member = await _locked(work, input)
    if member.deactivated_at is not None:
        raise Refused(
            UserErrorCode.ALREADY_DEACTIVATED,
            "They are deactivated already.",
            "staff_membership_id",
        )
    before = await count_administrators(work)
    await _revoke_invitations(work, await _address(work, member))
    member.deactivated_at = work.now
    await work.session.execute(
        update(AccessToken)
        .where(
            AccessToken.tenant_id == work.tenant_id,
            AccessToken.staff_id == member.staff_id,
            AccessToken.revoked_at.is_(None),
        )
        .values(revoked_at=work.now)
        .execution_options(synchronize_session=False)
    )
    await keep_an_administrator(work, before)
    return member


@action(
    history="staff.reactivated",
    needs=Permission.STAFF_WRITE,
    refuses=(*_MEMBER, UserErrorCode.NOT_DEACTIVATED),
    in_account=False,
    diary=False,
)
async def reactivate_staff(work: Work, input: ReactivateStaffInput) -> StaffMembership:
    """Take somebody back who was let go, in the role that they had."""
    member = await _locked(work, input)
    if member.deactivated_at is None:
        raise Refused(
            UserErrorCode.NOT_DEACTIVATED, "They are not deactivated.", "staff_membership_id"
        )
    member.deactivated_at = None
    return member


async def _locked(work: Work, input: StaffMemberInput) -> StaffMembership:
    """A member of staff who may no more than the caller.

    Raises:
        Refused: NOT_FOUND or PERMISSION_EXCEEDED.
    """
    await lock_roles(work)
    member = await work.lock(StaffMembership, input.staff_membership_id, "staff_membership_id")
    role = await work.session.get_one(Role, (work.tenant_id, member.role_id))
    expect_own(work, role.permissions, "staff_membership_id")
    return member


async def _revoke_invitations(work: Work, address: str) -> None:
    """Take back what somebody was invited by before, so that they can't choose the better role, or
    come back by it."""
    pending = await work.rows(
        StaffInvitation,
        func.lower(StaffInvitation.email) == address.lower(),
        StaffInvitation.accepted_at.is_(None),
        StaffInvitation.revoked_at.is_(None),
    )
    for invitation in pending:
        invitation.revoked_at = work.now


async def _address(work: Work, member: StaffMembership) -> str:
    found = await work.session.scalar(select(Staff.email).where(Staff.id == member.staff_id))
    return found or ""


async def _works_here(work: Work, address: str) -> bool:
    """Whether somebody with an e-mail address is a member, deactivated or not."""
    found = await work.session.scalar(
        select(StaffMembership.id)
        .join(Staff, Staff.id == StaffMembership.staff_id)
        .where(StaffMembership.tenant_id == work.tenant_id, Staff.email_key == address.lower())
    )
    return found is not None
