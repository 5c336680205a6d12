"""Opt-ins: what a customer agreed to, and the proof of it."""

from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from types import MappingProxyType

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    CustomerRecord,
    Key,
    Record,
    at_most,
    in_account,
    linked_by,
    matches,
    of_tenant,
    one_of,
    personal,
    tenant_foreign_key,
)

PURPOSE = "^[0-9A-Za-z_-]{1,60}$"
"""What the key of a purpose looks like."""


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


YEARS_OF_PROOF = {OptInChannel.PHONE: 5}
"""How many years the proof of a consent is kept after it was given and after each use of it.

§ 7a (2) UWG asks for five years where consumers are called, whatever becomes of the consent or of
the customer's data meanwhile. For other channels the law names no term of its own.
"""


CONSENTS = frozenset({OptInStatus.SINGLE_OPT_IN, OptInStatus.DOUBLE_OPT_IN})
"""What allows to approach somebody."""

CONSENTED_FOR = MappingProxyType(
    {
        OptInChannel.EMAIL: "email",
        OptInChannel.PHONE: "phone",
        OptInChannel.MESSENGER: "phone",
    }
)
"""The customer's column with the address that a consent is given for, and for no other one."""


class OptInText(Record):
    """A declaration word for word, as customers are shown it, in one version for good.

    The Federal Court of Justice wants the whole declaration stored and at hand to be printed
    (BGH, 10.02.2011, I ZR 164/09). It is kept here once; entries name it and repeat its hash. A
    changed wording, or one in another language, is another version.
    """

    __tablename__ = "opt_in_text"
    __table_args__ = (
        of_tenant(),
        UniqueConstraint("tenant_id", "purpose", "channel", "version"),
        matches("purpose", PURPOSE),
        matches("sha256", "^[0-9a-f]{64}$"),
        CheckConstraint("version <> ''", name="version_filled"),
        at_most("version", 60),
        at_most("text", 20_000),
    )

    purpose: Mapped[str]
    channel: Mapped[str] = mapped_column(one_of("channel", OptInChannel))
    version: Mapped[str]
    text: Mapped[str]
    sha256: Mapped[str]


class OptIn(CustomerRecord):
    """The state of one purpose on one channel, as the newest entry of its log says it.

    Triggers keep `status` so: whatever is written to it, the log decides.
    """

    __tablename__ = "opt_in"
    __table_args__ = (
        *in_account(),
        UniqueConstraint("tenant_id", "customer_id", "purpose", "channel"),
        matches("purpose", PURPOSE),
    )

    purpose: Mapped[str]
    channel: Mapped[str] = mapped_column(one_of("channel", OptInChannel))
    status: Mapped[str] = mapped_column(one_of("status", OptInStatus))


class OptInEntry(CustomerRecord):
    """The evidence of one change: who, when, from where, and the text agreed to.

    `created_at` is when it was written down, `declared_at` when the customer said it, where that
    was earlier. The first of a double opt-in can be confirmed until `confirm_until`; the second
    names it in `confirms_id`. A double opt-in that is said once more, since customers were merged,
    names the one that it repeats.
    """

    __tablename__ = "opt_in_entry"
    __table_args__ = (
        *in_account(),
        tenant_foreign_key("opt_in_id", "opt_in"),
        tenant_foreign_key("opt_in_text_id", "opt_in_text"),
        tenant_foreign_key("confirms_id", "opt_in_entry"),
        UniqueConstraint("tenant_id", "confirms_id"),
        matches("text_sha256", "^[0-9a-f]{64}$"),
        CheckConstraint("(opt_in_text_id IS NULL) = (text_sha256 IS NULL)", name="text_complete"),
        CheckConstraint("declared_at <= created_at", name="declared_before"),
        CheckConstraint(
            "confirms_id IS NULL OR status = 'DOUBLE_OPT_IN'", name="confirms_by_double_opt_in"
        ),
        CheckConstraint(
            "confirm_until IS NULL OR status = 'SINGLE_OPT_IN'", name="confirmed_when_single"
        ),
        at_most("source", 200),
        at_most("user_agent", 1000),
        linked_by("opt_in_id"),
        linked_by("opt_in_text_id"),
    )

    opt_in_id: Mapped[Key]
    status: Mapped[str] = mapped_column(one_of("status", OptInStatus))
    declared_at: Mapped[datetime | None]
    source: Mapped[str] = mapped_column(info=personal())
    ip: Mapped[IPv4Address | IPv6Address | None] = mapped_column(INET, info=personal())
    user_agent: Mapped[str | None] = mapped_column(info=personal())
    opt_in_text_id: Mapped[Key | None]
    text_sha256: Mapped[str | None]
    confirm_until: Mapped[datetime | None]
    confirms_id: Mapped[Key | None]
