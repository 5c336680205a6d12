"""Correcting and cancelling invoices: the documents, the money, and what is told beforehand."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from app import models
from app.schema.node import encode_id
from tests.actions.conftest import Clock
from tests.actions.contracts import Contract, noon
from tests.actions.selling import Shop
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals

DOCUMENT = """invoice { id number type status reason gross { amount } address { city }
    items { title quantity gross taxPercent tax } taxes { taxPercent gross }
    precursor { type status number precursor { type status number } } }"""
PREVIEW = """query ($input: PreviewCorrectionInput!) { previewCorrection(input: $input) {
    correction {
        before { gross { amount } lines { title gross { amount } taxPercent } }
        after { net { amount } tax { amount } gross { amount } lines { title quantity } }
        difference { amount } paid { amount } refund { amount } due { amount currency } }
    userErrors { code field } } }"""
CHEAPER: dict[str, Any] = {"lines": [{"position": 1, "gross": "8.00"}]}
DEARER: dict[str, Any] = {"lines": [{"position": 1, "gross": "12.00"}]}
DEBIT = {"paymentMethod": "SEPA_DEBIT"}


class Billed:
    """An invoice of 10.00 and the contract that it bills."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.publisher = contract.publisher

    async def last(self) -> str:
        """The id of the document that was issued last."""
        [(key,)] = await self.contract.rows("SELECT max(id) FROM invoice WHERE tenant_id = $1")
        return encode_id("Invoice", key)

    async def correct(self, **input: Any) -> dict[str, Any]:
        """Correct the last document; the correction."""
        return await self._act("correctInvoice", input)

    async def cancel(self) -> dict[str, Any]:
        """Cancel the last document; the cancellation."""
        return await self._act("cancelInvoice", {})

    async def _act(self, action: str, input: dict[str, Any]) -> dict[str, Any]:
        given = {"invoiceId": await self.last(), "reason": "Falsch berechnet", **input}
        payload = await self.publisher.act(action, given, DOCUMENT)
        assert payload["userErrors"] == []
        invoice: dict[str, Any] = payload["invoice"]
        return invoice

    async def preview(self, **input: Any) -> dict[str, Any]:
        """What a correction of the last document would ask for."""
        given = {"invoiceId": await self.last(), **input}
        preview = (await self.publisher.data(PREVIEW, input=given))["previewCorrection"]
        assert preview["userErrors"] == []
        correction: dict[str, Any] = preview["correction"]
        return correction

    async def debit(self, **values: Any) -> None:
        """Let the bank have the debit that is planned, or more."""
        changes = ", ".join(f"{name} = ${place}" for place, name in enumerate(values, start=2))
        await self.publisher.owner.execute(
            f"UPDATE payment_transaction SET {changes} WHERE tenant_id = $1"  # noqa: S608  Names of columns.
            " AND action = 'SEPA_DEBIT' AND status = 'PENDING'",
            self.publisher.tenant_id,
            *values.values(),
        )

    async def drawn(self) -> None:
        """Let the debit have brought its money."""
        await self.debit(
            end_to_end_id="E-1",
            sequence_type="FRST",
            status="SUCCESS",
            executed_on=date(2026, 1, 1),
        )
        await self.publisher.owner.execute(
            "UPDATE invoice SET status = 'PAID', paid_at = now() WHERE tenant_id = $1",
            self.publisher.tenant_id,
        )


@pytest.fixture
async def billed(publisher: Publisher, clock: Clock) -> Billed:
    """An invoice that is to be paid by transfer."""
    return Billed(await Contract.ordered(publisher, clock, "2026-01-01"))


@pytest.fixture
async def debited(publisher: Publisher, clock: Clock) -> Billed:
    """An invoice that is to be drawn from a bank account."""
    clock.at = noon("2026-01-01")
    shop = await Shop.open(publisher)
    account = await shop.account(mandate_signed_on=date(2025, 12, 1))
    order = {**DEBIT, "bankAccountId": account}
    return Billed(await Contract.of(shop, clock, await shop.offer(), order))


