"""Every address, called by everybody. Those of OpenID Connect, which are there where a provider is
configured, have tests of their own in `tests/auth/test_oidc.py`.
"""

import pytest
from starlette.routing import Route

from tests.matrix.callers import CALLERS, PARTNER_WITHOUT, Place
from tests.matrix.conftest import Compare

pytestmark = pytest.mark.asyncio(loop_scope="package")

ASKED = {
    "/": "/",
    "/exports/{token}": "/exports/made-up",
    "/graphiql": "/graphiql",
    "/graphiql/assets/{name}": "/graphiql/assets/made-up",
    "/graphql": "/graphql?query={viewer{name}}",
    "/healthz": "/healthz",
    "/readyz": "/readyz",
}
"""How each address is asked for. Nobody has the link of an export but who was given it."""

OUTCOMES = {200: "value", 303: "value", 401: "unauthenticated", 404: "not found"}


@pytest.mark.parametrize("caller", [name for name in CALLERS if name != PARTNER_WITHOUT])
async def test_an_address_answers_whom_the_table_says(
    account: Place, compare: Compare, caller: str
) -> None:
    token = (await CALLERS[caller](account)).token
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    found = {}
    for path, asked in ASKED.items():
        answer = await account.publisher.client.get(asked, headers=headers)
        found[f"GET {path}"] = OUTCOMES[answer.status_code]
    compare("paths", caller, found)


async def test_every_address_is_asked_for(account: Place) -> None:
    routes = account.publisher.client._transport.app.routes  # type: ignore[attr-defined]  # ASGI's.
    assert {route.path for route in routes if isinstance(route, Route)} == ASKED.keys()
