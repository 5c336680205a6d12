"""The unit of work: what an action's rule has at hand.

Everything that a rule writes goes through one session in one transaction, and is gone when the
rule raises. Rows are changed by setting their attributes, lists and objects by setting new ones
(`customer.tags = [*customer.tags, tag]`): what changed is read off the attributes.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, func, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from strawberry import UNSET

from app import models
from app.database import Principal
from app.encryption import Keyring
from app.errors import Refused, UserErrorCode
from app.models.base import CustomerRecord, Record, TenantRow
from app.storage import Storage
from app.work.account import lock_account
from app.work.changes import Changes, impersonal
from app.work.entries import Entry
from app.work.files import Staged
from app.work.jobs import JobKind, enqueue
from app.work.keys import key_of, not_found
from app.writing import Transaction

if TYPE_CHECKING:
    from app.work.action import Action, Routine

Row = TypeVar("Row", bound=TenantRow)
Columns = TypeVarTuple("Columns")
Clock = Callable[[datetime], datetime]
"""Gives the time it is for actions, from the time it is for the database."""


def the_databases(now: datetime) -> datetime:
    """The database's own time, which is the same for all workers."""
    return now


class Work:
    """One action under way."""

    def __init__(
        self,
        action: "Action | Routine",
        transaction: Transaction,
        keyring: Keyring,
        storage: Storage,
        clock: Clock = the_databases,
        *,
        rehearsing: bool = False,
    ) -> None:
        self.action = action
        self.rehearsing = rehearsing
        """Whether this only finds out what the action would do; then nothing can be written."""
        self.session: AsyncSession = transaction.session
        self.principal: Principal = transaction.principal
        self.keyring = keyring
        self.storage = storage
        self.claim: int | None = None
        """The idempotency key of the request, where it has one."""
        self.shown: dict[str, str] = {}
        self.files = Staged()
        """The files of the request, which `app.work.files.keep` lays claim to."""
        self._clock = clock
        self._now = clock(transaction.now)
        self._changes = Changes(self.session)
        self._account: models.Customer | None = None
        self._about: TenantRow | None = None
        self._tenant: models.Tenant | None = None
        self._note: tuple[str, str | None] | None = None
        self._forgotten = self._gone = False

    @property
    def tenant_id(self) -> int:
        """The tenant that all of this belongs to."""
        return self.principal.tenant_id

    @property
    def now(self) -> datetime:
        """The time of all that this action does, by the database's clock.

        It is taken once the customer is locked, or the record where there is no account, so that
        whatever is done to one of them is in order by it.
        """
        return self._now

    @property
    def actor(self) -> dict[str, Any]:
        """Who acts, as the columns of records name them."""
        return actor_of(self.principal)

    async def tenant(self) -> models.Tenant:
        """The tenant's own data: its country, currency, language and time zone."""
        if self._tenant is None:
            self._tenant = await self.session.get_one(models.Tenant, self.tenant_id)
        return self._tenant

    async def today(self) -> date:
        """The day it is where the tenant is."""
        return self.now.astimezone(ZoneInfo((await self.tenant()).time_zone)).date()

    async def account(self, id: str, *field: str) -> models.Customer:
        """Lock a customer by their opaque id, and see that the action's preconditions hold.

        Whoever else acts on the account waits until this action is over. `field` is where the
        input names the customer, `customer_id` by default.

        Raises:
            Refused: NOT_FOUND, or what stands against the action.
        """
        path = field or ("customer_id",)
        customer = await self._lock_account(key_of(id, models.Customer, *path))
        if customer is None:
            raise not_found(*path)
        return customer

    async def lock(self, model: type[Row], id: str, *field: str) -> Row:
        """Lock a record by its opaque id, after the customer in whose account it is.

        Outside of accounts, the time is taken once the record is locked: what is done to one
        record is in order by it there, as it is to one account.

        Raises:
            Refused: NOT_FOUND, or what stands against the action.
        """
        row = await self.lock_key(model, key_of(id, model, *field))
        if row is None:
            raise not_found(*field)
        return row

    async def lock_key(self, model: type[Row], key: int) -> Row | None:
        """Lock a record by its key, as `lock` does; None where there is none."""
        if issubclass(model, CustomerRecord) and not await self._lock_account_of(model, key):
            return None
        wanted = select(*_readable(model)).where(*self._is(model, key))
        locked = (wanted if self.rehearsing else wanted.with_for_update()).subquery()
        # PostgreSQL computes what stands beside a subquery with FOR UPDATE once it has the lock.
        found = (
            await self.session.execute(select(aliased(model, locked), func.clock_timestamp()))
        ).one_or_none()
        if found is None:
            return None
        row: Row
        row, now = found
        if self._account is None:
            self._now = self._clock(now)
        return row

    async def find(self, model: type[Row], id: str, *field: str) -> Row:
        """A record by its opaque id, without locking it: a product, an offer, or a record in the
        account that is locked.

        Raises:
            Refused: NOT_FOUND.
        """
        row = await self.session.scalar(
            select(model).where(*self._is(model, key_of(id, model, *field)))
        )
        elsewhere = isinstance(row, CustomerRecord) and (
            self._account is None or row.customer_id != self._account.id
        )
        if row is None or elsewhere:
            raise not_found(*field)
        return row

    async def rows(self, model: type[Row], *conditions: ColumnElement[bool]) -> Sequence[Row]:
        """The tenant's records that meet conditions, in the order of their keys."""
        wanted = select(model).where(model.tenant_id == self.tenant_id, *conditions)
        return (await self.session.scalars(wanted.order_by(model.id))).all()

    def held(self, wanted: Select[*Columns]) -> Select[*Columns]:
        """A query for what must stay as it is until this is over; others may hold it as well."""
        return wanted if self.rehearsing else wanted.with_for_update(read=True)

    def add(self, row: Row) -> Row:
        """Add a new record, made by the actor now; it has a key after `flush`."""
        row.tenant_id = self.tenant_id
        if isinstance(row, Record):
            row.created_at = row.changed_at = self.now
            self._sign(row)
        self.session.add(row)
        return row

    async def remove(self, row: TenantRow) -> None:
        """Remove a record; the history keeps what it held."""
        await self.session.delete(row)

    def lose(self, row: TenantRow) -> None:
        """Keep in the history what a record holds that a function of the database removes."""
        self._changes.lose(row)
        self.session.expunge(row)

    async def flush(self) -> None:
        """Send what was changed so far, so that the database sees it and gives keys."""
        for row in self._changes.gather():
            if isinstance(row, Record):
                self._sign(row)
        await self.session.flush()

    async def enqueue(
        self, kind: JobKind, payload: Mapping[str, Any], *, run_at: datetime | None = None
    ) -> None:
        """Leave a job to be done once this transaction has committed, at `run_at` or at once.

        The payload names records by their keys, which a new one has after `flush`, and holds
        nothing personal: it is not searched when a customer is anonymised.
        """
        delay = timedelta(0) if run_at is None else run_at - self.now
        await enqueue(self.session, self.tenant_id, kind, payload, delay)

    def expect(self, row: Any, version: int | None, *field: str) -> None:
        """See that a record is still what the client saw.

        Raises:
            Refused: STALE_VERSION.
        """
        if version is not None and version is not UNSET and version != row.version:
            raise Refused(
                UserErrorCode.STALE_VERSION,
                f"This was changed in the meantime: it is at version {row.version}.",
                *(field or ("expected_version",)),
            )

    def changed(self, row: TenantRow) -> list[str]:
        """The names of the columns of a record that have another value now than when it was read,
        as far as the history shows them."""
        return self._changes.pending(row)

    def note(self, text: str, said: str | None = None) -> None:
        """Say in a sentence what was done, for the account's diary.

        `said` is what the actor said about it; the history keeps it as well.
        """
        self._note = (text, said)

    def show(self, name: str, value: str) -> None:
        """Show something in the payload this once: it is kept nowhere, so never again.

        The action has to declare the name in `shows`.
        """
        self.shown[name] = value

    def forget(self, *, gone: bool = False) -> None:
        """Keep nothing personal of this in the history, as the account was just rid of it.

        Where the account is `gone`, the entry is the tenant's own.
        """
        self._forgotten, self._gone = True, gone

    def about(self, row: TenantRow) -> None:
        """Say which record the history entry is about, where it is not the one returned."""
        self._about = row

    async def finish(self, returned: TenantRow) -> int:
        """Write what the rule left, and what is kept of it; give the returned record's key."""
        await self.flush()
        self._check(returned)
        about = self._about or returned
        before, after = self._changes.before_and_after(about)
        customer_id = None if self._gone else _customer_of(about) or _customer_of(returned)
        said = self._note[1] if self._note else None
        if self._forgotten:
            before, after, said = impersonal(before), impersonal(after), None
        entry = Entry(
            common={
                "tenant_id": self.tenant_id,
                "customer_id": customer_id,
                "created_at": self.now,
                "changed_at": self.now,
                **self.actor,
            },
            action=self.action.history,
            about=about,
            before=before,
            after=after,
            said=said,
            diary=" ".join(filter(None, self._note)) if self._note else None,
        )
        await self.session.execute(entry.written(self.claim, returned.id))
        return returned.id

    def _check(self, returned: TenantRow) -> None:
        """Find rules that forgot something; no test of theirs passes."""
        name = self.action.name
        if self.action.in_account and self._account is None:
            raise RuntimeError(f"{name} did not lock the account.")
        if (self._note is not None) != self.action.diary:
            raise RuntimeError(f"{name} has to say in `work.note` what it did, once declared so.")
        if not isinstance(returned, self.action.returns):
            raise TypeError(f"{name} returned something else than it declares.")

    async def _lock_account_of(self, model: type[CustomerRecord], key: int) -> bool:
        """Lock the customer in whose account a record is; False where there is none.

        While this waits the customer may have become part of another one, with the record.
        """
        of = select(model.customer_id).where(*self._is(model, key))
        while True:
            customer = await self.session.scalar(of)
            if customer is None:
                return False
            if await self._lock_account(customer) is not None:
                return True
            if self._account is not None:
                return False

    async def _lock_account(self, key: int) -> models.Customer | None:
        if self._account is not None:
            # An action is done in one account; what is in another one is not found.
            return self._account if self._account.id == key else None
        preconditions = self.action.preconditions
        account = await lock_account(
            self.session, self.tenant_id, key, preconditions, locking=not self.rehearsing
        )
        if account is None:
            return None
        self._account, self._now = account.customer, self._clock(account.now)
        if account.refusals:
            raise Refused.because(account.refusals)
        return self._account

    def _is(self, model: type[TenantRow], key: int) -> tuple[ColumnElement[bool], ...]:
        return (model.tenant_id == self.tenant_id, model.id == key)

    def _sign(self, row: Record) -> None:
        for name, value in self.actor.items():
            setattr(row, name, value)


def _readable(model: type[TenantRow]) -> list[Any]:
    """A table's columns, but for those that the application may not read, which are deferred."""
    attributes = inspect(model).column_attrs
    return [attribute.class_attribute for attribute in attributes if not attribute.deferred]


def actor_of(principal: Principal) -> dict[str, Any]:
    """A caller, as the columns of the records that they make or change name them."""
    return {
        "actor_kind": principal.kind,
        "actor_id": principal.staff_id or principal.customer_id or principal.token_id or None,
        "actor_name": principal.name or None,
    }


def _customer_of(row: TenantRow) -> int | None:
    """The customer in whose account a record is."""
    if isinstance(row, models.Customer):
        return row.id
    return row.customer_id if isinstance(row, CustomerRecord) else None
