"""Correcting and cancelling issued documents: by documents of their own, and their money.

The original stays as it was issued, and only says that it is cancelled (§ 31 (5) UStDV asks for a
correction that names it; a cancellation and a new document, each naming the one before, do).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from app.billing.chains import in_flight, refund
from app.billing.debits import drop_debit
from app.billing.invoices import Line, Occasion, Payer, draw, issue, lines_of, render
from app.billing.payments import lock_invoice, received_on
from app.domain.money import Money, half_up
from app.domain.tax import TaxedAmount, TaxTotals
from app.errors import Refused, UserErrorCode
from app.models import BankAccount, Customer, Invoice, Subscription, Transaction
from app.models.bank_account import MandateState
from app.models.base import Json, PaymentMethod
from app.models.invoice import InvoiceStatus, InvoiceType
from app.work.unit import Work

_CANCELLED_BY = {
    InvoiceType.INVOICE: InvoiceType.CANCELLATION,
    InvoiceType.CORRECTION: InvoiceType.CANCELLATION_CORRECTION,
}
_CORRECTED = "The invoice was corrected."


@dataclass(frozen=True)
class _Taken:
    """A document that was taken back: its cancellation, what was paid for it, and from where."""

    cancellation: Invoice
    paid: Money
    bank_account: BankAccount | None


async def correct(
    work: Work,
    invoice: Invoice,
    lines: Sequence[Line],
    reason: str | None,
    *,
    address: Json | None = None,
) -> Invoice:
    """Cancel a document and issue another one in its place; the correction.

    What was paid for it counts for the correction. What the correction asks for beyond that is
    due, and drawn where the document was paid by debit; what it asks for less is to be refunded.

    Raises:
        Refused: INVOICE_NOT_CORRECTABLE, INVOICE_ALREADY_CANCELLED.
    """
    taken = await _take_back(work, invoice, reason)
    currency = lines[0].amount.gross.currency
    gross = TaxTotals.of([line.amount for line in lines], currency).gross
    covered = taken.paid >= gross
    payer = await _payer(work, invoice, taken.bank_account, asked=not covered)
    if address is not None:
        payer = replace(payer, address=address)
    settled: dict[str, Any] = {}
    if covered:
        settled = {"status": InvoiceStatus.PAID.value, "paid_at": work.now}
    occasion = _occasion(invoice, InvoiceType.CORRECTION, taken.cancellation, reason)
    correction = await issue(work, payer, lines, occasion, **settled)
    await refund(work, correction, taken.paid)
    rest = gross - taken.paid - await in_flight(work, correction)
    if rest.amount > 0 and payer.bank_account is not None:
        await draw(work, payer.customer, correction, payer.bank_account, rest)
    await render(work, correction)
    return correction


async def cancel(work: Work, invoice: Invoice, reason: str | None) -> Invoice:
    """Cancel a document; the cancellation. What was paid for it is to be refunded.

    Raises:
        Refused: INVOICE_NOT_CORRECTABLE, INVOICE_ALREADY_CANCELLED.
    """
    taken = await _take_back(work, invoice, reason)
    await refund(work, taken.cancellation, taken.paid)
    return taken.cancellation


def require_correctable(invoice: Invoice, *field: str) -> None:
    """See that a document is one that asks for money, and the last of its chain.

    Raises:
        Refused: INVOICE_NOT_CORRECTABLE, INVOICE_ALREADY_CANCELLED.
    """
    if InvoiceType(invoice.type) not in _CANCELLED_BY:
        raise Refused(
            UserErrorCode.INVOICE_NOT_CORRECTABLE,
            "This document only takes back another one.",
            *field,
        )
    if invoice.status == InvoiceStatus.CANCELLED:
        raise Refused(
            UserErrorCode.INVOICE_ALREADY_CANCELLED,
            "It was cancelled: what takes its place is its successor's successor, where there is"
            " one.",
            *field,
        )


async def paid_for(work: Work, invoice: Invoice) -> Money:
    """What was paid for a document: what came in, and all of it where it says so without that.

    Payments by card, or before the books began here, left no movement of money.
    """
    paid = await received_on(work, invoice)
    if invoice.status == InvoiceStatus.PAID:
        return max(paid, Money(invoice.gross, invoice.currency))
    return paid


async def lines_to_correct(work: Work, invoice: Invoice) -> list[Line]:
    """The lines of a document; one of its sums where it came from books that had none."""
    lines = await lines_of(work, invoice)
    if lines:
        return lines
    net, tax = Money(invoice.net, invoice.currency), Money(invoice.tax, invoice.currency)
    percent = Fraction(tax.amount) * 100 / Fraction(net.amount) if net else Fraction(0)
    rate = Decimal(half_up(percent * 100)).scaleb(-2)
    return [Line(invoice.number, 1, TaxedAmount(net, tax, net + tax, min(rate, Decimal(100))))]


async def _take_back(work: Work, invoice: Invoice, reason: str | None) -> _Taken:
    await work.flush()
    invoice = await lock_invoice(work, invoice.id)
    require_correctable(invoice, "invoice_id")
    paid = await paid_for(work, invoice)
    dropped = await drop_debit(work, invoice, _CORRECTED)
    payer = await _payer(work, invoice, None, asked=False)
    lines = [replace(line, amount=-line.amount) for line in await lines_to_correct(work, invoice)]
    by = _CANCELLED_BY[InvoiceType(invoice.type)]
    invoice.status, invoice.paid_at = InvoiceStatus.CANCELLED.value, None
    cancellation = await issue(
        work,
        payer,
        lines,
        _occasion(invoice, by, invoice, reason),
        status=InvoiceStatus.PAID.value,
        paid_at=work.now,
    )
    await render(work, cancellation)
    return _Taken(cancellation, paid, await _debited(work, invoice, dropped))


async def _payer(
    work: Work, invoice: Invoice, bank_account: BankAccount | None, *, asked: bool
) -> Payer:
    """Who paid a document; what can't be drawn any more is asked for by invoice."""
    customer = await work.session.get_one(Customer, (work.tenant_id, invoice.customer_id))
    method = PaymentMethod(invoice.payment_method)
    if asked and method is PaymentMethod.SEPA_DEBIT and bank_account is None:
        method = PaymentMethod.INVOICE
    drawn = bank_account if method is PaymentMethod.SEPA_DEBIT else None
    return Payer(customer, invoice.address, method, drawn)


