"""Invoices' files, made again where they are missing."""

from app import models
from app.schema.invoice import Invoice
from app.schema.node import encode_id, key_of
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals

SHOWN = "invoice { id pdf { name } eInvoice { name } }"


async def jobs(publisher: Publisher) -> list[bytes]:
    """The payloads of the jobs that wait."""
    rows = await publisher.owner.fetch(
        "SELECT payload FROM abokonto.pgqueuer"
        " WHERE entrypoint = 'invoice.render' AND headers ->> 'tenant' = $1",
        str(publisher.tenant_id),
    )
    return [row["payload"] for row in rows]


async def test_files_that_are_missing_are_made(publisher: Publisher) -> None:
    customer = await publisher.customer()
    key = await publisher.make(models.Invoice, customer_id=customer)
    given = {"invoiceId": encode_id("Invoice", key)}
    payload = await publisher.act("renderInvoice", given, SHOWN)
    assert payload["userErrors"] == []
    assert payload["invoice"]["pdf"] is None
    assert key_of(payload["invoice"]["id"], Invoice) == key
    assert await jobs(publisher) == [b'{"invoice":%d}' % key]


async def test_files_that_are_there_stay(publisher: Publisher, everything: Everything) -> None:
    customer = await publisher.customer()
    pdf, xml = [
        await publisher.make(models.File, customer_id=customer, purpose="INVOICE", name=name)
        for name in ("R-1.pdf", "R-1.xml")
    ]
    key = await publisher.make(
        models.Invoice, customer_id=customer, file_id=pdf, einvoice_file_id=xml
    )
    invoice = encode_id("Invoice", key)
    async with everything.unchanged():
        payload = await publisher.act("renderInvoice", {"invoiceId": invoice}, SHOWN)
        assert refusals(payload) == [("ALREADY_RENDERED", "invoiceId")]
    assert await jobs(publisher) == []
    found = await publisher.data(
        "query($id: ID!) { node(id: $id) { ... on Invoice { pdf { name } eInvoice { name } } } }",
        id=invoice,
    )
    assert found["node"] == {"pdf": {"name": "R-1.pdf"}, "eInvoice": {"name": "R-1.xml"}}
