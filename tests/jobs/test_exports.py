"""Packages: whole, by their own manifest, or none at all; and forgotten after their time."""

import asyncio
import secrets
import tracemalloc
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import asyncpg
import httpx2
import pytest

from app import models
from app.exports import making, states
from app.exports.contents import OMITTED, OTHER_TABLES, sources
from app.exports.package import safe_name
from app.exports.words import TABLES
from app.jobs import exports as jobs
from app.jobs.registry import HANDLINGS, JobContext, JobError, JobRefused
from app.models import Base
from app.models.export import ExportStep
from app.schema.node import encode_id
from app.storage import Storage, StorageError
from app.work.jobs import JobKind
from app.work.sweep import Sweep
from tests import exports
from tests.conftest import Database
from tests.publisher import Publisher
from tests.rows import EPOCH

IBAN = "DE89370400440532013000"


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The database in which these tests found their publishers, side by side."""
    return shared_database


@pytest.fixture
async def publisher(owner: asyncpg.Connection, client: httpx2.AsyncClient) -> Publisher:
    """A publisher whose exports are ordered and seen over HTTP."""
    return await Publisher.found(owner, client)


@pytest.fixture
def bucket(context: JobContext) -> Storage:
    """The bucket that files are in."""
    return context.storage


async def _account(publisher: Publisher, bucket: Storage, content: bytes = b"%PDF") -> int:
    """An account with a record in every table that an export can hold, and a real file."""
    customer, tenant = await publisher.full_account(), publisher.tenant_id
    key = f"{tenant}/{secrets.token_hex(16)}"
    await bucket.put(key, content, "application/pdf")
    await publisher.owner.execute(
        "UPDATE file SET key = $2, size_bytes = $3, sha256 = $4 WHERE tenant_id = $1",
        tenant,
        key,
        len(content),
        sha256(content).hexdigest(),
    )
    voucher = await publisher.make(models.Voucher)
    order = await publisher.owner.fetchval(
        "SELECT max(id) FROM customer_order WHERE tenant_id = $1", tenant
    )
    await publisher.make(models.VoucherRedemption, voucher_id=voucher, order_id=order)
    await publisher.sign_in(customer)
    for statement in (
        "INSERT INTO customer_device (tenant_id, customer_id, hash)"
        " VALUES ($1, $2, 'secret-device')",
        "INSERT INTO customer_recovery_code (tenant_id, customer_id, hash)"
        " VALUES ($1, $2, 'secret-recovery')",
        "INSERT INTO customer_sign_in (tenant_id, customer_id) VALUES ($1, $2)",
        "UPDATE customer SET password_hash = 'secret-password' WHERE tenant_id = $1 AND id = $2",
    ):
        await publisher.owner.execute(statement, tenant, customer)
    return customer


def _interrupt(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let whatever reads a file of the store end in the middle."""

    async def read(_storage: Storage, _key: str) -> AsyncIterator[bytes]:
        yield b"%"
        raise error

    monkeypatch.setattr(Storage, "read", read)


async def _files(publisher: Publisher) -> list[str]:
    """The keys of the packages that rows name."""
    rows = await publisher.owner.fetch(
        "SELECT key FROM file WHERE tenant_id = $1 AND purpose = 'EXPORT'", publisher.tenant_id
    )
    return [row["key"] for row in rows]


async def _stored(publisher: Publisher, bucket: Storage) -> set[str]:
    """What the store holds of a publisher."""
    prefix = f"{publisher.tenant_id}/"
    return {o.key async for page in bucket.pages() for o in page if o.key.startswith(prefix)}


def test_every_table_is_exported_or_says_why_not() -> None:
    exported = {source.table.name for source in sources()}
    tables = {*Base.metadata.tables}
    assert exported | OTHER_TABLES.keys() == tables
    assert exported & OTHER_TABLES.keys() == set()
    named = {name for name in OTHER_TABLES if "customer_id" in Base.metadata.tables[name].c}
    assert named == {"customer_term"}, "A table that names customers is not exported."
    assert exported <= TABLES.keys()
    assert all(OTHER_TABLES.values())


