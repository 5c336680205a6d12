"""The PDF and XML of an invoice, made again where they are missing."""

import strawberry

from app.auth.permissions import Permission
from app.errors import Refused, UserErrorCode
from app.models import Invoice
from app.work.action import action
from app.work.inputs import identifier
from app.work.jobs import JobKind
from app.work.unit import Work


@strawberry.input(description="An invoice whose files are to be made.")
class RenderInvoiceInput:
    """Which invoice."""

    invoice_id: strawberry.ID = identifier("The id of the invoice.")


@action(
    history="invoice.rendering_ordered",
    needs=Permission.INVOICE_WRITE,
    refuses=(UserErrorCode.ALREADY_RENDERED,),
    open_when_anonymized=True,
)
async def render_invoice(work: Work, input: RenderInvoiceInput) -> Invoice:
    """Have an invoice's PDF and XML made, where one of them is missing. They follow in a moment."""
    invoice = await work.lock(Invoice, input.invoice_id, "invoice_id")
    if invoice.file_id and invoice.einvoice_file_id:
        raise Refused(UserErrorCode.ALREADY_RENDERED, "Its PDF and XML are there.", "invoice_id")
    await work.enqueue(JobKind.RENDER_INVOICE, {"invoice": invoice.id})
    work.note(f"Files of invoice {invoice.number} ordered.")
    return invoice
