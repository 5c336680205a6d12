"""Bank accounts and the SEPA mandates on them."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Computed, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    CustomerRecord,
    Versioned,
    at_most,
    encrypted,
    in_account,
    matches,
    one_of,
    personal,
)


class MandateState(StrEnum):
    """Whether a mandate can be used.

    A mandate lapses by itself after 36 months without a debit. That follows from its dates when
    it is read, so one that is ACTIVE in the table may have lapsed; `app.domain.mandates` says when.
    """

    ACTIVE = "ACTIVE"
    REVOKED = "REVOKED"
    LAPSED = "LAPSED"


class BankAccount(Versioned, CustomerRecord):
    """A bank account that SEPA direct debits may be drawn from.

    The IBAN is kept three times: encrypted, as a keyed hash that finds it, and masked for those
    who may not see all of it. All three are null once the customer is anonymised.

    A removed account keeps its row, because the mandate is what proves that debits were allowed;
    no list and no search shows it. Whoever presents a debit sets `mandate_last_used_on`.

    A mandate is `doubled` that was on the same IBAN as another one when their holders were found
    to be one customer. Both go on, since contracts and debits name them.
    """

    __tablename__ = "bank_account"
    __table_args__ = (
        *in_account(ondelete="CASCADE"),
        Index(
            "uq_bank_account_iban",
            "tenant_id",
            "customer_id",
            "iban_hash",
            unique=True,
            postgresql_where="mandate_state = 'ACTIVE' AND NOT doubled",
        ),
        Index("uq_bank_account_mandate", "tenant_id", "mandate_reference_key", unique=True),
        Index(
            "uq_bank_account_preferred",
            "tenant_id",
            "customer_id",
            unique=True,
            postgresql_where="preferred",
        ),
        CheckConstraint("octet_length(iban_hash) = 32", name="iban_hash_length"),
        CheckConstraint(
            "mandate_revoked_at IS NULL OR mandate_state = 'REVOKED'", name="mandate_revoked"
        ),
        CheckConstraint(
            "removed_at IS NULL OR (mandate_state <> 'ACTIVE' AND NOT preferred)", name="removed"
        ),
        CheckConstraint(
            "(iban IS NULL) = (iban_hash IS NULL) AND (iban IS NULL) = (iban_masked IS NULL)",
            name="iban_complete",
        ),
        matches("bic", "^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$"),
        matches("mandate_reference", "^[A-Za-z0-9+?/:().,'' -]{1,35}$"),
        at_most("owner", 200),
        at_most("bank_name", 200),
    )

    owner: Mapped[str] = mapped_column(info=personal())
    iban: Mapped[bytes | None] = mapped_column(info=encrypted())
    iban_hash: Mapped[bytes | None] = mapped_column(info=personal())
    iban_masked: Mapped[str | None] = mapped_column(info=personal())
    bic: Mapped[str | None] = mapped_column(info=personal())
    bank_name: Mapped[str | None] = mapped_column(info=personal())
    mandate_reference: Mapped[str] = mapped_column(info=personal())
    mandate_reference_key: Mapped[str] = mapped_column(
        Computed("upper(replace(mandate_reference, ' ', ''))", persisted=True), info=personal()
    )
    mandate_signed_on: Mapped[date] = mapped_column(info=personal())
    mandate_state: Mapped[str] = mapped_column(
        one_of("mandate_state", MandateState), server_default=MandateState.ACTIVE.value
    )
    mandate_last_used_on: Mapped[date | None] = mapped_column(info=personal())
    mandate_revoked_at: Mapped[datetime | None]
    preferred: Mapped[bool] = mapped_column(server_default="false")
    doubled: Mapped[bool] = mapped_column(server_default="false")
    removed_at: Mapped[datetime | None]
