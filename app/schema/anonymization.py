"""The preview of an anonymisation: what goes, what stays and until when, and what blocks."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import strawberry
from strawberry.types import Info
from strawberry.utils.str_converters import to_camel_case

from app.actions.anonymization import ANONYMIZE_CUSTOMER, PreviewAnonymizationInput
from app.actions.anonymization_preview import Outlook, Part, preview_anonymization
from app.context import RequestContext
from app.errors import Refused
from app.resolvers.fields import field, part
from app.resolvers.reads import Row
from app.schema.mutations import told
from app.schema.user_error import UserError


@strawberry.type(description="Personal data of one kind of records.")
class ErasedData:
    """What would go."""

    record: str = part("What the records are.")
    count: int = part("How many there are.")
    columns: list[str] = part("What of them is personal and filled in.")
    removed: bool = part("Whether the records go as wholes, with their files.")


@strawberry.type(description="Personal data of one kind of records that the law wants kept.")
class KeptData:
    """What would stay."""

    record: str = part("What the records are.")
    count: int = part("How many there are.")
    columns: list[str] = part("What of them is personal, filled in and kept.")
    until: date | None = part(
        "The last day on which some of it is kept; null where the years do not run yet."
    )


@strawberry.type(description="What anonymising a customer would do, and what stands against it.")
class AnonymizationPreview:
    """Nothing of it is done."""

    erased: list[ErasedData] = part("What would go at once.")
    kept: list[KeptData] = part("What would stay, and until when.")
    user_errors: list[UserError] = part(
        "What `anonymizeCustomer` would be refused with; empty where it would be done."
    )


@field(
    "What anonymising a customer would take away at this moment, what would stay and until when, "
    "and what stands against it.",
    needs=ANONYMIZE_CUSTOMER.needs,
)
async def preview(
    info: Info,
    input: Annotated[
        PreviewAnonymizationInput,
        strawberry.argument(description="Which customer, and how."),
    ],
) -> AnonymizationPreview | None:
    """Rehearse an anonymisation."""
    context: RequestContext = info.context
    try:
        outlook: Outlook = await context.rehearse(ANONYMIZE_CUSTOMER, preview_anonymization, input)
    except Refused as refused:
        return {"erased": [], "kept": [], "user_errors": told(refused)}  # type: ignore[return-value]  # A source.
    return {  # type: ignore[return-value]  # A source.
        "erased": _rows(outlook.erased),
        "kept": _rows(outlook.kept),
        "user_errors": told(Refused.because(outlook.refusals)) if outlook.refusals else [],
    }


def _rows(parts: Sequence[Part]) -> list[Row]:
    return [
        {
            "record": one.record,
            "count": one.count,
            "columns": [to_camel_case(name) for name in one.columns],
            "removed": one.removed,
            "until": one.until,
        }
        for one in parts
    ]
