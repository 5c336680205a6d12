"""Files between the store and the database, when something fails on the way."""

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import asyncpg
import pytest
from sqlalchemy import ColumnElement, literal
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.applications import Starlette

from app.domain.files.checks import CheckedFile
from app.files.inspection import FileInspector
from app.files.sandbox import InspectedFile
from app.scalars import UploadedFile
from app.schema.node import encode_id
from app.server.graphql_http import GraphQLEndpoint
from app.settings import Settings
from app.storage import Storage, StorageError
from app.work.sweep import Sweep
from app.work.unit import Work
from app.writing import Writing
from tests.actions.unchanged import Everything
from tests.actions.uploads import add, upload
from tests.conftest import Database
from tests.publisher import Publisher, codes
from tests.rows import EPOCH

FILES = (("one.png", b"one"), ("two.png", b"two"))


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The database in which these tests found their publishers, side by side."""
    return shared_database


@pytest.fixture(autouse=True)
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file passes, at once: what files hold is no matter here."""

    async def inspect(_self: FileInspector, uploaded: UploadedFile) -> InspectedFile:
        sha256 = hashlib.sha256(uploaded.content).hexdigest()
        size = len(uploaded.content)
        checked = CheckedFile(uploaded.name, "png", "image/png", size, sha256)
        return InspectedFile(checked, b"picture")

    monkeypatch.setattr(FileInspector, "inspect", inspect)


@pytest.fixture
async def customer(publisher: Publisher) -> str:
    """The opaque id of a customer whose account is empty."""
    return encode_id("Customer", await publisher.customer())


class Held(Everything):
    """All that the publisher holds, and what the database knows of files in the store."""

    def __init__(self, owner: asyncpg.Connection, tenant_id: int, bucket: Storage) -> None:
        super().__init__(owner, tenant_id, bucket)
        self.tenant_id = tenant_id
        self.owner = owner

    async def unclaimed(self) -> int:
        """How many files wait for an action or for the sweep."""
        count: int = await self.owner.fetchval(
            "SELECT count(*) FROM unclaimed_file WHERE tenant_id = $1", self.tenant_id
        )
        return count

    async def activities(self) -> int:
        """How many activities there are, with their files."""
        count: int = await self.owner.fetchval(
            "SELECT count(*) FROM activity WHERE tenant_id = $1", self.tenant_id
        )
        return count

    async def own_files(self) -> list[str]:
        """The keys of the publisher's files in the store."""
        return [key for key in await self.files() if key.startswith(f"{self.tenant_id}/")]

    async def expire(self) -> None:
        """Let the time pass that files are waited for."""
        await self.owner.execute(
            "UPDATE unclaimed_file SET expires_at = now() WHERE tenant_id = $1", self.tenant_id
        )


@pytest.fixture
async def held(publisher: Publisher, owner: asyncpg.Connection, settings: Settings) -> Held:
    return Held(owner, publisher.tenant_id, Storage(settings))


@pytest.fixture
async def sweep(settings: Settings) -> AsyncIterator[Sweep]:
    writing = Writing(settings)
    writing.open()
    sweep = Sweep(writing, Storage(settings))
    # Other tests may have left something to be swept.
    await sweep.expired()
    yield sweep
    await writing.close()


async def test_what_is_claimed_is_kept(publisher: Publisher, customer: str, held: Held) -> None:
    await add(publisher, customer, *FILES)
    assert await held.unclaimed() == 0
    assert len(await held.own_files()) == 4


async def test_a_store_that_is_down_is_told_and_nothing_is_written(
    publisher: Publisher,
    customer: str,
    held: Held,
    sweep: Sweep,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Storage, "_ask", _failing())
    answer = await upload(publisher, customer, *FILES)
    assert codes(answer) == ["UNAVAILABLE"]
    assert answer["data"] == {"addActivity": None}
    assert await held.activities() == 0
    # Whether anything arrived, nobody knows, so it stays written down.
    assert await held.unclaimed() == 2
    await held.expire()
    with pytest.raises(StorageError):
        await sweep.expired()
    assert await held.unclaimed() == 2
    monkeypatch.undo()
    assert await sweep.expired() == 2
    assert await held.unclaimed() == 0


async def test_one_file_that_is_not_stored_takes_the_others_along(
    publisher: Publisher, customer: str, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Storage, "_ask", _failing(lambda values: values.get("Body") == b"two"))
    async with held.unchanged():
        assert codes(await upload(publisher, customer, *FILES)) == ["UNAVAILABLE"]
    assert await held.unclaimed() == 0


