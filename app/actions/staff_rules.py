"""What holds whoever changes who may do what: nobody gives more than they have, and somebody stays
who can."""

from collections.abc import Collection, Iterable

from sqlalchemy import any_, func, literal, select

from app.auth.permissions import Permission
from app.errors import Refusal, Refused, UserErrorCode
from app.models import Role, StaffMembership
from app.work.inputs import checked_text
from app.work.unit import Work

_LONGEST_PERMISSION = 60


async def lock_roles(work: Work) -> None:
    """Wait for whoever else changes roles or who has them, and let others wait.

    What is decided depends on all of them: two administrators could else each take the other's
    rights.
    """
    roles = select(Role.id).where(Role.tenant_id == work.tenant_id).order_by(Role.id)
    await work.session.execute(roles.with_for_update())


def permission_name(value: str) -> str | None:
    """The name of a permission as it was written, or of one that there is not."""
    return checked_text(value, _LONGEST_PERMISSION)


def known_permissions(names: Iterable[str], *field: str) -> list[str]:
    """Permissions by their names, each once and in order.

    Raises:
        Refused: PERMISSION_UNKNOWN, or REQUIRED where there is none.
    """
    wanted = sorted(set(names))
    refusals = [
        Refusal(UserErrorCode.PERMISSION_UNKNOWN, f"There is no permission `{name}`.", field)
        for name in wanted
        if name not in {*Permission}
    ]
    if refusals:
        raise Refused.because(refusals)
    if not wanted:
        raise Refused(UserErrorCode.REQUIRED, "At least one permission is needed.", *field)
    return wanted


def expect_own(work: Work, permissions: Collection[str], *field: str) -> None:
    """See that the caller may do themselves what they are about to give or take.

    Raises:
        Refused: PERMISSION_EXCEEDED.
    """
    beyond = sorted(set(permissions) - work.principal.permissions)
    if beyond:
        raise Refused(
            UserErrorCode.PERMISSION_EXCEEDED,
            f"You lack permissions that this is about: {', '.join(beyond[:10])}.",
            *field,
        )


async def count_administrators(work: Work) -> int:
    """How many members of staff can write to staff."""
    found = await work.session.scalar(
        select(func.count(StaffMembership.id))
        .select_from(StaffMembership)
        .join(
            Role,
            (Role.tenant_id == StaffMembership.tenant_id) & (Role.id == StaffMembership.role_id),
        )
        .where(
            StaffMembership.tenant_id == work.tenant_id,
            StaffMembership.deactivated_at.is_(None),
            literal(Permission.STAFF_WRITE.value) == any_(Role.permissions),
        )
    )
    return found or 0


async def keep_an_administrator(work: Work, before: int) -> None:
    """See that somebody is left who can write to staff, where there was somebody.

    Raises:
        Refused: LAST_ADMINISTRATOR.
    """
    await work.flush()
    if before and not await count_administrators(work):
        raise Refused(
            UserErrorCode.LAST_ADMINISTRATOR,
            f"Nobody would be left with the permission `{Permission.STAFF_WRITE.value}`.",
        )