async def _debited(work: Work, invoice: Invoice, dropped: Transaction | None) -> BankAccount | None:
    """The account that more can be drawn from; None where its mandate does not allow for it."""
    key = None if dropped is None else dropped.bank_account_id
    if key is None and invoice.subscription_id is not None:
        subscription = await work.session.get_one(
            Subscription, (work.tenant_id, invoice.subscription_id)
        )
        key = subscription.bank_account_id
    if key is None:
        key = await _drawn_before(work, invoice)
    if key is None:
        return None
    account = await work.session.get_one(BankAccount, (work.tenant_id, key))
    usable = account.mandate_state == MandateState.ACTIVE and account.removed_at is None
    return account if usable and account.iban is not None else None


async def _drawn_before(work: Work, invoice: Invoice) -> int | None:
    """The account that money was drawn from for a document last."""
    movements = await work.rows(
        Transaction,
        Transaction.invoice_id == invoice.id,
        Transaction.bank_account_id.is_not(None),
    )
    return movements[-1].bank_account_id if movements else None


def _occasion(
    invoice: Invoice, type: InvoiceType, precursor: Invoice, reason: str | None
) -> Occasion:
    return Occasion(
        type=type,
        order_id=invoice.order_id,
        subscription_id=invoice.subscription_id,
        precursor_id=precursor.id,
        purchase_order_number=invoice.purchase_order_number,
        reason=reason,
    )