def test_every_column_is_exported_or_says_why_not() -> None:
    declared = {
        f"{source.table.name}.{column.name}": column
        for source in sources()
        for column in source.table.columns
    }
    exported = {f"{s.table.name}.{column.name}" for s in sources() for column in s.columns}
    assert exported | OMITTED.keys() == declared.keys()
    assert exported & OMITTED.keys() == set()
    assert {name for name in exported if declared[name].info.get("secret")} == set()
    assert {name for name in exported if declared[name].info.get("encrypted")} == {
        "bank_account.iban"
    }


async def test_a_package_holds_every_declared_column_of_every_table(
    context: JobContext, publisher: Publisher, bucket: Storage, client: httpx2.AsyncClient
) -> None:
    customer = await _account(publisher, bucket, b"%PDF-1.7 attached")
    # Another person of the same publisher, of whom nothing may be told.
    await publisher.customer(last_name="Somebodyelse", email="somebodyelse@example.org")
    package = await exports.downloaded(client, await exports.made(context, publisher, customer))
    paths = exports.verify(package)
    for source in sources():
        found = exports.records(package, source.table.name)
        # Nobody asks to anonymise the account above.
        assert found or source.table.name == "anonymization_request", source.table.name
        for row in found:
            assert [*row] == [column.name for column in source.columns], source.table.name
        if found:
            assert f"pages/{source.table.name}.html" in paths
    assert {row["iban"] for row in exports.records(package, "bank_account")} == {IBAN}
    [attached] = [path for path in paths if path.startswith("files/")]
    assert package.read(attached) == b"%PDF-1.7 attached"
    whole = b"".join(package.read(path) for path in package.namelist())
    for secret in (b"secret-password", b"secret-recovery", b"secret-device", b"omebodyelse"):
        assert secret not in whole
        assert secret.hex().encode() not in whole


async def test_a_letter_says_what_article_15_asks_for_in_the_customers_language(
    context: JobContext, publisher: Publisher, client: httpx2.AsyncClient
) -> None:
    for language, expected in (
        ("de", ("a) Zwecke", "h) Automatisierte", "8 Jahre", "Art. 77 DSGVO")),
        ("en", ("(a) Purposes", "(h) Automated", "8 years", "Art. 77 GDPR")),
    ):
        customer = await publisher.customer(language=language, last_name="<b>Ü & Co</b>")
        package = await exports.downloaded(client, await exports.made(context, publisher, customer))
        letter = package.read("index.html").decode()
        for words in (*expected, "&lt;b&gt;Ü &amp; Co&lt;/b&gt;"):
            assert words in letter
        assert "<b>" not in letter
        assert f'<html lang="{language}">' in letter
        assert "&lt;b&gt;" in package.read("pages/customer.html").decode()


async def test_a_letter_tells_how_long_this_tenant_keeps_what_it_holds(
    context: JobContext, publisher: Publisher, client: httpx2.AsyncClient
) -> None:
    await publisher.owner.execute(
        "UPDATE tenant SET book_years = 12, invoice_years = 9, letter_years = 1, login_days = 30"
        " WHERE id = $1",
        publisher.tenant_id,
    )
    for language, expected in (
        ("de", (": 12 Jahre (", ": 9 Jahre ab", ": 1 Jahr (", ": 30 Tage<")),
        ("en", (": 12 years (", ": 9 years from", ": 1 year (", ": 30 days<")),
    ):
        customer = await publisher.customer(language=language)
        package = await exports.downloaded(client, await exports.made(context, publisher, customer))
        letter = package.read("index.html").decode()
        assert [words for words in expected if words not in letter] == []


async def test_names_of_staff_are_theirs(
    context: JobContext, publisher: Publisher, client: httpx2.AsyncClient
) -> None:
    customer = await publisher.customer()
    for kind, name in (("STAFF", "Agent Smith"), ("PARTNER", "Paywall")):
        await publisher.make(
            models.Activity,
            customer_id=customer,
            actor_kind=kind,
            actor_name=name,
            author_kind=kind,
            author_name=name,
        )
        await publisher.make(models.History, customer_id=customer, actor_kind=kind, actor_name=name)
    package = await exports.downloaded(client, await exports.made(context, publisher, customer))
    whole = b"".join(package.read(path) for path in package.namelist())
    assert b"Agent Smith" not in whole
    assert "Paywall" in package.read("index.html").decode()
    told = [row["author_name"] for row in exports.records(package, "activity")]
    assert told[:2] == [None, "Paywall"]


