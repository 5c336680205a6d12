"""What idempotency keys tell of a customer, outside of their account."""

from collections import defaultdict
from typing import Any

from sqlalchemy import Select, delete, exists, or_, select, update
from sqlalchemy.orm import aliased

from app.models import Customer, IdempotencyKey
from app.models.base import ActorKind, CustomerRecord
from app.work.action import ACTIONS
from app.work.unit import Work

_Owned = type[Customer] | type[CustomerRecord]


async def forget_keys(work: Work, customer: Customer) -> None:
    """Remove the keys that a customer used, and those that name a record of theirs."""
    actions: dict[_Owned, list[str]] = defaultdict(list)
    for action in ACTIONS.values():
        if action.creates and issubclass(action.returns, Customer | CustomerRecord):
            actions[action.returns].append(action.name)
    about = [
        IdempotencyKey.action.in_(names) & IdempotencyKey.record_id.in_(_keys(model, customer))
        for model, names in actions.items()
    ]
    used = (IdempotencyKey.actor_kind == ActorKind.CUSTOMER.value) & (
        IdempotencyKey.actor_id == customer.id
    )
    await work.session.execute(
        delete(IdempotencyKey)
        .where(IdempotencyKey.tenant_id == work.tenant_id, or_(used, *about))
        .execution_options(synchronize_session=False)
    )


async def hand_over_keys(work: Work, former: int, kept: int) -> None:
    """Let keys that name a customer name the one whom they became part of, so that a request that
    is sent again has no second effect there either."""
    mine = (IdempotencyKey.tenant_id == work.tenant_id,)
    used = (*mine, IdempotencyKey.actor_kind == ActorKind.CUSTOMER.value)
    twin = aliased(IdempotencyKey)
    taken = exists().where(
        twin.tenant_id == IdempotencyKey.tenant_id,
        twin.actor_kind == IdempotencyKey.actor_kind,
        twin.actor_id == kept,
        twin.action == IdempotencyKey.action,
        twin.key == IdempotencyKey.key,
    )
    about_customers = [
        action.name for action in ACTIONS.values() if action.creates and action.returns is Customer
    ]
    for statement in (
        delete(IdempotencyKey).where(*used, IdempotencyKey.actor_id == former, taken),
        update(IdempotencyKey)
        .where(*used, IdempotencyKey.actor_id == former)
        .values(actor_id=kept),
        update(IdempotencyKey)
        .where(
            *mine,
            IdempotencyKey.action.in_(about_customers),
            IdempotencyKey.record_id == former,
        )
        .values(record_id=kept),
    ):
        await work.session.execute(statement.execution_options(synchronize_session=False))


def _keys(model: _Owned, customer: Customer) -> Select[Any]:
    of = model.id if issubclass(model, Customer) else model.customer_id
    return select(model.id).where(model.tenant_id == customer.tenant_id, of == customer.id)
