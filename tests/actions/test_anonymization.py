"""Anonymising: what it refuses, what it ends, what it leaves working, and that two agree to it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx2
import pytest

from app import models
from app.migrations.erasure import SIGNATURES
from app.schema.node import encode_id
from tests.actions.unchanged import Everything
from tests.auth.people import ask, employ
from tests.publisher import Publisher, codes, refusals
from tests.work.histories import faults

PREVIEW = """
    query ($input: PreviewAnonymizationInput!) {
        previewAnonymization(input: $input) {
            erased { record count columns removed }
            kept { record count columns until }
            userErrors { code field message }
        }
    }
"""


async def sold(publisher: Publisher) -> tuple[str, str]:
    """A customer with a subscription and an invoice for it, which is open."""
    product = await publisher.make(models.Product)
    offer = await publisher.make(models.Offer, product_id=product)
    customer = await publisher.customer(email="Erika@Example.org", first_name="Erika")
    address = await publisher.make(models.Address, customer_id=customer)
    given: dict[str, Any] = {
        "customerId": encode_id("Customer", customer),
        "invoiceAddressId": encode_id("Address", address),
        "lines": [{"offerId": encode_id("Offer", offer)}],
        "paymentMethod": "INVOICE",
    }
    payload = await publisher.act("placeOrder", given, "order { id }")
    assert payload["userErrors"] == []
    invoice = await publisher.owner.fetchval(
        "SELECT max(id) FROM invoice WHERE tenant_id = $1", publisher.tenant_id
    )
    return given["customerId"], encode_id("Invoice", invoice)


async def test_what_runs_and_what_is_open_stand_against_it(
    publisher: Publisher, everything: Everything
) -> None:
    customer, invoice = await sold(publisher)
    async with everything.unchanged():
        payload = await publisher.act("anonymizeCustomer", {"customerId": customer})
    assert refusals(payload) == [
        ("RUNNING_SUBSCRIPTION", "endSubscriptions"),
        ("OPEN_PAYMENT", "acceptOpenPayments"),
    ]
    await publisher.act("markInvoicePaid", {"invoiceId": invoice})
    async with everything.unchanged():
        payload = await publisher.act("anonymizeCustomer", {"customerId": customer})
    assert refusals(payload) == [("RUNNING_SUBSCRIPTION", "endSubscriptions")]


async def test_it_ends_subscriptions_and_leaves_corrections_and_payments_working(
    publisher: Publisher, owner: asyncpg.Connection
) -> None:
    customer, _invoice = await sold(publisher)
    await publisher.act("addTag", {"customerId": customer, "tag": "Meckerer"})
    session = await publisher.sign_in(_key(customer))
    unpaid = await publisher.make(models.Invoice, customer_id=_key(customer))
    await publisher.make(models.InvoiceItem, invoice_id=unpaid)
    await publisher.make(models.InvoiceTax, invoice_id=unpaid)
    given = {"customerId": customer, "endSubscriptions": True, "acceptOpenPayments": True}
    select = "customer { anonymized email lastName subscriptions { nodes { status } } }"
    payload = await publisher.act("anonymizeCustomer", given, select)
    assert payload == {
        "customer": {
            "anonymized": True,
            "email": None,
            "lastName": None,
            "subscriptions": {"nodes": [{"status": "INACTIVE"}]},
        },
        "userErrors": [],
    }
    assert "errors" in await publisher.ask("{ viewer { name } }", session)
    entry = (await publisher.history(customer))[-1]
    assert entry["action"] == "customer.anonymized"
    assert "personal" not in str(entry["before"]) + str(entry["after"])
    addresses = await owner.fetch(
        "SELECT address ->> 'lastName' AS a, address ->> 'last_name' AS b FROM invoice"
        " WHERE tenant_id = $1",
        publisher.tenant_id,
    )
    assert "Muster" in {row["a"] or row["b"] for row in addresses}
    refused = await publisher.act("addTag", {"customerId": customer, "tag": "x"})
    assert refusals(refused) == [("CUSTOMER_ANONYMIZED", "")]

    lines = [{"title": "Abo", "gross": "3.00", "taxPercent": "7"}]
    corrected = await publisher.act(
        "correctInvoice",
        {"invoiceId": encode_id("Invoice", unpaid), "reason": "Kulanz", "lines": lines},
        "invoice { id }",
    )
    assert corrected["userErrors"] == []
    paid = await publisher.act("markInvoicePaid", {"invoiceId": corrected["invoice"]["id"]})
    assert paid["userErrors"] == []
    assert await faults(publisher) == []


async def test_mails_that_wait_are_not_sent(
    publisher: Publisher, owner: asyncpg.Connection, customer: str
) -> None:
    mail = await publisher.make(models.Mail, customer_id=_key(customer), status="QUEUED")
    await publisher.act("anonymizeCustomer", {"customerId": customer})
    row = await owner.fetchrow(
        "SELECT status, recipient, subject, body FROM mail WHERE tenant_id = $1 AND id = $2",
        publisher.tenant_id,
        mail,
    )
    assert row is not None
    assert dict(row) == {"status": "SUPPRESSED", "recipient": "", "subject": "", "body": None}


async def test_the_proof_of_a_consent_by_telephone_is_kept_for_five_years(
    publisher: Publisher, owner: asyncpg.Connection, customer: str
) -> None:
    own = {"customer_id": _key(customer)}
    now = datetime.now(UTC)
    for channel, age in (("PHONE", 1), ("PHONE", 6), ("EMAIL", 1)):
        made = now - timedelta(days=365 * age)
        opt_in = await publisher.make(models.OptIn, channel=channel, purpose=f"p{age}", **own)
        await publisher.make(
            models.OptInEntry, opt_in_id=opt_in, source=f"{channel} {age}", created_at=made, **own
        )
    await publisher.act("anonymizeCustomer", {"customerId": customer})
    left = await owner.fetch(
        "SELECT source FROM opt_in_entry WHERE tenant_id = $1 AND source <> ''", publisher.tenant_id
    )
    assert [row["source"] for row in left] == ["PHONE 1"]


async def test_the_preview_tells_what_goes_and_what_stays_and_changes_nothing(
    publisher: Publisher, everything: Everything
) -> None:
    customer, _ = await sold(publisher)
    async with everything.unchanged():
        data = await publisher.data(PREVIEW, input={"customerId": customer})
    preview = data["previewAnonymization"]
    erased = {one["record"]: one for one in preview["erased"]}
    assert erased["Address"]["count"] == 1
    assert {"lastName", "street", "city"} <= set(erased["Address"]["columns"])
    assert {"email", "firstName"} <= set(erased["Customer"]["columns"])
    kept = {one["record"]: one for one in preview["kept"]}
    year = datetime.now(UTC).year
    assert kept["Invoice"]["until"] == f"{year + 8}-12-31"
    assert set(kept["Invoice"]["columns"]) >= {"number", "address"}
    assert [error["code"] for error in preview["userErrors"]] == [
        "RUNNING_SUBSCRIPTION",
        "OPEN_PAYMENT",
    ]


async def test_the_preview_tells_of_files_that_stay_with_invoices_and_at_the_bank(
    publisher: Publisher,
) -> None:
    own = {"customer_id": await publisher.customer()}
    for purpose in ("ATTACHMENT", "INVOICE"):
        file = await publisher.make(models.File, purpose=purpose, **own)
    invoice = await publisher.make(models.Invoice, file_id=file, **own)
    day = datetime(2026, 3, 2, tzinfo=UTC).date()
    batch = await publisher.make(
        models.SepaBatch,
        collected_until=day,
        debit_count=1,
        file_key="1/a",
        size_bytes=1,
        sha256="0" * 64,
    )
    debit = {"action": "SEPA_DEBIT", "end_to_end_id": "1-1", "sequence_type": "RCUR"}
    for told in (debit, {"action": "SEPA_DEBIT", "status": "FAILURE"}):
        await publisher.make(
            models.Transaction, invoice_id=invoice, sepa_batch_id=batch, **told, **own
        )
    given = {"customerId": encode_id("Customer", own["customer_id"])}
    preview = (await publisher.data(PREVIEW, input=given))["previewAnonymization"]
    [erased] = [one for one in preview["erased"] if one["record"] == "File"]
    assert (erased["count"], erased["removed"]) == (1, True)
    kept = {one["record"]: one for one in preview["kept"]}
    assert kept["File"]["count"] == 1
    assert kept["SepaBatch"] == {
        "record": "SepaBatch",
        "count": 1,
        "columns": ["file"],
        "until": "2034-12-31",
    }


async def test_the_preview_of_an_anonymised_customer_is_refused(publisher: Publisher) -> None:
    customer = encode_id("Customer", await publisher.customer(anonymized_at=datetime.now(UTC)))
    data = await publisher.data(PREVIEW, input={"customerId": customer})
    assert [error["code"] for error in data["previewAnonymization"]["userErrors"]] == [
        "CUSTOMER_ANONYMIZED"
    ]


async def test_where_four_eyes_are_wanted_two_have_to_agree(
    publisher: Publisher, owner: asyncpg.Connection, customer: str, everything: Everything
) -> None:
    await owner.execute("UPDATE tenant SET four_eyes = true WHERE id = $1", publisher.tenant_id)
    given = {"customerId": customer}
    colleague = await publisher.issue_token("customer:anonymize", "customer:read", "internal:read")
    async with everything.unchanged():
        assert refusals(await publisher.act("anonymizeCustomer", given)) == [
            ("APPROVAL_REQUIRED", "")
        ]
        assert refusals(await publisher.act("approveAnonymization", given)) == [
            ("NOTHING_REQUESTED", "")
        ]
    assert refusals(await publisher.act("requestAnonymization", given)) == []
    async with everything.unchanged():
        assert refusals(await publisher.act("requestAnonymization", given)) == [
            ("APPROVAL_REQUESTED", "")
        ]
        assert refusals(await publisher.act("approveAnonymization", given)) == [("SAME_AGENT", "")]
    approved = await publisher.act(
        "approveAnonymization", given, "customer { anonymized }", colleague
    )
    assert approved == {"customer": {"anonymized": True}, "userErrors": []}
    assert [entry["action"] for entry in await publisher.history(customer)] == [
        "customer.anonymization_requested",
        "customer.anonymization_approved",
    ]


async def test_a_request_is_rejected_and_can_be_made_again(
    publisher: Publisher, customer: str
) -> None:
    given = {"customerId": customer}
    for action in ("requestAnonymization", "rejectAnonymization", "requestAnonymization"):
        assert refusals(await publisher.act(action, given)) == []


@pytest.mark.parametrize("function", SIGNATURES)
async def test_customers_who_signed_in_erase_nothing(
    application: asyncpg.Connection, publisher: Publisher, function: str
) -> None:
    arguments: dict[str, Any] = {
        "bigint": "1",
        "timestamp with time zone": "now()",
        "date": "current_date",
    }
    name, _, types = function.rstrip(")").partition("(")
    given = ", ".join(arguments[one] for one in types.split(", "))
    async with application.transaction():
        await application.execute(
            "SELECT set_config('abokonto.tenant_id', $1, true),"
            " set_config('abokonto.customer_id', '1', true)",
            str(publisher.tenant_id),
        )
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with application.transaction():
                await application.execute(f"SELECT abokonto.{name}({given})")


async def test_a_customer_who_is_not_anonymised_is_never_scrubbed(
    application: asyncpg.Connection, publisher: Publisher, customer: str
) -> None:
    async with application.transaction():
        await application.execute(
            "SELECT set_config('abokonto.tenant_id', $1, true)", str(publisher.tenant_id)
        )
        with pytest.raises(asyncpg.RestrictViolationError):
            async with application.transaction():
                await application.execute(
                    "SELECT abokonto.scrub_customer($1, now())", _key(customer)
                )


def _key(customer: str) -> int:
    from app.schema.customer import Customer
    from app.schema.node import key_of

    return key_of(customer, Customer)


REQUESTS = """{ anonymizationRequests { totalCount nodes {
    createdAt endSubscriptions acceptOpenPayments actor { kind name } customer { id }
} } }"""
APPROVE = """mutation ($id: ID!) { approveAnonymization(input: {customerId: $id}) {
    customer { anonymized } userErrors { code field } } }"""


async def test_pending_requests_are_listed_for_those_who_may_approve(
    publisher: Publisher, competitor: Publisher, customer: str
) -> None:
    given = {"customerId": customer, "endSubscriptions": True}
    assert refusals(await publisher.act("requestAnonymization", given)) == []
    listed = (await publisher.data(REQUESTS))["anonymizationRequests"]
    (request,) = listed["nodes"]
    assert request.pop("createdAt")
    assert request == {
        "endSubscriptions": True,
        "acceptOpenPayments": False,
        "actor": {"kind": "PARTNER", "name": "Test"},
        "customer": {"id": customer},
    }
    assert listed["totalCount"] == 1
    assert (await competitor.data(REQUESTS))["anonymizationRequests"]["nodes"] == []
    others = await publisher.issue_token("customer:read")
    assert codes(await publisher.ask(REQUESTS, others)) == ["FORBIDDEN"]
    await publisher.act("rejectAnonymization", {"customerId": customer})
    assert (await publisher.data(REQUESTS))["anonymizationRequests"]["totalCount"] == 0


async def _make_token(client: httpx2.AsyncClient, maker: str, name: str) -> dict[str, str]:
    """A partner's token that the holder of another one makes."""
    scopes = ["customer:anonymize", "customer:read", "token:read", "token:write"]
    answer = await ask(
        client,
        "mutation ($input: CreatePartnerTokenInput!) { createPartnerToken(input: $input) {"
        " token accessToken { id } userErrors { code } } }",
        maker,
        input={"name": name, "permissions": scopes},
    )
    payload = answer["data"]["createPartnerToken"]
    return {"token": payload["token"], "id": payload["accessToken"]["id"]}


