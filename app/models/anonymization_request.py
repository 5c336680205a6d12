"""Requests to anonymise customers, where a second agent has to agree."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import ActorKind, Base, Key, one_of, tenant_foreign_key


class AnonymizationRequest(Base):
    """That somebody wants a customer anonymised, and how; the row goes with what comes of it."""

    __tablename__ = "anonymization_request"
    __table_args__ = (tenant_foreign_key("customer_id", "customer", ondelete="CASCADE"),)

    tenant_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    requested_at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_kind: Mapped[str] = mapped_column(one_of("actor_kind", ActorKind))
    actor_id: Mapped[Key | None]
    end_subscriptions: Mapped[bool]
    accept_open_payments: Mapped[bool]