async def test_two_documents_take_an_invoices_place(billed: Billed) -> None:
    correction = await billed.correct(**CHEAPER)
    assert (correction["type"], correction["status"]) == ("CORRECTION", "OPEN")
    assert correction["reason"] == "Falsch berechnet"
    cancellation = correction["precursor"]
    assert (cancellation["type"], cancellation["status"]) == ("CANCELLATION", "PAID")
    original = cancellation["precursor"]
    assert (original["type"], original["status"]) == ("INVOICE", "CANCELLED")
    numbers = [document["number"][-2:] for document in (original, cancellation, correction)]
    assert numbers == ["01", "02", "03"]
    # 8.00 with 7 percent in it: 8.00 - 8.00 / 1.07 = 0.5233...
    [item] = correction["items"]
    assert (item["gross"], item["tax"]) == ("8.00", "0.52")
    assert correction["taxes"] == [{"taxPercent": "7.00", "gross": "8.00"}]


async def test_the_cancellation_is_the_exact_opposite(billed: Billed) -> None:
    await billed.correct(**CHEAPER)
    for table, columns in (
        ("invoice", "net, tax, gross"),
        ("invoice_item", "net, tax, gross, tax_percent"),
        ("invoice_tax", "net, tax, gross, tax_percent"),
    ):
        key = "id" if table == "invoice" else "invoice_id"
        rows = await billed.contract.rows(
            f"SELECT {columns} FROM {table} WHERE tenant_id = $1 ORDER BY {key}"  # noqa: S608  Names of ours.
        )
        original, cancellation = rows[0], rows[1]
        assert cancellation[:3] == tuple(-amount for amount in original[:3])
        assert cancellation[3:] == original[3:]


async def test_each_document_is_rendered(billed: Billed) -> None:
    await billed.correct(**CHEAPER)
    rendered = await billed.publisher.owner.fetchval(
        "SELECT count(*) FROM abokonto.pgqueuer WHERE entrypoint = 'invoice.render'"
        " AND headers->>'tenant' = $1",
        str(billed.publisher.tenant_id),
    )
    assert rendered == 3


PAID_BY_TRANSFER = {
    "too much comes back": (CHEAPER, "PAID", [("REFUND", "2.00", "PENDING")]),
    "the rest is due": (DEARER, "OPEN", []),
    "the same is paid": ({"lines": [{"position": 1, "title": "Zeitung"}]}, "PAID", []),
}


@pytest.mark.parametrize("case", PAID_BY_TRANSFER)
async def test_what_was_paid_counts_for_the_correction(billed: Billed, case: str) -> None:
    given, status, more = PAID_BY_TRANSFER[case]
    await billed.contract.pay()
    correction = await billed.correct(**given)
    assert correction["status"] == status
    assert await billed.contract.money() == [("BANK_TRANSFER", "10.00", "SUCCESS"), *more]


async def test_what_is_cancelled_is_refunded_as_a_whole(billed: Billed) -> None:
    await billed.contract.pay()
    cancellation = await billed.cancel()
    assert cancellation["type"] == "CANCELLATION"
    assert (await billed.contract.money())[1:] == [("REFUND", "10.00", "PENDING")]


async def test_a_refund_that_was_not_made_is_reckoned_anew(billed: Billed) -> None:
    await billed.contract.pay()
    await billed.correct(**CHEAPER)
    again = await billed.correct(lines=[{"position": 1, "gross": "9.00"}])
    assert again["precursor"]["type"] == "CANCELLATION_CORRECTION"
    assert (await billed.contract.money())[1:] == [
        ("REFUND", "2.00", "FAILURE"),
        ("REFUND", "1.00", "PENDING"),
    ]


async def test_a_planned_debit_is_planned_anew(debited: Billed) -> None:
    assert await debited.contract.money() == [("SEPA_DEBIT", "10.00", "PENDING")]
    await debited.correct(**DEARER)
    assert await debited.contract.money() == [
        ("SEPA_DEBIT", "10.00", "FAILURE"),
        ("SEPA_DEBIT", "12.00", "PENDING"),
    ]
    assert await debited.contract.mails() == ["sepa_pre_notification"] * 2


