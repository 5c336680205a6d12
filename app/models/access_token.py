"""Access tokens of staff, partners and customers."""

from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from sqlalchemy import ARRAY, CheckConstraint, ForeignKeyConstraint, func
from sqlalchemy.dialects.postgresql import CIDR, INET
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    Key,
    TenantRow,
    at_most,
    linked_by,
    of_tenant,
    one_of,
    personal,
    tenant_foreign_key,
)


class TokenKind(StrEnum):
    """Who a token speaks for."""

    STAFF = "STAFF"
    PARTNER = "PARTNER"
    CUSTOMER = "CUSTOMER"


class SignIn(StrEnum):
    """How a session was opened."""

    PASSWORD = "PASSWORD"  # noqa: S105  This is a way to sign in, no password.
    OIDC = "OIDC"


class AccessToken(TenantRow):
    """A bearer token, kept as its SHA-256: whoever reads the table can't use what it holds.

    A staff token may what its holder's role allows; the others name their permissions themselves.
    A customer's is always a session.
    A staff token ends with the membership that it was made in.

    A token with `signed_in_by` is a session, which also ends after `idle_seconds` without use. One
    with `allowed_networks` works from addresses in these alone. `replaces_id` is the token that a
    partner's new one was made for; both work until the old one's `expires_at`.
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
        CheckConstraint("(kind = 'CUSTOMER') = (customer_id IS NOT NULL)", name="customer_named"),
        CheckConstraint(
            "kind <> 'CUSTOMER' OR signed_in_by IS NOT NULL", name="customer_signed_in"
        ),
        tenant_foreign_key("customer_id", "customer", ondelete="CASCADE"),
        linked_by("customer_id"),
        CheckConstraint("octet_length(hash) = 32", name="hash_length"),
        CheckConstraint(
            "signed_in_by IS NULL OR (expires_at IS NOT NULL AND idle_seconds IS NOT NULL)",
            name="session_ends",
        ),
        CheckConstraint("idle_seconds > 0", name="idle_seconds_range"),
        CheckConstraint("cardinality(allowed_networks) > 0", name="allowed_networks_any"),
        at_most("name", 200),
        at_most("user_agent", 500),
        linked_by("staff_id"),
        linked_by("replaces_id"),
        tenant_foreign_key("replaces_id", "access_token"),
    )

    kind: Mapped[str] = mapped_column(one_of("kind", TokenKind))
    staff_id: Mapped[Key | None]
    customer_id: Mapped[Key | None]
    name: Mapped[str]
    # The application may not read it, so no query asks for it unless told to.
    hash: Mapped[bytes] = mapped_column(unique=True, deferred=True, deferred_raiseload=True)
    permissions: Mapped[list[str]] = mapped_column(server_default="{}")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    signed_in_by: Mapped[str | None] = mapped_column(one_of("signed_in_by", SignIn))
    idle_seconds: Mapped[int | None]
    allowed_networks: Mapped[list[IPv4Network | IPv6Network] | None] = mapped_column(ARRAY(CIDR))
    replaces_id: Mapped[Key | None]
    address: Mapped[IPv4Address | IPv6Address | None] = mapped_column(INET, info=personal())
    last_address: Mapped[IPv4Address | IPv6Address | None] = mapped_column(INET, info=personal())
    user_agent: Mapped[str | None] = mapped_column(info=personal())


class CustomerSession(TenantRow):
    """The same table, as the tab of a customer's sessions reads it."""

    __table__ = AccessToken.__table__
    __mapper_args__ = {"exclude_properties": ["hash"]}  # noqa: RUF012  SQLAlchemy only reads it.
