"""GraphiQL as it is served, and as it works in a real browser."""

import asyncio
import gzip
import hashlib
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import asyncpg
import httpx2
import pytest
import uvicorn
from graphql import OperationDefinitionNode, build_schema, graphql_sync, parse, validate
from graphql.execution.values import get_variable_values
from playwright.async_api import expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from app import models
from app.schema.node import encode_id
from app.schema.root import schema
from app.server.graphiql_page import DIST, graphiql_routes
from app.settings import Settings
from tests.publisher import Publisher
from tests.server.browser import open_page
from tests.server.graphiql_driver import HEADERS, QUERY, RESPONSE, VARIABLES, GraphiQL

TOKEN = "abo_staff_of-this-test"
SOURCES = DIST.parent

STUB_SCHEMA = build_schema("""
    type Query {
      "A greeting."
      hello(name: String = "world"): String!
    }
""")


async def answer(request: Request) -> Response:
    """A GraphQL endpoint that knows one token, and tells nobody else so much as its schema."""
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        return JSONResponse({"errors": [{"message": "Who is asking?"}]})
    body = await request.json()
    root = {"hello": lambda _info, name: f"Hello, {name}!"}
    result = graphql_sync(
        STUB_SCHEMA,
        body["query"],
        root,
        variable_values=body.get("variables"),
        operation_name=body.get("operationName"),
    )
    return JSONResponse(result.formatted)


