"""The tab of bank accounts and their SEPA mandates."""

from datetime import date

from app.auth.permissions import Permission
from app.models.bank_account import BankAccount as BankAccountModel
from app.models.bank_account import MandateState
from app.resolvers.fields import column
from app.schema.connection import Connection, tab
from app.schema.enums import described
from app.schema.lazy import LazySubscription
from app.schema.node import AccountRecord, record

described(
    MandateState,
    "Whether debits can be drawn with a SEPA mandate.",
    {
        "ACTIVE": "Debits can be drawn.",
        "REVOKED": "The customer or the publisher ended it.",
        "LAPSED": "It was not used for 36 months.",
    },
)


@record(
    BankAccountModel,
    needs=Permission.BANK_ACCOUNT_READ,
    description="A bank account for SEPA direct debits, with its mandate.",
)
class BankAccount(AccountRecord):
    """A bank account; the IBAN is masked here and encrypted in the database."""

    owner: str = column("The account's owner.", where=True, order=True)
    masked_iban: str | None = column(
        "The IBAN with all but its ends hidden; null once the customer is anonymised.",
        of="iban_masked",
    )
    bic: str | None = column("The bank's BIC (ISO 9362).", where=True)
    bank_name: str | None = column("The bank's name.", where=True)
    mandate_reference: str = column(
        "The mandate's reference, at most 35 characters.", where=True, order=True
    )
    mandate_signed_on: date = column("The day the mandate was signed.", where=True, order=True)
    mandate_state: MandateState = column("Whether debits can be drawn.", where=True)
    preferred: bool = column("Whether it is the preferred account.", where=True)
    version: int = column("Rises with every change; for `expectedVersion`.")
    subscriptions: Connection[LazySubscription] | None = tab(
        "bank_account_id",
        "The subscriptions that are paid from it.",
        needs=Permission.SUBSCRIPTION_READ,
    )
