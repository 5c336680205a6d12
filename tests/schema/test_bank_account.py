"""The whole IBAN reads alike both ways, and each reading leaves its entry."""

import pytest

from app import models
from app.auth.permissions import Permission
from app.models.bank_account import BankAccount
from app.schema.node import encode_id
from tests.publisher import Publisher, codes
from tests.rows import EPOCH, KEYRING
from tests.schema.documents import LEAVES_A_TRACE, schema

IBAN = "DE89370400440532013000"
OTHER = "BE68539007547034"
ENTRIES = "SELECT count(*) FROM history WHERE tenant_id = $1 AND action LIKE 'bank_account.iban%'"


async def entries(publisher: Publisher) -> int:
    """How often an IBAN was told."""
    found: int = await publisher.owner.fetchval(ENTRIES, publisher.tenant_id)
    return found


def test_only_one_field_leaves_a_trace() -> None:
    named = [n for n, t in schema.type_map.items() if LEAVES_A_TRACE in getattr(t, "fields", {})]
    # The tenant's own is on every invoice, and is nobody's secret.
    ours = {"BillingProfile", "UpdateBillingProfileInput"}
    assert [name for name in named if name not in ours] == ["BankAccount", "AddBankAccountInput"]


@pytest.mark.parametrize(
    "asked",
    [
        "customer(by: {id: $id}) { bankAccounts { nodes { iban } } }",
        "customer(by: {id: $id}) { subscriptions { nodes { bankAccount { a: iban b: iban } } } }",
        "customer(by: {id: $id}) { orders { edges { node { bankAccount { iban } } } } }",
        "customers { nodes { bankAccounts(first: 1) { edges { node { owner iban id } } } } }",
        "node(id: $id) { ... on Customer { transactions { nodes { bankAccount { iban } } } } }",
    ],
)
async def test_it_is_told_wherever_the_account_stands(publisher: Publisher, asked: str) -> None:
    customer = encode_id("Customer", await publisher.full_account())
    document = f"query {'($id: ID!)' if '$id' in asked else ''} {{ {asked} }}"
    for again in (1, 2):
        data = await publisher.data(document, id=customer)
        assert IBAN in str(data)
        # One entry for each of the two ways.
        assert await entries(publisher) == 2 * again


async def test_who_may_not_is_refused_each(publisher: Publisher) -> None:
    customer = await publisher.full_account()
    await publisher.make(
        models.BankAccount,
        customer_id=customer,
        iban=KEYRING.encrypt(OTHER, BankAccount.iban),
    )
    token = await publisher.issue_token(*set(Permission) - {Permission.BANK_ACCOUNT_REVEAL})
    query = "query ($id: ID!) { customer(by: {id: $id}) { bankAccounts { nodes { iban } } } }"
    for _ in range(2):
        answer = await publisher.ask(query, token, id=encode_id("Customer", customer))
        nodes = answer["data"]["customer"]["bankAccounts"]["nodes"]
        assert nodes == [{"iban": None}, {"iban": None}]
        assert codes(answer) == ["FORBIDDEN"] * 2
    assert await entries(publisher) == 0


async def test_no_list_and_no_count_shows_what_was_removed(publisher: Publisher) -> None:
    customer = await publisher.full_account()
    await publisher.make(
        models.BankAccount, customer_id=customer, mandate_state="REVOKED", removed_at=EPOCH
    )
    query = """query ($id: ID!) { customer(by: {id: $id}) { counts { bankAccounts }
        bankAccounts { totalCount nodes { removedAt } pageInfo { hasNextPage } } } }"""
    account = (await publisher.data(query, id=encode_id("Customer", customer)))["customer"]
    assert account == {
        "counts": {"bankAccounts": 1},
        "bankAccounts": {
            "totalCount": 1,
            "nodes": [{"removedAt": None}],
            "pageInfo": {"hasNextPage": False},
        },
    }
