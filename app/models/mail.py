"""Mails to customers."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint
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


class MailStatus(StrEnum):
    """What became of a mail; SUPPRESSED ones were never to be sent."""

    QUEUED = "QUEUED"
    SENT = "SENT"
    FAILED = "FAILED"
    SUPPRESSED = "SUPPRESSED"


class Mail(CustomerRecord):
    """A mail, and what it was about."""

    __tablename__ = "mail"
    __table_args__ = (
        *in_account(ondelete="CASCADE"),
        tenant_foreign_key("order_id", "customer_order"),
        tenant_foreign_key("subscription_id", "subscription"),
        tenant_foreign_key("invoice_id", "invoice"),
        CheckConstraint("(status = 'SENT') = (sent_at IS NOT NULL)", name="sent"),
        CheckConstraint("(status = 'FAILED') = (error IS NOT NULL)", name="failed"),
        matches("template", "^[0-9A-Za-z_-]{1,60}$"),
        at_most("recipient", 254),
        at_most("subject", 500),
        at_most("error", 1000),
        linked_by("order_id"),
        linked_by("subscription_id"),
        linked_by("invoice_id"),
    )

    template: Mapped[str]
    recipient: Mapped[str] = mapped_column(info=personal())
    subject: Mapped[str] = mapped_column(info=personal())
    body: Mapped[str | None] = mapped_column(info=personal())
    status: Mapped[str] = mapped_column(one_of("status", MailStatus))
    sent_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(info=personal())
    order_id: Mapped[Key | None]
    subscription_id: Mapped[Key | None]
    invoice_id: Mapped[Key | None]
