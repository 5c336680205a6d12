"""The preview of a merge: what moves, what differs, what to know, and what stands against it."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from app.actions.merge_preview import MergeNoticeKind, Outlook, preview_merge
from app.actions.merging import MERGE_CUSTOMERS, PreviewMergeInput
from app.auth.permissions import Permission
from app.context import RequestContext
from app.errors import Refused
from app.models.customer_merge import MergeField
from app.resolvers.fields import field, part
from app.resolvers.reads import Row
from app.scalars import JSON
from app.schema.enums import described
from app.schema.mutations import told
from app.schema.user_error import UserError

described(
    MergeNoticeKind,
    "What somebody who merges customers ought to know beforehand.",
    {
        "SAME_OFFER": "Both have a running subscription to the same offer; both go on.",
        "SAME_BANK_ACCOUNT": "Both have an active mandate on the same IBAN; both stay in use.",
        "OPT_INS_DIFFER": "Both have said different things to the same. An objection or revocation "
        "of either counts, else what was said last.",
        "CONSENTS_LAPSE": "Consents that were given for an e-mail address or a telephone number "
        "that is not the one kept. They count no more; the customer can be asked again.",
        "ADDRESS_NOT_PREFERRED": "A preferred address of the duplicate's is none any more. What "
        "goes to it already goes on to do so. One whose day lies ahead takes another one's place "
        "only where both accounts prefer the same one until then.",
        "LOGIN_BLOCKED": "The customer's login will be blocked, as the duplicate's is.",
        "ACCESS_BLOCKED": "The customer's access will be blocked, as the duplicate's is.",
        "PASSWORD_TAKEN": "The customer has no password, and gets the duplicate's, with its second "
        "factor. Recovery codes have to be made anew.",
        "PASSWORD_ENDS": "The duplicate's password ends.",
        "TWO_FACTOR_ENDS": "The duplicate's second factor ends with its password, and the "
        "customer has none: a password alone leads to what it kept.",
        "SESSIONS_END": "The duplicate is signed in, and will be signed out.",
    },
)


@strawberry.type(description="A value of one of two customers.")
class MergeValue:
    """What one of both says."""

    field: MergeField = part("Of which field.")
    value: str = part("The value.")


@strawberry.type(description="A key of the additional data that both have, with other values.")
class MergeDifference:
    """What both say."""

    key: str = part("The key.")
    chosen: JSON = part("The value that would be kept.")
    other: JSON = part("The duplicate's, which would go.")


@strawberry.type(description="The duplicate's records of one kind.")
class MovedRecords:
    """What would become of them."""

    record: str = part("What the records are.")
    count: int = part("How many there are; all of them go over.")
    become_one: int = part("How many of them become one with an equal one of the customer's.")


@strawberry.type(description="Something to know before customers are merged.")
class MergeNotice:
    """It stands in the way of nothing."""

    kind: MergeNoticeKind = part("What it is about.")
    count: int = part("Of how many records it is true.")


@strawberry.type(description="What merging two customers would do, and what stands against it.")
class MergePreview:
    """Nothing of it is done."""

    default_fields: list[MergeValue] | None = part(
        "What the customer would be called and reached by.", needs=Permission.CUSTOMER_READ
    )
    alternate_fields: list[MergeValue] | None = part(
        "The other one's values where they differ, which would go. Name a field of the "
        "duplicate's in `take` to have it the other way round.",
        needs=Permission.CUSTOMER_READ,
    )
    additional_data: list[MergeDifference] | None = part(
        "Where the additional data of both differ. What only the duplicate has goes over.",
        needs=Permission.CUSTOMER_READ,
    )
    records: list[MovedRecords] = part("What would go over.")
    notices: list[MergeNotice] = part("What to know beforehand.")
    user_errors: list[UserError] = part(
        "What `mergeCustomers` would be refused with; empty where it would be done."
    )


@field(
    "What merging two customers would do at this moment, what is to be known beforehand, and "
    "what stands against it.",
    needs=MERGE_CUSTOMERS.needs,
)
async def preview(
    info: Info,
    input: Annotated[
        PreviewMergeInput,
        strawberry.argument(description="Which customers, and what is taken from which."),
    ],
) -> MergePreview | None:
    """Rehearse a merge."""
    context: RequestContext = info.context
    try:
        outlook: Outlook = await context.rehearse(MERGE_CUSTOMERS, preview_merge, input)
    except Refused as refused:
        outlook = Outlook(refused.refusals)
    return _shown(outlook)  # type: ignore[return-value]  # A source.


def _shown(outlook: Outlook) -> Row:
    chosen = ((choice.field, choice.chosen) for choice in outlook.choices)
    others = (
        (choice.field, choice.other) for choice in outlook.choices if choice.other != choice.chosen
    )
    return {
        "default_fields": _values(chosen),
        "alternate_fields": _values(others),
        "additional_data": [
            {"key": one.key, "chosen": one.chosen, "other": one.other}
            for one in outlook.differences
        ],
        "records": [
            {"record": one.record, "count": one.count, "become_one": one.become_one}
            for one in outlook.moved
        ],
        "notices": [{"kind": kind, "count": count} for kind, count in outlook.notices],
        "user_errors": told(Refused.because(outlook.refusals)) if outlook.refusals else [],
    }


def _values(fields: Iterable[tuple[MergeField, Any]]) -> list[Row]:
    return [
        {"field": field, "value": value.isoformat() if isinstance(value, date) else value}
        for field, value in fields
        if value is not None
    ]
