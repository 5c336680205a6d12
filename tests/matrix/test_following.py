"""Every subscription, begun by everybody on a record that changes no more, so that it ends."""

import json
from typing import Any

import pytest
from graphql import GraphQLObjectType

from app import models
from app.auth.permissions import Permission
from app.models.base import TenantRow
from app.schema.node import encode_id
from app.server.http import EVENT_STREAM
from tests.matrix.callers import CALLERS, PARTNER_WITHOUT, Place
from tests.matrix.conftest import Compare
from tests.matrix.reading import literal, needed, outcome
from tests.schema.documents import schema

pytestmark = pytest.mark.asyncio(loop_scope="package")

FOLLOWED: dict[str, type[TenantRow]] = {
    "exportChanged": models.Export,
    "mergeChanged": models.CustomerMerge,
}
"""What each subscription follows."""


def _root() -> GraphQLObjectType:
    assert schema.subscription_type is not None
    return schema.subscription_type


async def begin(place: Place, token: str | None, name: str) -> Any:
    """The first that somebody hears of a record, or why they don't."""
    model = FOLLOWED[name]
    key = await place.publisher.owner.fetchval(
        f"SELECT min(id) FROM {model.__tablename__} WHERE tenant_id = $1",  # noqa: S608  Our own name.
        place.publisher.tenant_id,
    )
    of = literal(encode_id(model.__name__, key))
    headers = {"Accept": EVENT_STREAM}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    response = await place.publisher.client.post(
        "/graphql",
        json={"query": f"subscription {{ {name}(id: {of}) {{ __typename }} }}"},
        headers=headers,
    )
    told = [line[6:] for line in response.text.splitlines() if line.startswith("data: {")]
    return json.loads(told[0]) if told else response.json()


@pytest.mark.parametrize("caller", CALLERS)
async def test_a_record_is_followed_by_whom_the_table_says(
    account: Place, compare: Compare, caller: str
) -> None:
    token = (await CALLERS[caller](account)).token
    found = {}
    for name in FOLLOWED:
        if caller == PARTNER_WITHOUT:
            lacking = needed(_root().fields[name], _root())
            token = await account.publisher.issue_token(*(set(Permission) - {lacking}))
        answer = await begin(account, token, name)
        found[f"Subscription.{name}"] = outcome(answer, (name,))
    compare("following", caller, found)


async def test_every_subscription_is_begun() -> None:
    assert _root().fields.keys() == FOLLOWED.keys()
