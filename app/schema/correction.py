"""The preview of a correction: what an invoice would ask for instead, and what becomes of money."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry.types.info import Info

from app.actions.correction_inputs import PreviewCorrectionInput
from app.actions.invoice_corrections import CORRECT_INVOICE, CorrectionPlan, preview_correction
from app.billing.invoices import Line
from app.context import RequestContext
from app.domain import money
from app.domain.tax import TaxTotals
from app.errors import Refused
from app.resolvers.fields import field, part
from app.resolvers.reads import Row
from app.schema.common import Money
from app.schema.mutations import told
from app.schema.user_error import UserError

_CENTS = Decimal("0.01")


@strawberry.type(description="A line as it is or would be.")
class CorrectionLine:
    """What is billed, in the invoice's currency."""

    title: str = part("What is billed.")
    quantity: int = part("How many.")
    net: Money = part("The amount without tax.")
    tax_percent: Decimal = part("The tax rate in percent.")
    tax: Money = part("The tax.")
    gross: Money = part("The amount with tax.")


@strawberry.type(description="The lines and sums of a document as they are or would be.")
class CorrectionSide:
    """What a document asks for."""

    lines: list[CorrectionLine] = part("Its lines.")
    net: Money = part("The sum without tax.")
    tax: Money = part("The tax.")
    gross: Money = part("The sum with tax.")


@strawberry.type(description="What a correction would change.")
class CorrectionDraft:
    """The original, what would take its place, and what becomes of the money."""

    before: CorrectionSide = part("The original.")
    after: CorrectionSide = part("What would take its place.")
    difference: Money = part("By how much more it asks for; negative where it asks for less.")
    paid: Money = part("What was paid for the original, which counts for the correction.")
    refund: Money = part("What would be paid back.")
    due: Money = part("What would still be to be paid.")


@strawberry.type(description="What a correction would ask for, and what stands against it.")
class CorrectionPreview:
    """Nothing of it is kept."""

    correction: CorrectionDraft | None = part("What would change; null where it can't be done.")
    user_errors: list[UserError] = part(
        "What `correctInvoice` would be refused with; empty where it would be done."
    )


@field(
    "What a correction of an invoice would ask for, and what would be refunded or due. It is "
    "reckoned as `correctInvoice` does, and nothing is kept.",
    needs=CORRECT_INVOICE.needs,
)
async def preview(
    info: Info,
    input: Annotated[
        PreviewCorrectionInput,
        strawberry.argument(description="The correction, as for `correctInvoice`."),
    ],
) -> CorrectionPreview | None:
    """Rehearse a correction."""
    context: RequestContext = info.context
    try:
        plan: CorrectionPlan = await context.rehearse(CORRECT_INVOICE, preview_correction, input)
    except Refused as refused:
        return {"correction": None, "user_errors": told(refused)}  # type: ignore[return-value]  # A source.
    return {"correction": _draft(plan), "user_errors": []}  # type: ignore[return-value]  # A source.


def _draft(plan: CorrectionPlan) -> Row:
    return {
        "before": _side(plan.old, plan.old_totals),
        "after": _side(plan.new, plan.new_totals),
        "difference": _money(plan.difference),
        "paid": _money(plan.paid),
        "refund": _money(plan.refund),
        "due": _money(plan.due),
    }


def _side(lines: Sequence[Line], totals: TaxTotals) -> Row:
    return {
        "lines": [_line(line) for line in lines],
        "net": _money(totals.net),
        "tax": _money(totals.tax),
        "gross": _money(totals.gross),
    }


def _line(line: Line) -> Row:
    return {
        "title": line.title,
        "quantity": line.quantity,
        "net": _money(line.amount.net),
        "tax_percent": line.amount.percent,
        "tax": _money(line.amount.tax),
        "gross": _money(line.amount.gross),
    }


def _money(amount: money.Money) -> dict[str, Any]:
    """An amount with the two decimals that tables keep."""
    return {"amount": amount.amount.quantize(_CENTS), "currency": amount.currency}
