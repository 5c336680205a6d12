"""What becomes of an issued invoice's PDF and XML, whoever ends in between."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import asyncpg
import httpx2
import pypdfium2
import pytest

from app import models
from app.billing.rendering import document_of, render_invoice
from app.documents.invoice import DocumentType, EarlierDocument
from app.encryption import Keyring
from app.errors import ApiError
from app.files.inspection import FileInspector
from app.settings import Settings
from app.storage import Storage
from app.work.files import Staging
from app.work.perform import Performer
from app.work.shelf import Shelf
from app.work.sweep import Sweep
from app.writing import Writing
from tests.actions.unchanged import Everything
from tests.conftest import Database
from tests.documents.validation import broken_of_xrechnung
from tests.publisher import Publisher

SELLER = {
    "legal_name": "Nordlicht Verlag GmbH",
    "street": "Speicherstraße",
    "house_number": "12",
    "postal_code": "20457",
    "city": "Hamburg",
    "country": "DE",
    "vat_number": "DE136695976",
    "email": "service@nordlicht.example",
    "phone": "+49 40 123456",
    "iban": "DE89370400440532013000",
    "creditor_id": "DE98ZZZ09999999999",
    "footer": None,
}
FEBRUARY = {"service_from": date(2020, 2, 1), "service_until": date(2020, 2, 29)}


@dataclass
class Renderer:
    """Renders without the application around it."""

    writing: Writing
    storage: Storage
    performer: Performer
    tenant_id: int

    async def render(self, key: int, *, mailed: bool = False) -> None:
        """Render an invoice, as the job does."""
        shelf = Shelf(self.writing, self.storage, 60)
        await render_invoice(
            self.writing, shelf, self.performer, self.tenant_id, key, mailed=mailed
        )


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The database in which these tests found their publishers, side by side."""
    return shared_database


@pytest.fixture
async def publisher(owner: asyncpg.Connection) -> Publisher:
    """A publisher that nobody reads over HTTP."""
    return await Publisher.found(owner, httpx2.AsyncClient())


@pytest.fixture
async def renderer(settings: Settings, publisher: Publisher) -> AsyncIterator[Renderer]:
    """What a worker has at hand."""
    writing, storage, inspector = Writing(settings), Storage(settings), FileInspector(settings)
    writing.open()
    staging = Staging(writing, storage, inspector, settings.unclaimed_file_seconds)
    performer = Performer(writing, Keyring.from_settings(settings), storage, staging)
    yield Renderer(writing, storage, performer, publisher.tenant_id)
    await writing.close()


async def make(publisher: Publisher, **values: Any) -> int:
    """An issued invoice with one line."""
    customer = values.pop("customer_id", None) or await publisher.customer(
        email="erika@example.org"
    )
    invoice = await publisher.make(
        models.Invoice, customer_id=customer, **{"seller": SELLER, **FEBRUARY, **values}
    )
    sign = -1 if "CANCELLATION" in values.get("type", "") else 1
    amounts = {"net": f"{sign * 9.35}", "tax": f"{sign * 0.65:.2f}", "gross": f"{sign * 10}.00"}
    await publisher.make(models.InvoiceItem, invoice_id=invoice, **amounts, **FEBRUARY)
    return invoice


async def files(publisher: Publisher, key: int) -> list[Any]:
    """The PDF's and the XML's rows."""
    rows: list[Any] = await publisher.owner.fetch(
        "SELECT file.* FROM invoice JOIN file ON file.tenant_id = invoice.tenant_id"
        " AND file.id IN (invoice.file_id, invoice.einvoice_file_id)"
        " WHERE invoice.tenant_id = $1 AND invoice.id = $2 ORDER BY file.id",
        publisher.tenant_id,
        key,
    )
    return rows


async def unclaimed(publisher: Publisher) -> int:
    """How many objects nobody has claimed."""
    count: int = await publisher.owner.fetchval(
        "SELECT count(*) FROM unclaimed_file WHERE tenant_id = $1", publisher.tenant_id
    )
    return count


