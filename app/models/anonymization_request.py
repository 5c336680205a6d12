"""Requests to anonymise customers, where a second agent has to agree."""

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from app.models.base import CustomerRecord, in_account


class AnonymizationRequest(CustomerRecord):
    """That somebody wants a customer anonymised, and how; the row goes with what comes of it."""

    __tablename__ = "anonymization_request"
    __table_args__ = (
        *in_account(ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "customer_id"),
    )

    end_subscriptions: Mapped[bool]
    accept_open_payments: Mapped[bool]