def stub_app(prefix: str = "") -> Starlette:
    routes = [*graphiql_routes(Settings()), Route("/graphql", answer, methods=["POST"])]
    return Starlette(routes=[Mount(prefix, routes=routes)] if prefix else routes)


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[str]:
    """The address under which a real server answers for `app`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none", lifespan="off"))
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


@pytest.fixture
def stub() -> TestClient:
    return TestClient(stub_app())


def asset_names() -> list[str]:
    return sorted(path.stem for path in (DIST / "assets").iterdir())


def test_the_page_lets_the_browser_load_nothing_from_elsewhere(stub: TestClient) -> None:
    response = stub.get("/graphiql")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = dict(
        directive.split(" ", 1)
        for directive in response.headers["Content-Security-Policy"].split("; ")
    )
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == policy["worker-src"] == "'self'"
    allowed = {source for sources in policy.values() for source in sources.split()}
    assert allowed == {"'none'", "'self'", "'unsafe-inline'", "data:"}
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert not re.search(r"(src|href)=\"(https?:)?/", response.text)


def test_the_page_is_sent_again_only_when_it_changed(stub: TestClient) -> None:
    first = stub.get("/graphiql")
    assert first.headers["Cache-Control"] == "no-cache"
    tag = first.headers["ETag"]
    again = stub.get("/graphiql", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    other = stub.get("/graphiql", headers={"If-None-Match": '"another"'})
    assert (other.status_code, other.content) == (200, first.content)


@pytest.mark.parametrize("name", asset_names())
def test_an_asset_is_the_same_compressed_and_not(stub: TestClient, name: str) -> None:
    url = f"/graphiql/assets/{name}"
    packed = stub.get(url, headers={"Accept-Encoding": "gzip, br"})
    plain = stub.get(url, headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    stored = (DIST / "assets" / f"{name}.gz").read_bytes()
    assert packed.headers["Content-Length"] == str(len(stored))
    assert packed.content == plain.content == gzip.decompress(stored)
    assert packed.headers["ETag"] != plain.headers["ETag"]
    for response in (packed, plain):
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response.headers["Vary"] == "Accept-Encoding"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    again = stub.get(url, headers={"If-None-Match": packed.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("GZIP;q=0.5, br", True),
        ("*", True),
        ("br, *;q=0.1", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
    ],
)
def test_accept_encoding_decides_about_compression(
    stub: TestClient, accepted: str, compressed: bool
) -> None:
    url = f"/graphiql/assets/{asset_names()[0]}"
    response = stub.get(url, headers={"Accept-Encoding": accepted})
    assert ("Content-Encoding" in response.headers) is compressed


@pytest.mark.parametrize("name", ["nothing.js", "..%2Findex.html", "%2e%2e/index.html", ""])
def test_other_files_are_not_found(stub: TestClient, name: str) -> None:
    assert stub.get(f"/graphiql/assets/{name}").status_code == 404


def test_graphiql_can_be_switched_off() -> None:
    assert graphiql_routes(Settings(graphiql=False)) == []


def test_the_committed_bundle_is_built_from_these_sources() -> None:
    files = [*SOURCES.glob("queries/*"), *SOURCES.glob("source/*")]
    files += [SOURCES / name for name in ("build.mjs", "licenses.mjs", "package-lock.json")]
    digest = hashlib.sha256()
    for name, file in sorted((file.relative_to(SOURCES).as_posix(), file) for file in files):
        digest.update(f"{name}\0".encode() + file.read_bytes() + b"\0")
    assert (DIST / "sources.sha256").read_text().strip() == digest.hexdigest(), (
        "GraphiQL's sources changed: run `make graphiql` and commit its output."
    )


def test_the_bundle_stays_small() -> None:
    assert sum(file.stat().st_size for file in (DIST / "assets").iterdir()) < 3_000_000


def test_the_bundle_carries_the_licenses_of_its_parts() -> None:
    [file] = (DIST / "assets").glob("licenses-*.txt.gz")
    notices = gzip.decompress(file.read_bytes()).decode()
    for part in ("graphiql 5", "monaco-editor 0", "react-dom 19", "graphql 16", "Fira Code"):
        assert f"\n{part}" in notices


@pytest.mark.parametrize("query", sorted(path.stem for path in SOURCES.glob("queries/*.graphql")))
def test_the_first_tabs_fit_the_schema(query: str) -> None:
    ours = build_schema(schema.as_str())
    document = parse((SOURCES / "queries" / f"{query}.graphql").read_text())
    assert validate(ours, document) == []
    [operation] = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    file = SOURCES / "queries" / f"{query}.variables.json"
    variables = json.loads(file.read_text()) if file.exists() else {}
    definitions = operation.variable_definitions or ()
    declared = {definition.variable.name.value for definition in definitions}
    assert set(variables) <= declared
    assert not isinstance(get_variable_values(ours, definitions, variables), list)


async def test_the_account_query_runs_on_the_application(
    app: Starlette, owner: asyncpg.Connection
) -> None:
    async with served(app) as url, httpx2.AsyncClient() as client, open_page() as (page, observed):
        publisher = await Publisher.found(owner, client)
        customer_id = await publisher.make(
            models.Customer, number="10001", first_name="Anna", last_name="Müller"
        )
        for text in ("Erste Notiz", "Zweite Notiz"):
            await publisher.make(models.Activity, customer_id=customer_id, text=text)
        graphiql = GraphiQL(page)
        await graphiql.open(f"{url}/graphiql#token={publisher.token}")

        answer = await graphiql.run()
        assert "errors" not in answer
        customer = answer["data"]["customer"]
        assert (customer["firstName"], customer["lastName"]) == ("Anna", "Müller")
        assert customer["counts"]["activities"] == 2
        texts = {activity["text"] for activity in customer["activities"]["nodes"]}
        assert texts == {"Erste Notiz", "Zweite Notiz"}

        for tab, field in (
            ("Overview", "customers"),
            ("Catalogue", "offers"),
            ("Viewer", "viewer"),
        ):
            await graphiql.change_tab(tab)
            answer = await graphiql.run()
            assert "errors" not in answer
            assert answer["data"][field] is not None

        assert observed.hosts() == {url.removeprefix("http://")}
        assert observed.complaints == []


async def test_a_subscription_is_shown_as_it_goes_on(
    app: Starlette, owner: asyncpg.Connection
) -> None:
    async with served(app) as url, httpx2.AsyncClient() as client, open_page() as (page, observed):
        publisher = await Publisher.found(owner, client)
        customer = await publisher.customer()
        export = await publisher.make(models.Export, customer_id=customer, status="RUNNING")
        parameters = {
            "query": "subscription Follow($id: ID!) {"
            " exportChanged(id: $id) { status percent step } }",
            "variables": json.dumps({"id": encode_id("Export", export)}),
        }
        graphiql = GraphiQL(page)
        await graphiql.open(f"{url}/graphiql?{urlencode(parameters)}#token={publisher.token}")
        first = await graphiql.run()
        assert first["data"]["exportChanged"]["percent"] == 0
        for percent, status in ((42, "RUNNING"), (43, "FAILED")):
            await owner.execute("UPDATE data_export SET percent = $1, status = $2", percent, status)
            await graphiql.shows(f'"percent": {percent}')
        # It is complete, so it can be run again, and be stopped before it is.
        await owner.execute("UPDATE data_export SET status = 'RUNNING'")
        await page.get_by_role("button", name="Execute query").click()
        await page.get_by_role("button", name="Stop query").click()
        await expect(page.get_by_role("button", name="Execute query")).to_be_visible()
        assert observed.hosts() == {url.removeprefix("http://")}


async def test_the_page_works_without_any_other_host() -> None:
    async with served(stub_app()) as url, open_page() as (page, observed):
        graphiql = GraphiQL(page)
        await graphiql.open(f"{url}/graphiql#token={TOKEN}")
        await graphiql.write_query("Greeting", '{ hello(name: "Anna") }')
        assert await graphiql.run() == {"data": {"hello": "Hello, Anna!"}}

        await page.get_by_role("button", name="Show GraphiQL Explorer").click()
        await expect(page.locator(".docExplorerWrap")).to_contain_text("hello")

        # The worker that knows the schema finds the mistake.
        await graphiql.write_query("Farewell", "{ goodbye }")
        await graphiql.until(
            "() => __MONACO.editor.getModelMarkers({})"
            """.some(marker => marker.message.includes('Cannot query field "goodbye"'))"""
        )

        # Monaco stops workers and starts them again as it likes, so that the requests tell.
        files = {path.rpartition("/")[2].partition("-")[0] for path in observed.requests}
        assert {"editor.worker", "graphql.worker", "json.worker"} <= files
        assert observed.hosts() == {url.removeprefix("http://")}
        assert observed.complaints == []


async def test_the_token_of_the_link_is_kept_nowhere() -> None:
    async with served(stub_app()) as url, open_page() as (page, observed):
        graphiql = GraphiQL(page)
        await graphiql.open(f"{url}/graphiql#token={TOKEN}")
        assert page.url == f"{url}/graphiql"
        assert json.loads(await graphiql.text(HEADERS)) == {"Authorization": f"Bearer {TOKEN}"}
        await graphiql.write_query("Greeting", "{ hello }")
        assert await graphiql.run() == {"data": {"hello": "Hello, world!"}}
        # The tabs are stored half a second after the last change.
        await graphiql.until("() => localStorage['graphiql:tabState']?.includes('hello')")
        assert "hello" in await page.evaluate("localStorage['graphiql:queries']")
        for storage in ("localStorage", "sessionStorage"):
            assert TOKEN not in await page.evaluate(f"JSON.stringify({storage})")
        assert all(TOKEN not in address for address in observed.requests)

        await graphiql.open(f"{url}/graphiql")
        assert await graphiql.text(QUERY) == "query Greeting { hello }"
        assert "<token>" in await graphiql.text(HEADERS)


async def test_a_link_with_another_token_replaces_the_token_of_an_open_page() -> None:
    async with served(stub_app()) as url, open_page() as (page, _observed):
        graphiql = GraphiQL(page)
        await graphiql.open(f"{url}/graphiql#token=old")
        async with page.expect_event("load"):
            await page.evaluate(f"location.hash = 'token={TOKEN}'")
        await graphiql.until(
            "token => globalThis.__MONACO?.editor.getModels()"
            ".some(model => model.getValue().includes(token))",
            TOKEN,
        )
        assert page.url == f"{url}/graphiql"


async def test_a_typed_token_brings_the_schema_and_persists_only_on_demand() -> None:
    async with served(stub_app()) as url, open_page("dark") as (page, _observed):
        graphiql = GraphiQL(page)
        await graphiql.open(f"{url}/graphiql")
        assert json.loads(await graphiql.text(HEADERS)) == {"Authorization": "Bearer <token>"}
        await page.get_by_role("button", name="Show GraphiQL Explorer").click()
        await expect(page.get_by_text("No Schema Available")).to_be_visible()

        await graphiql.write_headers(json.dumps({"Authorization": f"Bearer {TOKEN}"}))
        await expect(page.locator(".docExplorerWrap")).to_contain_text("hello")

        await page.get_by_role("button", name="Open settings dialog").click()
        await page.get_by_role("button", name="On", exact=True).click()
        await page.keyboard.press("Escape")
        await graphiql.open(f"{url}/graphiql")
        assert TOKEN in await graphiql.text(HEADERS)
        assert TOKEN in await page.evaluate("JSON.stringify(sessionStorage)")
        assert TOKEN not in await page.evaluate("JSON.stringify(localStorage)")


async def test_the_address_can_name_the_operation() -> None:
    query = "query First { first: hello }\n\nquery Second($to: String) { second: hello(name: $to) }"
    parameters = {"query": query, "variables": '{"to": "you"}', "operationName": "Second"}
    async with served(stub_app("/abokonto")) as url, open_page() as (page, observed):
        graphiql = GraphiQL(page)
        # The page finds its assets and the endpoint below a prefix, too.
        await graphiql.open(f"{url}/abokonto/graphiql?{urlencode(parameters)}#token={TOKEN}")
        assert await graphiql.text(QUERY) == query
        assert await graphiql.text(VARIABLES) == '{"to": "you"}'
        assert await graphiql.text(RESPONSE) == ""
        await page.keyboard.press("Escape")
        await page.locator(".graphiql-query-editor .view-lines").click(position={"x": 5, "y": 200})
        await page.keyboard.press("Control+Enter")
        await graphiql.until(
            "() => __MONACO.editor.getModels()"
            ".some(model => model.getValue().includes('Hello, you!'))"
        )
        assert observed.complaints == []
