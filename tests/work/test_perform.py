"""What is done for whoever asks, whichever way they came."""

from dataclasses import replace

import asyncpg
import httpx2
import pytest

from app.actions.tags import AddTagInput
from app.auth.permissions import Permission
from app.auth.tokens import hash_token
from app.errors import ApiError, ErrorCode, Refused, UserErrorCode
from app.models import Activity, Customer
from app.schema.node import encode_id
from app.work.action import ACTIONS
from app.work.perform import Performer
from app.work.unit import Work
from tests.conftest import Database
from tests.publisher import Publisher


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The database in which these tests found their publishers, side by side."""
    return shared_database


@pytest.fixture
async def publisher(owner: asyncpg.Connection) -> Publisher:
    """A publisher that nobody reads over HTTP."""
    return await Publisher.found(owner, httpx2.AsyncClient())


async def test_the_permission_is_asked_for_in_the_transaction(
    publisher: Publisher, performer: Performer
) -> None:
    customer = encode_id("Customer", await publisher.customer())
    given = AddTagInput(customer_id=customer, tag="VIP")  # type: ignore[arg-type]  # An id.
    for permissions, code in (
        ([Permission.CUSTOMER_READ], ErrorCode.FORBIDDEN),
        (None, ErrorCode.UNAUTHENTICATED),
    ):
        token = "unknown" if permissions is None else await publisher.issue_token(*permissions)
        with pytest.raises(ApiError) as raised:
            await performer.perform(ACTIONS["add_tag"], given, hash_token(token))
        assert raised.value.code is code
    assert await publisher.history(customer) == []
    token = await publisher.issue_token(Permission.CUSTOMER_UPDATE)
    await performer.perform(ACTIONS["add_tag"], given, hash_token(token))
    assert len(await publisher.history(customer)) == 1


@pytest.mark.parametrize("way", ["lock", "find"])
async def test_a_record_of_another_account_is_not_found(
    publisher: Publisher, performer: Performer, way: str
) -> None:
    ours, theirs = await publisher.customer(), await publisher.customer()
    records = [
        encode_id("Activity", await publisher.make(Activity, customer_id=customer))
        for customer in (ours, theirs)
    ]
    found = []

    async def rule(work: Work, input: AddTagInput) -> Customer:
        customer = await work.account(input.customer_id)
        found.append(await getattr(work, way)(Activity, input.tag, "activity_id"))
        work.note("Found.")
        return customer

    action = replace(ACTIONS["add_tag"], rule=rule)
    token = hash_token(await publisher.issue_token(Permission.CUSTOMER_UPDATE))
    for record in records:
        given = AddTagInput(customer_id=encode_id("Customer", ours), tag=record)  # type: ignore[arg-type]  # As above.
        if record is records[0]:
            await performer.perform(action, given, token)
            continue
        with pytest.raises(Refused) as refused:
            await performer.perform(action, given, token)
        [refusal] = refused.value.refusals
        assert (refusal.code, refusal.field) == (UserErrorCode.NOT_FOUND, ("activity_id",))
    assert [row.customer_id for row in found] == [ours]
