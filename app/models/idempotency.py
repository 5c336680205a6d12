"""Idempotency keys: which actions a client has asked for already, and what came of them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import ActorKind, Key, TenantRow, at_most, of_tenant, one_of


class IdempotencyKey(TenantRow):
    """A key that a caller chose for one use of one action; kept for a day.

    It is written first in the action's transaction, so that a twin waits for it, and there is
    none of an action that was refused.
    """

    __tablename__ = "idempotency_key"
    __table_args__ = (
        of_tenant(),
        UniqueConstraint("tenant_id", "actor_kind", "actor_id", "action", "key"),
        Index(None, "tenant_id", "created_at"),
        at_most("action", 60),
        at_most("key", 200),
        CheckConstraint("octet_length(input_hash) = 32", name="input_hash_length"),
    )

    actor_kind: Mapped[str] = mapped_column(one_of("actor_kind", ActorKind))
    actor_id: Mapped[Key]
    action: Mapped[str]
    key: Mapped[str]
    input_hash: Mapped[bytes]
    record_id: Mapped[Key | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
