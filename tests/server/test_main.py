"""The whole application, with a real database and a real object store."""

import asyncio
import contextlib
import socket

import asyncpg
import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

import app.server.health
from app.auth.tokens import hash_token
from app.commands.serving import server_configuration
from app.context import Client
from app.main import create_app
from app.server.contexts import credentials_of
from app.server.graphql_http import GraphQLEndpoint
from app.settings import Settings
from tests.asgi import client_of, lifespan
from tests.conftest import Database
from tests.postgres_proxy import PostgresProxy
from tests.processes import eventually
from tests.publisher import Publisher

QUERY = {"query": "{ __typename }"}


@pytest.fixture
def token(publisher: Publisher) -> str:
    return publisher.token


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def documents(application: Starlette) -> int:
    """How many documents the application's endpoint has read."""
    (endpoint,) = (
        route.endpoint
        for route in application.routes
        if isinstance(route, Route) and isinstance(route.endpoint, GraphQLEndpoint)
    )
    return len(endpoint.documents)


async def test_a_token_opens_the_door(client: httpx2.AsyncClient, token: str) -> None:
    answer = await client.post("/graphql", json=QUERY, headers=bearer(token))
    assert answer.status_code == 200
    assert answer.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer  ", "Basic abo", "Bearer abo_staff_x", "Bearer \xfc", "x" * 9_999],
)
async def test_nothing_is_answered_without_one(
    app: Starlette, client: httpx2.AsyncClient, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    for query in ("{ __typename }", "{ __schema { queryType { name } } }", "{ viewer { name } }"):
        answer = await client.post("/graphql", json={"query": query}, headers=headers)  # type: ignore[arg-type]
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        (error,) = answer.json()["errors"]
        assert error["extensions"] == {"code": "UNAUTHENTICATED"}
        assert "data" not in answer.json()
    assert documents(app) == 0


def test_the_scheme_is_read_without_regard_to_case() -> None:
    assert credentials_of(Client("bearer  abc ")) == hash_token("abc")


async def test_ready_and_alive(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    answer = await client.get("/readyz")
    assert answer.json() == {
        "status": "ok",
        "checks": {"database": "ok", "migrations": "ok", "objectStore": "ok"},
    }


async def test_not_ready_before_the_newest_migration(
    client: httpx2.AsyncClient, owner: asyncpg.Connection
) -> None:
    await owner.execute("UPDATE alembic_version SET version_num = 'older'")
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        "database": "ok",
        "migrations": "failed",
        "objectStore": "ok",
    }


async def test_a_database_that_goes_down_and_comes_back(
    statements: PostgresProxy,
    client: httpx2.AsyncClient,
    token: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app.server.health, "_KEPT_SECONDS", 0.0)
    assert (await client.post("/graphql", json=QUERY, headers=bearer(token))).status_code == 200
    await statements.stop()
    for _ in range(3):
        answer = await client.post("/graphql", json=QUERY, headers=bearer(token))
        assert answer.status_code == 503
        (error,) = answer.json()["errors"]
        assert error["extensions"]["code"] == "UNAVAILABLE"
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "failed"
    assert (await client.get("/healthz")).status_code == 200
    await statements.start()
    assert (await client.post("/graphql", json=QUERY, headers=bearer(token))).status_code == 200
    assert (await client.get("/readyz")).status_code == 200


async def test_only_configured_origins_may_read(settings: Settings) -> None:
    front_end = "https://front.example"
    preflight = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }

    async def allowed(origins: tuple[str, ...], origin: str) -> tuple[str | None, str | None]:
        application = create_app(settings.model_copy(update={"cors_origins": origins}))
        async with lifespan(application), client_of(application) as client:
            first = await client.options("/graphql", headers={"Origin": origin, **preflight})
            then = await client.post("/graphql", json=QUERY, headers={"Origin": origin})
        assert "access-control-allow-credentials" not in then.headers
        # A browser sends the request only after a preflight that was answered so.
        assert (first.status_code == 200) == (origin in origins)
        name = "access-control-allow-origin"
        return first.headers.get(name), then.headers.get(name)

    assert await allowed((), front_end) == (None, None)
    assert await allowed((front_end,), "https://other.example") == (None, None)
    assert await allowed((front_end,), front_end) == (front_end, front_end)


async def test_what_is_nowhere(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/nothing")
    assert answer.status_code == 404
    assert answer.json() == {"error": "Nothing is here."}
    answer = await client.post("/healthz")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


async def test_a_browser_finds_the_page(settings: Settings, client: httpx2.AsyncClient) -> None:
    for path in ("/", "/graphql"):
        answer = await client.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 303
        assert answer.headers["location"] == "/graphiql"
    application = create_app(settings.model_copy(update={"graphiql": False}))
    async with client_of(application) as without:
        for path, status in (("/", 404), ("/graphiql", 404), ("/graphql", 406)):
            answer = await without.get(path, headers={"Accept": "text/html"})
            assert answer.status_code == status


async def test_requests_under_way_are_answered_before_the_end(
    settings: Settings, database: Database, token: str
) -> None:
    """The server is told to stop while a request waits for a lock in the database."""
    application = create_app(settings)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = uvicorn.Server(server_configuration(application))
        # It must not take over the signals of the test process.
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        serving = asyncio.create_task(server.serve([listener]))
        assert await asyncio.to_thread(eventually, lambda: server.started)
        blocker = await asyncpg.connect(database.owner_database_url)
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            async with blocker.transaction():
                await blocker.execute("LOCK TABLE access_token IN ACCESS EXCLUSIVE MODE")
                request = asyncio.create_task(
                    client.post("/graphql", json=QUERY, headers=bearer(token))
                )
                await until_waiting(blocker)
                server.should_exit = True
                await asyncio.sleep(0.3)
                assert not request.done()
                assert not serving.done()
            answer = await request
        await serving
        await blocker.close()
    assert answer.status_code == 200
    assert answer.json() == {"data": {"__typename": "Query"}}


async def until_waiting(connection: asyncpg.Connection) -> None:
    """Wait until another connection waits for a lock."""
    waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
    async with asyncio.timeout(10):
        while not await connection.fetchval(waiting):  # noqa: ASYNC110  PostgreSQL tells nobody who waits.
            await asyncio.sleep(0.01)
