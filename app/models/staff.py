"""Staff: people who work for one or more tenants, and the roles they have there."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    Identity,
    Index,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    Base,
    Key,
    TenantRow,
    at_most,
    encrypted,
    of_tenant,
    personal,
    secret,
    staff_foreign_key,
    tenant_foreign_key,
)


class Staff(Base):
    """A person who logs in with e-mail and password; a tenant sees only its own members.

    `email_key` is what is unique and looked for. It is a column and not an index on lower(),
    because lower() is not leakproof and row-level security would keep such an index unused.

    `totp_pending` is a secret whose first code nobody has shown yet, and `totp_step` the last step
    of which a code was used: no code of it or of one before is taken again. Where there is a
    `one_time_until`, the password is one that an operator gave them, of which that is the end.
    """

    __tablename__ = "staff"
    __table_args__ = (
        at_most("email", 254),
        at_most("name", 200),
        CheckConstraint(
            "(totp_secret IS NULL) = (two_factor_since IS NULL)", name="two_factor_complete"
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    email: Mapped[str] = mapped_column(info=personal())
    email_key: Mapped[str] = mapped_column(
        Computed("lower(email)", persisted=True), unique=True, info=personal()
    )
    name: Mapped[str] = mapped_column(info=personal())
    password_hash: Mapped[str | None] = mapped_column(info=secret())
    totp_secret: Mapped[bytes | None] = mapped_column(info=encrypted())
    totp_pending: Mapped[bytes | None] = mapped_column(info=encrypted())
    totp_step: Mapped[int | None] = mapped_column(BigInteger)
    two_factor_since: Mapped[datetime | None]
    one_time_until: Mapped[datetime | None]
    deactivated_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Role(TenantRow):
    """A named set of permissions; every tenant begins with the ones in `app.auth.roles`."""

    __tablename__ = "role"
    __table_args__ = (of_tenant(), UniqueConstraint("tenant_id", "name"), at_most("name", 60))

    name: Mapped[str]
    permissions: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class StaffMembership(TenantRow):
    """That a person works for a tenant, in a role, until they are deactivated there."""

    __tablename__ = "staff_membership"
    __table_args__ = (
        of_tenant(),
        tenant_foreign_key("role_id", "role"),
        UniqueConstraint("tenant_id", "staff_id"),
        Index(None, "staff_id"),
    )

    staff_id: Mapped[Key] = mapped_column(staff_foreign_key(ondelete="CASCADE"))
    role_id: Mapped[Key]
    deactivated_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
