"""Merging duplicates: who becomes part of whom, and what stands against it.

The same rule says it of the preview, of the action and of the job, which asks again once it holds
both customers. Customers are locked in the order of their keys, so that two merges that cross wait
for each other and never both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import strawberry
from sqlalchemy import ColumnElement, or_, select
from strawberry import UNSET

from app.actions.anonymization_requests import NOT_REQUESTED
from app.actions.exports import NONE_RUNNING
from app.auth.permissions import Permission
from app.errors import Refusal, Refused, UserErrorCode
from app.models import Customer, CustomerMerge
from app.models.customer_merge import MergeField, MergeStatus
from app.work.account import lock_account
from app.work.action import ACTIONS, action
from app.work.inputs import OfCustomer, Repeatable, Versioned, given, identifier
from app.work.jobs import JobKind
from app.work.keys import key_of
from app.work.preconditions import NOT_ANONYMIZED, Columns, Precondition
from app.work.unit import Work

UNDER_WAY = (MergeStatus.QUEUED.value, MergeStatus.RUNNING.value)

_MERGES = CustomerMerge.__table__.alias()


def _none_under_way(t: Columns) -> ColumnElement[bool]:
    merges = _MERGES.c
    return (
        ~select(merges.id)
        .where(
            merges.tenant_id == t.tenant_id,
            or_(merges.customer_id == t.id, merges.duplicate_id == t.id),
            # The statements of reads are compiled once, so they hold no lists of values.
            or_(*(merges.status == status for status in UNDER_WAY)),
        )
        .correlate_except(_MERGES)
        .exists()
    )


NO_MERGE = Precondition(
    UserErrorCode.MERGE_RUNNING, "A merge of this customer is under way.", _none_under_way
)
NO_ERASURE = Precondition(
    UserErrorCode.APPROVAL_REQUESTED,
    "It is requested that this customer be anonymised.",
    NOT_REQUESTED.holds,
)

_DUPLICATE = ("duplicate_id",)

AT_ITS_TIME = (NOT_ANONYMIZED, NONE_RUNNING, NO_ERASURE)
"""What has to hold of both customers when the merge is done, which is under way itself."""


@strawberry.input
class Merging(OfCustomer):
    """Two customers who are one."""

    duplicate_id: strawberry.ID = identifier(
        "The id of the customer who becomes part of the other one, and is gone afterwards."
    )
    take: list[MergeField] | None = given(
        "What is taken from the duplicate. Of everything else the other customer's own value is "
        "kept, and the duplicate's where there is none.",
        default=UNSET,
    )


@strawberry.input(description="Two customers who are one, to be looked at beforehand.")
class PreviewMergeInput(Merging):
    """Which customers."""


@strawberry.input(description="Two customers to make one of, for good.")
class MergeCustomersInput(Merging, Versioned, Repeatable):
    """Which customers, as they were seen."""

    expected_duplicate_version: int | None = given("The same of the duplicate.", default=UNSET)


class Pair(NamedTuple):
    """Two customers: who stays, and who becomes part of them."""

    kept: Customer
    duplicate: Customer


@dataclass(frozen=True)
class Asked:
    """Two customers, where both are there, and what stands against merging them."""

    pair: Pair | None
    refusals: Sequence[Refusal]


@action(
    history="customer.merge_ordered",
    needs=Permission.CUSTOMER_MERGE,
    requires=(NONE_RUNNING, NO_ERASURE, NO_MERGE),
    refuses=(UserErrorCode.SAME_CUSTOMER, UserErrorCode.NOTHING_TO_TAKE),
)
async def merge_customers(work: Work, input: MergeCustomersInput) -> CustomerMerge:
    """Make one account of two. All that the duplicate has goes over as it is: contracts that run
    with their deliveries, debits and mandates, invoices, rights and the history. It is done as a
    job; the tab of merges says how far it is.
    """
    asked = await ask(work, input)
    if asked.pair is None:
        raise Refused.because(asked.refusals)
    refusals = [*asked.refusals, *_stale(work, asked.pair, input)]
    if refusals:
        raise Refused.because(refusals)
    await work.account(input.customer_id)
    merge = work.add(
        CustomerMerge(
            customer_id=asked.pair.kept.id,
            duplicate_id=asked.pair.duplicate.id,
            take=sorted(field.value for field in input.take or ()),
            status=MergeStatus.QUEUED.value,
        )
    )
    await work.flush()
    await work.enqueue(JobKind.MERGE_CUSTOMERS, {"customermerge": merge.id})
    work.note("Merge with a duplicate ordered.")
    return merge


MERGE_CUSTOMERS = ACTIONS[merge_customers.__name__]
"""The action that is rehearsed."""


async def ask(work: Work, input: Merging) -> Asked:
    """Lock two customers, and find out all that stands against merging them.

    Raises:
        Refused: INVALID, where an id is none.
    """
    keys = (
        key_of(input.customer_id, Customer, "customer_id"),
        key_of(input.duplicate_id, Customer, "duplicate_id"),
    )
    return await ask_both(work, keys, input.take or (), MERGE_CUSTOMERS.preconditions)


async def ask_both(
    work: Work,
    keys: tuple[int, int],
    take: Sequence[MergeField],
    preconditions: tuple[Precondition, ...],
) -> Asked:
    """The same for two customers by their keys."""
    kept_key, duplicate_key = keys
    if not work.rehearsing:
        await _lock(work, keys)
    kept, refusals = await _ask_one(work, kept_key, "customer_id", preconditions)
    if kept_key == duplicate_key:
        same = "A customer can't become part of themselves."
        return Asked(None, [*refusals, Refusal(UserErrorCode.SAME_CUSTOMER, same, _DUPLICATE)])
    duplicate, more = await _ask_one(work, duplicate_key, "duplicate_id", preconditions)
    refusals += more
    if kept is None or duplicate is None:
        return Asked(None, refusals)
    return Asked(Pair(kept, duplicate), [*refusals, *_nothing_to_take(duplicate, take)])


async def _lock(work: Work, keys: tuple[int, int]) -> None:
    both = select(Customer.id).where(Customer.tenant_id == work.tenant_id, Customer.id.in_(keys))
    await work.session.execute(both.order_by(Customer.id).with_for_update())


async def _ask_one(
    work: Work, key: int, field: str, preconditions: tuple[Precondition, ...]
) -> tuple[Customer | None, list[Refusal]]:
    """One of the two, and what stands against merging them with anybody."""
    locking = not work.rehearsing
    account = await lock_account(work.session, work.tenant_id, key, preconditions, locking=locking)
    if account is None:
        missing = Refusal(UserErrorCode.NOT_FOUND, "There is no record with this id.", (field,))
        return None, [missing]
    # What stands against the account that an action is done in has no path anywhere.
    path = _DUPLICATE if field in _DUPLICATE else ()
    return account.customer, [replace(refusal, field=path) for refusal in account.refusals]


def _nothing_to_take(duplicate: Customer, take: Sequence[MergeField]) -> list[Refusal]:
    return [
        Refusal(
            UserErrorCode.NOTHING_TO_TAKE,
            f"The duplicate has no {field.value.lower().replace('_', ' ')}.",
            ("take", str(place)),
        )
        for place, field in enumerate(take)
        if getattr(duplicate, column_of(field)) is None
    ]


def column_of(field: MergeField) -> str:
    """The column that a field is kept in."""
    return field.value.lower()


def _stale(work: Work, pair: Pair, input: MergeCustomersInput) -> list[Refusal]:
    """Who of both was changed since they were looked at."""
    found: list[Refusal] = []
    for customer, version, field in (
        (pair.kept, input.expected_version, "expected_version"),
        (pair.duplicate, input.expected_duplicate_version, "expected_duplicate_version"),
    ):
        try:
            work.expect(customer, version, field)
        except Refused as stale:
            found += stale.refusals
    return found
