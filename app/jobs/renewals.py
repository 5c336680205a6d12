"""The daily run: for each tenant everything whose day has come.

Each step is a short transaction that looks under lock whether there is something to do. So a run
can be ended at any point and done again, and two of them share the work: what one of them holds,
the other leaves out.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, NamedTuple, Protocol

import structlog
from sqlalchemy import Select, text, tuple_

from app.billing import due
from app.billing.addresses import supersede
from app.billing.closings import finish_orders, plan_issues, send_deliveries
from app.billing.debits import debits_collected, settle_debit
from app.billing.mandates import lapse
from app.billing.overdue import mark_overdue
from app.billing.renewals import Advanced, Wanted, advance
from app.billing.tally import Failure, Tally
from app.errors import ApiError
from app.jobs.registry import JobContext, every, handles
from app.models import Subscription, Transaction
from app.server.faults import describe
from app.work.batch import Batch
from app.work.jobs import JobKind
from app.work.perform import Performer
from app.writing import Writing

log = structlog.get_logger("abokonto.renewals")

BATCH = 50
"""So many subscriptions are locked at a time: enough to be fast, and short for who waits."""

_PAGE = 500

_TENANTS = text("SELECT abokonto.all_tenants()")

_Rule = Callable[[Batch, Collection[int], date], Awaitable[Tally]]


class Watcher(Protocol):
    """Is told how far a run is."""

    def expect(self, count: int) -> None:
        """So many more subscriptions are due."""

    def advance(self, count: int) -> None:
        """So many of them were seen to."""


class Unwatched:
    """Nobody is told."""

    def expect(self, count: int) -> None:
        """Nothing."""

    def advance(self, count: int) -> None:
        """Nothing."""


class Whose(NamedTuple):
    """A tenant, and the day it is there."""

    tenant_id: int
    slug: str
    today: date


@dataclass
class _Renewing:
    """A tenant's run under way."""

    whose: Whose
    until: date
    tally: Tally = field(default_factory=Tally)

    def add(self, tally: Tally) -> None:
        """Add what was done; what fails again fails once."""
        known = {(one.subscription, one.code) for one in self.tally.failures}
        new = [one for one in tally.failures if (one.subscription, one.code) not in known]
        self.tally += replace(tally, failures=[replace(one, tenant=self.whose.slug) for one in new])

    @property
    def day(self) -> date:
        """The day that what waits for its day goes by: never one that lies ahead."""
        return min(self.until, self.whose.today)


