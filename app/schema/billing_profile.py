"""How the tenant bills, and what its documents say of it."""

from app.auth.permissions import Permission
from app.models.billing_profile import BillingProfile as BillingProfileModel
from app.resolvers.fields import column
from app.scalars import URL, CountryCode, EmailAddress, PhoneNumber
from app.schema.node import Record, record


@record(
    BillingProfileModel,
    needs=Permission.BILLING_READ,
    description="The letterhead of the tenant's documents, the account that it is paid to, and "
    "its terms of payment. Documents that were issued keep what they say.",
)
class BillingProfile(Record):
    """What the next documents say of the tenant."""

    version: int = column("Grows with every change; see `expectedVersion`.")
    legal_name: str = column("The company's whole name.")
    street: str | None = column("The street without the number.")
    house_number: str | None = column("The number in the street.")
    postal_code: str | None = column("The postal code.")
    city: str | None = column("The city.")
    country: CountryCode = column("The country.")
    vat_number: str | None = column("The VAT identification number.")
    tax_number: str | None = column("The tax office's number.")
    register_court: str | None = column("The court that registers it.")
    register_number: str | None = column("Its number there.")
    managing_directors: str | None = column("Who directs it.")
    email: EmailAddress | None = column("Where customers can write to.")
    phone: PhoneNumber | None = column("Where customers can call.")
    website: URL | None = column("Its page on the web.")
    bank_name: str | None = column("The bank's name.")
    iban: str | None = column("The IBAN to pay to, which every invoice shows.")
    bic: str | None = column("The bank's BIC.")
    creditor_id: str | None = column(
        "The SEPA creditor identifier, without which no debit can be drawn."
    )
    footer: str | None = column("What every document ends with.")
    invoice_prefix: str = column("What the numbers of documents begin with.")
    payment_days: int = column("How many days customers have to pay.")
    pre_notification_days: int = column("How many days before a debit customers are told of it.")
