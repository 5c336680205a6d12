"""No tenant sees another: not by id, not in a list, not even when the application forgets.

`tests/matrix` asks for every record by its id from another tenant.
"""

from typing import Any

import asyncpg
import pytest
from sqlalchemy import true
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import BinaryExpression

from app import models
from app.database import Statement
from app.models import Base
from app.schema.node import encode_id
from app.settings import Settings
from tests.publisher import Publisher, codes
from tests.schema.documents import ACCOUNT, TABS

TABLES = {
    record.__name__: record
    for record in vars(models).values()
    if isinstance(record, type) and issubclass(record, Base)
}


async def keys(publisher: Publisher, type_name: str) -> list[int]:
    """The keys of a publisher's records of a type."""
    model = TABLES["History" if type_name == "HistoryEntry" else type_name]
    table = model.__table__.name  # type: ignore[attr-defined]  # All are tables.
    rows = await publisher.owner.fetch(
        f"SELECT id FROM {table} WHERE tenant_id = $1",  # noqa: S608  Our own name.
        publisher.tenant_id,
    )
    return [row["id"] for row in rows]


async def test_lists_hold_nothing_of_another_tenant(
    publisher: Publisher, competitor: Publisher
) -> None:
    await competitor.full_account()
    lists = "".join(
        f" {name} {{ totalCount nodes {{ id }} }}"
        for name in (
            "customers",
            "products",
            "offers",
            "publications",
            "vouchers",
            "sepaBatches",
            "tenantHistory",
        )
    )
    data = await publisher.data(f"{{ {lists} }}")
    assert list(data.values()) == [{"totalCount": 0, "nodes": []}] * 7


async def test_keys_that_both_use_find_ones_own(
    publisher: Publisher, competitor: Publisher
) -> None:
    for tenant in (publisher, competitor):
        await tenant.customer(number="10001", email="a@example.org", external_id="x")
    for by in ('number: "10001"', 'email: "A@EXAMPLE.org"', 'externalId: "x"'):
        ids = [
            (await tenant.data(f"{{ customer(by: {{{by}}}) {{ id }} }}"))["customer"]["id"]
            for tenant in (publisher, competitor)
        ]
        assert len(set(ids)) == 2


async def test_row_level_security_holds_alone(
    publisher: Publisher, competitor: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the application's WHERE, the database still shows no other tenant's row."""
    await competitor.full_account()
    mine = await publisher.full_account()
    theirs = (await keys(competitor, "Customer"))[0]
    monkeypatch.setattr("app.database.Statement.of", _without_tenant)
    account = (await publisher.data(ACCOUNT, id=encode_id("Customer", mine)))["customer"]
    for tab in TABS:
        assert account[tab]["totalCount"] == 1, tab
    answer = await publisher.ask(ACCOUNT, id=encode_id("Customer", theirs))
    assert codes(answer) == ["NOT_FOUND"]
    data = await publisher.data("{ customers(where: {}) { nodes { id } } }")
    assert data["customers"]["nodes"] == [{"id": encode_id("Customer", mine)}]


def _without_tenant(statement: Any, compile_statement: Any = Statement.of) -> Statement:
    """Compile a statement in which every condition on a tenant is replaced by true."""
    removed = 0

    def stripped(element: Any, **_: Any) -> Any:
        nonlocal removed
        if isinstance(element, BinaryExpression) and "tenant_id" in str(element.left):
            removed += 1
            return true()
        return None

    compiled: Statement = compile_statement(visitors.replacement_traverse(statement, {}, stripped))
    assert removed > 0, "There was no condition on the tenant to take away."
    assert "tenant_id =" not in compiled.sql
    return compiled


async def test_without_a_tenant_the_database_shows_nothing(
    publisher: Publisher, settings: Settings
) -> None:
    await publisher.full_account()
    assert settings.database_url
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    for table in Base.metadata.sorted_tables:
        if "tenant_id" in table.c and table.name != "access_token":
            assert await connection.fetchval(f"SELECT count(*) FROM {table.name}") == 0, table  # noqa: S608  Our own name.
    await connection.close()


async def test_ids_of_nobody_and_of_another_type(publisher: Publisher) -> None:
    customer = await publisher.customer()
    by_id = "query($id: ID!) { customer(by: {id: $id}) { id } }"
    node = "query($id: ID!) { node(id: $id) { id } }"
    for query, wrong, code in (
        (by_id, encode_id("Customer", customer + 1), "NOT_FOUND"),
        (by_id, encode_id("Order", customer), "BAD_REQUEST"),
        (node, encode_id("Order", customer), "NOT_FOUND"),
        (node, encode_id("InvoiceItem", 1), "BAD_REQUEST"),
        (node, encode_id("File", 1), "BAD_REQUEST"),
        (node, encode_id("Query", 1), "BAD_REQUEST"),
        (node, encode_id("Customer", 2**63), "BAD_REQUEST"),
        (node, encode_id("Customer", -1), "BAD_REQUEST"),
        (node, "", "BAD_REQUEST"),
        (node, "12", "BAD_REQUEST"),
        (node, "Customer:1", "BAD_REQUEST"),
        (node, "😀", "BAD_REQUEST"),
    ):
        answer = await publisher.ask(query, id=wrong)
        assert codes(answer) == [code], wrong
        assert list(answer["data"].values()) == [None]


async def test_nodes_answers_in_order_with_an_error_for_each_gap(publisher: Publisher) -> None:
    first, second = await publisher.customer(), await publisher.customer()
    ids = [encode_id("Customer", key) for key in (second, 10**9, first)]
    answer = await publisher.ask("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[*ids, "?"])
    assert answer["data"] == {"nodes": [{"id": ids[0]}, None, {"id": ids[2]}, None]}
    assert {tuple(error["path"]): error["extensions"]["code"] for error in answer["errors"]} == {
        ("nodes", 1): "NOT_FOUND",
        ("nodes", 3): "BAD_REQUEST",
    }
    answer = await publisher.ask("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids * 34)
    assert codes(answer) == ["BAD_REQUEST"]