class DailyRun:
    """Does what is due, tenant by tenant."""

    def __init__(
        self, performer: Performer, writing: Writing, watcher: Watcher | None = None
    ) -> None:
        self._performer = performer
        self._writing = writing
        self._watcher = watcher or Unwatched()

    async def tenants(self) -> list[Whose]:
        """All tenants."""
        keys = await self._writing.upkeep(_TENANTS)
        return [await self._performer.run_batch(_whose, None, key) for key in keys]

    async def tenant(self, tenant_id: int) -> Whose:
        """One of them."""
        return await self._performer.run_batch(_whose, None, tenant_id)

    async def expect(self, whose: Whose, until: date) -> None:
        """Tell the watcher how many subscriptions of a tenant are due."""
        wanted = (due.PERIODS, until)
        self._watcher.expect(await self._performer.run_batch(due.count, wanted, whose.tenant_id))

    async def renew(self, whose: Whose, until: date | None = None) -> Tally:
        """Do what is due for a tenant up to a day, today where none is named.

        A day that lies ahead opens and bills the periods that begin by then; everything else
        waits for its day to come.
        """
        run = _Renewing(whose, until or whose.today)
        await self._each(run, due.ADDRESSES, _counted("addresses_changed", supersede))
        await self._each(run, due.MANDATES, _counted("mandates_lapsed", lapse))
        await self._settle(run)
        for listing, day in (
            (due.PAUSES, run.day),
            (due.PERIODS, run.until),
            (due.ENDINGS, run.day),
        ):
            await self._advance(run, listing, day)
        await self._each(run, due.ISSUES, plan_issues)
        await self._each(run, due.DELIVERIES, send_deliveries)
        await self._each(run, due.ORDERS, finish_orders)
        await self._each(run, due.OVERDUE, _counted("invoices_overdue", mark_overdue))
        return run.tally

    async def _advance(self, run: _Renewing, listing: due.Listing, day: date) -> None:
        """Do the steps of the subscriptions in a listing; those that others hold come last."""
        held = 0
        async for keys in self._pages(run, listing, day):
            held += await self._steps(run, keys, waiting=False)
            self._watcher.advance(len(keys) if listing is due.PERIODS else 0)
        if held:
            async for keys in self._pages(run, listing, day):
                await self._steps(run, keys, waiting=True)

    async def _steps(self, run: _Renewing, keys: Collection[int], *, waiting: bool) -> int:
        """Do all steps of some subscriptions; how many of them others were holding."""
        held, again = 0, list(keys)
        while again:
            advanced = await self._step(run, Wanted(again, run.until, waiting))
            run.add(advanced.tally)
            held, again = held + advanced.held, advanced.again
        return held

    async def _step(self, run: _Renewing, wanted: Wanted) -> Advanced:
        """Do the next step of subscriptions, one by one where they can't be done together."""
        try:
            return await self._performer.run_batch(advance, wanted, run.whose.tenant_id)
        except Exception as error:  # noqa: BLE001  One that fails does not keep others waiting.
            if len(wanted.keys) > 1:
                return await self._apart(run, wanted)
            [key] = wanted.keys
            failure = await self._failure(run, key, error)
            return Advanced(Tally(failures=[failure]))

    async def _apart(self, run: _Renewing, wanted: Wanted) -> Advanced:
        whole = Advanced(Tally())
        for key in wanted.keys:
            part = await self._step(run, replace(wanted, keys=[key]))
            whole.tally += part.tally
            whole.again += part.again
            whole.held += part.held
        return whole

    async def _failure(self, run: _Renewing, key: int, error: Exception) -> Failure:
        number = await self._performer.run_batch(_number, key, run.whose.tenant_id)
        # What an exception says may be personal; where it was raised is not.
        code = error.code.value if isinstance(error, ApiError) else "INTERNAL"
        log.error(
            "renewal_failed", tenant=run.whose.tenant_id, subscription=key, error=describe(error)
        )
        message = str(error) if isinstance(error, ApiError) else type(error).__name__
        return Failure(run.whose.slug, number, code, message)

    async def _each(self, run: _Renewing, listing: due.Listing, rule: _Rule) -> None:
        """Carry out a rule over what is in a listing."""

        async def carry_out(batch: Batch, keys: Collection[int]) -> Tally:
            return await rule(batch, keys, run.day)

        async for keys in self._pages(run, listing, run.day):
            run.add(await self._performer.run_batch(carry_out, keys, run.whose.tenant_id))

    async def _settle(self, run: _Renewing) -> None:
        """Settle debits, one by one: each may concern several documents."""
        after: tuple[Any, ...] | None = None
        while True:
            rows = await self._performer.run_batch(
                _collected, (run.day, after), run.whose.tenant_id
            )
            for key, place in rows:
                after = place
                done = await self._performer.run(settle_debit, key, run.whose.tenant_id)
                run.tally.debits_settled += done is not None
            if len(rows) < _PAGE:
                return

    async def _pages(
        self, run: _Renewing, listing: due.Listing, day: date
    ) -> AsyncIterator[list[int]]:
        """The keys in a listing, a batch at a time and each once."""
        after: tuple[Any, ...] | None = None
        while True:
            wanted = due.Page(listing, day, after, _PAGE)
            rows = await self._performer.run_batch(due.page, wanted, run.whose.tenant_id)
            keys = list(dict.fromkeys(key for key, _place in rows))
            for first in range(0, len(keys), BATCH):
                yield keys[first : first + BATCH]
            if len(rows) < _PAGE:
                return
            after = rows[-1][1]


async def _collected(
    batch: Batch, wanted: tuple[date, tuple[Any, ...] | None]
) -> list[tuple[int, tuple[Any, ...]]]:
    """A page of debits to be settled, each with its place in the order."""
    day, after = wanted
    order = (Transaction.due_on, Transaction.id)
    found: Select[Any] = debits_collected(batch.tenant_id, day).add_columns(*order)
    if after is not None:
        found = found.where(tuple_(*order) > tuple_(*after))
    rows = await batch.session.execute(found.limit(_PAGE))
    return [(row[0], tuple(row[1:])) for row in rows]


async def _whose(batch: Batch, _nothing: None) -> Whose:
    return Whose(batch.tenant_id, (await batch.tenant()).slug, await batch.today())


async def _number(batch: Batch, key: int) -> str:
    subscription = await batch.session.get(Subscription, (batch.tenant_id, key))
    return "" if subscription is None else subscription.number


def _counted(counter: str, rule: Callable[[Batch, Collection[int], date], Awaitable[int]]) -> _Rule:
    async def counted(batch: Batch, keys: Collection[int], day: date) -> Tally:
        tally = Tally()
        setattr(tally, counter, await rule(batch, keys, day))
        return tally

    return counted


every(JobKind.RENEW, lambda settings: f"0 {settings.renewal_hour} * * *")


@handles(JobKind.RENEW)
async def renew(context: JobContext, tenant_id: int, _payload: Mapping[str, Any]) -> None:
    """Do what is due for a tenant today."""
    run = DailyRun(context.performer, context.writing)
    tally = await run.renew(await run.tenant(tenant_id))
    log.info("renewed", tenant=tenant_id, **tally.as_json())
