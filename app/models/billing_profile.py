"""How a tenant bills, and what its documents say of it."""

from sqlalchemy import CheckConstraint, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Record, Versioned, at_most, matches, of_tenant


class BillingProfile(Versioned, Record):
    """The letterhead of a tenant, the account that it is paid to, and its terms of payment.

    A tenant has one. What an invoice says of its seller is a copy, taken when it was issued.
    `creditor_id` is the SEPA creditor identifier (AT-02 of the EPC's rulebook), without which no
    debit can be drawn.
    """

    __tablename__ = "billing_profile"
    __table_args__ = (
        of_tenant(),
        UniqueConstraint("tenant_id"),
        matches("country", "^[A-Z]{2}$"),
        matches("bic", "^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$"),
        matches("creditor_id", "^[A-Z]{2}[0-9]{2}[A-Z0-9]{3}[A-Z0-9]{1,28}$"),
        matches("invoice_prefix", "^[0-9A-Za-z/-]{0,20}$"),
        CheckConstraint("payment_days BETWEEN 0 AND 365", name="payment_days_range"),
        CheckConstraint(
            "pre_notification_days BETWEEN 1 AND 60", name="pre_notification_days_range"
        ),
        at_most("legal_name", 200),
        at_most("street", 200),
        at_most("house_number", 30),
        at_most("postal_code", 20),
        at_most("city", 200),
        at_most("vat_number", 30),
        at_most("tax_number", 30),
        at_most("register_court", 200),
        at_most("register_number", 60),
        at_most("managing_directors", 500),
        at_most("email", 254),
        at_most("phone", 60),
        at_most("website", 500),
        at_most("bank_name", 200),
        at_most("iban", 34),
        at_most("footer", 1000),
    )

    legal_name: Mapped[str]
    street: Mapped[str | None]
    house_number: Mapped[str | None]
    postal_code: Mapped[str | None]
    city: Mapped[str | None]
    country: Mapped[str]
    vat_number: Mapped[str | None]
    tax_number: Mapped[str | None]
    register_court: Mapped[str | None]
    register_number: Mapped[str | None]
    managing_directors: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    website: Mapped[str | None]
    bank_name: Mapped[str | None]
    iban: Mapped[str | None]
    bic: Mapped[str | None]
    creditor_id: Mapped[str | None]
    footer: Mapped[str | None]
    invoice_prefix: Mapped[str] = mapped_column(server_default="RE-")
    payment_days: Mapped[int] = mapped_column(Integer, server_default="14")
    pre_notification_days: Mapped[int] = mapped_column(Integer, server_default="14")
