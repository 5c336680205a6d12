"""History: who did what, and what it changed; chained, so that no change of it goes unseen."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    Base,
    Json,
    Key,
    Record,
    TenantRow,
    at_most,
    matches,
    of_tenant,
    personal,
    secret,
    tenant_foreign_key,
)


class History(Record):
    """One action, by its actor, with the changed values before and after it.

    It belongs to a customer's account, or to the tenant where no customer is named, as after a
    customer was deleted.

    What stands below `position` is the database's: a trigger fills it in, whatever was given.
    `app/domain/history_chain.py` says what the hash is made of. Of what is personal it is only a
    salted digest, so that an entry can be anonymised: by dropping `"personal"` from `before` and
    `after`, and setting `note` and `personal_salt` to null; in the same way `actor_name` and
    `actor_salt`. Where a customer is deleted, `customer_id` becomes null, too.
    """

    __tablename__ = "history"
    __table_args__ = (
        of_tenant(),
        tenant_foreign_key("customer_id", "customer"),
        Index(None, "tenant_id", "customer_id", "created_at", "id"),
        UniqueConstraint("tenant_id", "position"),
        Index(None, "tenant_id", "record_id", postgresql_where="record_type = 'AccessToken'"),
        matches("action", "^[a-z_]+[.][a-z_]+$"),
        at_most("record_type", 60),
        at_most("note", 1000),
    )

    customer_id: Mapped[Key | None]
    action: Mapped[str]
    record_type: Mapped[str | None]
    record_id: Mapped[Key | None]
    before: Mapped[Json | None] = mapped_column(info=personal())
    after: Mapped[Json | None] = mapped_column(info=personal())
    note: Mapped[str | None] = mapped_column(info=personal())
    position: Mapped[Key] = mapped_column(sort_order=20)
    hash: Mapped[bytes] = mapped_column(sort_order=21)
    account_id: Mapped[Key | None] = mapped_column(sort_order=22)
    personal_salt: Mapped[bytes | None] = mapped_column(info=secret(), sort_order=23)
    personal_digest: Mapped[bytes | None] = mapped_column(sort_order=24)
    actor_salt: Mapped[bytes | None] = mapped_column(info=secret(), sort_order=25)
    actor_digest: Mapped[bytes | None] = mapped_column(sort_order=26)


class HistoryChain(Base):
    """How far a tenant's history has got: the last entry's position and hash.

    Only a trigger writes it. It is locked from an entry's insertion to the end of its transaction,
    so the history is what a transaction writes last.
    """

    __tablename__ = "history_chain"
    __table_args__ = (of_tenant(), {"postgresql_with": {"fillfactor": 50}})

    tenant_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(BigInteger, server_default="0")
    hash: Mapped[bytes] = mapped_column(server_default=text("decode(repeat('00', 32), 'hex')"))


class HistorySeal(TenantRow):
    """How far it had got at some time, under a key that the database does not know."""

    __tablename__ = "history_seal"
    __table_args__ = (of_tenant(), UniqueConstraint("tenant_id", "position"))

    position: Mapped[Key]
    hash: Mapped[bytes]
    seal: Mapped[bytes]
    created_at: Mapped[datetime]
