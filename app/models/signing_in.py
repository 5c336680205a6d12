"""What people sign in by, beside their password, and what slows down guessing.

Of the tables about staff the application's role reads and writes none but the invitations:
functions of the owner's do, each of them one step of signing in. Customers belong to a tenant, and
so do the tables about them.
"""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, func
from sqlalchemy.dialects.postgresql import BYTEA
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


class StaffRecoveryCode(Base):
    """A code that stands in for the second factor once, kept as a keyed hash."""

    __tablename__ = "staff_recovery_code"

    staff_id: Mapped[Key] = mapped_column(staff_foreign_key(ondelete="CASCADE"), primary_key=True)
    hash: Mapped[bytes] = mapped_column(primary_key=True, info=secret())
    used_at: Mapped[datetime | None]


class StaffDevice(Base):
    """A browser or program that somebody has signed in with, by the hash of a token it keeps.

    Guessing from elsewhere does not slow it down.
    """

    __tablename__ = "staff_device"

    staff_id: Mapped[Key] = mapped_column(staff_foreign_key(ondelete="CASCADE"), primary_key=True)
    hash: Mapped[bytes] = mapped_column(primary_key=True, info=secret())
    last_used_at: Mapped[datetime] = mapped_column(server_default=func.now())


class StaffIdentity(Base):
    """Whom an OpenID Connect provider means by a subject."""

    __tablename__ = "staff_identity"
    __table_args__ = (at_most("issuer", 500), at_most("subject", 255), Index(None, "staff_id"))

    issuer: Mapped[str] = mapped_column(primary_key=True, info=personal())
    subject: Mapped[str] = mapped_column(primary_key=True, info=personal())
    staff_id: Mapped[Key] = mapped_column(staff_foreign_key(ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class StaffInvitation(TenantRow):
    """That somebody may come to work for a tenant, by a token that only they were given."""

    __tablename__ = "staff_invitation"
    __table_args__ = (
        of_tenant(),
        tenant_foreign_key("role_id", "role"),
        at_most("email", 254),
        at_most("name", 200),
        CheckConstraint("octet_length(hash) = 32", name="hash_length"),
        Index(None, "tenant_id", "role_id"),
    )

    email: Mapped[str] = mapped_column(info=personal())
    name: Mapped[str] = mapped_column(info=personal())
    role_id: Mapped[Key]
    # The application may not read it, so no query asks for it unless told to.
    hash: Mapped[bytes] = mapped_column(
        unique=True, info=secret(), deferred=True, deferred_raiseload=True
    )
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class _OfCustomer(Base):
    """A row of a customer's that goes with them."""

    __abstract__ = True

    tenant_id: Mapped[int] = mapped_column(
        Integer, primary_key=True, autoincrement=False, sort_order=-3
    )
    customer_id: Mapped[Key] = mapped_column(primary_key=True, sort_order=-2)


class CustomerSignIn(_OfCustomer):
    """What changes as a customer signs in, apart from their record, whose version it is not.

    `totp_pending` waits for its first code; `totp_step` is the last one used. Where there is a
    `one_time_until`, the customer's password is a one-time password, of which that is the end.
    """

    __tablename__ = "customer_sign_in"
    __table_args__ = (tenant_foreign_key("customer_id", "customer", ondelete="CASCADE"),)

    totp_pending: Mapped[bytes | None] = mapped_column(info=encrypted())
    totp_step: Mapped[int | None] = mapped_column(BigInteger)
    one_time_until: Mapped[datetime | None]
    one_time_failures: Mapped[int] = mapped_column(Integer, server_default="0")


class CustomerRecoveryCode(_OfCustomer):
    """A code that stands in for a customer's second factor once, kept as a keyed hash."""

    __tablename__ = "customer_recovery_code"
    __table_args__ = (tenant_foreign_key("customer_id", "customer", ondelete="CASCADE"),)

    hash: Mapped[bytes] = mapped_column(primary_key=True, info=secret())
    used_at: Mapped[datetime | None]


class CustomerDevice(_OfCustomer):
    """A browser that a customer has signed in with, by the hash of a token it keeps."""

    __tablename__ = "customer_device"
    __table_args__ = (tenant_foreign_key("customer_id", "customer", ondelete="CASCADE"),)

    hash: Mapped[bytes] = mapped_column(primary_key=True, info=secret())
    last_used_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Throttle(Base):
    """How often something was tried, and until when it can't be tried again.

    The key is a keyed hash of who tries what. The table is unlogged: after a crash of the database
    everybody begins anew.
    """

    __tablename__ = "throttle"
    __table_args__ = (
        Index(None, "last_at"),
        CheckConstraint("octet_length(key) = 32", name="key_length"),
        {"prefixes": ["UNLOGGED"]},
    )

    key: Mapped[bytes] = mapped_column(BYTEA, primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
    last_at: Mapped[datetime]
    until: Mapped[datetime]
