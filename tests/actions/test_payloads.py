"""The record in a payload: what a query for it answers, errors included, in one statement."""

import json
import re
from typing import Any

import pytest

from app.auth.permissions import Permission
from app.schema.node import encode_id
from app.settings import Settings
from tests.postgres_proxy import PostgresProxy
from tests.publisher import Publisher
from tests.schema.compared import normalised
from tests.schema.documents import ACCOUNT

PAGE = re.sub(r"first: \$first", "first: 20", ACCOUNT.partition("customer(by: {id: $id})")[2][:-1])
"""What the account page selects of a customer."""

SELECTIONS = {
    "account": PAGE,
    "computed": "{ id activities { nodes { text attachments { name url: downloadUrl } } } }",
    "directives": "{ number @skip(if: $yes) lastName @include(if: $yes) tags }",
    "a wrong argument": "{ number activities(first: 0) { totalCount } }",
    "a wrong cursor": '{ number activities(after: "x") { totalCount } orders { totalCount } }',
}


@pytest.fixture(params=[True, False], ids=["compiled", "rows"])
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """A configuration for one of the two ways."""
    return settings.model_copy(update={"compiled_reads": request.param})


async def _asked(
    publisher: Publisher, token: str, document: str, variables: dict[str, Any]
) -> dict[str, Any]:
    response = await publisher.client.post(
        "/graphql",
        json={"query": document, "variables": variables},
        headers={"Authorization": f"Bearer {token}"},
    )
    answer: dict[str, Any] = response.json()
    return answer


@pytest.mark.parametrize("selection", SELECTIONS.values(), ids=SELECTIONS)
@pytest.mark.parametrize("lacks", [None, Permission.INVOICE_READ, Permission.FILE_DOWNLOAD])
async def test_a_payload_is_answered_as_a_query(
    publisher: Publisher, selection: str, lacks: Permission | None
) -> None:
    customer = encode_id("Customer", await publisher.full_account())
    token = await publisher.issue_token(*(set(Permission) - {lacks}))
    variables = {"id": customer, "yes": True}
    uses = "__typename @include(if: $yes)"
    done = await _asked(
        publisher,
        token,
        f"mutation($id: ID!, $yes: Boolean!) {{ {uses} addTag(input: {{customerId: $id,"
        f' tag: "VIP"}}) {{ customer {selection} }} }}',
        variables,
    )
    read = await _asked(
        publisher,
        token,
        f"query($id: ID!, $yes: Boolean!) {{ {uses} customer(by: {{id: $id}}) {selection} }}",
        variables,
    )
    assert _below(done, done["data"]["addTag"]) == _below(read, read["data"])


def _below(answer: dict[str, Any], parent: dict[str, Any]) -> str:
    """The customer in an answer, and the errors below it by their paths from there."""
    assert parent["customer"]
    errors = [
        {**error, "path": error["path"][error["path"].index("customer") :], "locations": None}
        for error in answer.get("errors", ())
    ]
    return normalised(json.dumps({"data": parent["customer"], "errors": errors}))


async def test_the_whole_account_in_a_payload_is_one_statement(
    statements: PostgresProxy, publisher: Publisher, settings: Settings
) -> None:
    customer = encode_id("Customer", await publisher.full_account())
    select = f"customer {PAGE}"
    await publisher.act("addTag", {"customerId": customer, "tag": "first"}, select)
    with statements.counting() as counted:
        await publisher.act("addTag", {"customerId": customer, "tag": "second"}, select)
    reads = [statement for statement in counted if " AS caller" in statement]
    assert len(reads) == (1 if settings.compiled_reads else 2)