async def test_it_can_be_seen_how_far_an_export_is(
    context: JobContext,
    publisher: Publisher,
    bucket: Storage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    customer = await publisher.customer()
    for number in range(4):
        await exports.stored_file(publisher, bucket, customer, b"%d" % number, "a.pdf")
    key, seen = await exports.order(publisher, customer), []
    advance = states.advance

    async def watched(*given: Any) -> bool:
        assert await advance(*given)
        export = await exports.seen(publisher, key)
        assert export["status"] == "RUNNING"
        seen.append((export["step"], export["percent"]))
        return True

    monkeypatch.setattr(states, "advance", watched)
    await jobs.export(context, publisher.tenant_id, {"export": key})
    assert [percent for _, percent in seen] == sorted({percent for _, percent in seen})
    assert [*dict.fromkeys(step for step, _ in seen)] == [*ExportStep]


async def test_one_that_was_interrupted_is_made_anew(
    context: JobContext,
    publisher: Publisher,
    bucket: Storage,
    client: httpx2.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    customer = await _account(publisher, bucket)
    key = await exports.order(publisher, customer)
    before = await _stored(publisher, bucket)
    for error, expected in (
        (asyncio.CancelledError(), asyncio.CancelledError),
        (StorageError("get_object"), JobError),
    ):
        with monkeypatch.context() as patched:
            _interrupt(patched, error)
            with pytest.raises(expected):
                await jobs.export(context, publisher.tenant_id, {"export": key})
        assert (await exports.seen(publisher, key))["status"] == "RUNNING"
        assert await _files(publisher) == []
        assert await _stored(publisher, bucket) == before
    await jobs.export(context, publisher.tenant_id, {"export": key})
    exports.verify(await exports.downloaded(client, await exports.seen(publisher, key)))


@pytest.mark.parametrize("last", [False, True])
async def test_one_that_ends_while_it_is_stored_leaves_nothing(
    context: JobContext,
    publisher: Publisher,
    bucket: Storage,
    monkeypatch: pytest.MonkeyPatch,
    *,
    last: bool,
) -> None:
    key = await exports.order(publisher, await publisher.customer())
    operation = "complete_multipart_upload" if last else "upload_part"
    ask = Storage._ask

    def broken(storage: Storage, asked: str, **values: Any) -> Any:
        if asked == operation:
            raise StorageError(asked)
        return ask(storage, asked, **values)

    with monkeypatch.context() as patched:
        patched.setattr(Storage, "_ask", broken)
        with pytest.raises(JobError):
            await jobs.export(context, publisher.tenant_id, {"export": key})
    assert await _files(publisher) == []
    assert await _stored(publisher, bucket) == set()


async def test_one_that_is_done_is_not_made_again(
    context: JobContext, publisher: Publisher
) -> None:
    export = await exports.made(context, publisher, await publisher.customer())
    [file] = await _files(publisher)
    payload = {"export": exports.key_of_export(export)}
    await jobs.export(context, publisher.tenant_id, payload)
    assert await _files(publisher) == [file]


async def test_two_workers_make_one_package(
    context: JobContext, publisher: Publisher, bucket: Storage
) -> None:
    payload = {"export": await exports.order(publisher, await publisher.customer())}
    await asyncio.gather(*(jobs.export(context, publisher.tenant_id, payload) for _ in range(3)))
    assert await _stored(publisher, bucket) == {*await _files(publisher)}
    assert len(await _files(publisher)) == 1


async def test_a_file_that_is_not_what_was_stored_stands_in_the_way(
    context: JobContext, publisher: Publisher, bucket: Storage
) -> None:
    customer = await publisher.customer()
    file = await exports.stored_file(publisher, bucket, customer, b"content", "a.pdf")
    await publisher.owner.execute(
        "UPDATE file SET sha256 = repeat('0', 64) WHERE tenant_id = $1", publisher.tenant_id
    )
    key = await exports.order(publisher, customer)
    with pytest.raises(JobRefused) as raised:
        await jobs.export(context, publisher.tenant_id, {"export": key})
    assert str(raised.value) == f"The file {file} is not what was stored once."
    given_up = HANDLINGS[JobKind.EXPORT_CUSTOMER].given_up
    await given_up(context, publisher.tenant_id, {"export": key}, str(raised.value))
    export = await exports.seen(publisher, key)
    assert (export["status"], export["error"]) == ("FAILED", str(raised.value))
    assert export["downloadUrl"] is export["step"] is export["file"] is None
    assert await _files(publisher) == []
    # Another one can be ordered now.
    await exports.order(publisher, customer)


async def test_one_of_a_customer_who_was_anonymised_meanwhile_fails(
    context: JobContext, publisher: Publisher, bucket: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = await publisher.customer()
    key = await exports.order(publisher, customer)
    make = making.Maker.make

    async def meanwhile(*given: Any) -> None:
        await make(*given)
        await publisher.owner.execute(
            "UPDATE customer SET anonymized_at = now() WHERE tenant_id = $1",
            publisher.tenant_id,
        )

    monkeypatch.setattr(making.Maker, "make", meanwhile)
    await jobs.export(context, publisher.tenant_id, {"export": key})
    export = await exports.seen(publisher, key)
    assert (export["status"], export["error"]) == (
        "FAILED",
        "The customer was anonymised meanwhile.",
    )
    assert await _stored(publisher, bucket) == set()


async def test_a_package_is_forgotten_after_its_time(
    context: JobContext, publisher: Publisher, bucket: Storage
) -> None:
    customer = await publisher.customer()
    over = await exports.made(context, publisher, customer)
    [file] = await _files(publisher)
    await publisher.owner.execute(
        "UPDATE data_export SET expires_at = now() WHERE tenant_id = $1", publisher.tenant_id
    )
    kept = await exports.made(context, publisher, customer)
    await jobs.expire(context, publisher.tenant_id, {})
    keys = [exports.key_of_export(export) for export in (over, kept)]
    shown = [await exports.seen(publisher, key) for key in keys]
    assert [export["status"] for export in shown] == ["EXPIRED", "READY"]
    assert shown[0]["file"] is shown[0]["downloadUrl"] is None
    assert file not in await _files(publisher)
    await Sweep(context.writing, bucket).expired()
    assert await _stored(publisher, bucket) == {*await _files(publisher)}
    entries = await publisher.history(encode_id("Customer", customer))
    assert entries[-1]["action"] == "export.expired"


async def test_one_that_nobody_makes_any_more_is_given_up(
    context: JobContext, publisher: Publisher
) -> None:
    customer = await publisher.customer()
    key = await publisher.make(
        models.Export, customer_id=customer, status="RUNNING", changed_at=EPOCH
    )
    young = await publisher.make(
        models.Export, customer_id=await publisher.customer(), status="RUNNING"
    )
    await publisher.owner.execute(
        "UPDATE data_export SET percent = 1 WHERE tenant_id = $1 AND id = $2",
        publisher.tenant_id,
        young,
    )
    await jobs.expire(context, publisher.tenant_id, {})
    export = await exports.seen(publisher, key)
    assert (export["status"], export["error"]) == ("FAILED", states.ABANDONED)
    assert (await exports.seen(publisher, young))["status"] == "RUNNING"


async def test_a_large_account_takes_little_memory(
    context: JobContext, publisher: Publisher, bucket: Storage, client: httpx2.AsyncClient
) -> None:
    customer = await publisher.customer()
    await publisher.owner.execute(
        "INSERT INTO activity (tenant_id, customer_id, kind, text)"
        " SELECT $1, $2, 'NOTE', repeat(md5(n::text), 30) FROM generate_series(1, 10000) AS n",
        publisher.tenant_id,
        customer,
    )
    for number in range(100):
        content = secrets.token_bytes(400_000)
        await exports.stored_file(publisher, bucket, customer, content, f"{number}.pdf")
    key = await exports.order(publisher, customer)
    tracemalloc.start()
    try:
        await jobs.export(context, publisher.tenant_id, {"export": key})
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    package = await exports.downloaded(client, await exports.seen(publisher, key))
    assert len(exports.verify(package)) > 100
    assert len(exports.records(package, "activity")) == 10_001
    # The package has more than 40 MB, and the records 10 MB. One part of 8 MiB is in memory.
    assert most < 28_000_000


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Brief.pdf", "Brief.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\a:b?.pdf", "C__a_b_.pdf"),
        ("Kündigung (2).pdf", "Kündigung _2_.pdf"),
        ("a" * 200 + ".pdf", "a" * 97 + ".pdf"),
        (".", ""),
    ],
)
def test_names_of_files_can_be_unpacked_anywhere(name: str, safe: str) -> None:
    assert safe_name(name) == safe
