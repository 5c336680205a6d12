"""When an invoice is paid: as soon as what was received covers it."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from sqlalchemy import ColumnElement, select

from app.billing.chains import last_of, refund
from app.domain.money import Money
from app.domain.periods import begins_at
from app.models import Invoice
from app.models.invoice import ASKING, InvoiceStatus, InvoiceType
from app.work.outstanding import Columns, outstanding, received
from app.work.unit import Work

_Expression = Callable[[Columns], ColumnElement[Decimal]]


async def received_on(work: Work, invoice: Invoice) -> Money:
    """What was paid on an invoice and stayed."""
    return Money(await _asked(work, invoice, received), invoice.currency)


async def outstanding_on(work: Work, invoice: Invoice) -> Money:
    """What of an invoice is still owed; what is on its way counts as owed."""
    return Money(await _asked(work, invoice, outstanding), invoice.currency)


async def settle(work: Work, invoice: Invoice, day: date) -> None:
    """Make an invoice say whether it is paid, after money came in or went back on a day.

    It is PAID once what was received covers its gross amount, and NOT_PAID when it does no more.
    What was cancelled stays so; the money counts for what took its place, and what is too much
    is to be refunded.
    """
    if invoice.status == InvoiceStatus.CANCELLED:
        invoice = await last_of(work, invoice)
    if invoice.precursor_id is not None:
        await refund(work, invoice, await received_on(work, invoice))
    if invoice.status == InvoiceStatus.CANCELLED or InvoiceType(invoice.type) not in ASKING:
        return
    covered = (await received_on(work, invoice)).amount >= invoice.gross
    if covered and invoice.status != InvoiceStatus.PAID:
        invoice.status = InvoiceStatus.PAID.value
        over = day < await work.today()
        zone = (await work.tenant()).time_zone
        invoice.paid_at = begins_at(day, zone) if over else work.now
    elif not covered and invoice.status == InvoiceStatus.PAID:
        reopen(invoice)


def reopen(invoice: Invoice) -> None:
    """Say that the payment of an invoice failed."""
    invoice.status = InvoiceStatus.NOT_PAID.value
    invoice.paid_at = None


async def lock_invoice(work: Work, key: int) -> Invoice:
    """Lock an invoice in the account that is locked, as it is now."""
    locked = select(Invoice).where(Invoice.tenant_id == work.tenant_id, Invoice.id == key)
    return (
        await work.session.scalars(
            locked.with_for_update().execution_options(populate_existing=True)
        )
    ).one()


async def _asked(work: Work, invoice: Invoice, of: _Expression) -> Decimal:
    await work.flush()
    table = Invoice.__table__
    asked = select(of(table.c)).where(table.c.tenant_id == work.tenant_id, table.c.id == invoice.id)
    amount: Decimal = (await work.session.execute(asked)).scalar_one()
    return amount
