"""The account that everybody asks for: a record of every type, and a value in every column."""

from datetime import date, timedelta
from typing import Any

from app import models
from app.models import Base
from tests.publisher import Publisher
from tests.rows import EPOCH, KEYRING, insert

MARK = "Geheim"
"""Stands in texts of the account: no stranger ever reads it."""

INTERNAL = "Intern"
"""Stands in what staff write about customers for each other: no customer ever reads it."""

IBAN = "DE89370400440532013000"
INVOICE = "R-31337"
"""By which the account is found."""

_DAY = EPOCH.date()
_PLACE = (
    '{"company": "Geheim GmbH", "salutation": "MS", "title": "Dr.", "first_name": "Erika",'
    ' "last_name": "Geheim", "street": "Allee", "house_number": "5", "addition": "Hof",'
    ' "postbox": "7", "postal_code": "10115", "city": "Berlin", "region": "Berlin",'
    ' "country": "DE", "vat_number": "DE1"}'
)

_FILLED = {
    "address": "company = 'Geheim GmbH', salutation = 'MS', title = 'Dr.', first_name = 'Erika',"
    " last_name = 'Geheim', house_number = '5', addition = 'Hof', postbox = '7', region = 'Berlin',"
    " vat_number = 'DE1', delivery_note = 'Geheim', valid_from = '2020-01-01'",
    "access_right": "valid_until = '2099-01-01', blocked_reason = 'Intern',"
    " blocked_at = '2026-01-01'",
    "activity": "text = 'Intern', pinned_at = '2026-01-01', author_kind = 'STAFF',"
    " author_name = 'Intern'",
    "bank_account": f"iban_hash = '\\x{KEYRING.lookup_hash(IBAN).hex()}', owner = 'Geheim',"
    " bic = 'GEHEIMDE', bank_name = 'Geheimbank',"
    " mandate_last_used_on = '2020-01-01'",
    "customer": "external_id = 'crm-1', salutation = 'MS', title = 'Dr.', first_name = 'Erika',"
    " last_name = 'Geheim', company = 'Geheim GmbH', phone = '+4930901820',"
    " birthday = '1970-01-01', tags = '{Intern}', additional_data = '{\"a\": \"Geheim\"}',"
    " access_blocked_at = '2026-01-01', access_blocked_reason = 'Intern',"
    " totp_secret = 'secret', two_factor_since = '2026-01-01'",
    "customer_merge": "take = '{EMAIL}', former_number = 'Geheim',"
    " former_external_id = 'Geheim', former_email = 'g@example.org',"
    " finished_at = '2026-01-01'",
    "customer_order": f"purchase_order_number = 'Geheim', note = 'Geheim', delivery_address ="
    f" '{_PLACE}', invoice_address = '{_PLACE}'",
    "data_export": "step = 'FILES', status = 'READY', size_bytes = 3, finished_at = '2026-01-01',"
    " expires_at = '2099-01-01', error = 'Intern', file_id = (SELECT min(file.id) FROM file"
    " WHERE file.tenant_id = data_export.tenant_id)",
    "delivery": "sent_at = '2026-01-01', status = 'SENT'",
    "file": "has_thumbnail = true",
    "goodwill": "reason = 'Intern'",
    "invoice": f"service_from = '2020-01-01', service_until = '2020-01-31', address = '{_PLACE}',"
    " paid_at = '2020-01-01', status = 'PAID', purchase_order_number = 'Geheim',"
    " reason = 'Geheim', einvoice_file_id = file_id",
    "invoice_item": "service_from = '2020-01-01', service_until = '2020-01-31'",
    "login": "user_agent = 'Geheim', succeeded = false, failure = 'WRONG_PASSWORD'",
    "mail": "subject = 'Geheim', body = 'Geheim'",
    "offer": "description = 'Geheim', first_price = 1, valid_until = '2099-01-01'",
    "opt_in_entry": "user_agent = 'Geheim'",
    "order_item": "voucher_code = 'GEHEIM'",
    "payment_transaction": "executed_on = '2020-01-01', reference = 'Geheim',"
    " error_code = 'AM04', error_message = 'Geheim'",
    "product": "description = 'Geheim', retired_at = '2026-01-01'",
    "issue": "title = 'Geheim'",
    "sepa_batch": "debit_count = 1, total = 10, file_key = 'nowhere', size_bytes = 3,"
    f" sha256 = '{'0' * 64}'",
    "subscription": "ends_on = '2099-01-01', paused_from = '2026-01-01', status = 'CANCELLED',"
    " resumes_on = '2026-02-01', next_billing_on = '2026-03-01', cancelled_at = '2026-01-01',"
    " cancelled_for = '2099-01-01', cancellation_reason = 'Intern', next_offer_id = offer_id,"
    " access_blocked_at = '2026-01-01', access_blocked_reason = 'Intern',"
    " delivery_address_id = invoice_address_id",
}
"""By table what `Publisher.full_account` leaves empty, or says in words that are no mark."""