async def test_what_the_bank_draws_already_counts(debited: Billed) -> None:
    await debited.debit(end_to_end_id="E-1", sequence_type="FRST")
    correction = await debited.correct(**DEARER)
    assert correction["status"] == "OPEN"
    assert await debited.contract.money() == [
        ("SEPA_DEBIT", "10.00", "PENDING"),
        ("SEPA_DEBIT", "2.00", "PENDING"),
    ]


async def test_the_rest_is_drawn_and_too_much_goes_back_to_the_account(debited: Billed) -> None:
    await debited.drawn()
    await debited.correct(**DEARER)
    assert (await debited.contract.money())[1:] == [("SEPA_DEBIT", "2.00", "PENDING")]
    await debited.correct(**CHEAPER)
    assert (await debited.contract.money())[1:] == [
        ("SEPA_DEBIT", "2.00", "FAILURE"),
        ("REFUND", "2.00", "PENDING"),
    ]
    [(account, original)] = await debited.contract.rows(
        "SELECT bank_account_id, original_id FROM payment_transaction"
        " WHERE tenant_id = $1 AND action = 'REFUND'"
    )
    assert account is not None
    assert original is not None


async def test_without_a_mandate_the_rest_is_asked_for_by_invoice(debited: Billed) -> None:
    await debited.drawn()
    await debited.publisher.owner.execute(
        "UPDATE bank_account SET mandate_state = 'REVOKED' WHERE tenant_id = $1",
        debited.publisher.tenant_id,
    )
    await debited.correct(**DEARER)
    assert (await debited.contract.money())[1:] == []
    [(method,)] = await debited.contract.rows(
        "SELECT payment_method FROM invoice WHERE tenant_id = $1 AND type = 'CORRECTION'"
    )
    assert method == "INVOICE"


async def test_lines_can_be_added_by_tax_class(billed: Billed) -> None:
    lines = [
        {"position": 1, "title": "Abo (korrigiert)", "quantity": 2},
        {"title": "Prämie", "gross": "11.90", "taxClass": "STANDARD"},
    ]
    correction = await billed.correct(lines=lines)
    assert correction["gross"] == {"amount": "21.90"}
    assert [(item["title"], item["quantity"]) for item in correction["items"]] == [
        ("Abo (korrigiert)", 2),
        ("Prämie", 1),
    ]
    assert [tax["taxPercent"] for tax in correction["taxes"]] == ["7.00", "19.00"]


async def test_it_can_be_made_out_to_another_address(billed: Billed) -> None:
    address = await billed.contract.shop.address(city="Hamburg", preferred=False)
    correction = await billed.correct(addressId=address)
    assert correction["address"] == {"city": "Hamburg"}
    assert correction["gross"] == {"amount": "10.00"}


async def test_books_of_an_anonymised_customer_are_put_right(billed: Billed) -> None:
    await billed.publisher.owner.execute(
        "UPDATE customer SET anonymized_at = $2 WHERE tenant_id = $1",
        billed.publisher.tenant_id,
        datetime(2026, 1, 1, tzinfo=UTC),
    )
    await billed.correct(**CHEAPER)
    await billed.cancel()


