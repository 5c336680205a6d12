"""Who is asking."""

from enum import StrEnum

import strawberry

from app.resolvers.fields import part
from app.schema.enums import described


class PrincipalKind(StrEnum):
    """What sort of caller a token belongs to."""

    STAFF = "STAFF"
    PARTNER = "PARTNER"
    CUSTOMER = "CUSTOMER"


described(
    PrincipalKind,
    "What sort of caller a token belongs to.",
    {
        "STAFF": "A member of the publisher's staff.",
        "PARTNER": "A partner's program.",
        "CUSTOMER": "A customer who has signed in, and sees nobody else's records.",
    },
)


@strawberry.type(description="Who is asking, and what they may do.")
class Viewer:
    """The caller's own view of themselves."""

    kind: PrincipalKind = part("What sort of caller.")
    name: str = part("The name of the person or the token.")
    customer_id: strawberry.ID | None = part(
        "The id of the customer who has signed in, for `customer(by:)`; null for others."
    )
    tenant_id: int = part("The number of the tenant the caller works for.")
    permissions: list[str] = part(
        "What the caller may do, as `resource:verb`, in alphabetical order."
    )
