"""What is kept of each action that was done."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from app import models
from app.auth.permissions import Permission
from app.schema.node import encode_id
from tests.publisher import Publisher

SINCE = datetime(2026, 1, 1, tzinfo=UTC)

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], str, Any, Any]] = {
    "addTag": (
        {"tags": ["old"]},
        {"tag": "VIP"},
        "customer.tag_added",
        {"personal": {"tags": ["old"]}},
        {"personal": {"tags": ["old", "VIP"]}},
    ),
    "removeTag": (
        {"tags": ["old"]},
        {"tag": "old"},
        "customer.tag_removed",
        {"personal": {"tags": ["old"]}},
        {"personal": {"tags": []}},
    ),
    "updateCustomer": (
        {"first_name": "Max", "birthday": date(1980, 1, 1), "company": "KG"},
        {"firstName": "Moritz", "birthday": None, "company": "KG"},
        "customer.updated",
        {"personal": {"first_name": "Max", "birthday": "1980-01-01"}},
        {"personal": {"first_name": "Moritz", "birthday": None}},
    ),
    "blockCustomer": (
        {},
        {"reason": "Fraud."},
        "customer.blocked",
        {"login_blocked_at": None, "personal": {"login_blocked_reason": None}},
        {"login_blocked_at": "now", "personal": {"login_blocked_reason": "Fraud."}},
    ),
    "unblockCustomer": (
        {"login_blocked_at": SINCE},
        {},
        "customer.unblocked",
        {"login_blocked_at": "2026-01-01T00:00:00+00:00"},
        {"login_blocked_at": None},
    ),
    "blockAccess": (
        {},
        {},
        "access.blocked",
        {"access_blocked_at": None},
        {"access_blocked_at": "now"},
    ),
    "unblockAccess": (
        {"access_blocked_at": SINCE},
        {},
        "access.unblocked",
        {"access_blocked_at": "2026-01-01T00:00:00+00:00"},
        {"access_blocked_at": None},
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_success_leaves_one_entry_and_one_activity(publisher: Publisher, name: str) -> None:
    state, given, action, before, after = CASES[name]
    key = await publisher.customer(**state)
    customer = encode_id("Customer", key)
    payload = await publisher.act(name, {"customerId": customer, **given})
    assert payload["userErrors"] == []
    [entry] = await publisher.history(customer)
    assert len(await publisher.diary(customer)) == 1
    assert entry["action"] == action
    assert (entry["record_type"], entry["record_id"]) == ("Customer", key)
    assert (entry["actor_kind"], entry["actor_name"]) == ("PARTNER", "Test")
    assert entry["note"] == given.get("reason")
    assert entry["before"] == before
    assert {k: _now(v, entry) for k, v in entry["after"].items()} == after


def _now(value: Any, entry: dict[str, Any]) -> Any:
    """The word `now` for the entry's own time."""
    if not isinstance(value, str):
        return value
    same = datetime.fromisoformat(value) == datetime.fromisoformat(entry["created_at"])
    return "now" if same else value


async def test_what_is_created_is_in_it_whole(publisher: Publisher) -> None:
    payload = await publisher.act("createCustomer", {"number": "7"}, "customer { id }")
    [entry] = await publisher.history(payload["customer"]["id"])
    assert entry["before"] is None
    assert entry["after"] == {"personal": {"number": "7", "language": "de"}}


async def test_the_changed_row_names_who_changed_it(publisher: Publisher, customer: str) -> None:
    token = await publisher.issue_token(
        Permission.CUSTOMER_UPDATE, Permission.CUSTOMER_READ, Permission.INTERNAL_READ
    )
    payload = await publisher.act(
        "addTag",
        {"customerId": customer, "tag": "VIP"},
        "customer { actor { kind name } }",
        token,
    )
    assert payload["customer"]["actor"] == {"kind": "PARTNER", "name": "Test"}


def test_no_column_that_is_secret_or_encrypted_is_ever_in_it() -> None:
    from app.work.changes import _shown

    for model in (models.Customer, models.BankAccount):
        shown = {column.key for column in _shown(model())}
        hidden = {"password_hash", "totp_secret", "iban", "iban_hash", "email_key", "sort_name"}
        assert not shown & hidden
        assert shown & {"email", "owner"}
