"""Removes what retention has released, and what was written of anonymised customers since."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import insert, text

from app.models import History, Tenant
from app.work.batch import Batch
from app.work.perform import Performer
from app.writing import UNHURRIED

_PURGE = text("SELECT abokonto.purge_expired(:now, :day)")
_LEFT = text("SELECT * FROM abokonto.customers_to_scrub(:now)")
_LOCK = text("SELECT FROM customer WHERE tenant_id = :tenant AND id = :customer FOR UPDATE")
_SCRUB = text("SELECT abokonto.scrub_customer(:customer, :now)")

CUSTOMERS = "customer"
"""What the tally calls the anonymised customers of whom something was left."""


async def purge_expired(
    performer: Performer, tenant_id: int, day: date | None = None
) -> Mapping[str, int]:
    """Purge a tenant's data as of a day, today where none is named; how many rows of each table.

    Each anonymised customer is seen to in a transaction of their own, which others wait for.
    """
    left = await performer.run_batch(_left, None, tenant_id)
    for customer in left:
        await performer.run_batch(_scrub, customer, tenant_id)
    purged = await performer.run_batch(_purge, day, tenant_id)
    return {**purged, **({CUSTOMERS: len(left)} if left else {})}


async def _left(batch: Batch, _input: None) -> list[int]:
    await batch.session.execute(UNHURRIED)
    found = await batch.session.execute(_LEFT, {"now": batch.now})
    return list(found.scalars())


async def _scrub(batch: Batch, customer: int) -> None:
    await batch.session.execute(UNHURRIED)
    locked = {"tenant": batch.tenant_id, "customer": customer}
    await batch.session.execute(_LOCK, locked)
    await batch.session.execute(_SCRUB, {"customer": customer, "now": batch.now})


async def _purge(batch: Batch, day: date | None) -> dict[str, int]:
    """Purge, and keep in the tenant's history how much went."""
    until = day or await batch.today()
    await batch.session.execute(UNHURRIED)
    found = await batch.session.scalar(_PURGE, {"now": batch.now, "day": until})
    counts = {table: int(count) for table, count in (found or {}).items() if count}
    if counts:
        await batch.session.execute(
            insert(History).values(
                tenant_id=batch.tenant_id,
                created_at=batch.now,
                changed_at=batch.now,
                **batch.actor,
                action="expired.purged",
                record_type=Tenant.__name__,
                record_id=batch.tenant_id,
                after={"day": until.isoformat(), **counts},
            )
        )
    return counts
