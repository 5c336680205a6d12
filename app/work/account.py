"""A customer's account, locked for an action, and what stands against the action there."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Executable, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.errors import Refusal
from app.models import Customer
from app.work.preconditions import Precondition


class LockedAccount(NamedTuple):
    """A locked customer, the time since they are, and the preconditions that do not hold."""

    customer: Customer
    now: datetime
    refusals: list[Refusal]


class _Asking(NamedTuple):
    """The statements that lock a customer and ask some preconditions, built once for all."""

    own: Sequence[Precondition]
    locking: Executable
    elsewhere: Sequence[Precondition]
    looking: Executable


async def lock_account(
    session: AsyncSession,
    tenant_id: int,
    key: int,
    preconditions: tuple[Precondition, ...],
    *,
    locking: bool = True,
) -> LockedAccount | None:
    """Lock a customer and ask the preconditions of them; None where there is no such customer.

    Whoever only rehearses what they would do asks the same without `locking`.
    """
    asking = _asking(preconditions, locking)
    values = {"wanted_tenant": tenant_id, "wanted_key": key}
    row = (await session.execute(asking.locking, values)).one_or_none()
    if row is None:
        return None
    customer, now, *hold = row
    refusals = _refusals(asking.own, hold)
    if asking.elsewhere:
        found = list((await session.execute(asking.looking, values)).one())
        hold, counts = found[: len(asking.elsewhere)], iter(found[len(asking.elsewhere) :])
        for precondition, holds in zip(asking.elsewhere, hold, strict=True):
            count = next(counts) if precondition.count else None
            if not holds:
                refusals.append(precondition.refused(count))
    return LockedAccount(customer, now, refusals)


@cache
def _asking(preconditions: tuple[Precondition, ...], lock: bool) -> _Asking:
    """The statements for some preconditions.

    What looks into other tables is asked by a statement of its own: one that waited for the lock
    would see the other tables as they were before.
    """
    table = Customer.__table__.alias()
    wanted = (
        select(Customer)
        .where(Customer.tenant_id == bindparam("wanted_tenant"))
        .where(Customer.id == bindparam("wanted_key"))
    )
    locked = (wanted.with_for_update() if lock else wanted).subquery("customer")
    elsewhere = [p for p in preconditions if p.looks_elsewhere(locked.c)]
    own = [p for p in preconditions if p not in elsewhere]
    # PostgreSQL computes what stands beside a subquery with FOR UPDATE once it has the lock.
    locking = select(
        aliased(Customer, locked), func.clock_timestamp(), *(p.holds(locked.c) for p in own)
    )
    looking = (
        select(
            *(p.holds(table.c) for p in elsewhere),
            *(p.count(table.c) for p in elsewhere if p.count),
        )
        .where(table.c.tenant_id == bindparam("wanted_tenant"))
        .where(table.c.id == bindparam("wanted_key"))
    )
    return _Asking(own, locking, elsewhere, looking)


def _refusals(preconditions: Sequence[Precondition], hold: Sequence[Any]) -> list[Refusal]:
    return [p.refusal for p, holds in zip(preconditions, hold, strict=True) if not holds]
