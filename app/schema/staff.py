"""Who works for the tenant, in which roles, and which tokens there are."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Text, cast, select

from app.auth.permissions import Permission
from app.models import AccessToken as AccessTokenModel
from app.models import Role as RoleModel
from app.models import Staff
from app.models import StaffInvitation as StaffInvitationModel
from app.models import StaffMembership as StaffMembershipModel
from app.resolvers.fields import column, expression, one
from app.resolvers.reads import Columns
from app.schema.node import Node, record
from app.schema.viewer import PrincipalKind


def _of_staff(name: str) -> Any:
    """A column of the person whom a row names."""
    staff = Staff.__table__.alias("person")

    def sql(t: Columns) -> ColumnElement[Any]:
        return select(staff.c[name]).where(staff.c.id == t.staff_id).scalar_subquery()

    return sql


@record(
    RoleModel,
    needs=Permission.STAFF_READ,
    description="A named set of permissions that members of staff have.",
    order="name",
)
class Role(Node):
    """What somebody may."""

    name: str = column("Its name.", where=True, order=True)
    permissions: list[str] = column("What it allows, as `resource:verb`.")
    created_at: datetime = column("When it was made.", order=True)


@record(
    StaffMembershipModel,
    needs=Permission.STAFF_READ,
    description="A person who works for the tenant, or did.",
)
class StaffMembership(Node):
    """Somebody's place here; they may work for other tenants as well."""

    name: str | None = expression(_of_staff("name"), "Their name.")
    email: str | None = expression(_of_staff("email"), "What they sign in with.")
    two_factor_since: datetime | None = expression(
        _of_staff("two_factor_since"), "Since when they have a second factor."
    )
    role: Role = one("role_id", "What they may here.")
    created_at: datetime = column("Since when they work here.", where=True, order=True)
    deactivated_at: datetime | None = column("Until when they did.", where=True, order=True)


@record(
    StaffInvitationModel,
    needs=Permission.STAFF_READ,
    description="An invitation to work for the tenant.",
)
class StaffInvitation(Node):
    """Somebody who may come."""

    email: str = column("The address that it was made for.", where=True)
    name: str = column("Their name.")
    role: Role = one("role_id", "What they may once they have come.")
    created_at: datetime = column("When they were invited.", order=True)
    expires_at: datetime = column("Until when they can come.")
    accepted_at: datetime | None = column("When they came.", where=True)
    revoked_at: datetime | None = column("When it was taken back.", where=True)


@record(
    AccessTokenModel,
    needs=Permission.TOKEN_READ,
    description="What a program, or a person, identifies itself with.",
)
class AccessToken(Node):
    """A token; the token itself was shown once, and is not kept."""

    kind: PrincipalKind = column("Whose it is.", where=True)
    name: str = column("What it is for.", where=True, order=True)
    holder: str | None = expression(_of_staff("name"), "The member of staff whose it is.")
    permissions: list[str] = column(
        "What a partner's token may; a person's may what their role allows."
    )
    allowed_networks: list[str] | None = expression(
        lambda t: cast(t.allowed_networks, ARRAY(Text)),
        "The networks that it works from; null for anywhere.",
    )
    created_at: datetime = column("When it was made.", where=True, order=True)
    expires_at: datetime | None = column("When it ends.", where=True, order=True)
    revoked_at: datetime | None = column("When it was ended.", where=True, order=True)
    last_used_at: datetime | None = column(
        "When it was last used, give or take half a minute.", where=True, order=True
    )
    last_address: str | None = expression(
        lambda t: cast(t.last_address, Text), "The address that it was last used from."
    )
    replaces: "AccessToken | None" = one("replaces_id", "The token that it was made in place of.")
