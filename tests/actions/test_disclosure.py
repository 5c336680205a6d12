"""A whole IBAN is given only after the history says so, and never without."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx2
import pytest
from pydantic import SecretStr

from app import models
from app.auth.permissions import Permission
from app.schema.bank_account import BankAccount
from app.schema.customer import Customer
from app.schema.node import key_of
from app.settings import Settings
from tests.actions.test_bank_accounts import IBAN, OTHER, add, made
from tests.actions.unchanged import Everything
from tests.asgi import client_of, lifespan
from tests.publisher import Publisher, codes
from tests.rows import KEYRING

ONE = "query ($id: ID!) { node(id: $id) { ... on BankAccount { iban maskedIban } } }"
ALL = """query ($id: ID!) { customer(by: {id: $id}) {
    bankAccounts(orderBy: {field: CREATED_AT}) { nodes { iban } } } }"""


@pytest.fixture(params=[True, False], ids=["compiled", "rows"])
def settings(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """A configuration for one of the two ways of reading."""
    return settings.model_copy(update={"compiled_reads": request.param})


async def told(publisher: Publisher, customer: str) -> list[int]:
    """The keys of the bank accounts whose IBAN was told, by the history."""
    entries = await publisher.history(customer)
    return [e["record_id"] for e in entries if e["action"] == "bank_account.iban_disclosed"]


async def known(publisher: Publisher) -> None:
    """Let the token be known to the worker, so that the next request may go the short way."""
    await publisher.data("{ viewer { name } }")


def keys(*ids: str) -> list[int]:
    """The keys in the ids of bank accounts."""
    return [key_of(account, BankAccount) for account in ids]


async def test_each_reading_is_in_the_history(publisher: Publisher, customer: str) -> None:
    account = await add(publisher, customer)
    assert await told(publisher, customer) == []
    for _ in range(2):
        node = (await publisher.data(ONE, id=account["id"]))["node"]
        assert node["iban"] == IBAN
    assert await told(publisher, customer) == keys(account["id"], account["id"])
    entry = (await publisher.history(customer))[-1]
    assert entry["record_type"] == "BankAccount"
    assert (entry["actor_kind"], entry["actor_name"]) == ("PARTNER", "Test")
    assert entry["actor_id"] is not None
    assert entry["before"] is entry["after"] is None
    assert entry["created_at"] > (await publisher.history(customer))[0]["created_at"]


async def test_what_is_not_asked_for_is_not_noted(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    account = await add(publisher, customer)
    query = """query ($id: ID!, $whole: Boolean!) { node(id: $id) {
        ... on BankAccount { maskedIban iban @include(if: $whole) } } }"""
    async with everything.unchanged():
        await publisher.data(query, id=account["id"], whole=False)


async def test_a_request_tells_each_account_once_in_one_transaction(
    publisher: Publisher, customer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.writing import Writing

    first = await add(publisher, customer)
    second = await add(publisher, customer, iban=OTHER)
    begun = []
    transaction = Writing.transaction

    def counted(self: Writing, token_hash: bytes) -> Any:
        begun.append(token_hash)
        return transaction(self, token_hash)

    monkeypatch.setattr(Writing, "transaction", counted)
    query = """query ($id: ID!) { customer(by: {id: $id}) {
        one: bankAccounts(orderBy: {field: CREATED_AT}) { nodes { iban again: iban } }
        two: bankAccounts(orderBy: {field: CREATED_AT}) { nodes { iban } edges { node { iban } } }
    } }"""
    await known(publisher)
    account = (await publisher.data(query, id=customer))["customer"]
    assert account["one"]["nodes"] == [{"iban": i, "again": i} for i in (IBAN, OTHER)]
    assert account["two"]["nodes"] == [{"iban": i} for i in (IBAN, OTHER)]
    assert sorted(await told(publisher, customer)) == sorted(keys(first["id"], second["id"]))
    assert len(begun) == 1


async def test_an_account_that_was_just_added_is_told(publisher: Publisher, customer: str) -> None:
    account = await add(publisher, customer, select="bankAccount { id iban }")
    assert account["iban"] == IBAN
    assert await told(publisher, customer) == keys(account["id"])


async def test_it_needs_its_own_permission(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    account = await add(publisher, customer)
    token = await publisher.issue_token(*set(Permission) - {Permission.BANK_ACCOUNT_REVEAL})
    for _ in range(2):
        async with everything.unchanged():
            answer = await publisher.ask(ONE, token, id=account["id"])
        assert answer["data"]["node"]["iban"] is None
        assert answer["data"]["node"]["maskedIban"].startswith("DE89 ****")
        assert codes(answer) == ["FORBIDDEN"]


async def test_a_permission_that_was_taken_meanwhile_is_asked_for_again(
    publisher: Publisher, customer: str, everything: Everything, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.writing import Writing

    account = await add(publisher, customer)
    token = await publisher.issue_token(*Permission)
    await publisher.ask("{ viewer { name } }", token)
    transaction = Writing.transaction

    def too_late(self: Writing, token_hash: bytes) -> Any:
        return TakenBefore(publisher, transaction(self, token_hash))

    monkeypatch.setattr(Writing, "transaction", too_late)
    async with everything.unchanged():
        answer = await publisher.ask(ONE, token, id=account["id"])
    assert answer["data"]["node"]["iban"] is None
    assert codes(answer) == ["FORBIDDEN"]


class TakenBefore:
    """A transaction before which everybody's permission is taken."""

    def __init__(self, publisher: Publisher, transaction: Any) -> None:
        self._publisher = publisher
        self._transaction = transaction

    async def __aenter__(self) -> Any:
        await self._publisher.owner.execute(
            "UPDATE access_token SET permissions = array_remove(permissions, 'bank_account:reveal')"
            " WHERE tenant_id = $1",
            self._publisher.tenant_id,
        )
        return await self._transaction.__aenter__()

    async def __aexit__(self, *error: Any) -> Any:
        return await self._transaction.__aexit__(*error)


