"""What is done for whoever asks, whichever way they came."""

from collections.abc import AsyncIterator

import asyncpg
import httpx2
import pytest

from app.actions.tags import AddTagInput
from app.auth.permissions import Permission
from app.auth.tokens import hash_token
from app.encryption import Keyring
from app.errors import ApiError, ErrorCode
from app.schema.node import encode_id
from app.settings import Settings
from app.storage import Storage
from app.work.action import ACTIONS
from app.work.perform import Performer
from app.writing import Writing
from tests.conftest import Database
from tests.publisher import Publisher


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The database in which these tests found their publishers, side by side."""
    return shared_database


@pytest.fixture
async def performer(settings: Settings) -> AsyncIterator[Performer]:
    """Does actions without the application around it."""
    writing = Writing(settings)
    writing.open()
    yield Performer(writing, Keyring.from_settings(settings), Storage(settings))
    await writing.close()


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
