"""Exports of customers who are anonymised or deleted: nothing of the copy is left anywhere."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, BinaryIO

import httpx2
import pytest

from app.exports import states
from app.jobs import exports as jobs
from app.jobs.registry import JobContext
from app.models.export import ExportStep
from app.schema.node import encode_id
from app.settings import Settings
from app.storage import Storage
from app.work.sweep import Sweep
from tests import exports
from tests.actions.unchanged import Everything
from tests.jobs.conftest import context_of, working
from tests.publisher import Publisher, refusals

ROUNDS = 4

ERASING = pytest.mark.parametrize("erasing", ["anonymizeCustomer", "deleteCustomer"])


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A configuration with patience for locks: here one waits for the other."""
    return settings.model_copy(update={"lock_timeout_seconds": 20.0})


@pytest.fixture
async def context(settings: Settings) -> AsyncIterator[JobContext]:
    """What a worker beside the server has at hand."""
    async with context_of(settings) as context:
        yield context


@pytest.fixture
async def person(publisher: Publisher, bucket: Storage) -> int:
    """A customer with a file, of whom an export can be made."""
    customer = await publisher.customer(email="erika@example.org")
    await exports.stored_file(publisher, bucket, customer, b"%PDF-1.7 of Erika", "Erika.pdf")
    return customer


async def _erase(publisher: Publisher, customer: int, erasing: str) -> None:
    given = {"customerId": encode_id("Customer", customer)}
    assert refusals(await publisher.act(erasing, given)) == []


async def _stored(publisher: Publisher, bucket: Storage) -> list[str]:
    """What the store holds of a publisher."""
    prefix = f"{publisher.tenant_id}/"
    return [o.key async for page in bucket.pages() for o in page if o.key.startswith(prefix)]


async def _nothing_is_left(publisher: Publisher, context: JobContext) -> None:
    """Not a row, not a job, and after a sweep not an object."""
    for statement in (
        "SELECT count(*) FROM data_export WHERE tenant_id = $1",
        "SELECT count(*) FROM file WHERE tenant_id = $1",
        "SELECT count(*) FROM abokonto.pgqueuer WHERE entrypoint = 'customer.export'"
        " AND (headers ->> 'tenant')::integer = $1",
    ):
        assert await publisher.owner.fetchval(statement, publisher.tenant_id) == 0, statement
    await Sweep(context.writing, context.storage).expired()
    assert await _stored(publisher, context.storage) == []


def _no_storing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test fail that stores a package, be it for a moment."""

    async def never(*_: Any) -> None:
        raise AssertionError("A package was stored.")

    monkeypatch.setattr(Storage, "put_parts", never)


@ERASING
async def test_a_package_that_waits_goes_with_its_link(
    publisher: Publisher,
    person: int,
    context: JobContext,
    client: httpx2.AsyncClient,
    everything: Everything,
    erasing: str,
) -> None:
    export = await exports.made(context, publisher, person)
    exports.verify(await exports.downloaded(client, export))
    assert len(await _stored(publisher, context.storage)) == 2
    await _erase(publisher, person, erasing)
    async with everything.unchanged():
        assert (await client.get(export["downloadUrl"])).status_code == 404
    await _nothing_is_left(publisher, context)


@ERASING
async def test_one_that_was_ordered_is_never_begun(
    publisher: Publisher,
    person: int,
    context: JobContext,
    monkeypatch: pytest.MonkeyPatch,
    erasing: str,
) -> None:
    _no_storing(monkeypatch)
    key = await exports.order(publisher, person)
    await _erase(publisher, person, erasing)
    await jobs.export(context, publisher.tenant_id, {"export": key})
    await _nothing_is_left(publisher, context)


@ERASING
@pytest.mark.parametrize("step", [*ExportStep])
async def test_one_that_is_made_ends_and_stores_nothing(
    publisher: Publisher,
    person: int,
    context: JobContext,
    monkeypatch: pytest.MonkeyPatch,
    erasing: str,
    step: ExportStep,
) -> None:
    _no_storing(monkeypatch)
    advance, erased = states.advance, False

    async def meanwhile(*given: Any) -> bool:
        nonlocal erased
        told = await advance(*given)
        if step in given and not erased:
            erased = True
            await _erase(publisher, person, erasing)
        return told

    monkeypatch.setattr(states, "advance", meanwhile)
    key = await exports.order(publisher, person)
    await jobs.export(context, publisher.tenant_id, {"export": key})
    assert erased
    await _nothing_is_left(publisher, context)


@ERASING
async def test_files_that_were_erased_are_no_fault_of_the_job(
    publisher: Publisher,
    person: int,
    context: JobContext,
    monkeypatch: pytest.MonkeyPatch,
    erasing: str,
) -> None:
    read = Storage.read

    async def meanwhile(storage: Storage, key: str) -> AsyncIterator[bytes]:
        await _erase(publisher, person, erasing)
        await Sweep(context.writing, context.storage).expired()
        async for data in read(storage, key):
            yield data

    monkeypatch.setattr(Storage, "read", meanwhile)
    key = await exports.order(publisher, person)
    await jobs.export(context, publisher.tenant_id, {"export": key})
    await _nothing_is_left(publisher, context)


@ERASING
@pytest.mark.parametrize("after", [False, True])
async def test_one_that_is_stored_at_that_moment_is_taken_back(
    publisher: Publisher,
    person: int,
    context: JobContext,
    monkeypatch: pytest.MonkeyPatch,
    erasing: str,
    *,
    after: bool,
) -> None:
    put_parts = Storage.put_parts

    async def meanwhile(storage: Storage, key: str, file: BinaryIO, content_type: str) -> None:
        if not after:
            await _erase(publisher, person, erasing)
        await put_parts(storage, key, file, content_type)
        if after:
            await _erase(publisher, person, erasing)

    monkeypatch.setattr(Storage, "put_parts", meanwhile)
    key = await exports.order(publisher, person)
    await jobs.export(context, publisher.tenant_id, {"export": key})
    await _nothing_is_left(publisher, context)


@ERASING
async def test_erasing_and_making_may_end_at_the_same_moment(
    publisher: Publisher,
    context: JobContext,
    monkeypatch: pytest.MonkeyPatch,
    erasing: str,
) -> None:
    erase: Callable[[], Awaitable[None]]
    run, places = context.performer.run, itertools.count()

    async def both(routine: Any, *given: Any) -> Any:
        if routine is not states.made:
            return await run(routine, *given)
        turn = [run(routine, *given), erase()]
        # The other one is first every second time.
        return await asyncio.gather(*(turn if next(places) % 2 else turn[::-1]))

    monkeypatch.setattr(context.performer, "run", both)
    for _ in range(ROUNDS):
        customer = await publisher.customer()

        def erase(customer: int = customer) -> Any:
            return _erase(publisher, customer, erasing)

        key = await exports.order(publisher, customer)
        await jobs.export(context, publisher.tenant_id, {"export": key})
    await _nothing_is_left(publisher, context)


async def test_a_worker_bears_the_loss_of_the_job_that_it_does(
    publisher: Publisher,
    person: int,
    context: JobContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    advance, erased = states.advance, asyncio.Event()

    async def meanwhile(*given: Any) -> bool:
        if not erased.is_set():
            await _erase(publisher, person, "anonymizeCustomer")
            erased.set()
        return await advance(*given)

    monkeypatch.setattr(states, "advance", meanwhile)
    await exports.order(publisher, person)
    async with working(context):
        async with asyncio.timeout(20):
            await erased.wait()
    await _nothing_is_left(publisher, context)
