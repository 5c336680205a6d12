"""What is answered when an action's rules stand against it, or would."""

import strawberry

from app.errors import UserErrorCode
from app.resolvers.fields import part
from app.schema.enums import described

described(
    UserErrorCode,
    "Why an action did not happen.",
    {
        "REQUIRED": "Something that has to be given is missing or blank.",
        "INVALID": "A value is not of the form that it must have.",
        "TOO_LONG": "A text has more characters than are kept.",
        "NOT_FOUND": "There is no record with this id in the tenant.",
        "FORBIDDEN": "The caller lacks the action's permission. Only `availableActions` says it "
        "this way; the mutation answers with an error.",
        "STALE_VERSION": "The record was changed since the client saw it.",
        "IDEMPOTENCY_KEY_REUSED": "The idempotency key was used with another input.",
        "IDEMPOTENCY_IN_PROGRESS": "The first request with this idempotency key is under way.",
        "CUSTOMER_ANONYMIZED": "The account is anonymised and closed to editing.",
        "NUMBER_TAKEN": "Another customer has this number.",
        "EMAIL_TAKEN": "Another customer has this e-mail address, in whatever case.",
        "EXTERNAL_ID_TAKEN": "Another customer has this external id.",
        "ALREADY_TAGGED": "The customer has this tag.",
        "NOT_TAGGED": "The customer does not have this tag.",
        "TOO_MANY_TAGS": "The customer has as many tags as there can be.",
        "ALREADY_BLOCKED": "It is blocked already.",
        "NOT_BLOCKED": "It is not blocked.",
    },
)


@strawberry.type(description="A reason why an action did not happen; nothing was changed.")
class UserError:
    """One reason, and the part of the input that it is about."""

    code: UserErrorCode = part("For programs.")
    message: str = part("For people.")
    field: list[str] = part(
        'The path inside `input` of what is wrong: `["address", "postalCode"]`. Empty where it is '
        "not one field."
    )


@strawberry.type(description="What stands against an action, whatever its input says.")
class Reason:
    """A reason that `availableActions` gives beforehand."""

    code: UserErrorCode = part("For programs: the code that the mutation would refuse with.")
    message: str = part("For people.")
