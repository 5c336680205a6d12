"""Every mutation, called by everybody with an input that nothing else stands against."""

from collections.abc import Iterator

import pytest
import pytest_asyncio
from strawberry.utils.str_converters import to_camel_case

from app.actions import all_actions
from app.auth.permissions import Permission
from app.settings import Settings
from app.storage import Storage
from tests.actions.examples import EXAMPLES
from tests.actions.unchanged import Everything
from tests.matrix.account import fill_billing_profile
from tests.matrix.acting import (
    IDENTITY,
    MUTATIONS,
    Call,
    Given,
    arrive,
    call,
    input_of,
    needed,
    prepare,
)
from tests.matrix.callers import CALLERS, PARTNER_WITHOUT, Place
from tests.matrix.conftest import Compare, House, committed
from tests.matrix.outside import OUTSIDE

pytestmark = pytest.mark.asyncio(loop_scope="package")

NOTHING_DONE = {"forbidden", "not found", "unauthenticated"}

MOST_CALLS = 30
"""How many calls of which nothing comes stand in one request."""

Inputs = dict[str, Given | None]


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def account(house: House) -> Place:
    """A customer's account, as empty as can be, at publishers that nobody else looks at."""
    place = await house.place()
    place.customer = await place.publisher.customer(tags=["old"], email="a@example.org")
    for publisher in (place.publisher, place.competitor):
        await fill_billing_profile(publisher)
    return place


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def inputs(account: Place) -> Inputs:
    """Inputs for all who are turned away: one for each action, since nothing comes of them."""
    nobody = await CALLERS["nobody"](account)
    return {name: await input_of(account, name, nobody) for name in MUTATIONS}


@pytest.fixture
def everything(account: Place, storage_settings: dict[str, str]) -> Everything:
    """All that the publisher holds."""
    bucket = Storage(Settings.model_validate(storage_settings))
    return Everything(account.publisher.owner, account.publisher.tenant_id, bucket)


async def tokens_of(place: Place, caller: str, names: list[str]) -> dict[str, str | None]:
    """With which token a caller calls each mutation; it is the same one wherever it can be."""
    tokens: dict[Permission | None, str | None] = {}
    for name in names:
        key = needed(name) if caller == PARTNER_WITHOUT else None
        if key not in tokens:
            tokens[key] = (await arrive(place, caller, name)).token
    return {name: tokens[needed(name) if caller == PARTNER_WITHOUT else None] for name in names}


def _together(calls: list[Call]) -> Iterator[list[Call]]:
    """Calls by one token each, few enough for a request."""
    by_token: dict[str | None, list[Call]] = {}
    for one in calls:
        by_token.setdefault(one.token, []).append(one)
    for some in by_token.values():
        for begin in range(0, len(some), MOST_CALLS):
            yield some[begin : begin + MOST_CALLS]


@pytest.mark.parametrize("caller", CALLERS)
async def test_a_mutation_is_done_for_whom_the_table_says(
    account: Place, inputs: Inputs, everything: Everything, compare: Compare, caller: str
) -> None:
    asked = [name for name in MUTATIONS if caller != PARTNER_WITHOUT or needed(name)]
    known = committed("mutations").column(caller)
    refused = [name for name in asked if known.get(f"Mutation.{name}") in NOTHING_DONE]
    found: dict[str, str] = {}
    for name in asked:
        if name not in refused:
            found |= await call(account.publisher, await prepare(account, name, caller))
    tokens = await tokens_of(account, caller, refused)
    calls = [Call(name, tokens[name], inputs[name]) for name in refused]
    async with everything.unchanged():
        for some in _together(calls):
            found |= await call(account.publisher, *some)
        compare("mutations", caller, found)


async def test_every_mutation_has_an_input() -> None:
    assert EXAMPLES.keys() | OUTSIDE.keys() | IDENTITY.keys() == MUTATIONS.keys()
    outside = {to_camel_case(action.name) for action in all_actions() if not action.in_account}
    assert outside == OUTSIDE.keys()
