"""The inputs of correcting and cancelling invoices, and the lines that they make."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import strawberry
from strawberry import UNSET

from app.actions.catalogue_inputs import whole
from app.billing.invoices import Line
from app.billing.taxes import taxation
from app.domain.money import Money
from app.domain.periods import Span
from app.domain.tax import NoTaxRate, TaxedAmount
from app.errors import Refused, UserErrorCode
from app.models import Invoice, InvoiceItem
from app.models.tax_rate import TaxClass
from app.work.inputs import Repeatable, given, identifier, text
from app.work.unit import Work

MOST_LINES = 100


@strawberry.input(description="A line of a correction.")
class CorrectionLineInput:
    """What is billed. A line of the original is named by its position; what is left out of it
    stays as it was."""

    position: int | None = given("The original's line that this one is about.", default=UNSET)
    title: str | None = text("What is billed.", of=InvoiceItem.title, default=UNSET)
    quantity: int | None = given("How many, up to 10,000.", check=whole(1, 10_000), default=UNSET)
    gross: Decimal | None = given("The line's amount with tax, for all of it.", default=UNSET)
    tax_class: TaxClass | None = given(
        "Its tax class, whose rate is that of the country and of the last day of what is billed.",
        default=UNSET,
    )
    tax_percent: Decimal | None = given("Its tax rate in percent, instead.", default=UNSET)


@strawberry.input
class CorrectionData:
    """Which invoice, and what is right."""

    invoice_id: strawberry.ID = identifier("The id of the invoice, the last one of its chain.")
    lines: list[CorrectionLineInput] | None = given(
        "All lines of the correction, up to 100; by default those of the original.", default=UNSET
    )
    address_id: strawberry.ID | None = identifier(
        "The id of the customer's address that the correction is made out to; by default the "
        "original's.",
        default=UNSET,
    )


@strawberry.input(description="What a correction would ask for.")
class PreviewCorrectionInput(CorrectionData):
    """Which invoice, and what would be right."""


@strawberry.input(description="An invoice to correct.")
class CorrectInvoiceInput(CorrectionData, Repeatable):
    """Which invoice, what is right, and why."""

    reason: str = text("Why; the documents say so.", of=Invoice.reason)


@strawberry.input(description="An invoice to cancel.")
class CancelInvoiceInput(Repeatable):
    """Which invoice, and why."""

    invoice_id: strawberry.ID = identifier("The id of the invoice, the last one of its chain.")
    reason: str = text("Why; the document says so.", of=Invoice.reason)


async def corrected_lines(
    work: Work, invoice: Invoice, old: Sequence[Line], input: CorrectionData
) -> list[Line]:
    """The lines that a correction is to have.

    Raises:
        Refused: REQUIRED, INVALID, PRICE_INVALID.
    """
    if not input.lines:
        if input.lines is UNSET or input.lines is None:
            return list(old)
        raise Refused(UserErrorCode.REQUIRED, "To ask for nothing, cancel it.", "lines")
    if len(input.lines) > MOST_LINES:
        raise Refused(UserErrorCode.INVALID, f"There are at most {MOST_LINES} lines.", "lines")
    return [
        await _line(work, invoice, old, given, ("lines", str(place)))
        for place, given in enumerate(input.lines)
    ]


async def _line(
    work: Work,
    invoice: Invoice,
    old: Sequence[Line],
    given: CorrectionLineInput,
    path: tuple[str, ...],
) -> Line:
    base = _base(old, given, path)
    title = given.title or (base and base.title)
    if not title:
        raise Refused(UserErrorCode.REQUIRED, "A new line needs a title.", *path, "title")
    gross = _gross(invoice, given, base, path)
    service = None if base is None else base.service
    quantity = given.quantity or (1 if base is None else base.quantity)
    percent = await _percent(work, invoice, given, base, path)
    same = base is not None and (gross, percent) == (base.amount.gross, base.amount.percent)
    amount = base.amount if base is not None and same else TaxedAmount.from_gross(gross, percent)
    if base is not None:
        return replace(base, title=title, quantity=quantity, amount=amount)
    return Line(title, quantity, amount, service)


def _base(old: Sequence[Line], given: CorrectionLineInput, path: tuple[str, ...]) -> Line | None:
    """The original's line that a line is about; positions begin with 1."""
    if given.position is UNSET or given.position is None:
        return None
    if not 1 <= given.position <= len(old):
        raise Refused(UserErrorCode.INVALID, "There is no such line.", *path, "position")
    return old[given.position - 1]


def _gross(
    invoice: Invoice, given: CorrectionLineInput, base: Line | None, path: tuple[str, ...]
) -> Money:
    if given.gross is UNSET or given.gross is None:
        if base is None:
            raise Refused(UserErrorCode.REQUIRED, "A new line needs an amount.", *path, "gross")
        return base.amount.gross
    try:
        gross = Money(given.gross, invoice.currency)
    except ValueError as error:
        raise Refused(UserErrorCode.PRICE_INVALID, str(error), *path, "gross") from error
    if gross.amount < 0:
        raise Refused(UserErrorCode.PRICE_INVALID, "This can't be negative.", *path, "gross")
    return gross


async def _percent(
    work: Work,
    invoice: Invoice,
    given: CorrectionLineInput,
    base: Line | None,
    path: tuple[str, ...],
) -> Decimal:
    """The rate of a line: as it was, as it is said, or by its class, country and day."""
    if given.tax_percent is not UNSET and given.tax_percent is not None:
        if given.tax_class:
            raise Refused(UserErrorCode.INVALID, "Name one of the two.", *path, "tax_class")
        exact = given.tax_percent == given.tax_percent.quantize(Decimal("0.01"))
        if not 0 <= given.tax_percent <= 100 or not exact:
            raise Refused(
                UserErrorCode.INVALID,
                "A rate is 0 to 100 percent, with two decimals.",
                *path,
                "tax_percent",
            )
        return given.tax_percent
    if given.tax_class:
        return await _percent_of(work, invoice, given.tax_class, base, path)
    if base is None:
        raise Refused(UserErrorCode.REQUIRED, "A new line needs a tax class.", *path, "tax_class")
    return base.amount.percent


async def _percent_of(
    work: Work,
    invoice: Invoice,
    tax_class: TaxClass,
    base: Line | None,
    path: tuple[str, ...],
) -> Decimal:
    country = invoice.address.get("country") or (await work.tenant()).country
    day: date = invoice.service_until or invoice.issued_on
    service = base.service if base is not None and base.service else Span(day, day)
    nothing, whole_of_it = Money.zero(invoice.currency), {tax_class.value: Decimal(100)}
    try:
        known = await taxation(work, country)
        [amount] = known.lines(nothing, whole_of_it, service, country)
    except NoTaxRate as error:
        raise Refused(UserErrorCode.INVALID, str(error), *path, "tax_class") from error
    return amount.percent
