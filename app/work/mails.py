"""Mails to customers: made from templates in the transaction that they tell of, sent by a job.

A template is a file for each language in `mail_templates` and a line in `MailTemplate`. Its first
line is the subject. It is given what `queue_mail` is given, and `sender`, the billing profile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from app.work.once import once
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

    PASSWORD_RESET = "password_reset"  # noqa: S105  It names a template.
    """Takes nothing, as the next one; the password is in no mail."""

    TWO_FACTOR_DEACTIVATED = "two_factor_deactivated"
    PAYMENT_RETURNED = "payment_returned"
    """Takes the invoice and `amount` (Money)."""


class Written(NamedTuple):
    """A mail's subject and its text."""

    subject: str
    text: str


@dataclass(frozen=True)
class Occurrence:
    """What a customer is to be told, and which records it is about."""

    template: MailTemplate
    customer: Customer
    order: Order | None = None
    subscription: Subscription | None = None
    invoice: Invoice | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def records(self) -> dict[str, Order | Subscription | Invoice | None]:
        """The records that it is about, by what they are called."""
        return {"order": self.order, "subscription": self.subscription, "invoice": self.invoice}

    @property
    def reachable(self) -> bool:
        """Whether the customer can be told."""
        return self.customer.anonymized_at is None and bool(self.customer.email)


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
    told = Occurrence(template, customer, order, subscription, invoice, values)
    [mail] = await queue_mails(work, [told])
    return mail


async def queue_mails(work: Work, told: Sequence[Occurrence]) -> list[Mail]:
    """Write mails to customers, each as `queue_mail` does."""
    if not told:
        return []
    await work.flush()
    mails = [await _mail(work, one) for one in told]
    await work.flush()
    for mail in mails:
        if mail.status == MailStatus.QUEUED:
            await work.enqueue(JobKind.SEND_MAIL, {"mail": mail.id})
    return mails


async def _mail(work: Work, told: Occurrence) -> Mail:
    customer, records = told.customer, told.records
    written = await _written(work, told)
    return work.add(
        Mail(
            customer_id=customer.id,
            template=told.template.value,
            recipient=(customer.email or "") if told.reachable else "",
            subject=written.subject,
            body=written.text if told.reachable else None,
            status=(MailStatus.QUEUED if told.reachable else MailStatus.SUPPRESSED).value,
            **{f"{name}_id": row.id for name, row in records.items() if row is not None},
        )
    )


async def _written(work: Work, told: Occurrence) -> Written:
    given = {**told.records, "iban": None, **told.values}
    if told.order is not None:
        given["items"] = await work.rows(OrderItem, OrderItem.order_id == told.order.id)
    tenant, customer = await work.tenant(), told.customer
    [sender] = await once(work, "sender of mails", lambda: work.rows(BillingProfile))
    language = language_for(customer, tenant)
    return write(told.template, language, tenant.time_zone, customer, sender, given)


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
