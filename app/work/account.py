"""A customer's account, locked for an action, and what stands against the action there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
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


async def lock_account(
    session: AsyncSession, tenant_id: int, key: int, preconditions: Sequence[Precondition]
) -> LockedAccount | None:
    """Lock a customer and ask the preconditions of them; None where there is no such customer."""
    locked = (
        select(Customer)
        .where(Customer.tenant_id == tenant_id, Customer.id == key)
        .with_for_update()
        .subquery("customer")
    )
    elsewhere = [p for p in preconditions if p.looks_elsewhere(locked.c)]
    own = [p for p in preconditions if p not in elsewhere]
    # PostgreSQL computes what stands beside a subquery with FOR UPDATE once it has the lock.
    asked = select(
        aliased(Customer, locked), func.clock_timestamp(), *(p.holds(locked.c) for p in own)
    )
    row = (await session.execute(asked)).one_or_none()
    if row is None:
        return None
    customer, now, *hold = row
    refusals = _refusals(own, hold)
    if elsewhere:
        refusals += _refusals(elsewhere, await _hold(session, tenant_id, key, elsewhere))
    return LockedAccount(customer, now, refusals)


async def _hold(
    session: AsyncSession, tenant_id: int, key: int, preconditions: Sequence[Precondition]
) -> Sequence[Any]:
    """Whether preconditions that look into other tables hold of the locked customer.

    They are asked by a statement of their own: one that waited for the lock would see the other
    tables as they were before.
    """
    t = Customer.__table__.alias()
    asked = select(*(p.holds(t.c) for p in preconditions)).where(
        t.c.tenant_id == tenant_id, t.c.id == key
    )
    return (await session.execute(asked)).one()


def _refusals(preconditions: Sequence[Precondition], hold: Sequence[Any]) -> list[Refusal]:
    return [p.refusal for p, holds in zip(preconditions, hold, strict=True) if not holds]