async def test_an_invoice_gets_its_pdf_and_its_xml(
    publisher: Publisher, renderer: Renderer
) -> None:
    key = await make(publisher, number="RE/2020 1", payment_method="INVOICE")
    await renderer.render(key)
    pdf, xml = await files(publisher, key)
    assert [(row["name"], row["content_type"], row["purpose"]) for row in (pdf, xml)] == [
        ("RE-2020-1.pdf", "application/pdf", "INVOICE"),
        ("RE-2020-1.xml", "application/xml", "INVOICE"),
    ]
    content = await renderer.storage.get(pdf["key"])
    assert len(content) == pdf["size_bytes"]
    opened = pypdfium2.PdfDocument(content)
    text = opened[0].get_textpage().get_text_range()
    opened.close()
    assert "RE/2020 1" in text
    assert "01.02.2020" in text
    assert broken_of_xrechnung(await renderer.storage.get(xml["key"])) == set()
    assert await unclaimed(publisher) == 0
    history = await publisher.owner.fetch(
        "SELECT action, actor_kind FROM history WHERE tenant_id = $1", publisher.tenant_id
    )
    assert [tuple(entry) for entry in history] == [("invoice.rendered", "SYSTEM")]


async def test_it_is_made_once(
    publisher: Publisher, renderer: Renderer, owner: asyncpg.Connection
) -> None:
    key = await make(publisher)
    await asyncio.gather(*(renderer.render(key) for _ in range(4)))
    assert len(await files(publisher, key)) == 2
    everything = Everything(owner, publisher.tenant_id, renderer.storage)
    stored = [
        name for name in await everything.files() if name.startswith(f"{publisher.tenant_id}/")
    ]
    assert len(stored) == 2
    assert await unclaimed(publisher) == 0
    async with everything.unchanged():
        await renderer.render(key)


async def test_what_is_missing_is_made_beside_what_is_there(
    publisher: Publisher, renderer: Renderer
) -> None:
    customer = await publisher.customer()
    sent = await publisher.make(models.File, customer_id=customer, purpose="INVOICE")
    key = await make(publisher, customer_id=customer, file_id=sent)
    await renderer.render(key)
    assert [row["id"] == sent for row in await files(publisher, key)] == [True, False]


async def test_another_tenants_invoice_is_not_there(
    publisher: Publisher, renderer: Renderer, owner: asyncpg.Connection
) -> None:
    other = await Publisher.found(owner, httpx2.AsyncClient())
    key = await make(other)
    await renderer.render(key)
    assert await files(other, key) == []
    assert await unclaimed(publisher) == 0