async def test_nobody_agrees_with_themselves_by_another_session_or_token(
    client: httpx2.AsyncClient,
    publisher: Publisher,
    owner: asyncpg.Connection,
    customer: str,
    everything: Everything,
) -> None:
    erika = await employ(owner, publisher.tenant_id, role="administrator")
    colleague = await employ(owner, publisher.tenant_id, role="administrator")
    first, second = await erika.token(client), await erika.token(client)
    made = await _make_token(client, first, "CRM")
    again = await _make_token(client, made["token"], "CRM's own")
    rotated = await ask(
        client,
        "mutation ($id: ID!) { rotatePartnerToken(input: {accessTokenId: $id}) { token } }",
        await colleague.token(client),
        id=made["id"],
    )
    successor = rotated["data"]["rotatePartnerToken"]["token"]
    await publisher.act("requestAnonymization", {"customerId": customer}, token=first)
    async with everything.unchanged():
        for token in (first, second, made["token"], again["token"], successor):
            payload = (await ask(client, APPROVE, token, id=customer))["data"]
            assert refusals(payload["approveAnonymization"]) == [("SAME_AGENT", "")]
    payload = (await ask(client, APPROVE, await colleague.token(client), id=customer))["data"]
    assert payload["approveAnonymization"]["customer"] == {"anonymized": True}


async def test_a_token_does_not_stand_in_for_whoever_made_it(
    client: httpx2.AsyncClient, publisher: Publisher, owner: asyncpg.Connection, customer: str
) -> None:
    erika = await employ(owner, publisher.tenant_id, role="administrator")
    session = await erika.token(client)
    made = await _make_token(client, session, "CRM")
    await publisher.act("requestAnonymization", {"customerId": customer}, token=made["token"])
    payload = (await ask(client, APPROVE, session, id=customer))["data"]["approveAnonymization"]
    assert refusals(payload) == [("SAME_AGENT", "")]
