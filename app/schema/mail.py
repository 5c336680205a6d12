"""The tab of mails: what was sent to the customer."""

from datetime import datetime

from app.auth.permissions import Permission
from app.models.mail import Mail as MailModel
from app.models.mail import MailStatus
from app.resolvers.fields import column, one
from app.scalars import EmailAddress
from app.schema.enums import described
from app.schema.invoice import Invoice
from app.schema.node import AccountRecord, record
from app.schema.order import Order
from app.schema.subscription import Subscription

described(
    MailStatus,
    "What became of a mail.",
    {
        "QUEUED": "It waits to be sent.",
        "SENT": "The mail server took it.",
        "FAILED": "It could not be sent.",
        "SUPPRESSED": "It must not be sent, for example to an anonymised customer.",
    },
)


@record(MailModel, needs=Permission.MAIL_READ, description="A mail to the customer.")
class Mail(AccountRecord):
    """A mail, and what it was about."""

    template: str = column("The template it was made from.", where=True, order=True)
    recipient: EmailAddress = column("The address it goes to.", where=True, order=True)
    subject: str = column("Its subject.", where=True)
    body: str | None = column("Its text, where it is kept.", long=True)
    status: MailStatus = column("What became of it.", where=True, order=True)
    sent_at: datetime | None = column("When it was sent.", where=True, order=True)
    error: str | None = column(
        "Why it could not be sent, in the mail server's words.", needs=Permission.INTERNAL_READ
    )
    order: Order | None = one("order_id", "The order it is about.", needs=Permission.ORDER_READ)
    subscription: Subscription | None = one(
        "subscription_id", "The subscription it is about.", needs=Permission.SUBSCRIPTION_READ
    )
    invoice: Invoice | None = one(
        "invoice_id", "The invoice it is about.", needs=Permission.INVOICE_READ
    )