async def test_a_store_that_is_away_is_tried_again(
    publisher: Publisher, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await make(publisher)

    async def away(*_arguments: object) -> None:
        from app.storage import StorageError

        raise StorageError("put_object")

    with monkeypatch.context() as patched:
        patched.setattr(Storage, "put", away)
        with pytest.raises(ApiError):
            await renderer.render(key)
    assert await files(publisher, key) == []
    await renderer.render(key)
    assert len(await files(publisher, key)) == 2


@pytest.mark.parametrize("moment", ["announced", "stored", "naming"])
async def test_a_worker_that_ends_leaves_what_the_sweep_removes(
    publisher: Publisher,
    renderer: Renderer,
    owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    """A killed process does nothing more: neither is taken back what it had stored."""
    key = await make(publisher)

    class Killed(BaseException):
        pass

    async def killed(*_arguments: object) -> None:
        raise Killed

    async def nothing(*_arguments: object) -> None:
        pass

    with monkeypatch.context() as patched:
        patched.setattr(Shelf, "take_back", nothing)
        if moment == "announced":
            patched.setattr(Storage, "put", killed)
        elif moment == "stored":
            patched.setattr(Performer, "run", killed)
        else:
            patched.setattr("app.work.unit.Work.finish", killed)
        with pytest.raises(Killed):
            await renderer.render(key)
    assert await files(publisher, key) == []
    assert await unclaimed(publisher) == 2
    await owner.execute(
        "UPDATE unclaimed_file SET expires_at = now() WHERE tenant_id = $1", publisher.tenant_id
    )
    await Sweep(renderer.writing, renderer.storage).expired()
    everything = Everything(owner, publisher.tenant_id, renderer.storage)
    assert not [n for n in await everything.files() if n.startswith(f"{publisher.tenant_id}/")]
    await renderer.render(key)
    assert len(await files(publisher, key)) == 2
    assert await unclaimed(publisher) == 0


async def test_a_chain_of_documents_names_the_ones_before(
    publisher: Publisher, renderer: Renderer
) -> None:
    customer = await publisher.customer(language="en")
    own: dict[str, Any] = {"customer_id": customer}
    key, keys = None, []
    for number, kind in enumerate(
        ("INVOICE", "CANCELLATION", "CORRECTION", "CANCELLATION_CORRECTION"), start=1
    ):
        sign = -1 if "CANCELLATION" in kind else 1
        key = await make(
            publisher,
            **own,
            number=f"R-{number}",
            type=kind,
            precursor_id=key,
            net=f"{sign * 9.35}",
            tax=f"{sign * 0.65:.2f}",
            gross=f"{sign * 10}.00",
        )
        keys.append(key)
    documents = []
    async with renderer.writing.system_transaction(publisher.tenant_id) as transaction:
        for one in keys:
            document = await document_of(transaction.session, publisher.tenant_id, one)
            assert document is not None
            documents.append(document)
    assert [document.type for document in documents] == list(DocumentType)
    assert [[earlier.number for earlier in document.earlier] for document in documents] == [
        [],
        ["R-1"],
        ["R-1", "R-2"],
        ["R-3"],
    ]
    assert documents[1].earlier == (EarlierDocument("R-1", documents[0].issued_on),)
    assert documents[1].language == "en"
    for one in keys:
        await renderer.render(one)


async def test_a_debit_is_announced_with_its_mandate(
    publisher: Publisher, renderer: Renderer
) -> None:
    customer = await publisher.customer()
    account = await publisher.make(
        models.BankAccount,
        customer_id=customer,
        mandate_reference="M-7",
    )
    key = await make(publisher, customer_id=customer, payment_method="SEPA_DEBIT")
    await publisher.make(
        models.Transaction,
        customer_id=customer,
        invoice_id=key,
        bank_account_id=account,
        action="SEPA_DEBIT",
        status="PENDING",
        executed_on=None,
        due_on=date(2020, 1, 20),
    )
    async with renderer.writing.system_transaction(publisher.tenant_id) as transaction:
        document = await document_of(transaction.session, publisher.tenant_id, key)
    assert document is not None
    assert document.debit is not None
    assert document.debit.mandate_reference == "M-7"
    assert document.debit.creditor_id == "DE98ZZZ09999999999"
    assert document.debit.collected_on == date(2020, 1, 20)
    assert document.debit.masked_iban == "DE89 **** **** **** **30 00"


async def test_a_document_without_a_letterhead_gets_the_one_of_today(
    publisher: Publisher, renderer: Renderer
) -> None:
    key = await make(publisher, seller={})
    await publisher.owner.execute(
        "UPDATE billing_profile SET legal_name = 'Neuer Verlag' WHERE tenant_id = $1",
        publisher.tenant_id,
    )
    async with renderer.writing.system_transaction(publisher.tenant_id) as transaction:
        document = await document_of(transaction.session, publisher.tenant_id, key)
    assert document is not None
    assert document.seller.legal_name == "Neuer Verlag"


async def test_what_was_just_issued_is_mailed_once(
    publisher: Publisher, renderer: Renderer
) -> None:
    key = await make(publisher)
    await renderer.render(key, mailed=True)
    await renderer.render(key, mailed=True)
    mails = await publisher.owner.fetch(
        "SELECT template, recipient, invoice_id FROM mail WHERE tenant_id = $1", publisher.tenant_id
    )
    assert [tuple(mail) for mail in mails] == [("invoice_issued", "erika@example.org", key)]