async def full_account(publisher: Publisher) -> int:
    """A customer with a record of every type, of which every column has a value."""
    customer = await publisher.full_account()
    async with publisher.owner.transaction():
        # What proves something is changed here, too, which is the erasure's right.
        await publisher.owner.execute("SET LOCAL abokonto.erasure = 'on'")
        for table, changes in _FILLED.items():
            await publisher.owner.execute(
                f"UPDATE {table} SET {changes} WHERE tenant_id = $1",  # noqa: S608  Written above.
                publisher.tenant_id,
            )
        await _add_what_excludes_it(publisher, customer)
        await _add_to_the_tenant(publisher)
        await _name_actors(publisher)
    return customer


async def _key(publisher: Publisher, table: str) -> int:
    key: int = await publisher.owner.fetchval(
        f"SELECT min(id) FROM {table} WHERE tenant_id = $1",  # noqa: S608  Our own names.
        publisher.tenant_id,
    )
    return key


async def _offered(publisher: Publisher) -> dict[str, Any]:
    return {"offer_id": await _key(publisher, "offer")}


async def _add_what_excludes_it(publisher: Publisher, customer: int) -> None:
    """Records of the account with values that can't stand beside others."""
    own: dict[str, Any] = {"customer_id": customer}
    keys = {
        table: await _key(publisher, table)
        for table in ("subscription", "invoice", "customer_order", "payment_transaction")
    }
    of = {"subscription_id": keys["subscription"]}
    gift = await _key(publisher, "goodwill")
    await publisher.make(
        models.SubscriptionPeriod, kind="FREE", price="0.00", goodwill_id=gift, **of
    )
    delivery, issue = await _key(publisher, "delivery"), await _key(publisher, "issue")
    await publisher.make(
        models.Delivery, kind="REDELIVERY", original_id=delivery, issue_id=issue, **of, **own
    )
    invoice = await publisher.make(
        models.Invoice, type="CORRECTION", precursor_id=keys["invoice"], **own
    )
    another = await publisher.make(models.Invoice, number=INVOICE, **own)
    await publisher.make(models.InvoiceItem, invoice_id=another)
    await publisher.make(models.InvoiceTax, invoice_id=another)
    order = keys["customer_order"]
    until = EPOCH + timedelta(days=36_500)
    right = {"source": "ORDER", "order_id": order, "valid_until": until}
    await publisher.make(models.AccessRight, **right, **own)
    await publisher.make(models.Subscription, **await _offered(publisher), **own)
    opt_in = await _key(publisher, "opt_in")
    await publisher.make(models.OptInEntry, opt_in_id=opt_in, confirm_until=until, **own)
    await publisher.make(models.Mail, status="SENT", sent_at=EPOCH, order_id=order, **of, **own)
    await publisher.make(models.Mail, status="FAILED", error="Intern", **own)
    await publisher.make(
        models.BankAccount,
        mandate_state="REVOKED",
        mandate_revoked_at=EPOCH,
        removed_at=EPOCH,
        iban_hash=b"another" + b"." * 25,
        **own,
    )
    batch = await _key(publisher, "sepa_batch")
    debit = {"action": "SEPA_DEBIT", "executed_on": _DAY, "due_on": _DAY, "sepa_batch_id": batch}
    sent = {"end_to_end_id": "E2E-1", "sequence_type": "FRST", "invoice_id": invoice}
    await publisher.make(models.Transaction, **debit, **sent, **own)
    await publisher.make(models.Transaction, **debit, returned_on=_DAY, **own)
    original = keys["payment_transaction"]
    await publisher.make(models.Transaction, action="REFUND", original_id=original, **own)
    other = await publisher.customer(login_blocked_at=EPOCH, anonymized_at=EPOCH)
    duplicate = await publisher.customer(login_blocked_at=EPOCH, additional_data={"a": "Doppelt"})
    await publisher.make(models.Address, customer_id=duplicate)
    await publisher.owner.execute(
        "INSERT INTO anonymization_request (tenant_id, customer_id, actor_kind, actor_id,"
        " end_subscriptions, accept_open_payments) VALUES ($1, $2, 'STAFF', 1, true, true)",
        publisher.tenant_id,
        customer,
    )
    undone = {"former_id": None, "former_number": None, "refusals": ["INVALID"], **own}
    await publisher.make(
        models.CustomerMerge, duplicate_id=other, status="FAILED", error="Intern", **undone
    )
    await publisher.make(models.History, note="Intern", actor_name="Intern", **own)
    await publisher.sign_in(customer)
    await publisher.owner.execute(
        "UPDATE access_token SET last_used_at = now(), last_address = address,"
        " user_agent = 'Geheim' WHERE customer_id = $1",
        customer,
    )


