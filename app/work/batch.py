"""Many accounts' records at once: what the system does by itself, where one by one is too slow.

It is one transaction, in which each record that was changed gets a history entry of its own. The
records are locked without waiting, so that two workers share what is to be done between them and
nobody who acts on an account waits for more than a batch.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, func, insert, select

from app import models
from app.encryption import Keyring
from app.models.activity import ActivityKind
from app.models.base import CustomerRecord, TenantRow
from app.storage import Storage
from app.work.action import Routine
from app.work.jobs import JobKind, NewJob, enqueue_all
from app.work.unit import Clock, Work, the_databases
from app.writing import Transaction

Locked = TypeVar("Locked", bound=CustomerRecord)


class _Entry(NamedTuple):
    """What the history and the diary are to keep of one record."""

    action: str
    about: CustomerRecord
    rows: tuple[TenantRow, ...]
    note: str | None


async def _nothing(_work: Work, _input: Any) -> None:
    """The rule of a batch is handed over to whoever runs it."""


_MANY = Routine("batch", "batch.done", _nothing, in_account=False, diary=False)


class Batch(Work):
    """A batch under way. It has no account: it locks the customers of all that it locks."""

    def __init__(
        self,
        transaction: Transaction,
        keyring: Keyring,
        storage: Storage,
        clock: Clock = the_databases,
    ) -> None:
        super().__init__(_MANY, transaction, keyring, storage, clock)
        self._entries: list[_Entry] = []
        self._jobs: list[NewJob] = []

    async def lock_all(
        self,
        model: type[Locked],
        keys: Collection[int],
        *conditions: ColumnElement[bool],
        waiting: bool = False,
    ) -> Sequence[tuple[Locked, models.Customer]]:
        """Lock records by their keys, and their customers first, where conditions hold.

        Those that somebody else holds are left out, unless it is `waiting` for them. The time is
        taken once all of them are locked.
        """
        locked = (
            select(model, models.Customer)
            .join(
                models.Customer,
                (models.Customer.tenant_id == model.tenant_id)
                & (models.Customer.id == model.customer_id),
            )
            .where(model.tenant_id == self.tenant_id, model.id.in_(keys), *conditions)
            .order_by(model.customer_id, model.id)
            .with_for_update(of=(models.Customer, model), skip_locked=not waiting)
        )
        found = (await self.session.execute(locked)).all()
        self._now = self._clock(
            (await self.session.execute(select(func.clock_timestamp()))).scalar_one()
        )
        return found

    def keep(
        self, action: str, about: CustomerRecord, *rows: TenantRow, note: str | None = None
    ) -> None:
        """Keep in the history what was done to a record and to others with it.

        With a `note` the account's diary tells it as well.
        """
        self._entries.append(_Entry(action, about, rows, note))

    async def enqueue(
        self, kind: JobKind, payload: Mapping[str, Any], *, run_at: datetime | None = None
    ) -> None:
        """Leave a job to be done, as `Work.enqueue` does; all of them are enqueued at the end."""
        delay = timedelta(0) if run_at is None else run_at - self.now
        self._jobs.append(NewJob(kind, payload, delay))

    async def finish_all(self) -> None:
        """Write what the rule left, and what is kept of it."""
        await self.flush()
        if self._jobs:
            await enqueue_all(self.session, self.tenant_id, self._jobs)
        if not self._entries:
            return
        told = [
            {**self._common(entry), "kind": ActivityKind.SYSTEM.value, "text": entry.note}
            for entry in self._entries
            if entry.note is not None
        ]
        if told:
            await self.session.execute(insert(models.Activity), told)
        # The history comes last: from here on nobody else can add to the tenant's.
        entries = [self._history(entry) for entry in self._entries]
        await self.session.execute(insert(models.History), entries)

    def _history(self, entry: _Entry) -> dict[str, Any]:
        before, after = self._changes.before_and_after(entry.about, (entry.about, *entry.rows))
        return {
            **self._common(entry),
            "action": entry.action,
            "record_type": type(entry.about).__name__,
            "record_id": entry.about.id,
            "before": before,
            "after": after,
        }

    def _common(self, entry: _Entry) -> dict[str, Any]:
        return {
            "tenant_id": self.tenant_id,
            "customer_id": entry.about.customer_id,
            "created_at": self.now,
            "changed_at": self.now,
            **self.actor,
        }
