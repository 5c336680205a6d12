"""The tab of merges: accounts that became part of this one."""

from datetime import datetime

import strawberry
from sqlalchemy import ColumnElement, Text, cast

from app.auth.permissions import Permission
from app.models.customer_merge import CustomerMerge as CustomerMergeModel
from app.models.customer_merge import MergeField, MergeStatus
from app.resolvers.fields import column, expression, one
from app.resolvers.reads import Columns
from app.resolvers.sql import constant, encoded
from app.schema.enums import described
from app.schema.lazy import LazyCustomer
from app.schema.node import AccountRecord, record

described(
    MergeStatus,
    "How far a merge is.",
    {
        "QUEUED": "It waits.",
        "RUNNING": "It is being done.",
        "DONE": "There is one account instead of two.",
        "FAILED": "Nothing was changed.",
    },
)
described(
    MergeField,
    "What is taken from one of two customers.",
    {
        "EMAIL": "The e-mail address, which the customer logs in with.",
        "SALUTATION": "The salutation.",
        "TITLE": "The title.",
        "FIRST_NAME": "The first name.",
        "LAST_NAME": "The last name.",
        "COMPANY": "The company.",
        "PHONE": "The telephone number.",
        "BIRTHDAY": "The day of birth.",
        "LANGUAGE": "The language.",
        "EXTERNAL_ID": "The id in another system.",
    },
)


def _former_id(t: Columns) -> ColumnElement[str]:
    """The opaque id of whoever is gone; null while nobody is."""
    return encoded(constant("Customer:").concat(cast(t.former_id, Text)))


@record(
    CustomerMergeModel,
    needs=Permission.INTERNAL_READ,
    description="A duplicate that became part of this customer, or was to. The overview's search "
    "finds the customer by what the duplicate was called.",
)
class CustomerMerge(AccountRecord):
    """A merge and what came of it."""

    status: MergeStatus = column("How far it is.", where=True, order=True)
    take: list[str] = column("What is taken from the duplicate, as `MergeField` names it.")
    duplicate: LazyCustomer | None = one(
        "duplicate_id",
        "The duplicate; null once there is none.",
        needs=Permission.CUSTOMER_READ,
    )
    former_id: strawberry.ID | None = expression(
        _former_id, "The id that the duplicate had; there is no record with it any more."
    )
    former_number: str | None = column(
        "The customer number that the duplicate had; null until it is done.", where=True
    )
    former_external_id: str | None = column(
        "The id in another system that neither has any more.", where=True
    )
    former_email: str | None = column("The e-mail address that neither has any more.", where=True)
    refusals: list[str] = column(
        "Where it failed: what stood against it, as `UserErrorCode` names it."
    )
    error: str | None = column("The same in words.")
    finished_at: datetime | None = column("When it was done or given up.", where=True, order=True)
