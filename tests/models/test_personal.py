"""No column that can hold a person's data escapes export and erasure."""

from sqlalchemy import ARRAY, Column, Date, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import BYTEA, INET, JSONB

from app.models import Base
from app.models.personal import personal_columns

CATALOGUE = {
    "publication",
    "issue",
    "product",
    "product_tax_share",
    "offer",
    "offer_grant",
    "voucher",
    "voucher_offer",
    "voucher_redemption",
    "additional_data_definition",
    "opt_in_text",
    "tax_rate",
    "tenant",
    "billing_profile",
    "role",
    "goodwill_limit",
    "customer_count",
    "number_range",
    "sepa_batch",
    "history_chain",
    "history_seal",
}
"""Tables without a word about a customer, but for the actor's name."""

IMPERSONAL = {
    "currency": "A currency says nothing about a person.",
    "access_id": "It names a product.",
    "access_token.name": "It names a partner's program.",
    "access_token.hash": "It is made of random bytes.",
    "access_token.permissions": "They are words of ours.",
    "access_token.allowed_networks": "They are a partner's servers.",
    "throttle.key": "A keyed hash, which can't be turned back, kept for a day.",
    "file.key": "It is random, and goes with the file.",
    "unclaimed_file.key": "It is random.",
    "file.content_type": "It says what kind of file it is.",
    "file.sha256": "It can't be turned back, and goes with the file.",
    "order_item.title": "It names a product.",
    "order_item.voucher_code": "It names a campaign.",
    "subscription.starts_on": "A contract's date, kept as long as the contract.",
    "subscription.ends_on": "As above.",
    "subscription.ordered_on": "As above.",
    "subscription.accounting_from": "As above.",
    "subscription.next_billing_on": "As above.",
    "subscription.paused_from": "As above.",
    "subscription.resumes_on": "As above.",
    "subscription.cancelled_for": "As above.",
    "subscription_period.starts_on": "As above.",
    "subscription_period.ends_on": "As above.",
    "invoice.issued_on": "An invoice's date, kept as long as the invoice.",
    "invoice.due_on": "As above.",
    "invoice.service_from": "As above.",
    "invoice.service_until": "As above.",
    "invoice.seller": "It is the tenant's letterhead.",
    "invoice_item.service_from": "An invoice's date, kept as long as the invoice.",
    "invoice_item.service_until": "As above.",
    "payment_transaction.executed_on": "The bank's date, kept as long as the payment.",
    "payment_transaction.due_on": "As above.",
    "payment_transaction.returned_on": "As above.",
    "payment_transaction.end_to_end_id": "A number of ours, kept as long as the payment.",
    "payment_transaction.error_code": "The bank's code.",
    "payment_transaction.error_message": "What the bank's code means.",
    "delivery.publishing_on": "The issue's date.",
    "opt_in.purpose": "A key of ours.",
    "opt_in_entry.text_sha256": "A declaration's, which is the same for everybody.",
    "mail.template": "A key of ours.",
    "customer_merge.take": "Words of ours.",
    "customer_merge.refusals": "As above.",
    "customer_merge.error": "What stood against it, in our words.",
    "data_export.error": "What failed, in our words.",
    "history.action": "A word of ours.",
    "history.hash": "Of what is personal it holds a salted digest.",
    "history.personal_digest": "It can't be turned back once the salt is gone.",
    "history.actor_digest": "As above.",
    "idempotency_key.action": "A word of ours.",
    "idempotency_key.key": "A client's mark for one request, kept for a day.",
    "idempotency_key.input_hash": "A keyed hash, which can't be turned back, kept for a day.",
    "history.record_type": "A word of ours.",
}

_REVEALING = (Text, JSONB, BYTEA, LargeBinary, Date, INET, ARRAY)


def needs_a_word(table: Table, column: Column[object]) -> bool:
    """Whether a column could hold something personal, by its type and what it may hold."""
    check = f"ck_{table.name}_{column.name}_known"
    chosen = any(constraint.name == check for constraint in column.constraints)
    return isinstance(column.type, _REVEALING) and not chosen and not column.info.get("personal")


def test_every_revealing_column_is_personal_or_says_why_not() -> None:
    unsaid = [
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        if table.name not in CATALOGUE
        for column in table.columns
        if needs_a_word(table, column)
        and column.name not in IMPERSONAL
        and f"{table.name}.{column.name}" not in IMPERSONAL
    ]
    assert unsaid == []


def test_no_exception_has_outlived_its_column() -> None:
    columns = {
        name
        for table in Base.metadata.sorted_tables
        for column in table.columns
        for name in (column.name, f"{table.name}.{column.name}")
        if needs_a_word(table, column)
    }
    assert IMPERSONAL.keys() - columns == set()


def test_catalogue_tables_hold_no_customers_data() -> None:
    for name in CATALOGUE:
        table = Base.metadata.tables[name]
        assert "customer_id" not in table.columns
        assert {c.name for c in table.columns if c.info.get("personal")} <= {"actor_name"}


def test_they_are_walked_from_one_place() -> None:
    names = {f"{column.table.name}.{column.name}" for column in personal_columns()}
    assert {"customer.email", "activity.text", "bank_account.iban", "history.before"} <= names
    assert "invoice.address" in names
    at_once = {f"{c.table.name}.{c.name}" for c in personal_columns(retained=False)}
    later = {f"{c.table.name}.{c.name}" for c in personal_columns(retained=True)}
    assert "invoice.address" in later
    assert "customer.email" in at_once
    assert at_once | later == names
    assert not at_once & later
