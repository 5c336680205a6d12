"""What the system does by itself, for one tenant at a time."""

import asyncpg
import httpx2
import pytest

from app.models import Activity, Customer
from app.schema.node import encode_id
from app.work.action import routine
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


@routine(history="activity.shortened", diary=True)
async def shorten(work: Work, key: int) -> Activity | None:
    """Cut an activity's text short, once."""
    activity = await work.lock_key(Activity, key)
    if activity is None or len(activity.text) == 1:
        return None
    activity.text = activity.text[:1]
    work.note("Shortened.")
    return activity


async def test_it_is_done_by_the_system_and_once(
    publisher: Publisher, performer: Performer
) -> None:
    customer = await publisher.customer()
    key = await publisher.make(Activity, customer_id=customer)
    assert await performer.run(shorten, key, publisher.tenant_id) == key
    assert await performer.run(shorten, key, publisher.tenant_id) is None
    [entry] = await publisher.history(encode_id("Customer", customer))
    assert entry["action"] == "activity.shortened"
    [actor] = await publisher.owner.fetch(
        "SELECT actor_kind, actor_id, actor_name FROM history WHERE tenant_id = $1",
        publisher.tenant_id,
    )
    assert tuple(actor) == ("SYSTEM", None, None)


async def test_another_tenants_record_is_not_there(
    publisher: Publisher, performer: Performer, owner: asyncpg.Connection
) -> None:
    other = await Publisher.found(owner, httpx2.AsyncClient())
    key = await other.make(Activity, customer_id=await other.customer())
    assert await performer.run(shorten, key, publisher.tenant_id) is None
    assert await performer.run(shorten, key, other.tenant_id) == key


async def test_nothing_is_left_where_it_fails(publisher: Publisher, performer: Performer) -> None:
    customer = await publisher.customer()

    @routine(history="customer.renamed", in_account=False)
    async def rename(work: Work, key: int) -> Customer | None:
        found = await work.lock_key(Customer, key)
        assert found is not None
        found.last_name = "Halb"
        await work.flush()
        raise KeyError("half")

    with pytest.raises(KeyError, match="half"):
        await performer.run(rename, customer, publisher.tenant_id)
    name = await publisher.owner.fetchval(
        "SELECT last_name FROM customer WHERE (tenant_id, id) = ($1, $2)",
        publisher.tenant_id,
        customer,
    )
    assert name == "Muster"
    assert await publisher.history(encode_id("Customer", customer)) == []


def test_a_routine_has_a_name_for_the_history() -> None:
    with pytest.raises(TypeError):
        routine(history="No name")