async def test_another_publishers_account_is_neither_found_nor_noted(
    publisher: Publisher, competitor: Publisher, customer: str, everything: Everything
) -> None:
    account = await add(publisher, customer)
    async with everything.unchanged():
        answer = await competitor.ask(ONE, id=account["id"])
    assert answer["data"]["node"] is None


async def test_what_was_scrubbed_is_null_and_leaves_no_entry(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    account = await made(publisher, customer, iban=None, iban_hash=None, iban_masked=None)
    async with everything.unchanged():
        node = (await publisher.data(ONE, id=account))["node"]
    assert node == {"iban": None, "maskedIban": None}


async def test_what_can_not_be_decrypted_leaves_the_others(
    publisher: Publisher, customer: str
) -> None:
    await made(publisher, customer, iban=b"\1")
    await made(publisher, customer, iban=KEYRING.encrypt(OTHER, models.BankAccount.iban))
    answer = await publisher.ask(ALL, id=customer)
    nodes = answer["data"]["customer"]["bankAccounts"]["nodes"]
    assert nodes == [{"iban": None}, {"iban": OTHER}]
    assert codes(answer) == ["INTERNAL"]


async def test_without_an_entry_nothing_is_told(
    publisher: Publisher, customer: str, everything: Everything, owner: asyncpg.Connection
) -> None:
    account = await add(publisher, customer)
    await known(publisher)
    await owner.execute(
        "ALTER TABLE history ADD CONSTRAINT nothing_told"
        f" CHECK (tenant_id <> {publisher.tenant_id} OR action <> 'bank_account.iban_disclosed')"
    )
    try:
        async with everything.unchanged():
            answer = await publisher.ask(ONE, id=account["id"])
    finally:
        await owner.execute("ALTER TABLE history DROP CONSTRAINT nothing_told")
    assert answer["data"]["node"] == {"iban": None, "maskedIban": account["maskedIban"]}
    assert codes(answer) == ["INTERNAL"]
    assert "3704" not in str(answer["errors"])


async def test_it_waits_for_whoever_changes_the_account(
    publisher: Publisher, customer: str, database: Any
) -> None:
    account = await add(publisher, customer)
    other = await asyncpg.connect(database.owner_database_url)
    scrub = "UPDATE bank_account SET iban = NULL, iban_hash = NULL, iban_masked = NULL"
    try:
        async with other.transaction():
            await other.execute(
                "SELECT FROM customer WHERE tenant_id = $1 FOR UPDATE", publisher.tenant_id
            )
            asked = asyncio.create_task(publisher.data(ONE, id=account["id"]))
            done, _ = await asyncio.wait({asked}, timeout=0.3)
            assert not done
            await other.execute(f"{scrub} WHERE tenant_id = $1", publisher.tenant_id)
        # What was there when it began to wait is not told.
        assert (await asked)["node"]["iban"] is None
    finally:
        await other.close()
    assert await told(publisher, customer) == []


@pytest.fixture
async def rotated(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an application with a new key in front of the old one."""
    from app.main import create_app

    assert settings.encryption_keys is not None
    new = "new:" + base64.b64encode(b"replaced" * 4).decode()
    ring = f"{new},{settings.encryption_keys.get_secret_value()}"
    application = create_app(settings.model_copy(update={"encryption_keys": SecretStr(ring)}))
    async with lifespan(application), client_of(application) as client:
        yield client


async def test_what_an_old_key_encrypted_is_still_told(
    publisher: Publisher, customer: str, rotated: httpx2.AsyncClient
) -> None:
    await add(publisher, customer)
    publisher.client = rotated
    await add(publisher, customer, iban=OTHER)
    nodes = (await publisher.data(ALL, id=customer))["customer"]["bankAccounts"]["nodes"]
    assert nodes == [{"iban": IBAN}, {"iban": OTHER}]
    names = await publisher.owner.fetch(
        "SELECT substring(iban FROM 3 FOR get_byte(iban, 1)) AS name FROM bank_account"
        " WHERE tenant_id = $1 ORDER BY id",
        publisher.tenant_id,
    )
    assert [row["name"] for row in names] == [b"test", b"new"]


async def test_a_list_of_many_is_told_at_once(publisher: Publisher, customer: str) -> None:
    own = {"customer_id": key_of(customer, Customer)}
    made_keys = [
        await publisher.make(models.BankAccount, **own, mandate_state="LAPSED") for _ in range(60)
    ]
    query = ALL.replace("bankAccounts(", "bankAccounts(first: 100, ")
    nodes = (await publisher.data(query, id=customer))["customer"]["bankAccounts"]["nodes"]
    assert [node["iban"] for node in nodes] == [IBAN] * 60
    assert sorted(await told(publisher, customer)) == made_keys
