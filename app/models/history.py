"""History: who did what, and what it changed."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    Json,
    Key,
    Record,
    at_most,
    matches,
    of_tenant,
    personal,
    tenant_foreign_key,
)


class History(Record):
    """One action, by its actor, with the changed values before and after it.

    It belongs to a customer's account, or to the tenant where no customer is named, as after a
    customer was deleted.
    """

    __tablename__ = "history"
    __table_args__ = (
        of_tenant(),
        tenant_foreign_key("customer_id", "customer"),
        Index(None, "tenant_id", "customer_id", "created_at", "id"),
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
