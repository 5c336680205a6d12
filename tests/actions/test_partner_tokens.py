"""Partners' tokens: made, shown once, replaced with an overlap, ended, and from where they work."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx2
import pytest
from starlette.applications import Starlette

from app.auth.permissions import Permission
from app.schema.node import encode_id
from app.settings import Settings
from tests.actions.conftest import Clock
from tests.actions.unchanged import Everything
from tests.asgi import lifespan
from tests.auth.people import ask, employ, hashed
from tests.conftest import Database
from tests.publisher import Publisher, codes, refusals

TOKEN = """
    token accessToken {
        id name permissions allowedNetworks expiresAt revokedAt lastUsedAt replaces { id }
    }
"""
VIEWER = "{ viewer { kind name permissions } }"
SHOP = {"name": "Shop", "permissions": ["order:read", "customer:read"]}


async def made(publisher: Publisher, **given: Any) -> dict[str, Any]:
    """The payload of a new token."""
    payload = await publisher.act("createPartnerToken", {**SHOP, **given}, TOKEN)
    assert payload["userErrors"] == []
    return payload


def at(app: Starlette, address: str, **options: Any) -> httpx2.AsyncClient:
    """A client of an application at an address."""
    transport = httpx2.ASGITransport(app, client=(address, 4711))
    return httpx2.AsyncClient(transport=transport, base_url="http://testserver", **options)


async def test_a_token_is_shown_once_and_kept_as_its_hash(
    publisher: Publisher, client: httpx2.AsyncClient
) -> None:
    payload = await made(publisher, idempotencyKey="k")
    viewer = (await ask(client, VIEWER, payload["token"]))["data"]["viewer"]
    assert viewer == {
        "kind": "PARTNER",
        "name": "Shop",
        "permissions": ["customer:read", "order:read"],
    }
    again = await publisher.act("createPartnerToken", {**SHOP, "idempotencyKey": "k"}, TOKEN)
    assert (again["token"], again["accessToken"]["id"]) == (None, payload["accessToken"]["id"])
    query = "SELECT hash FROM access_token WHERE tenant_id = $1 AND name = 'Shop'"
    kept = await publisher.owner.fetchval(query, publisher.tenant_id)
    assert kept == hashed(payload["token"])
    assert payload["token"] not in str(await publisher.tenant_history())


async def test_the_list_shows_tokens_and_no_sessions(
    publisher: Publisher, client: httpx2.AsyncClient
) -> None:
    person = await employ(publisher.owner, publisher.tenant_id)
    await person.token(client)
    payload = await made(publisher)
    data = await publisher.data("{ accessTokens { totalCount nodes { id name holder } } }")
    names = {node["name"] for node in data["accessTokens"]["nodes"]}
    assert (data["accessTokens"]["totalCount"], names) == (2, {"Test", "Shop"})
    assert payload["accessToken"]["id"] in str(data)


async def test_it_works_from_its_networks_alone(
    app: Starlette, publisher: Publisher, everything: Everything
) -> None:
    networks = ["203.0.113.0/24", " 2001:db8::/32 "]
    payload = await made(publisher, allowedNetworks=networks)
    assert payload["accessToken"]["allowedNetworks"] == ["203.0.113.0/24", "2001:db8::/32"]
    for address, works in (
        ("203.0.113.9", True),
        ("::ffff:203.0.113.9", True),
        ("2001:db8:1::7", True),
        ("203.0.114.1", False),
        ("2001:db9::1", False),
        ("", False),
    ):
        async with at(app, address) as client:
            for _ in range(2):  # The second time PostgreSQL answers alone.
                answer = await ask(client, VIEWER, payload["token"])
                assert codes(answer) == ([] if works else ["UNAUTHENTICATED"]), address
    for wrong in (["203.0.113.1/24"], ["x"], ["10.0.0.0/8", "300.0.0.0/8"]):
        async with everything.unchanged():
            refused = await publisher.act("createPartnerToken", {**SHOP, "allowedNetworks": wrong})
        assert refusals(refused) == [("NETWORK_INVALID", f"allowedNetworks.{len(wrong) - 1}")]
    refused = await publisher.act(
        "createPartnerToken", {**SHOP, "allowedNetworks": ["10.0.0.0/8"] * 51}
    )
    assert refusals(refused) == [("NETWORK_INVALID", "allowedNetworks")]


@pytest.mark.parametrize(
    ("trusted", "forwarded", "works"),
    [
        ("", "203.0.113.9", False),
        ("10.0.0.0/8", "203.0.113.9", True),
        ("10.0.0.0/8", "203.0.113.9, 198.51.100.7", False),
        ("192.0.2.0/24", "203.0.113.9", False),
    ],
)
async def test_a_proxy_is_believed_where_it_is_trusted(
    settings: Settings, publisher: Publisher, trusted: str, forwarded: str, works: bool
) -> None:
    from app.main import create_app

    payload = await made(publisher, allowedNetworks=["203.0.113.0/24"])
    proxies = tuple(filter(None, [trusted]))
    app = create_app(settings.model_copy(update={"trusted_proxies": proxies}))
    async with lifespan(app), at(app, "10.1.2.3") as client:
        client.headers["X-Forwarded-For"] = forwarded
        assert codes(await ask(client, VIEWER, payload["token"])) == (
            [] if works else ["UNAUTHENTICATED"]
        )


async def test_both_work_until_the_overlap_is_over(
    publisher: Publisher, client: httpx2.AsyncClient
) -> None:
    ends = datetime.now(UTC) + timedelta(days=90)
    old = await made(publisher, expiresAt=ends.isoformat(), allowedNetworks=["127.0.0.0/8"])
    which = {"accessTokenId": old["accessToken"]["id"], "overlapSeconds": 60}
    new = await publisher.act("rotatePartnerToken", which, TOKEN)
    shown = new["accessToken"]
    assert shown["replaces"] == {"id": old["accessToken"]["id"]}
    assert shown["permissions"] == old["accessToken"]["permissions"]
    assert shown["allowedNetworks"] == ["127.0.0.0/8"]
    assert abs(datetime.fromisoformat(shown["expiresAt"]) - ends) < timedelta(minutes=1)
    for token in (old["token"], new["token"]):
        assert "errors" not in await ask(client, VIEWER, token)
    kept = "SELECT expires_at FROM access_token WHERE hash = $1"
    over = await publisher.owner.fetchval(kept, hashed(old["token"]))
    assert timedelta(0) < over - datetime.now(UTC) <= timedelta(seconds=60)
    refused = await publisher.act("rotatePartnerToken", which)
    assert refusals(refused) == [("TOKEN_ENDED", "accessTokenId")]
    at_once = {"accessTokenId": shown["id"], "overlapSeconds": 0}
    newest = await publisher.act("rotatePartnerToken", at_once, TOKEN)
    assert codes(await ask(client, VIEWER, new["token"])) == ["UNAUTHENTICATED"]
    assert "errors" not in await ask(client, VIEWER, newest["token"])


async def test_a_revoked_token_ends_at_once(
    publisher: Publisher, client: httpx2.AsyncClient, everything: Everything
) -> None:
    payload = await made(publisher)
    assert "errors" not in await ask(client, VIEWER, payload["token"])
    which = {"accessTokenId": payload["accessToken"]["id"]}
    revoked = await publisher.act("revokePartnerToken", which, "accessToken { revokedAt }")
    assert revoked["accessToken"]["revokedAt"]
    assert codes(await ask(client, VIEWER, payload["token"])) == ["UNAUTHENTICATED"]
    async with everything.unchanged():
        for action in ("revokePartnerToken", "rotatePartnerToken"):
            assert refusals(await publisher.act(action, which)) == [
                ("TOKEN_ENDED", "accessTokenId")
            ]
    history = [entry["action"] for entry in await publisher.tenant_history()]
    assert history == ["token.created", "token.revoked"]


async def test_nobody_makes_a_token_that_may_more_than_they(
    publisher: Publisher, everything: Everything
) -> None:
    weak = await publisher.issue_token(Permission.TOKEN_WRITE, Permission.CUSTOMER_READ)
    strong = encode_id(
        "AccessToken",
        await publisher.owner.fetchval(
            "SELECT id FROM access_token WHERE hash = $1", hashed(publisher.token)
        ),
    )
    async with everything.unchanged():
        refused = await publisher.act("createPartnerToken", SHOP, "", weak)
        assert refusals(refused) == [("PERMISSION_EXCEEDED", "permissions")]
        refused = await publisher.act("rotatePartnerToken", {"accessTokenId": strong}, "", weak)
        assert refusals(refused) == [("PERMISSION_EXCEEDED", "accessTokenId")]


async def test_what_is_wrong_with_a_new_token_is_told(
    publisher: Publisher, competitor: Publisher, everything: Everything
) -> None:
    payload = await made(publisher)
    which = {"accessTokenId": payload["accessToken"]["id"]}
    person = await employ(publisher.owner, publisher.tenant_id)
    session = await publisher.owner.fetchval(
        "INSERT INTO access_token (tenant_id, kind, staff_id, name, hash)"
        " VALUES ($1, 'STAFF', $2, 'x', sha256($3)) RETURNING id",
        publisher.tenant_id,
        person.id,
        person.email.encode(),
    )
    theirs = {"accessTokenId": encode_id("AccessToken", session)}
    async with everything.unchanged():
        for by, action, given, refusal in (
            (publisher, "createPartnerToken", {**SHOP, "permissions": []}, "REQUIRED"),
            (publisher, "createPartnerToken", {**SHOP, "permissions": ["x"]}, "PERMISSION_UNKNOWN"),
            (
                publisher,
                "createPartnerToken",
                {**SHOP, "expiresAt": "2020-01-01T00:00:00Z"},
                "DATE_NOT_IN_FUTURE",
            ),
            (publisher, "rotatePartnerToken", {**which, "overlapSeconds": -1}, "INVALID"),
            (publisher, "rotatePartnerToken", {**which, "overlapSeconds": 2592001}, "INVALID"),
            (publisher, "rotatePartnerToken", theirs, "NOT_FOUND"),
            (publisher, "revokePartnerToken", theirs, "NOT_FOUND"),
            (competitor, "rotatePartnerToken", which, "NOT_FOUND"),
            (competitor, "revokePartnerToken", which, "NOT_FOUND"),
        ):
            refused = await by.act(action, given)
            assert [code for code, _ in refusals(refused)] == [refusal]
    token = await publisher.issue_token(*(set(Permission) - {Permission.TOKEN_WRITE}))
    for action, given in (
        ("createPartnerToken", SHOP),
        ("rotatePartnerToken", which),
        ("revokePartnerToken", which),
    ):
        assert codes(await publisher.ask_to(action, given, "", token)) == ["FORBIDDEN"]


async def test_an_expired_token_is_not_rotated(publisher: Publisher, clock: Clock) -> None:
    ends = datetime.now(UTC) + timedelta(days=1)
    payload = await made(publisher, expiresAt=ends.isoformat())
    clock.ahead = timedelta(days=2)
    refused = await publisher.act(
        "rotatePartnerToken", {"accessTokenId": payload["accessToken"]["id"]}
    )
    assert refusals(refused) == [("TOKEN_ENDED", "accessTokenId")]


async def test_the_application_makes_no_tokens_of_staff(
    publisher: Publisher, database: Database
) -> None:
    person = await employ(publisher.owner, publisher.tenant_id)
    application = await asyncpg.connect(database.database_url)
    await application.execute(
        "SELECT set_config('abokonto.tenant_id', $1, false)", str(publisher.tenant_id)
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await application.execute(
            "INSERT INTO access_token (tenant_id, kind, staff_id, name, hash)"
            " VALUES ($1, 'STAFF', $2, 'x', sha256('x'))",
            publisher.tenant_id,
            person.id,
        )
    await application.close()
