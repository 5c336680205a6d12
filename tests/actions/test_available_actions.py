"""`availableActions` says beforehand what the mutations then do."""

import re
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest
from strawberry.utils.str_converters import to_snake_case

from app.actions import all_actions
from app.auth.permissions import Permission
from app.schema.node import encode_id
from tests.actions.examples import EXAMPLES
from tests.publisher import Publisher

QUERY = """
    query ($id: ID!) {
        customer(by: {id: $id}) { availableActions { action allowed reasons { code message } } }
    }
"""
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


async def available(
    publisher: Publisher, customer: str, token: str | None = None
) -> dict[str, list[str]]:
    """The codes that stand against each action."""
    answer = await publisher.ask(QUERY, token, id=customer)
    actions = answer["data"]["customer"]["availableActions"]
    assert all(action["allowed"] == (not action["reasons"]) for action in actions)
    return {
        action["action"]: [reason["code"] for reason in action["reasons"]] for action in actions
    }


async def test_every_action_on_an_account_is_listed(publisher: Publisher, customer: str) -> None:
    names = ["".join(a.name.split("_")) for a in all_actions() if a.in_account]
    assert [name.lower() for name in await available(publisher, customer)] == names


def test_every_action_on_an_account_is_tried() -> None:
    assert {to_snake_case(name) for name in EXAMPLES} == {
        action.name for action in all_actions() if action.in_account
    }


@pytest.mark.parametrize(("login", "access", "anonymized"), list(product((None, SINCE), repeat=3)))
async def test_what_is_said_is_what_then_happens(
    publisher: Publisher, login: Any, access: Any, anonymized: Any
) -> None:
    state = {
        "login_blocked_at": login,
        "access_blocked_at": access,
        "anonymized_at": anonymized,
        "tags": ["old"],
    }
    customer = await publisher.customer(**state)
    said = await available(publisher, encode_id("Customer", customer))
    for name, example in EXAMPLES.items():
        # What changes the state has a customer of its own; nothing else does.
        changing = re.search("block|anonymiz|delete|merge", name, re.IGNORECASE)
        changes_it = changing is not None and example.of is None
        own = await publisher.customer(**state) if changes_it else customer
        given = await example.input(publisher, own)
        if changes_it:
            # What is done beforehand for an example changes it as well.
            said[name] = (await available(publisher, encode_id("Customer", own)))[name]
        payload = await publisher.act(name, given)
        refused = [error["code"] for error in payload["userErrors"]]
        assert (name, refused) == (name, said[name])


async def test_a_permission_that_is_missing_is_a_reason(
    publisher: Publisher, customer: str
) -> None:
    token = await publisher.issue_token(Permission.CUSTOMER_READ, Permission.CUSTOMER_UPDATE)
    said = await available(publisher, customer, token)
    assert said["blockCustomer"] == ["FORBIDDEN"]
    assert said["addTag"] == []
    assert said["unblockCustomer"] == ["FORBIDDEN"]


async def test_customers_are_not_told_what_staff_are_about(publisher: Publisher) -> None:
    """That somebody is to be anonymised stands against requesting it, for those who may."""
    customer = await publisher.customer()
    await EXAMPLES["approveAnonymization"].input(publisher, customer)
    of = encode_id("Customer", customer)
    assert (await available(publisher, of))["requestAnonymization"] == ["APPROVAL_REQUESTED"]
    said = await available(publisher, of, await publisher.sign_in(customer))
    assert {tuple(codes) for codes in said.values()} == {("FORBIDDEN",)}
