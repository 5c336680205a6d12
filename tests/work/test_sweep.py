"""The sweep removes what no row names, and nothing else."""

import secrets
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from app import models
from app.commands.sweeping import sweep as sweep_by_command
from app.models.file import thumbnail_key
from app.settings import Settings
from app.storage import Storage
from app.work.sweep import Sweep
from app.writing import Writing
from tests.conftest import Database
from tests.publisher import Publisher
from tests.rows import EPOCH, insert

LATER = EPOCH.replace(year=2200)


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The database in which these tests found their publishers, side by side."""
    return shared_database


@pytest.fixture
async def settings(settings: Settings) -> Settings:
    """A configuration with a bucket of its own, since all of it is looked through."""
    own = settings.model_copy(update={"s3_bucket": f"sweep-{secrets.token_hex(8)}"})
    await Storage(own).ensure_bucket()
    return own


@pytest.fixture
def storage(settings: Settings) -> Storage:
    return Storage(settings)


@pytest.fixture
async def sweep(settings: Settings, storage: Storage) -> AsyncIterator[Sweep]:
    writing = Writing(settings)
    writing.open()
    sweep = Sweep(writing, storage)
    # Other tests may have left something to be swept.
    await sweep.expired()
    yield sweep
    await writing.close()


async def stored(storage: Storage, tenant_id: int) -> str:
    """The key of a file that is in the store, with its thumbnail."""
    key = f"{tenant_id}/{secrets.token_hex(16)}"
    for each in (key, thumbnail_key(key)):
        await storage.put(each, b"content", "image/png")
    return key


async def keys_in(storage: Storage) -> set[str]:
    return {found.key async for page in storage.pages() for found in page}


def both(*keys: str) -> set[str]:
    return {each for key in keys for each in (key, thumbnail_key(key))}


async def test_what_has_expired_goes_and_what_waits_stays(
    publisher: Publisher, owner: asyncpg.Connection, storage: Storage, sweep: Sweep
) -> None:
    expired, waiting = [await stored(storage, publisher.tenant_id) for _ in range(2)]
    for key, at in ((expired, EPOCH), (waiting, LATER)):
        await publisher.make(models.UnclaimedFile, key=key, expires_at=at)
    assert await sweep.expired() == 1
    assert await keys_in(storage) == both(waiting)
    left = await owner.fetch(
        "SELECT key, doomed FROM unclaimed_file WHERE tenant_id = $1", publisher.tenant_id
    )
    assert [tuple(row) for row in left] == [(waiting, False)]


async def test_many_are_swept_in_turns(
    publisher: Publisher,
    owner: asyncpg.Connection,
    sweep: Sweep,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.work.sweep._AT_ONCE", 2)
    for number in range(5):
        key = f"{publisher.tenant_id}/{number:032x}"
        await publisher.make(models.UnclaimedFile, key=key, expires_at=EPOCH)
    assert await sweep.expired() == 5
    left = "SELECT count(*) FROM unclaimed_file WHERE tenant_id = $1"
    assert await owner.fetchval(left, publisher.tenant_id) == 0


async def test_what_an_open_transaction_has_claimed_is_left_alone(
    publisher: Publisher, owner: asyncpg.Connection, storage: Storage, sweep: Sweep
) -> None:
    key = await stored(storage, publisher.tenant_id)
    await publisher.make(models.UnclaimedFile, key=key, expires_at=EPOCH)
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute("DELETE FROM unclaimed_file WHERE key = $1", key)
    assert await sweep.expired() == 0
    assert await keys_in(storage) == both(key)
    await transaction.rollback()
    assert await sweep.expired() == 1
    assert await keys_in(storage) == set()


async def test_a_sweep_that_was_interrupted_is_finished_by_the_next(
    publisher: Publisher, owner: asyncpg.Connection, storage: Storage, sweep: Sweep
) -> None:
    key = await stored(storage, publisher.tenant_id)
    await publisher.make(models.UnclaimedFile, key=key, expires_at=EPOCH)
    await owner.fetch("SELECT abokonto.expire_files(10)")
    assert await sweep.expired() == 1
    assert await keys_in(storage) == set()


async def test_deleting_a_row_gives_its_file_to_the_sweep(
    publisher: Publisher, owner: asyncpg.Connection, storage: Storage, sweep: Sweep
) -> None:
    customer = await publisher.customer()
    key, other = [await stored(storage, publisher.tenant_id) for _ in range(2)]
    for each in (key, other):
        await publisher.make(models.File, customer_id=customer, key=each)
    assert await sweep.expired() == 0
    await owner.execute("DELETE FROM file WHERE key = $1", key)
    assert await sweep.expired() == 1
    assert await keys_in(storage) == both(other)


async def test_the_whole_bucket_is_looked_through_for_what_is_unknown(
    publisher: Publisher, storage: Storage, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown, named, waiting, _of_nobody = [
        await stored(storage, tenant) for tenant in (*[publisher.tenant_id] * 3, 999_999_999)
    ]
    await publisher.make(models.File, customer_id=await publisher.customer(), key=named)
    await publisher.make(models.UnclaimedFile, key=waiting, expires_at=LATER)
    foreign = {"backup.tar", f"{publisher.tenant_id}/report.pdf", f"x/{unknown}", f"0{unknown}"}
    for key in foreign:
        await storage.put(key, b"content", "application/pdf")
    assert await sweep.unknown(timedelta(minutes=5)) == 0
    usual = Storage.pages
    monkeypatch.setattr(Storage, "pages", lambda storage: usual(storage, 3))
    assert await sweep.unknown(timedelta(seconds=-5)) == 4
    assert await keys_in(storage) == both(named, waiting) | foreign


def test_the_command_sweeps_all_of_it(
    settings: Settings, storage: Storage, owner: asyncpg.Connection
) -> None:
    del storage, owner
    assert sweep_by_command(settings, whole_bucket=True) == 0


async def test_functions_for_all_tenants_tell_nothing_of_them(
    application: asyncpg.Connection, owner: asyncpg.Connection
) -> None:
    tenant = await insert(owner, "tenant")
    await insert(owner, "unclaimed_file", tenant_id=tenant, expires_at=LATER)
    assert await application.fetch("SELECT * FROM unclaimed_file") == []
    assert await application.fetch("SELECT abokonto.expire_files(1000)") == []