async def test_a_store_that_is_slow_ends_the_request_and_what_comes_late_is_swept(
    app: Starlette,
    publisher: Publisher,
    customer: str,
    held: Held,
    sweep: Sweep,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Whatever takes its time at the first use has been there when the time begins to matter.
    await add(publisher, customer, *FILES)
    hurry(app)
    usual, go_on, late = Storage._ask, threading.Event(), threading.Barrier(5)

    def slow(self: Storage, operation: str, **values: Any) -> Any:
        waited = not go_on.is_set()
        go_on.wait()
        outcome = usual(self, operation, **values)
        if waited:
            late.wait(10)
        return outcome

    monkeypatch.setattr(Storage, "_ask", slow)
    try:
        assert codes(await upload(publisher, customer, *FILES)) == ["TIMEOUT"]
        assert await held.activities() == 1
        assert await held.unclaimed() == 2
    finally:
        go_on.set()
    await asyncio.to_thread(late.wait, 10)
    assert len(await held.own_files()) == 8
    await held.expire()
    assert await sweep.expired() == 2
    assert len(await held.own_files()) == 4
    assert await held.unclaimed() == 0


def hurry(app: Starlette) -> None:
    """Give requests little time from now on."""
    found = (getattr(route, "endpoint", None) for route in app.routes)
    endpoint = next(known for known in found if isinstance(known, GraphQLEndpoint))
    update = {"request_timeout_seconds": 3.0}
    operations = endpoint.operations
    operations._settings = operations._settings.model_copy(update=update)


async def test_an_action_that_fails_leaves_no_files(
    publisher: Publisher, customer: str, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_self: Work, _returned: object) -> int:
        raise RuntimeError

    monkeypatch.setattr(Work, "finish", fail)
    async with held.unchanged():
        assert codes(await upload(publisher, customer, *FILES)) == ["INTERNAL"]
    assert await held.unclaimed() == 0


async def test_a_commit_that_nobody_heard_of_keeps_its_files(
    publisher: Publisher, customer: str, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = AsyncSession.commit
    commits = []

    async def lost(self: AsyncSession) -> None:
        await usual(self)
        commits.append(self)
        if len(commits) == 2:
            raise ConnectionResetError

    monkeypatch.setattr(AsyncSession, "commit", lost)
    assert codes(await upload(publisher, customer, *FILES)) == ["UNAVAILABLE"]
    assert await held.activities() == 1
    assert await held.unclaimed() == 0
    assert len(await held.own_files()) == 4


async def test_what_cannot_be_taken_back_is_swept(
    publisher: Publisher,
    customer: str,
    held: Held,
    sweep: Sweep,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(_self: Work, _returned: object) -> int:
        raise RuntimeError

    monkeypatch.setattr(Work, "finish", fail)
    failing = _failing(lambda values: "Body" not in values)
    monkeypatch.setattr(Storage, "_ask", failing)
    assert codes(await upload(publisher, customer, *FILES)) == ["INTERNAL"]
    monkeypatch.undo()
    assert (await held.unclaimed(), len(await held.own_files())) == (2, 4)
    await held.expire()
    assert await sweep.expired() == 2
    assert (await held.unclaimed(), len(await held.own_files())) == (0, 0)


async def test_an_action_does_not_commit_to_files_that_were_swept(
    publisher: Publisher,
    customer: str,
    held: Held,
    sweep: Sweep,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual = Work.account

    async def slow(self: Work, id: str, *field: str) -> Any:
        await held.expire()
        assert await sweep.expired() == 2
        return await usual(self, id, *field)

    monkeypatch.setattr(Work, "account", slow)
    async with held.unchanged():
        assert codes(await upload(publisher, customer, *FILES)) == ["UNAVAILABLE"]
    assert await held.unclaimed() == 0


async def test_the_sweep_leaves_alone_what_an_action_is_about_to_commit(
    publisher: Publisher,
    customer: str,
    held: Held,
    sweep: Sweep,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual = Work.finish

    async def slow(self: Work, returned: Any) -> int:
        assert await sweep.expired() == 0
        return await usual(self, returned)

    monkeypatch.setattr(Work, "finish", slow)
    monkeypatch.setattr("app.work.shelf.func", _Past())
    await add(publisher, customer, *FILES)
    assert (await held.unclaimed(), len(await held.own_files())) == (0, 4)


class _Past:
    """A clock by which whatever is stored now has expired long ago."""

    def clock_timestamp(self) -> ColumnElement[datetime]:
        return literal(EPOCH)


def _failing(when: Any = lambda _values: True) -> Any:
    usual = Storage._ask

    def ask(self: Storage, operation: str, **values: Any) -> Any:
        if when(values):
            raise StorageError(operation)
        return usual(self, operation, **values)

    return ask
