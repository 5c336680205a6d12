"""Of an anonymised customer nothing is left anywhere, but in invoices, and then not there either.

An account with a mark in every place that can hold something personal is anonymised; then the
whole database, as JSON and as PostgreSQL's own dump, and every object in the store are searched.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import timedelta

import asyncpg
import pytest

from app.jobs.registry import JobContext
from app.models import erasure
from app.models.personal import personal_columns
from app.schema.node import encode_id
from app.settings import Settings
from app.storage import Storage
from app.work.files import Staging
from app.work.perform import Performer
from app.work.purge import purge_expired
from app.work.sweep import Sweep
from tests.actions.conftest import Clock
from tests.actions.lived import Life
from tests.actions.marks import UNMARKABLE, Marks, marked_account
from tests.actions.traces import Places, of_database, of_dump, of_store
from tests.conftest import Database, cloned
from tests.jobs.conftest import context_of
from tests.publisher import Publisher, refusals
from tests.rows import KEYRING
from tests.services import Services
from tests.work.histories import faults

FAR = timedelta(days=20 * 366)


Allowed = dict[str, set[str]]


@pytest.fixture
async def database(services: Services) -> AsyncIterator[Database]:
    """A database of its own: all of it is searched, so it holds what is told of here alone."""
    async with cloned(services) as database:
        yield database


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the role that owns the tables."""
    connection = await asyncpg.connect(database.owner_database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def context(settings: Settings) -> AsyncIterator[JobContext]:
    """What a worker beside the server has at hand."""
    async with context_of(settings) as context:
        yield context


class Search:
    """Searches all that is kept, before and after."""

    def __init__(
        self,
        owner: asyncpg.Connection,
        bucket: Storage,
        settings: Settings,
        packages: Mapping[str, tuple[int, int]],
    ) -> None:
        self._owner = owner
        self._bucket = bucket
        self._settings = settings
        self._packages = packages

    async def rows(self, marks: Iterable[str]) -> Allowed:
        """The marks that stand in rows, and in which tables."""
        return (await of_database(self._owner)).holding(marks)

    async def objects(self, marks: Iterable[str]) -> Allowed:
        """The marks that stand in objects, and in which."""
        return (await of_store(self._bucket, self._packages)).holding(marks)

    async def dump(self, marks: Iterable[str]) -> Allowed:
        """The marks that stand in a dump."""
        return (await of_dump(_owners_url(self._settings))).holding(marks)


async def test_nothing_is_left_of_an_anonymised_customer_but_in_invoices(
    publisher: Publisher,
    owner: asyncpg.Connection,
    bucket: Storage,
    settings: Settings,
    context: JobContext,
) -> None:
    """By columns: each that is declared personal is marked."""
    marks = Marks()
    customer = await marked_account(publisher, bucket, marks)
    assert len(marks.erased) + len(marks.retained) > 200
    search = Search(owner, bucket, settings, {})
    everything = {**marks.erased, **marks.retained}
    before = {**await search.rows(everything), **await search.objects(everything)}
    assert {mark: everything[mark] for mark in everything.keys() - before.keys()} == {}
    given = {"customerId": encode_id("Customer", customer), "acceptOpenPayments": True}
    assert refusals(await publisher.act("anonymizeCustomer", given)) == []
    sweep = Sweep(context.writing, bucket)
    await sweep.expired()

    rows, objects = await search.rows(everything), await search.objects(everything)
    assert told(marks.erased, rows, objects, await search.dump(marks.erased)) == []
    assert {*rows, *objects} == {*marks.retained}
    assert {table for tables in rows.values() for table in tables} <= RETAINING
    assert await faults(publisher) == []

    purged = await purge_expired(later(context), publisher.tenant_id)
    assert purged["invoice"] == 2
    assert await purge_expired(later(context), publisher.tenant_id) == {}
    await sweep.expired()
    assert told(everything, await search.rows(everything), await search.objects(everything)) == []
    assert await search.dump(everything) == {}
    assert await faults(publisher) == []


async def test_nothing_is_left_of_an_account_that_was_lived_in(
    publisher: Publisher,
    owner: asyncpg.Connection,
    bucket: Storage,
    settings: Settings,
    context: JobContext,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """By deeds: each that takes a text was done with a mark."""
    marks = Marks()
    customer, packages = await Life(publisher, marks, context).live()
    assert len(marks.erased) > 150
    search = Search(owner, bucket, settings, packages)
    rows, objects = await search.rows(marks.erased), await search.objects(marks.erased)
    unseen = marks.erased.keys() - rows.keys() - objects.keys()
    assert {marks.erased[mark] for mark in unseen} == set(), "What is not seen now proves nothing."
    [package] = packages
    assert any(package in found for found in objects.values()), "The package can't be read."
    kept = await _kept_objects(owner, publisher)
    assert len(kept) > 5

    given = {"customerId": customer, "acceptOpenPayments": True, "endSubscriptions": True}
    assert refusals(await publisher.act("anonymizeCustomer", given)) == []
    sweep = Sweep(context.writing, bucket)
    await sweep.expired()
    rows, objects = await search.rows(marks.erased), await search.objects(marks.erased)
    left = {mark: rows.get(mark, set()) | objects.get(mark, set()) for mark in {*rows, *objects}}
    places = {marks.erased[mark]: found for mark, found in left.items()}
    elsewhere = {where: found - RETAINING - kept for where, found in places.items()}
    assert {where: found for where, found in elsewhere.items() if found} == {}
    assert places.keys() == RETAINED
    assert {*await search.dump(marks.erased)} == {*rows}
    assert await faults(publisher) == []

    purged = await purge_expired(later(context), publisher.tenant_id)
    assert purged["sepa_batch"] == 1
    assert await purge_expired(later(context), publisher.tenant_id) == {}
    await sweep.expired()
    rows, objects = await search.rows(marks.erased), await search.objects(marks.erased)
    assert told(marks.erased, rows, objects, await search.dump(marks.erased)) == []
    assert await faults(publisher) == []
    logs = Places()
    logs.add("logs", "".join(capfd.readouterr()).encode())
    assert logs.holding(["job_given_up"]) == {"job_given_up": {"logs"}}
    assert told(marks.erased, logs.holding(marks.erased)) == []


RETAINING = {
    "customer_order",
    "customer_term",
    "file",
    "invoice",
    "invoice_item",
    "payment_transaction",
    "subscription",
}
"""The tables in which something may stay until retention is over."""

_ADDRESS = (
    "addition",
    "city",
    "company",
    "firstName",
    "houseNumber",
    "lastName",
    "postalCode",
    "postbox",
    "region",
    "street",
    "title",
    "vatNumber",
)
RETAINED = {
    *(f"addInvoiceAddress.{part}" for part in _ADDRESS),
    # In the file that the bank was given, and in the payer's invoice.
    "addBankAccount.mandateReference",
    "addBankAccount.owner",
    "iban",
    # An electronic invoice names its recipient's.
    "updateCustomer.email",
    "updateCustomer.number",
    "cancelInvoice.reason",
    "correctInvoice.lines.title",
    "correctInvoice.reason",
    "markInvoicePaid.reference",
    "placeOrder.purchaseOrderNumber",
    "recordRefund.reference",
}
"""What was written by a client and stays with an invoice, a payment or the bank's file."""


async def _kept_objects(owner: asyncpg.Connection, publisher: Publisher) -> set[str]:
    """The objects of invoices, and of what was given to the bank."""
    rows = await owner.fetch(
        "SELECT file.key FROM file JOIN invoice ON file.tenant_id = invoice.tenant_id"
        " AND file.id IN (invoice.file_id, invoice.einvoice_file_id) WHERE file.tenant_id = $1"
        " UNION SELECT file_key FROM sepa_batch WHERE tenant_id = $1 AND file_key IS NOT NULL",
        publisher.tenant_id,
    )
    return {row["key"] for row in rows}


def told(marks: Mapping[str, str], *found: Allowed) -> list[tuple[str, list[str]]]:
    """What was found, by what was marked, for whoever reads why the test fails."""
    return sorted(
        (marks[mark], sorted(places))
        for one in found
        for mark, places in one.items()
        if mark in marks
    )


def later(context: JobContext) -> Performer:
    """What does things, long after all retention."""
    clock = Clock()
    clock.ahead = FAR
    staging = Staging(context.writing, context.storage, None, 60)  # type: ignore[arg-type]  # There are no files.
    return Performer(context.writing, KEYRING, context.storage, staging, clock)


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
