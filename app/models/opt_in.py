"""Opt-ins: what a customer agreed to, and the proof of it."""

from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    CustomerRecord,
    Key,
    at_most,
    in_account,
    linked_by,
    matches,
    one_of,
    personal,
    tenant_foreign_key,
)


class OptInChannel(StrEnum):
    """By which way a customer may be approached."""

    EMAIL = "EMAIL"
    PHONE = "PHONE"
    POST = "POST"
    MESSENGER = "MESSENGER"


class OptInStatus(StrEnum):
    """What the customer has said."""

    NONE = "NONE"
    SINGLE_OPT_IN = "SINGLE_OPT_IN"
    DOUBLE_OPT_IN = "DOUBLE_OPT_IN"
    OBJECTION = "OBJECTION"
    REVOKED = "REVOKED"


class OptIn(CustomerRecord):
    """The state of one purpose on one channel, as the newest entry of its log says it."""

    __tablename__ = "opt_in"
    __table_args__ = (
        *in_account(),
        UniqueConstraint("tenant_id", "customer_id", "purpose", "channel"),
        matches("purpose", "^[0-9A-Za-z_-]{1,60}$"),
    )

    purpose: Mapped[str]
    channel: Mapped[str] = mapped_column(one_of("channel", OptInChannel))
    status: Mapped[str] = mapped_column(one_of("status", OptInStatus))


class OptInEntry(CustomerRecord):
    """The evidence of one change: who, when, from where, and the full text agreed to.

    An address alone proves nothing, so the declaration itself is kept, with its version and
    its SHA-256.
    """

    __tablename__ = "opt_in_entry"
    __table_args__ = (
        *in_account(),
        tenant_foreign_key("opt_in_id", "opt_in"),
        matches("text_sha256", "^[0-9a-f]{64}$"),
        CheckConstraint(
            "(text IS NULL) = (text_sha256 IS NULL) AND (text IS NULL) = (text_version IS NULL)",
            name="text_complete",
        ),
        at_most("source", 200),
        at_most("text_version", 60),
        linked_by("opt_in_id"),
    )

    opt_in_id: Mapped[Key]
    status: Mapped[str] = mapped_column(one_of("status", OptInStatus))
    source: Mapped[str] = mapped_column(info=personal())
    ip: Mapped[IPv4Address | IPv6Address | None] = mapped_column(INET, info=personal())
    user_agent: Mapped[str | None] = mapped_column(info=personal())
    text: Mapped[str | None]
    text_version: Mapped[str | None]
    text_sha256: Mapped[str | None]