async def test_what_it_would_ask_for_is_told_and_nothing_kept(
    billed: Billed, everything: Everything
) -> None:
    await billed.contract.pay()
    async with everything.unchanged():
        cheaper = await billed.preview(**CHEAPER)
        dearer = await billed.preview(**DEARER)
    assert cheaper["before"]["gross"] == cheaper["paid"] == {"amount": "10.00"}
    assert cheaper["difference"] == {"amount": "-2.00"}
    assert cheaper["refund"] == {"amount": "2.00"}
    # 8.00 / 1.07 = 7.4766...
    assert cheaper["after"]["net"] == {"amount": "7.48"}
    assert cheaper["due"] == {"amount": "0.00", "currency": "EUR"}
    assert dearer["due"] == {"amount": "2.00", "currency": "EUR"}
    assert dearer["refund"] == {"amount": "0.00"}


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "nothing changes": ({}, "INVOICE_NOT_CORRECTABLE", "invoiceId"),
    "the same line": ({"lines": [{"position": 1}]}, "INVOICE_NOT_CORRECTABLE", "invoiceId"),
    "no lines": ({"lines": []}, "REQUIRED", "lines"),
    "a line that is not there": (
        {"lines": [{"position": 2}]}, "INVALID", "lines.0.position",
    ),
    "too many lines": ({"lines": [{"position": 1}] * 101}, "INVALID", "lines"),
    "no title": ({"lines": [{"gross": "1.00"}]}, "REQUIRED", "lines.0.title"),
    "no amount": ({"lines": [{"title": "X"}]}, "REQUIRED", "lines.0.gross"),
    "no tax": ({"lines": [{"title": "X", "gross": "1.00"}]}, "REQUIRED", "lines.0.taxClass"),
    "two taxes": (
        {"lines": [{"position": 1, "taxClass": "ZERO", "taxPercent": "7"}]},
        "INVALID",
        "lines.0.taxClass",
    ),
    "less than nothing": (
        {"lines": [{"position": 1, "gross": "-1.00"}]}, "PRICE_INVALID", "lines.0.gross",
    ),
    "half a cent": (
        {"lines": [{"position": 1, "gross": "1.005"}]}, "PRICE_INVALID", "lines.0.gross",
    ),
    "more than all": (
        {"lines": [{"position": 1, "taxPercent": "101"}]}, "INVALID", "lines.0.taxPercent",
    ),
    "too many of it": (
        {"lines": [{"position": 1, "quantity": 10_001}]}, "INVALID", "lines.0.quantity",
    ),
    "another's address": (
        {"addressId": encode_id("Address", 999_999)}, "NOT_FOUND", "addressId",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
async def test_what_can_not_be_right_changes_nothing(
    billed: Billed, everything: Everything, case: str
) -> None:
    given, code, field = WRONG[case]
    invoice = {"invoiceId": await billed.last(), **given}
    async with everything.unchanged():
        payload = await billed.publisher.act("correctInvoice", {**invoice, "reason": "X"})
        preview = await billed.publisher.data(PREVIEW, input=invoice)
    assert refusals(payload) == [(code, field)]
    [error] = preview["previewCorrection"]["userErrors"]
    assert (error["code"], ".".join(error["field"])) == (code, field)


async def test_only_the_last_document_of_a_chain_is_corrected(
    billed: Billed, everything: Everything
) -> None:
    original = await billed.last()
    await billed.cancel()
    cancellation = await billed.last()
    expected = {original: "INVOICE_ALREADY_CANCELLED", cancellation: "INVOICE_NOT_CORRECTABLE"}
    async with everything.unchanged():
        for action, more in (("cancelInvoice", {}), ("correctInvoice", CHEAPER)):
            for invoice, code in expected.items():
                given = {"invoiceId": invoice, "reason": "X", **more}
                payload = await billed.publisher.act(action, given)
                assert refusals(payload) == [(code, "invoiceId")]


async def test_an_invoice_without_lines_is_cancelled_by_its_sums(publisher: Publisher) -> None:
    customer = await publisher.customer()
    invoice = await publisher.make(models.Invoice, customer_id=customer)
    given = {"invoiceId": encode_id("Invoice", invoice), "reason": "Import"}
    payload = await publisher.act("cancelInvoice", given, DOCUMENT)
    assert payload["invoice"]["gross"] == {"amount": "-10.00"}
    # 0.65 of 9.35 is 6.9518... percent.
    assert [item["taxPercent"] for item in payload["invoice"]["items"]] == ["6.95"]


async def test_a_repeated_request_corrects_once(billed: Billed) -> None:
    given = {"invoiceId": await billed.last(), "reason": "X", "idempotencyKey": "k", **CHEAPER}
    first = await billed.publisher.act("correctInvoice", given, "invoice { number }")
    again = await billed.publisher.act("correctInvoice", given, "invoice { number }")
    assert first == again
    assert len(await billed.contract.documents()) == 3
