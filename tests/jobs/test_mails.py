"""Mails are sent to a real SMTP server: once it takes them, and only if they still may be."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import asyncpg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from app.embedded.ports import free_ports
from app.errors import Refused, UserErrorCode
from app.jobs import mails
from app.jobs.registry import JobContext
from app.mail import Attachment, Letter, Mailer, MailError, MailRefused
from app.models import Customer, File, Invoice, Mail, Offer, Order, OrderItem, Product
from app.settings import Settings
from app.storage import Storage
from app.work.action import routine
from app.work.mails import MailTemplate, queue_mail
from app.work.unit import Work
from tests.jobs.conftest import context_of, left, until, working
from tests.publisher import Publisher


class Mailbox:
    """A mail server's hand: takes what comes in, or answers as told."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.senders: list[str | None] = []
        self.answer_to_recipient = ""

    async def handle_RCPT(  # noqa: N802  aiosmtpd calls it by this name.
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Take a recipient."""
        envelope.rcpt_tos.append(address)
        return self.answer_to_recipient or "250 OK"

    async def handle_DATA(  # noqa: N802  As above.
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Take a message."""
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.SMTP)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.senders.append(envelope.mail_from)
        return "250 OK"


@pytest.fixture
def mailbox() -> Mailbox:
    """What arrived."""
    return Mailbox()


@pytest.fixture
def mail_port() -> int:
    """A port that a mail server may listen on."""
    return free_ports(1)[0]


@pytest.fixture
def mail_server(mailbox: Mailbox, mail_port: int) -> Iterator[Controller]:
    """A mail server that runs."""
    controller = Controller(mailbox, hostname="127.0.0.1", port=mail_port)
    controller.start()
    yield controller
    controller.stop()


@pytest.fixture
def settings(settings: Settings, mail_port: int) -> Settings:
    """A configuration with a mail server."""
    return settings.model_copy(
        update={
            "smtp_host": "127.0.0.1",
            "smtp_port": mail_port,
            "smtp_security": "none",
            "smtp_timeout_seconds": 5.0,
        }
    )


@pytest.fixture
async def publisher(publisher: Publisher) -> Publisher:
    """A publisher that mails can come from."""
    await publisher.owner.execute(
        "UPDATE billing_profile SET legal_name = $2, email = $3 WHERE tenant_id = $1",
        publisher.tenant_id,
        "Verlag Müller, GmbH",
        "abo@verlag.example",
    )
    return publisher


@routine(history="order.confirmed", in_account=False)
async def confirm(work: Work, key: int) -> Mail | None:
    """Confirm an order."""
    [order] = await work.rows(Order, Order.id == key)
    [customer] = await work.rows(Customer, Customer.id == order.customer_id)
    await queue_mail(work, MailTemplate.ORDER_CONFIRMATION, customer, order=order)
    return None


@routine(history="order.refused", in_account=False)
async def confirm_and_refuse(work: Work, key: int) -> Mail | None:
    """Confirm an order, and find that it may not be."""
    await confirm.rule(work, key)
    raise Refused(UserErrorCode.INVALID, "No.")


@routine(history="invoice.announced", in_account=False)
async def announce(work: Work, key: int) -> Mail | None:
    """Tell of an invoice."""
    [invoice] = await work.rows(Invoice, Invoice.id == key)
    [customer] = await work.rows(Customer, Customer.id == invoice.customer_id)
    await queue_mail(work, MailTemplate.INVOICE_ISSUED, customer, invoice=invoice)
    return None


async def ordered(publisher: Publisher, **customer: Any) -> int:
    """An order of a customer; its key."""
    values = {"email": "erika@kundin.example", "salutation": "MS", "last_name": "Größe", **customer}
    key = await publisher.customer(**values)
    order = await publisher.make(Order, customer_id=key, number="B-7")
    product = await publisher.make(Product)
    offer = await publisher.make(Offer, product_id=product)
    await publisher.make(OrderItem, order_id=order, offer_id=offer, title="Heft & mehr")
    return order


