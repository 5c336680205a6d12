"""Correcting and cancelling invoices: by documents of their own, never by changing one.

Both work on anonymised accounts: books have to be put right whoever they are about.
"""

from dataclasses import dataclass
from typing import Any

from app.actions.correction_inputs import (
    CancelInvoiceInput,
    CorrectInvoiceInput,
    CorrectionData,
    PreviewCorrectionInput,
    corrected_lines,
)
from app.auth.permissions import Permission
from app.billing.addresses import snapshot
from app.billing.corrections import (
    cancel,
    correct,
    lines_to_correct,
    paid_for,
    require_correctable,
)
from app.billing.invoices import Line
from app.domain.money import Money
from app.domain.tax import TaxTotals
from app.errors import Refused, UserErrorCode
from app.models import Address, Invoice
from app.models.base import Json
from app.work.action import ACTIONS, action
from app.work.unit import Work

_INVOICE = "invoice_id"
_CHAIN = (UserErrorCode.INVOICE_NOT_CORRECTABLE, UserErrorCode.INVOICE_ALREADY_CANCELLED)


@dataclass(frozen=True)
class CorrectionPlan:
    """An invoice, and what a correction of it would ask for."""

    invoice: Invoice
    old: list[Line]
    new: list[Line]
    address: Json | None
    paid: Money

    @property
    def old_totals(self) -> TaxTotals:
        """The sums of the original."""
        return TaxTotals.of([line.amount for line in self.old], self.invoice.currency)

    @property
    def new_totals(self) -> TaxTotals:
        """The sums of the correction."""
        return TaxTotals.of([line.amount for line in self.new], self.invoice.currency)

    @property
    def difference(self) -> Money:
        """By how much more the correction asks for; negative where it asks for less."""
        return self.new_totals.gross - self.old_totals.gross

    @property
    def refund(self) -> Money:
        """What would be paid back."""
        return max(self.paid - self.new_totals.gross, Money.zero(self.paid.currency))

    @property
    def due(self) -> Money:
        """What would still be to be paid."""
        return max(self.new_totals.gross - self.paid, Money.zero(self.paid.currency))


@action(
    history="invoice.corrected",
    needs=Permission.INVOICE_WRITE,
    refuses=(*_CHAIN, UserErrorCode.PRICE_INVALID),
    open_when_anonymized=True,
)
async def correct_invoice(work: Work, input: CorrectInvoiceInput) -> Invoice:
    """Correct an invoice: another document cancels it, and a third takes its place. What was paid
    counts for that one; what is too much is to be refunded, what is missing is due."""
    invoice = await work.lock(Invoice, input.invoice_id, _INVOICE)
    plan = await _plan(work, invoice, input)
    correction = await correct(work, invoice, plan.new, input.reason, address=plan.address)
    work.note(f"Invoice {invoice.number} corrected by {correction.number}.", input.reason)
    return correction


@action(
    history="invoice.cancelled",
    needs=Permission.INVOICE_WRITE,
    refuses=_CHAIN,
    open_when_anonymized=True,
)
async def cancel_invoice(work: Work, input: CancelInvoiceInput) -> Invoice:
    """Cancel an invoice by another document. What was paid for it is to be refunded; what it
    billed goes on."""
    invoice = await work.lock(Invoice, input.invoice_id, _INVOICE)
    require_correctable(invoice, _INVOICE)
    cancellation = await cancel(work, invoice, input.reason)
    work.note(f"Invoice {invoice.number} cancelled by {cancellation.number}.", input.reason)
    return cancellation


async def preview_correction(work: Work, input: PreviewCorrectionInput) -> CorrectionPlan:
    """Tell what a correction would ask for.

    Raises:
        Refused: What stands against it.
    """
    return await _plan(work, await work.lock(Invoice, input.invoice_id, _INVOICE), input)


async def _plan(work: Work, invoice: Invoice, input: CorrectionData) -> CorrectionPlan:
    require_correctable(invoice, _INVOICE)
    old = await lines_to_correct(work, invoice)
    new = await corrected_lines(work, invoice, old, input)
    address: dict[str, Any] | None = None
    if input.address_id:
        address = snapshot(await work.find(Address, input.address_id, "address_id"))
    if new == old and address in (None, invoice.address):
        raise Refused(UserErrorCode.INVOICE_NOT_CORRECTABLE, "Nothing would change.", _INVOICE)
    return CorrectionPlan(invoice, old, new, address, await paid_for(work, invoice))


CORRECT_INVOICE = ACTIONS[correct_invoice.__name__]
"""The action that a preview rehearses."""
