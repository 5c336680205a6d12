"""Who is asking."""

from enum import StrEnum

import strawberry

from app.schema.enums import described


class PrincipalKind(StrEnum):
    """What sort of caller a token belongs to."""

    STAFF = "STAFF"
    PARTNER = "PARTNER"


described(
    PrincipalKind,
    "What sort of caller a token belongs to.",
    {"STAFF": "A member of the publisher's staff.", "PARTNER": "A partner's program."},
)


@strawberry.type(description="Who is asking, and what they may do.")
class Viewer:
    """The caller's own view of themselves."""

    kind: PrincipalKind = strawberry.field(description="What sort of caller.")
    name: str = strawberry.field(description="The name of the person or the token.")
    tenant_id: int = strawberry.field(description="The number of the tenant the caller works for.")
    permissions: list[str] = strawberry.field(
        description="What the caller may do, as `resource:verb`, in alphabetical order."
    )
