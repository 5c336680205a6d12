"""Makes one account of two, in the one transaction that a merge is."""

from sqlalchemy import insert, text

from app.actions.merged_customer import given_up, merged_values, takes_password
from app.actions.merged_opt_ins import settle, topics
from app.actions.merging import Pair
from app.models import Customer, CustomerMerge, History
from app.models.customer_merge import MergeField, MergeStatus
from app.work.traces import hand_over_keys
from app.work.unit import Work
from app.writing import UNHURRIED

_MERGE = text("SELECT abokonto.merge_customers(:kept, :duplicate, :now, :today, :password)")


async def unite(work: Work, merge: CustomerMerge, pair: Pair) -> None:
    """Let a duplicate become part of a customer; both are locked, and nothing stands against it."""
    kept, duplicate = pair
    values = merged_values(pair, [MergeField(name) for name in merge.take])
    former = given_up(pair, values)
    said = await topics(work, pair, values)
    moving = {
        "kept": kept.id,
        "duplicate": duplicate.id,
        "now": work.now,
        "today": await work.today(),
        "password": takes_password(pair),
    }
    await work.flush()
    work.lose(duplicate)
    # An account that was kept for decades has tens of thousands of rows.
    await work.session.execute(UNHURRIED)
    await work.session.execute(_MERGE, moving)
    await hand_over_keys(work, duplicate.id, kept.id)
    await settle(work, kept, said)
    # Only now, as nobody else may have had the same e-mail address before.
    for name, value in values.items():
        setattr(kept, name, value)
    _finish(work, merge, duplicate)
    for name, value in former.items():
        setattr(merge, name, value)
    await work.flush()
    await _leave_tombstone(work, kept, duplicate)
    work.note(f"Merged with the customer {duplicate.number}, whose records are here now.")


def _finish(work: Work, merge: CustomerMerge, duplicate: Customer) -> None:
    merge.status = MergeStatus.DONE.value
    merge.duplicate_id, merge.former_id = None, duplicate.id
    merge.finished_at = work.now


async def _leave_tombstone(work: Work, kept: Customer, duplicate: Customer) -> None:
    """Keep in the tenant's own history what became of a key, as is done for who is deleted."""
    await work.session.execute(
        insert(History).values(
            tenant_id=work.tenant_id,
            created_at=work.now,
            changed_at=work.now,
            **work.actor,
            action="customer.merged_away",
            record_type=Customer.__name__,
            record_id=duplicate.id,
            after={"merged_into": kept.id},
        )
    )