async def mail_of(publisher: Publisher) -> asyncpg.Record:
    """The publisher's only mail."""
    [row] = await publisher.owner.fetch(
        "SELECT * FROM mail WHERE tenant_id = $1", publisher.tenant_id
    )
    return row


def has(publisher: Publisher, status: str) -> Any:
    """Whether the only mail has come to a state."""

    async def ask() -> bool:
        return str((await mail_of(publisher))["status"]) == status

    return ask


@pytest.mark.usefixtures("mail_server")
async def test_a_mail_arrives_as_the_tenants_and_the_account_says_so(
    context: JobContext, publisher: Publisher, mailbox: Mailbox
) -> None:
    order = await ordered(publisher)
    await context.performer.run(confirm, order, publisher.tenant_id)
    mail = await mail_of(publisher)
    assert (mail["status"], mail["recipient"]) == ("QUEUED", "erika@kundin.example")
    assert (mail["subject"], mail["order_id"]) == ("Ihre Bestellung B-7", order)
    async with working(context):
        await until(has(publisher, "SENT"))
        await until(lambda: _nothing_left(publisher))
    [message] = mailbox.messages
    assert message["From"].addresses[0].display_name == "Verlag Müller, GmbH"
    assert message["From"].addresses[0].addr_spec == "abo@verlag.example"
    assert message["Reply-To"] == "abo@verlag.example"
    assert message["To"] == "erika@kundin.example"
    assert message["Subject"] == "Ihre Bestellung B-7"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == f"<mail.{publisher.tenant_id}.{mail['id']}@verlag.example>"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "Guten Tag Frau Größe," in text.get_content()
    assert "Heft & mehr" in text.get_content()
    assert "Heft &amp; mehr" in html.get_content()
    after = await mail_of(publisher)
    assert after["sent_at"] is not None
    history = await publisher.owner.fetch(
        "SELECT action, actor_kind FROM history WHERE tenant_id = $1", publisher.tenant_id
    )
    assert [tuple(row) for row in history] == [("mail.sent", "SYSTEM")]


async def _nothing_left(publisher: Publisher) -> bool:
    return await left(publisher.owner) == []


async def test_a_refused_action_leaves_no_mail(context: JobContext, publisher: Publisher) -> None:
    order = await ordered(publisher)
    with pytest.raises(Refused):
        await context.performer.run(confirm_and_refuse, order, publisher.tenant_id)
    assert await publisher.owner.fetchval("SELECT count(*) FROM mail") == 0
    assert await left(publisher.owner) == []


async def test_it_is_sent_once_the_server_is_back(
    context: JobContext, publisher: Publisher, mailbox: Mailbox, mail_port: int
) -> None:
    await context.performer.run(confirm, await ordered(publisher), publisher.tenant_id)
    async with working(context):
        await until(lambda: _tried(publisher.owner))
        assert (await mail_of(publisher))["status"] == "QUEUED"
        controller = Controller(mailbox, hostname="127.0.0.1", port=mail_port)
        controller.start()
        await until(has(publisher, "SENT"))
        controller.stop()
    assert len(mailbox.messages) == 1


async def _tried(owner: asyncpg.Connection) -> bool:
    return bool(await owner.fetchval("SELECT bool_and(attempts > 1) FROM abokonto.pgqueuer"))


async def test_a_mail_that_is_given_up_has_failed_and_can_be_sent_later(
    context: JobContext, publisher: Publisher, mailbox: Mailbox, mail_port: int
) -> None:
    from app.jobs.administration import retry

    owner = publisher.owner
    await context.performer.run(confirm, await ordered(publisher), publisher.tenant_id)
    await owner.execute("UPDATE abokonto.pgqueuer SET attempts = 23")
    assert context.settings.database_url is not None
    async with working(context):
        await until(has(publisher, "FAILED"))
        assert (await mail_of(publisher))["error"] == "The mail server did not take it."
        controller = Controller(mailbox, hostname="127.0.0.1", port=mail_port)
        controller.start()
        await until(lambda: _failed(owner))
        await retry(context.settings.database_url.get_secret_value(), None)
        await until(has(publisher, "SENT"))
        controller.stop()
    assert (await mail_of(publisher))["error"] is None


