"""Additional data: values under keys that the tenant has defined, on customers and contracts."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import strawberry
from sqlalchemy import select

from app.auth.permissions import Permission
from app.domain import additional_data as rules
from app.errors import Refusal, Refused, UserErrorCode, Verbatim
from app.models import AdditionalDataDefinition, Customer, Order, Subscription
from app.models.additional_data import AdditionalDataTarget
from app.models.base import Json
from app.scalars import JSON
from app.work.action import action
from app.work.inputs import OfCustomer, Versioned, given, identifier
from app.work.unit import Work

_VALUES = (
    "An object: what to keep under which key. A key that is left out keeps its value, and null "
    "removes it. Everything that is required has to be there afterwards."
)
_Holder = TypeVar("_Holder", Customer, Order, Subscription)


@strawberry.input(description="Additional data of a customer.")
class SetAdditionalDataInput(OfCustomer, Versioned):
    """Which customer, and what to keep."""

    values: JSON = given(_VALUES)


@strawberry.input(description="Additional data of an order.")
class SetOrderAdditionalDataInput(Versioned):
    """Which order, and what to keep."""

    order_id: strawberry.ID = identifier("The id of the order.")
    values: JSON = given(_VALUES)


@strawberry.input(description="Additional data of a subscription.")
class SetSubscriptionAdditionalDataInput(Versioned):
    """Which subscription, and what to keep."""

    subscription_id: strawberry.ID = identifier("The id of the subscription.")
    values: JSON = given(_VALUES)


@action(
    history="customer.additional_data_set",
    needs=Permission.ADDITIONAL_DATA_WRITE,
    refuses=(UserErrorCode.ADDITIONAL_DATA_INVALID,),
)
async def set_additional_data(work: Work, input: SetAdditionalDataInput) -> Customer:
    """Keep additional data on a customer, as `additionalDataDefinitions` say."""
    customer = await work.account(input.customer_id)
    return await _set(work, customer, AdditionalDataTarget.CUSTOMER, input)


@action(
    history="order.additional_data_set",
    needs=Permission.ADDITIONAL_DATA_WRITE,
    refuses=(UserErrorCode.ADDITIONAL_DATA_INVALID,),
)
async def set_order_additional_data(work: Work, input: SetOrderAdditionalDataInput) -> Order:
    """Keep additional data on an order, as `additionalDataDefinitions` say."""
    order = await work.lock(Order, input.order_id, "order_id")
    return await _set(work, order, AdditionalDataTarget.ORDER, input)


@action(
    history="subscription.additional_data_set",
    needs=Permission.ADDITIONAL_DATA_WRITE,
    refuses=(UserErrorCode.ADDITIONAL_DATA_INVALID,),
)
async def set_subscription_additional_data(
    work: Work, input: SetSubscriptionAdditionalDataInput
) -> Subscription:
    """Keep additional data on a subscription, as `additionalDataDefinitions` say."""
    subscription = await work.lock(Subscription, input.subscription_id, "subscription_id")
    return await _set(work, subscription, AdditionalDataTarget.SUBSCRIPTION, input)


async def checked_values(
    work: Work, target: AdditionalDataTarget, current: Json, values: Any, *field: str
) -> Json:
    """Additional data with a client's values put over it, once they are what they must be.

    Until the action is over, nobody changes the definitions. `field` is where the input has the
    values.

    Raises:
        Refused: ADDITIONAL_DATA_INVALID for each key that is wrong.
    """
    return merged_values(await definitions_for(work, target), current, values, *field)


def merged_values(
    definitions: Iterable[AdditionalDataDefinition], current: Json, values: Any, *field: str
) -> Json:
    """Additional data with a client's values put over it, as `checked_values` gives it.

    Raises:
        Refused: ADDITIONAL_DATA_INVALID for each key that is wrong.
    """
    if not isinstance(values, dict):
        raise Refused(
            UserErrorCode.ADDITIONAL_DATA_INVALID, "This must be an object of values.", *field
        )
    kept, faults = rules.merged(map(definition_of, definitions), current, values)
    if faults:
        raise Refused.because(
            Refusal(UserErrorCode.ADDITIONAL_DATA_INVALID, message, (*field, Verbatim(key)))
            for key, message in faults.items()
        )
    return kept


def definition_of(row: AdditionalDataDefinition) -> rules.Definition:
    """A definition as the rules see it."""
    choices = None if row.choices is None else tuple(row.choices)
    return rules.Definition(row.key, row.type, row.required, row.pattern, choices)


async def definitions_for(
    work: Work, *targets: AdditionalDataTarget
) -> Sequence[AdditionalDataDefinition]:
    """The definitions of kinds of records, held so that they stay as they are for now."""
    wanted = (
        select(AdditionalDataDefinition)
        .where(
            AdditionalDataDefinition.tenant_id == work.tenant_id,
            AdditionalDataDefinition.applies_to.in_(target.value for target in targets),
        )
        .order_by(AdditionalDataDefinition.id)
    )
    return (await work.session.scalars(work.held(wanted))).all()


async def _set(
    work: Work,
    holder: _Holder,
    target: AdditionalDataTarget,
    input: SetAdditionalDataInput
    | SetOrderAdditionalDataInput
    | SetSubscriptionAdditionalDataInput,
) -> _Holder:
    work.expect(holder, input.expected_version)
    before: Json = holder.additional_data
    after: Json = await checked_values(work, target, before, input.values, "values")
    holder.additional_data = after
    changed = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    of = "" if target is AdditionalDataTarget.CUSTOMER else f" of {target.lower()} {holder.number}"
    if changed:
        work.note(f"Additional data{of} changed: {', '.join(changed)}.")
    else:
        work.note(f"Additional data{of} saved without a change.")
    return holder
