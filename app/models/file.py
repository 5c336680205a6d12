"""Files: what the object store holds for a customer."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    CustomerRecord,
    TenantRow,
    at_most,
    in_account,
    matches,
    of_tenant,
    one_of,
    personal,
)

_THUMBNAIL = ".thumbnail"


class FilePurpose(StrEnum):
    """What a file is for."""

    ATTACHMENT = "ATTACHMENT"
    INVOICE = "INVOICE"
    EXPORT = "EXPORT"


class File(CustomerRecord):
    """An object in the store, and what it must be when it is fetched again.

    Attachments are at most 800 kB, as the product promises. When the row is deleted, a trigger
    makes the object an `UnclaimedFile`.
    """

    __tablename__ = "file"
    __table_args__ = (
        *in_account(),
        UniqueConstraint("tenant_id", "key"),
        CheckConstraint("size_bytes >= 0", name="size_positive"),
        CheckConstraint("purpose <> 'ATTACHMENT' OR size_bytes <= 800000", name="attachment_size"),
        matches("sha256", "^[0-9a-f]{64}$"),
        at_most("name", 255),
        at_most("key", 1024),
    )

    purpose: Mapped[str] = mapped_column(one_of("purpose", FilePurpose))
    key: Mapped[str]
    name: Mapped[str] = mapped_column(info=personal())
    content_type: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    has_thumbnail: Mapped[bool] = mapped_column(server_default="false")
    """Whether a small picture lies beside it, under `thumbnail_key`."""


class UnclaimedFile(TenantRow):
    """An object that may be in the store and that no row names: not yet, or no more.

    It is written before the object is stored, and deleted by the transaction that writes the row
    which names it. A sweep removes the object of one that has expired, having marked it `doomed`
    first, so that no transaction can lay claim to it any more. The thumbnail goes with it.
    """

    __tablename__ = "unclaimed_file"
    __table_args__ = (
        of_tenant(),
        UniqueConstraint("tenant_id", "key"),
        Index(None, "expires_at"),
        at_most("key", 1024),
    )

    key: Mapped[str]
    expires_at: Mapped[datetime]
    doomed: Mapped[bool] = mapped_column(server_default="false")


def thumbnail_key(key: str) -> str:
    """Where the small picture of a file lies, if it has one."""
    return f"{key}{_THUMBNAIL}"


def file_key(key: str) -> str:
    """The file that an object belongs to: itself, or the one that it is the picture of."""
    return key.removesuffix(_THUMBNAIL)