async def _failed(owner: asyncpg.Connection) -> bool:
    return await left(owner) == ["failed"]


@pytest.mark.usefixtures("mail_server")
async def test_a_mailbox_that_is_not_there_is_told_in_the_account_and_not_in_logs(
    context: JobContext,
    publisher: Publisher,
    mailbox: Mailbox,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mailbox.answer_to_recipient = "550 5.1.1 erika@kundin.example is unknown"
    await context.performer.run(confirm, await ordered(publisher), publisher.tenant_id)
    async with working(context):
        await until(has(publisher, "FAILED"))
        await until(lambda: _nothing_left(publisher))
    assert (await mail_of(publisher))["error"] == "550 5.1.1 erika@kundin.example is unknown"
    captured = capsys.readouterr()
    assert "mail_refused" in captured.out + captured.err
    assert "erika" not in captured.out + captured.err
    assert not mailbox.messages


@pytest.mark.usefixtures("mail_server")
async def test_a_server_that_is_busy_is_asked_again(
    context: JobContext, publisher: Publisher, mailbox: Mailbox
) -> None:
    mailbox.answer_to_recipient = "451 4.7.1 greylisted"
    await context.performer.run(confirm, await ordered(publisher), publisher.tenant_id)
    async with working(context):
        await until(lambda: _tried(publisher.owner))
        mailbox.answer_to_recipient = ""
        await until(has(publisher, "SENT"))


@pytest.mark.usefixtures("mail_server")
async def test_who_was_anonymised_meanwhile_gets_nothing(
    context: JobContext, publisher: Publisher, mailbox: Mailbox
) -> None:
    await context.performer.run(confirm, await ordered(publisher), publisher.tenant_id)
    await publisher.owner.execute("UPDATE customer SET anonymized_at = now()")
    async with working(context):
        await until(has(publisher, "SUPPRESSED"))
        await until(lambda: _nothing_left(publisher))
    assert not mailbox.messages


@pytest.mark.parametrize(
    "customer", [{"email": None}, {"anonymized_at": "now"}], ids=["without address", "anonymised"]
)
async def test_who_cannot_be_written_to_is_not(
    customer: dict[str, Any], context: JobContext, publisher: Publisher
) -> None:
    order = await ordered(publisher, **({} if "anonymized_at" in customer else customer))
    if "anonymized_at" in customer:
        await publisher.owner.execute("UPDATE customer SET anonymized_at = now()")
    await context.performer.run(confirm, order, publisher.tenant_id)
    mail = await mail_of(publisher)
    assert (mail["status"], mail["recipient"], mail["body"]) == ("SUPPRESSED", "", None)
    assert await left(publisher.owner) == []


async def test_without_a_mail_server_mails_are_kept_until_there_is_one(
    settings: Settings, publisher: Publisher, mailbox: Mailbox, mail_server: Controller
) -> None:
    async with context_of(settings.model_copy(update={"smtp_host": None})) as context:
        await context.performer.run(confirm, await ordered(publisher), publisher.tenant_id)
        async with working(context):
            await asyncio.sleep(0.5)
    assert not mailbox.messages
    assert (await mail_of(publisher))["status"] == "QUEUED"
    assert await left(publisher.owner) == ["queued"]
    assert mail_server.loop.is_running()
    async with context_of(settings) as context, working(context):
        await until(has(publisher, "SENT"))


@pytest.mark.usefixtures("mail_server")
async def test_a_mail_that_is_sent_twice_is_told_to_be_the_same(
    context: JobContext, publisher: Publisher, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, fall = context.performer.run, True

    async def falling(*arguments: Any) -> Any:
        nonlocal fall
        if arguments[0] is mails.sent and fall:
            fall = False
            raise ConnectionResetError
        return await run(*arguments)

    await context.performer.run(confirm, await ordered(publisher), publisher.tenant_id)
    monkeypatch.setattr(context.performer, "run", falling)
    async with working(context):
        await until(has(publisher, "SENT"))
    first, second = mailbox.messages
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]


@pytest.mark.usefixtures("mail_server")
async def test_a_mail_of_the_operators_address_is_answered_to_the_tenant(
    settings: Settings, publisher: Publisher, mailbox: Mailbox
) -> None:
    own = settings.model_copy(update={"smtp_sender": "mail@operator.example"})
    async with context_of(own) as context:
        await context.performer.run(confirm, await ordered(publisher), publisher.tenant_id)
        async with working(context):
            await until(has(publisher, "SENT"))
    [message] = mailbox.messages
    assert message["From"].addresses[0].addr_spec == "mail@operator.example"
    assert message["Reply-To"] == "abo@verlag.example"
    assert mailbox.senders == ["mail@operator.example"]


@pytest.mark.usefixtures("mail_server")
async def test_an_invoice_comes_with_its_document_and_waits_for_it(
    context: JobContext, publisher: Publisher, mailbox: Mailbox
) -> None:
    customer = await publisher.customer(email="erika@kundin.example")
    invoice = await publisher.make(Invoice, customer_id=customer, number="RE-1")
    await context.performer.run(announce, invoice, publisher.tenant_id)
    async with working(context):
        await until(lambda: _tried(publisher.owner))
        key = f"{publisher.tenant_id}/{'0' * 32}"
        await Storage(context.settings).put(key, b"%PDF-1.7", "application/pdf")
        file = await publisher.make(
            File, customer_id=customer, key=key, name="RE-1.pdf", content_type="application/pdf"
        )
        await publisher.owner.execute("UPDATE invoice SET file_id = $1", file)
        await until(has(publisher, "SENT"))
    [message] = mailbox.messages
    [attachment] = message.iter_attachments()
    assert attachment.get_filename() == "RE-1.pdf"
    assert attachment.get_content() == b"%PDF-1.7"


@pytest.mark.usefixtures("mail_server")
async def test_an_invoice_without_its_document_is_told_of_after_ten_minutes(
    context: JobContext, publisher: Publisher, mailbox: Mailbox
) -> None:
    customer = await publisher.customer(email="erika@kundin.example")
    invoice = await publisher.make(Invoice, customer_id=customer, number="RE-1")
    await context.performer.run(announce, invoice, publisher.tenant_id)
    await publisher.owner.execute("UPDATE mail SET created_at = now() - interval '11 minutes'")
    async with working(context):
        await until(has(publisher, "SENT"))
    assert not list(mailbox.messages[0].iter_attachments())


LETTER = Letter(
    message_id="1@verlag.example",
    written_at=datetime(2026, 1, 2, tzinfo=UTC),
    sender_name="Verlag",
    sender="abo@verlag.example",
    reply_to=None,
    recipient="erika@kundin.example",
    subject="Hello",
    text="Text",
    html="<p>Text</p>",
)


@pytest.mark.usefixtures("mail_server")
@pytest.mark.parametrize("field", ["sender_name", "sender", "reply_to", "recipient", "subject"])
async def test_nothing_can_add_a_header(field: str, settings: Settings, mailbox: Mailbox) -> None:
    changed: dict[str, Any] = {field: "erika@kundin.example\r\nBcc: x@y.example"}
    with pytest.raises(MailRefused):
        await Mailer(settings).send(replace(LETTER, **changed))
    assert not mailbox.messages


@pytest.mark.usefixtures("mail_server")
async def test_a_name_of_a_file_is_one_however_it_is_written(
    settings: Settings, mailbox: Mailbox
) -> None:
    attachment = Attachment("Rechnung Größe 1.pdf", "application/pdf", b"%PDF")
    await Mailer(settings).send(replace(LETTER, attachments=(attachment,)))
    [found] = mailbox.messages[0].iter_attachments()
    assert found.get_filename() == "Rechnung Größe 1.pdf"


@pytest.mark.usefixtures("mail_server")
async def test_nothing_is_sent_in_the_clear_where_that_is_not_wanted(
    settings: Settings, mailbox: Mailbox
) -> None:
    strict = settings.model_copy(update={"smtp_security": "starttls"})
    with pytest.raises(MailError, match="can't be used"):
        await Mailer(strict).send(LETTER)
    assert not mailbox.messages
