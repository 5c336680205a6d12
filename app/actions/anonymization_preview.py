"""What anonymising a customer would take away, what would stay and until when, and what blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text

from app.actions.anonymization import (
    PreviewAnonymizationInput,
    blockers,
    open_payments,
    running_subscriptions,
)
from app.domain.retention import RecordKind, RetentionYears, kept_until
from app.errors import Refusal
from app.models import Customer, erasure
from app.models.base import record_name
from app.models.opt_in import YEARS_OF_PROOF
from app.models.personal import personal_columns
from app.work.unit import Work

_OF_ACCOUNT = """
    SELECT {counts}
    FROM (
        SELECT CAST(:tenant AS integer) AS the_tenant, CAST(:customer AS bigint) AS the_customer,
               CAST(:now AS timestamptz) AS the_time
    ) AS account CROSS JOIN {table} AS t
    WHERE {condition}
"""
_BATCHES = text("""
    SELECT count(*), max(collected_until) FROM sepa_batch AS batch
    WHERE tenant_id = :tenant AND file_key IS NOT NULL AND EXISTS (
        SELECT FROM payment_transaction AS debit
        WHERE debit.tenant_id = :tenant AND debit.customer_id = :customer
            AND debit.sepa_batch_id = batch.id AND debit.end_to_end_id IS NOT NULL
    )
""")
_NO = "NULL"


@dataclass(frozen=True)
class Part:
    """Some columns of one kind of records, how many records there are, and what becomes of them."""

    record: str
    count: int
    columns: Sequence[str]
    removed: bool = False
    until: date | None = None


@dataclass(frozen=True)
class Outlook:
    """What anonymising would do."""

    erased: Sequence[Part]
    kept: Sequence[Part]
    refusals: Sequence[Refusal]


async def preview_anonymization(work: Work, input: PreviewAnonymizationInput) -> Outlook:
    """Tell what anonymising a customer would do.

    Raises:
        Refused: There is no such customer, or they are anonymised.
    """
    customer = await work.account(input.customer_id)
    running = [] if input.end_subscriptions else await running_subscriptions(work, customer)
    unpaid = [] if input.accept_open_payments else await open_payments(work, customer)
    found = [await _parts(work, customer, table) for table in erasure.customers_tables()]
    return Outlook(
        [part for erased, _ in found for part in erased],
        [part for _, kept in found for part in kept] + await _batches(work, customer),
        blockers(running, unpaid),
    )


async def _parts(work: Work, customer: Customer, table: str) -> tuple[list[Part], list[Part]]:
    """What goes and what stays of a table's rows."""
    if table in erasure.KEPT_BY_TRIGGERS:
        return [], []
    if table == "file":
        return await _files(work, customer)
    name, removed = record_name(table), table in erasure.GONE
    condition = erasure.customers_tables()[table]
    kept: list[Part] = []
    if table in erasure.RELEASED_BY:
        day = erasure.RELEASED_BY[table]
        count, columns, last = await _count(work, customer, table, condition, True, day)
        if count:
            kept.append(Part(name, count, columns, until=await _invoice_end(work, last)))
    if table in erasure.HELD_BACK:
        held = erasure.HELD_BACK[table]
        count, columns, last = await _count(
            work, customer, table, f"{condition} AND ({held})", False, "t.created_at::date"
        )
        if count:
            kept.append(Part(name, count, columns, until=_proof_end(last)))
        condition = f"{condition} AND NOT ({held})"
    count, columns, _ = await _count(work, customer, table, condition, False, _NO)
    erased = [Part(name, count, columns, removed)] if count and (columns or removed) else []
    return erased, kept


async def _files(work: Work, customer: Customer) -> tuple[list[Part], list[Part]]:
    """Those that go, and those that stay with their invoices."""
    mine, named = erasure.customers_tables()["file"], erasure.NAMED_BY_INVOICE
    going, columns, _ = await _count(work, customer, "file", f"{mine} AND NOT {named}", False, _NO)
    staying, names, last = await _count(
        work, customer, "file", f"{mine} AND {named}", False, "t.created_at::date"
    )
    until = await _invoice_end(work, last)
    return (
        [Part("File", going, columns, removed=True)] if going else [],
        [Part("File", staying, names, until=until)] if staying else [],
    )


async def _batches(work: Work, customer: Customer) -> list[Part]:
    """The files for the bank that name the customer; nothing is taken out of what it was told."""
    values = {"tenant": work.tenant_id, "customer": customer.id}
    count, last = (await work.session.execute(_BATCHES, values)).one()
    return (
        [Part("SepaBatch", count, ["file"], until=await _invoice_end(work, last))] if count else []
    )


async def _count(
    work: Work, customer: Customer, table: str, condition: str, retained: bool, day: str
) -> tuple[int, list[str], Any]:
    """How many rows there are, which personal columns hold something, and the latest day."""
    names = [c.name for c in personal_columns(retained=retained) if c.table.name == table]
    counts = ["count(*)", f"max({day})", *(f"count(t.{name})" for name in names)]
    statement = _OF_ACCOUNT.format(counts=", ".join(counts), table=table, condition=condition)
    values = {"tenant": work.tenant_id, "customer": customer.id, "now": work.now}
    count, last, *filled = (await work.session.execute(text(statement), values)).one()
    return count, [name for name, some in zip(names, filled, strict=True) if some], last


async def _invoice_end(work: Work, last: date | None) -> date | None:
    years = RetentionYears(invoices=(await work.tenant()).invoice_years)
    return None if last is None else kept_until(last, RecordKind.INVOICE, years)


def _proof_end(last: date) -> date:
    years = max(YEARS_OF_PROOF.values())
    return date(last.year + years, last.month, min(last.day, 28))
