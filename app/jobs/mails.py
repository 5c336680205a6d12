"""Sends mails, and writes down what became of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select

from app.jobs.registry import JobContext, JobError, handles
from app.mail import Attachment, Letter, MailError, MailRefused, ascii_address
from app.models import BillingProfile, Customer, File, Invoice, Mail, Tenant
from app.models.base import longest
from app.models.mail import MailStatus
from app.work.action import routine
from app.work.jobs import JobKind
from app.work.mails import MailTemplate, Written, as_html, language_for
from app.work.unit import Work

log = structlog.get_logger("abokonto.mail")

_WAIT_FOR_DOCUMENT = timedelta(minutes=10)
"""How long a mail about an invoice waits for its PDF, which another job makes."""

_OPEN = (MailStatus.QUEUED, MailStatus.FAILED)


@dataclass(frozen=True)
class Outcome:
    """What became of a mail."""

    mail: int
    error: str | None = None


@dataclass(frozen=True)
class _Pending:
    """A mail that is to be sent, and what its sending needs."""

    mail: Mail
    customer: Customer
    tenant: Tenant
    profile: BillingProfile
    document: File | None
    now: datetime


@routine(history="mail.sent")
async def sent(work: Work, outcome: Outcome) -> Mail | None:
    """Write down that the mail server took a mail."""
    mail = await _open(work, outcome.mail)
    if mail is None:
        return None
    mail.status, mail.sent_at, mail.error = MailStatus.SENT.value, work.now, None
    return mail


@routine(history="mail.failed")
async def failed(work: Work, outcome: Outcome) -> Mail | None:
    """Write down that a mail could not be sent."""
    mail = await _open(work, outcome.mail)
    if mail is None:
        return None
    mail.status = MailStatus.FAILED.value
    mail.error = (outcome.error or "It could not be sent.")[: longest(Mail.error)]
    return mail


@routine(history="mail.suppressed")
async def suppressed(work: Work, outcome: Outcome) -> Mail | None:
    """Leave a mail unsent whose recipient was anonymised meanwhile."""
    mail = await work.lock_key(Mail, outcome.mail)
    if mail is None or mail.status not in _OPEN:
        return None
    mail.status, mail.error = MailStatus.SUPPRESSED.value, None
    return mail


async def _open(work: Work, key: int) -> Mail | None:
    """A mail whose outcome is to be written down, locked.

    Not one of somebody who was anonymised meanwhile: a mail server's words may name them.
    """
    mail = await work.lock_key(Mail, key)
    if mail is None or mail.status not in _OPEN:
        return None
    customer = await work.session.get_one(Customer, (work.tenant_id, mail.customer_id))
    return mail if customer.anonymized_at is None else None


async def _give_up(
    context: JobContext, tenant_id: int, payload: Mapping[str, Any], reason: str
) -> None:
    await context.performer.run(failed, Outcome(payload["mail"], reason), tenant_id)


@handles(
    JobKind.SEND_MAIL,
    attempts=24,
    given_up=_give_up,
    possible=lambda context: context.mailer.configured,
)
async def send(context: JobContext, tenant_id: int, payload: Mapping[str, Any]) -> None:
    """Send a mail that was not sent yet.

    It may be sent twice, where the worker ends between sending it and writing that down; both
    have the same Message-ID, by which mailboxes tell that it is the same.
    """
    key = payload["mail"]
    pending = await _pending(context, tenant_id, key)
    if pending is None:
        return
    if pending.customer.anonymized_at is not None:
        await context.performer.run(suppressed, Outcome(key), tenant_id)
        return
    try:
        await context.mailer.send(await _letter(context, pending))
    except MailRefused as error:
        # The server's words may name the recipient: they are for the account, not for logs.
        log.warning("mail_refused", tenant=tenant_id, mail=key)
        await context.performer.run(failed, Outcome(key, str(error)), tenant_id)
    except MailError as error:
        raise JobError("The mail server did not take it.") from error
    else:
        await context.performer.run(sent, Outcome(key), tenant_id)


async def _pending(context: JobContext, tenant_id: int, key: int) -> _Pending | None:
    """A mail that is to be sent; None where it is gone, or nothing is to be done any more."""
    async with context.writing.system_transaction(tenant_id) as transaction:
        session = transaction.session
        mail = await session.get(Mail, (tenant_id, key))
        if mail is None or mail.status not in _OPEN:
            return None
        customer = await session.get(Customer, (tenant_id, mail.customer_id))
        if customer is None:
            return None
        profile = select(BillingProfile).where(BillingProfile.tenant_id == tenant_id)
        document = None
        if mail.invoice_id is not None:
            invoice = await session.get_one(Invoice, (tenant_id, mail.invoice_id))
            if invoice.file_id is not None:
                document = await session.get(File, (tenant_id, invoice.file_id))
        return _Pending(
            mail,
            customer,
            await session.get_one(Tenant, tenant_id),
            (await session.scalars(profile)).one(),
            document,
            transaction.now,
        )


async def _letter(context: JobContext, pending: _Pending) -> Letter:
    mail, profile, tenant = pending.mail, pending.profile, pending.tenant
    sender = context.settings.smtp_sender or profile.email
    if sender is None:
        raise JobError("There is no address to send it from: the billing profile has no e-mail.")
    written = Written(mail.subject, mail.body or "")
    return Letter(
        message_id=f"mail.{mail.tenant_id}.{mail.id}@{ascii_address(sender).rpartition('@')[2]}",
        written_at=mail.created_at,
        sender_name=profile.legal_name,
        sender=ascii_address(sender),
        reply_to=None if profile.email is None else ascii_address(profile.email),
        recipient=ascii_address(mail.recipient),
        subject=written.subject,
        text=written.text,
        html=as_html(written, language_for(pending.customer, tenant)),
        attachments=await _attachments(context, pending),
    )


async def _attachments(context: JobContext, pending: _Pending) -> tuple[Attachment, ...]:
    document, mail = pending.document, pending.mail
    if mail.template != MailTemplate.INVOICE_ISSUED:
        return ()
    if document is None:
        if pending.now - mail.created_at < _WAIT_FOR_DOCUMENT:
            raise JobError("The invoice's document is not there yet.")
        return ()
    content = await context.storage.get(document.key)
    return (Attachment(document.name, document.content_type, content),)
