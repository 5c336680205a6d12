"""Mail: letters as RFC 5322 has them, handed to the SMTP server that the settings name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from app.settings import Settings


class MailError(Exception):
    """The mail was not taken, and may be later; the message is the server's or ours."""


class MailRefused(MailError):  # noqa: N818  It is an answer, not a fault.
    """The mail was not taken and won't be, as where there is no such mailbox."""


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a letter."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Letter:
    """What is to be sent. `message_id` stays the same however often it is sent."""

    message_id: str
    written_at: datetime
    sender_name: str
    sender: str
    reply_to: str | None
    recipient: str
    subject: str
    text: str
    html: str
    attachments: Sequence[Attachment] = ()

    def message(self) -> EmailMessage:
        """The letter as it goes over the wire.

        Raises:
            MailRefused: something in it is no header, as an address with a line break is none.
        """
        message = EmailMessage(policy=SMTP)
        try:
            message["From"] = Address(self.sender_name, addr_spec=self.sender)
            if self.reply_to is not None:
                message["Reply-To"] = Address(addr_spec=self.reply_to)
            message["To"] = Address(addr_spec=self.recipient)
            message["Subject"] = self.subject
            message["Message-ID"] = f"<{self.message_id}>"
            message["Date"] = format_datetime(self.written_at)
        except (ValueError, IndexError) as error:
            # Python's parser of addresses raises either for what is none.
            raise MailRefused("A header of the mail is malformed.") from error
        # Nobody's absence note is to answer (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self.text)
        message.add_alternative(self.html, subtype="html")
        for attachment in self.attachments:
            kind, _, subtype = attachment.content_type.partition("/")
            message.add_attachment(
                attachment.content, maintype=kind, subtype=subtype, filename=attachment.name
            )
        return message


class Mailer:
    """The SMTP server of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def configured(self) -> bool:
        """Whether there is a server; without one nothing is sent."""
        return self._settings.smtp_host is not None

    async def send(self, letter: Letter) -> None:
        """Hand a letter over.

        Raises:
            MailRefused: it will never be taken.
            MailError: it was not taken this time, as far as we know.
        """
        from aiosmtplib import SMTPException, send

        settings, password = self._settings, self._settings.smtp_password
        message = letter.message()
        try:
            await send(
                message,
                sender=letter.sender,
                recipients=[letter.recipient],
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                username=settings.smtp_username,
                password=None if password is None else password.get_secret_value(),
                use_tls=settings.smtp_security == "tls",
                start_tls=settings.smtp_security == "starttls",
                timeout=settings.smtp_timeout_seconds,
            )
        except (SMTPException, OSError) as error:
            raise _refusal(error) from error


def ascii_address(address: str) -> str:
    """An address as every server takes it: with a domain of other scripts in its ASCII form."""
    if address.isascii():
        return address
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(address, check_deliverability=False).ascii_email or address
    except EmailNotValidError:
        return address


def _refusal(error: Exception) -> MailError:
    """What an error of the client means; 5xx to the mail itself is for good (RFC 5321 4.2.1)."""
    from aiosmtplib import (
        SMTPDataError,
        SMTPRecipientRefused,
        SMTPRecipientsRefused,
        SMTPResponseException,
    )

    if isinstance(error, SMTPRecipientsRefused) and error.recipients:
        error = error.recipients[0]
    if isinstance(error, SMTPResponseException):
        said = f"{error.code} {error.message}"
        of_mail = isinstance(error, SMTPDataError | SMTPRecipientRefused)
        return MailRefused(said) if of_mail and 500 <= error.code < 600 else MailError(said)
    return MailError(f"The mail server can't be used ({type(error).__name__}).")