async def _add_to_the_tenant(publisher: Publisher) -> None:
    """Records of the tenant with values that `Publisher.full_account` has no place for."""
    owner, tenant = publisher.owner, publisher.tenant_id
    product = await publisher.make(
        models.Product,
        kind="BUNDLE",
        publication_id=await _key(publisher, "publication"),
        access_id="buendel",
    )
    await owner.execute(
        "INSERT INTO product_tax_share (tenant_id, product_id, tax_class, percent)"
        " VALUES ($1, $2, 'STANDARD', 40)",
        tenant,
        product,
    )
    first = await _key(publisher, "offer")
    offer = await publisher.make(
        models.Offer, product_id=product, predecessor_id=first, term_unit="YEAR"
    )
    await owner.execute(
        "INSERT INTO offer_grant (tenant_id, offer_id, product_id) VALUES ($1, $2, $3)",
        tenant,
        offer,
        await _key(publisher, "product"),
    )
    await publisher.make(
        models.Voucher,
        kind="AMOUNT",
        percent=None,
        amount="5.00",
        currency="EUR",
        valid_until=date(2099, 1, 1),
        usage_limit=5,
        limit_per_customer=1,
    )
    role = await publisher.make(models.Role)
    await publisher.make(models.GoodwillLimit, role_id=role, per_month="20.00")
    person = await insert(
        owner, "staff", name="Intern", totp_secret=b"secret", two_factor_since=EPOCH
    )
    await publisher.make(
        models.StaffMembership, staff_id=person, role_id=role, deactivated_at=EPOCH
    )
    for ended in ("accepted_at", "revoked_at"):
        await publisher.make(models.StaffInvitation, role_id=role, **{ended: EPOCH})
    await publisher.make(models.AdditionalDataDefinition, pattern="[a-z]+")
    await publisher.make(models.AdditionalDataDefinition, type="CHOICE", choices=["a", "b"])
    await _add_tokens(publisher, person)
    await owner.execute(
        "INSERT INTO history_seal (tenant_id, position, hash, seal, created_at)"
        " VALUES ($1, 1, 'a', 'b', now())",
        tenant,
    )
    await fill_billing_profile(publisher)


async def fill_billing_profile(publisher: Publisher) -> None:
    """Let a publisher say all that its documents need."""
    await publisher.owner.execute(
        "UPDATE billing_profile SET street = 'Geheim', house_number = '1', postal_code = '10115',"
        " city = 'Berlin', vat_number = 'DE136695976', tax_number = '181/815/08155',"
        " register_court = 'Geheim', register_number = 'HRB 1', managing_directors = 'Geheim',"
        " email = 'g@example.org', phone = '+4930901820', website = 'https://example.org',"
        " bank_name = 'Geheim', iban = 'DE89370400440532013000', bic = 'COBADEFF',"
        " creditor_id = 'DE98ZZZ09999999999', footer = 'Geheim' WHERE tenant_id = $1",
        publisher.tenant_id,
    )


async def _add_tokens(publisher: Publisher, person: int) -> None:
    """A token of somebody who works there, and a partner's that took the place of another."""
    await publisher.owner.execute(
        "INSERT INTO access_token (tenant_id, kind, staff_id, name, hash) VALUES"
        " ($1, 'STAFF', $2, 'Intern', sha256('matrix'))",
        publisher.tenant_id,
        person,
    )
    await publisher.owner.execute(
        "INSERT INTO access_token (tenant_id, kind, name, hash, allowed_networks, expires_at,"
        " revoked_at, last_used_at, last_address, replaces_id) SELECT $1, 'PARTNER', 'Intern',"
        " sha256('matrix too'), '{192.0.2.0/24}', now(), now(), now(), '192.0.2.1', min(id)"
        " FROM access_token WHERE tenant_id = $1",
        publisher.tenant_id,
    )


async def _name_actors(publisher: Publisher) -> None:
    for table in Base.metadata.sorted_tables:
        if {"tenant_id", "actor_name"} <= set(table.columns.keys()) and table.name != "history":
            await publisher.owner.execute(
                f"UPDATE {table.name} SET actor_kind = 'STAFF', actor_name = 'Intern'"  # noqa: S608  Our own name.
                " WHERE tenant_id = $1",
                publisher.tenant_id,
            )
