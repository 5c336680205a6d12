"""How long the daily run takes for many subscriptions that are due on one day."""

import asyncio
import resource
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg

from app.billing.tally import Tally
from app.encryption import Keyring
from app.files.inspection import FileInspector
from app.jobs.renewals import DailyRun
from app.settings import Settings
from app.storage import Storage
from app.work.files import Staging
from app.work.perform import Performer
from app.writing import Writing
from benchmarks.report import Report

_SLUG = "renewals"

_COLUMNS = ("", "seconds", "per second", "CPU ms each", "resident MB")

_CATALOGUE = (
    "INSERT INTO publication (tenant_id, title, frequency) SELECT $1, 'Magazin', 'MONTHLY'",
    "INSERT INTO issue (tenant_id, publication_id, number, publishing_on, closing_on)"
    " SELECT $1, p.id, n::text, current_date + 7 * n, current_date + 7 * n - 5"
    " FROM publication AS p, generate_series(1, 4) AS n WHERE p.tenant_id = $1",
    "INSERT INTO product (tenant_id, kind, name, access_id, publication_id, tax_class)"
    " SELECT $1, 'BUNDLE', 'Magazin und digital', 'magazin', p.id, NULL"
    " FROM publication AS p WHERE p.tenant_id = $1",
    "INSERT INTO product_tax_share (tenant_id, product_id, tax_class, percent)"
    " SELECT $1, p.id, class, percent FROM product AS p,"
    " (VALUES ('REDUCED', 70), ('STANDARD', 30)) AS share (class, percent)"
    " WHERE p.tenant_id = $1",
    "INSERT INTO offer (tenant_id, code, name, product_id, publication_id, price, currency,"
    " valid_from, term_count, term_unit, accounting_count, accounting_unit, notice_count,"
    " notice_unit) SELECT $1, 'MONAT', 'Magazin und digital im Monat', p.id, p.publication_id,"
    " 19.90, 'EUR', '2020-01-01', 1, 'MONTH', 1, 'MONTH', 1, 'MONTH'"
    " FROM product AS p WHERE p.tenant_id = $1",
)

_CUSTOMERS = (
    "INSERT INTO customer (tenant_id, number, last_name, email)"
    " SELECT $1, 'R' || n, 'Muster', 'muster' || n || '@example.org'"
    " FROM generate_series(1, $2::integer) AS n",
    "INSERT INTO address (tenant_id, customer_id, type, last_name, street, house_number,"
    " postal_code, city, country, preferred) SELECT tenant_id, id, 'INVOICE', 'Muster',"
    " 'Hauptstraße', '1', '10115', 'Berlin', 'DE', true FROM customer WHERE tenant_id = $1"
    " AND $2::integer > 0",
    "INSERT INTO bank_account (tenant_id, customer_id, owner, mandate_reference,"
    " mandate_signed_on, preferred) SELECT tenant_id, id, 'Muster', number, current_date, true"
    " FROM customer WHERE tenant_id = $1 AND $2::integer > 0",
    "INSERT INTO subscription (tenant_id, customer_id, number, offer_id, ordered_on, consumer,"
    " status, starts_on, accounting_from, next_billing_on, price, currency, payment_method,"
    " bank_account_id, invoice_address_id, delivery_address_id, term_count, term_unit,"
    " accounting_count, accounting_unit, notice_count, notice_unit)"
    " SELECT c.tenant_id, c.id, 'A-' || c.number, o.id, $3::date, true, 'ACTIVE', $3::date,"
    " $3::date, $3::date, o.price, 'EUR',"
    " CASE WHEN c.id % 2 = 0 THEN 'SEPA_DEBIT' ELSE 'INVOICE' END, b.id, a.id, a.id, 1, 'MONTH',"
    " 1, 'MONTH', 1, 'MONTH' FROM customer AS c"
    " JOIN address AS a ON (a.tenant_id, a.customer_id) = (c.tenant_id, c.id)"
    " JOIN bank_account AS b ON (b.tenant_id, b.customer_id) = (c.tenant_id, c.id)"
    " JOIN offer AS o ON o.tenant_id = c.tenant_id"
    " WHERE c.tenant_id = $1 AND $2::integer > 0",
)


def renewals(settings: Settings, report: Report, count: int) -> None:
    """Renew so many subscriptions that are due today, then look again, and print.

    The machine's cores are shared with PostgreSQL and whatever else runs, so the worker's own CPU
    is told as well.
    """
    with report.progress.status(f"{count:,} subscriptions"):
        tenant = asyncio.run(_tenant(settings, count))
    rows: list[Sequence[str]] = []
    for title in (f"{count:,} subscriptions are due", "none is any more"):
        with report.progress.status(title):
            began, own = time.monotonic(), time.process_time()
            tally = asyncio.run(_run(settings, tenant))
            seconds, own = time.monotonic() - began, time.process_time() - own
        if tally.failures:
            raise RuntimeError(tally.failures[0])
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        opened = tally.periods_opened
        each: tuple[str, ...] = ("", "")
        if opened:
            each = (f"{opened / seconds:,.0f}", f"{own / opened * 1000:.1f}")
        rows.append((title, f"{seconds:.1f}", *each, f"{memory:.0f}"))
    report.table("The daily run, one worker", _COLUMNS, rows)


async def _tenant(settings: Settings, count: int) -> int:
    """A new tenant whose subscriptions are all due today."""
    assert settings.owner_database_url is not None
    owner = await asyncpg.connect(settings.owner_database_url.get_secret_value())
    slug = f"{_SLUG}-{time.time_ns()}"
    first = datetime.now(UTC).date()
    async with owner.transaction():
        tenant: int = await owner.fetchval(
            "INSERT INTO tenant (slug, name) VALUES ($1, 'Renewals') RETURNING id", slug
        )
        for statement in _CATALOGUE:
            await owner.execute(statement, tenant)
        for statement in _CUSTOMERS[:-1]:
            await owner.execute(statement, tenant, count)
        await owner.execute(_CUSTOMERS[-1], tenant, count, first)
    await owner.execute("ANALYZE")
    await owner.close()
    return tenant


async def _run(settings: Settings, tenant: int) -> Tally:
    writing, storage, inspector = Writing(settings), Storage(settings), FileInspector(settings)
    staging = Staging(writing, storage, inspector, settings.unclaimed_file_seconds)
    performer = Performer(writing, Keyring.from_settings(settings), storage, staging)
    writing.open()
    try:
        run = DailyRun(performer, writing)
        return await run.renew(await run.tenant(tenant))
    finally:
        await inspector.close()
        await writing.close()
