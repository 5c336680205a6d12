"""SEPA batches: debits that were handed to the bank together, and the file that says so."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Record, amount, at_most, linked_by, matches, of_tenant


class SepaBatch(Record):
    """A collection of debits, as it was given to the bank; it is never changed.

    Its debits name it. Those of them without an end-to-end id were left out, and say why. The
    file (pain.008) is an object in the store, under a random key; there is none where all were
    left out, and none any more once its time as one of the tenant's books is over: it holds IBANs
    and names.
    """

    __tablename__ = "sepa_batch"
    __table_args__ = (
        of_tenant(),
        UniqueConstraint("tenant_id", "number"),
        CheckConstraint("debit_count >= 0", name="debit_count_positive"),
        CheckConstraint("total >= 0", name="total_positive"),
        CheckConstraint("currency = 'EUR'", name="currency_sepa"),
        CheckConstraint(
            "(debit_count > 0 OR file_key IS NULL) AND (file_key IS NULL) = (size_bytes IS NULL)"
            " AND (file_key IS NULL) = (sha256 IS NULL)",
            name="file_complete",
        ),
        matches("sha256", "^[0-9a-f]{64}$"),
        at_most("number", 15),
        at_most("file_key", 1024),
        linked_by("file_key"),
    )

    number: Mapped[str]
    collected_until: Mapped[date]
    debit_count: Mapped[int] = mapped_column(Integer)
    total: Mapped[Decimal] = mapped_column(amount())
    currency: Mapped[str] = mapped_column(server_default="EUR")
    file_key: Mapped[str | None]
    size_bytes: Mapped[int | None] = mapped_column(Integer)
    sha256: Mapped[str | None]
