"""Access tokens of staff and partners."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Key, TenantRow, at_most, linked_by, of_tenant, one_of


class TokenKind(StrEnum):
    """Who a token speaks for."""

    STAFF = "STAFF"
    PARTNER = "PARTNER"


class AccessToken(TenantRow):
    """A bearer token, kept as its SHA-256: whoever reads the table can't use what it holds.

    A staff token may what its holder's role allows; a partner's names its permissions itself.
    A staff token ends with the membership that it was made in.
    """

    __tablename__ = "access_token"
    __table_args__ = (
        of_tenant(),
        ForeignKeyConstraint(
            ["tenant_id", "staff_id"],
            ["staff_membership.tenant_id", "staff_membership.staff_id"],
            ondelete="CASCADE",
        ),
        CheckConstraint("(kind = 'STAFF') = (staff_id IS NOT NULL)", name="staff_named"),
        CheckConstraint("octet_length(hash) = 32", name="hash_length"),
        at_most("name", 200),
        linked_by("staff_id"),
    )

    kind: Mapped[str] = mapped_column(one_of("kind", TokenKind))
    staff_id: Mapped[Key | None]
    name: Mapped[str]
    hash: Mapped[bytes] = mapped_column(unique=True)
    permissions: Mapped[list[str]] = mapped_column(server_default="{}")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
