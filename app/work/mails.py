"""Mails to customers: made from templates in the transaction that they tell of, sent by a job.

A template is a file for each language in `mail_templates` and a line in `MailTemplate`. Its first
line is the subject. It is given what `queue_mail` is given, and `sender`, the billing profile.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unicodedata import category
from zoneinfo import ZoneInfo

from app.domain.money import Money
from app.models import (
    BillingProfile,
    Customer,
    Invoice,
    Mail,
    Order,
    OrderItem,
    Subscription,
    Tenant,
)
from app.models.base import longest
from app.models.mail import MailStatus
from app.work.jobs import JobKind
from app.work.unit import Work

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

LANGUAGES = {"de": "de", "en": "en_GB"}
"""The languages that there are templates in, and how each writes dates and amounts."""

_FOLDER = Path(__file__).parent / "mail_templates"


class MailTemplate(StrEnum):
    """What customers are told, and from what."""

    ORDER_CONFIRMATION = "order_confirmation"
    """Takes the order."""

    SEPA_PRE_NOTIFICATION = "sepa_pre_notification"
    """Takes `amount` (Money), `collect_on`, `mandate_reference`, `creditor_id` and, masked,
    `iban`; the invoice, where it is for one."""

    INVOICE_ISSUED = "invoice_issued"
    """Takes the invoice, whose PDF is attached."""

    SUBSCRIPTION_CANCELLED = "subscription_cancelled"
    """Takes the subscription, as the next two."""

    SUBSCRIPTION_PAUSED = "subscription_paused"
    SUBSCRIPTION_RESUMED = "subscription_resumed"

    PAYMENT_RETURNED = "payment_returned"
    """Takes the invoice and `amount` (Money)."""


class Written(NamedTuple):
    """A mail's subject and its text."""

    subject: str
    text: str


async def queue_mail(
    work: Work,
    template: MailTemplate,
    customer: Customer,
    *,
    order: Order | None = None,
    subscription: Subscription | None = None,
    invoice: Invoice | None = None,
    **values: Any,
) -> Mail:
    """Write a mail to a customer, to be sent once this transaction has committed.

    It is kept, and marked as not to be sent, where the customer is anonymised or has no address.
    """
    await work.flush()
    reachable = customer.anonymized_at is None and customer.email
    records = {"order": order, "subscription": subscription, "invoice": invoice}
    given = {**records, "iban": None, **values}
    if order is not None:
        given["items"] = await work.rows(OrderItem, OrderItem.order_id == order.id)
    written = await _written(work, template, customer, given)
    mail = work.add(
        Mail(
            customer_id=customer.id,
            template=template.value,
            recipient=(customer.email or "") if reachable else "",
            subject=written.subject,
            body=written.text if reachable else None,
            status=(MailStatus.QUEUED if reachable else MailStatus.SUPPRESSED).value,
            **{f"{name}_id": row.id for name, row in records.items() if row is not None},
        )
    )
    await work.flush()
    if reachable:
        await work.enqueue(JobKind.SEND_MAIL, {"mail": mail.id})
    return mail


async def _written(
    work: Work, template: MailTemplate, customer: Customer, given: Mapping[str, Any]
) -> Written:
    tenant = await work.tenant()
    [sender] = await work.rows(BillingProfile)
    return write(
        template, language_for(customer, tenant), tenant.time_zone, customer, sender, given
    )


def language_for(customer: Customer, tenant: Tenant) -> str:
    """The language to write to a customer in: theirs, the tenant's, or English."""
    wanted = (customer.language, tenant.language)
    return next((language for language in wanted if language in LANGUAGES), "en")


def write(
    template: MailTemplate,
    language: str,
    time_zone: str,
    customer: Customer,
    sender: BillingProfile,
    values: Mapping[str, Any],
) -> Written:
    """Fill in a template; times are told as the days that they are in the time zone."""
    text = _environment(language, time_zone).get_template(f"{language}/{template}.txt")
    filled = text.render(customer=customer, sender=sender, **values)
    subject, _, body = filled.partition("\n")
    # A name with a line break in it would be another header.
    subject = " ".join(_printable(subject).split())[: longest(Mail.subject)]
    return Written(subject, _in_order(body))


def as_html(written: Written, language: str) -> str:
    """The same text for programs that show HTML, with everything in it escaped."""
    paragraphs = [block.splitlines() for block in written.text.split("\n\n")]
    layout = _environment(language, "UTC").get_template("layout.html")
    return layout.render(language=language, subject=written.subject, paragraphs=paragraphs)


@cache
def _environment(language: str, time_zone: str) -> "ImmutableSandboxedEnvironment":
    from babel.dates import format_date
    from babel.numbers import format_currency
    from jinja2 import FileSystemLoader, StrictUndefined, select_autoescape
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    locale = LANGUAGES[language]

    def day(value: date) -> str:
        if isinstance(value, datetime):
            value = value.astimezone(ZoneInfo(time_zone)).date()
        return format_date(value, "long", locale=locale)

    def money(value: Money | Decimal, currency: str = "") -> str:
        if isinstance(value, Money):
            return format_currency(value.amount, value.currency, locale=locale)
        return format_currency(value, currency, locale=locale)

    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(day=day, money=money)
    return environment


def _in_order(text: str) -> str:
    """The text without what blocks left of blank lines."""
    lines = [_printable(line).rstrip() for line in text.strip().splitlines()]
    kept = [line for place, line in enumerate(lines) if line or lines[place - 1]]
    return "\n".join(kept)


def _printable(text: str) -> str:
    return "".join(character for character in text if category(character) != "Cc")
