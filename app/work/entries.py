"""What is kept of an action that was done."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, update

from app import models
from app.models.activity import ActivityKind
from app.models.base import Json, TenantRow


@dataclass(frozen=True)
class Entry:
    """An entry of the history, and what belongs to it."""

    common: Mapping[str, Any]
    """The columns that all records have: whose it is, when it was made and by whom."""

    action: str
    about: TenantRow
    before: Json | None
    after: Json | None
    said: str | None
    """What the actor said about it."""

    diary: str | None
    """What the account's diary tells of it."""

    def written(self, claim: int | None, record_id: int) -> Any:
        """The entry, the diary's, and the end of the idempotency key `claim`, which keeps the key
        of the record that the action gave, in one statement.
        """
        entry = insert(models.History).values(
            **self.common,
            action=self.action,
            record_type=type(self.about).__name__,
            record_id=self.about.id,
            before=self.before,
            after=self.after,
            note=self.said,
        )
        statement: Any = entry
        if self.diary is not None and self.common["customer_id"] is not None:
            diary = insert(models.Activity).values(
                **self.common, kind=ActivityKind.SYSTEM.value, text=self.diary
            )
            statement = diary.add_cte(entry.cte("entry"))
        if claim is not None:
            keys = models.IdempotencyKey
            done = (
                update(keys)
                .where(keys.tenant_id == self.common["tenant_id"], keys.id == claim)
                .values(record_id=record_id)
            )
            statement = statement.add_cte(done.cte("done"))
        return statement
