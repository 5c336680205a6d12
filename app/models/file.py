"""Files: what the object store holds for a customer."""

from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import CustomerRecord, at_most, in_account, matches, one_of, personal


class FilePurpose(StrEnum):
    """What a file is for."""

    ATTACHMENT = "ATTACHMENT"
    INVOICE = "INVOICE"
    EXPORT = "EXPORT"


class File(CustomerRecord):
    """An object in the store, and what it must be when it is fetched again.

    Attachments are at most 800 kB, as the product promises.
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
