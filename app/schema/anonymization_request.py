"""The anonymisations that wait for somebody else to agree."""

from app.auth.permissions import Permission
from app.models import AnonymizationRequest as AnonymizationRequestModel
from app.resolvers.fields import column
from app.schema.node import AccountRecord, record


@record(
    AnonymizationRequestModel,
    needs=Permission.CUSTOMER_ANONYMIZE,
    description="That somebody wants a customer anonymised, for which a second person has to agree "
    "by `approveAnonymization`. It is gone once that has happened, or `rejectAnonymization`.",
)
class AnonymizationRequest(AccountRecord):
    """Who wants it is the actor, since when is `createdAt`."""

    end_subscriptions: bool = column("Whether subscriptions that run are to be ended.", where=True)
    accept_open_payments: bool = column(
        "Whether payments that are open are accepted as they are.", where=True
    )
