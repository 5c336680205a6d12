"""Every way a request can go wrong, over HTTP against a real uvicorn."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from app.server.http import accepted
from tests.processes import eventually
from tests.server.endpoint import SECRET, TOKEN, Gate, endpoint, serving

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate()


@pytest.fixture(scope="module")
def url(gate: Gate) -> Iterator[str]:
    with serving(endpoint(gate, max_body_bytes=20_000, max_depth=5)) as url:
        yield f"{url}/graphql"


@pytest.fixture
async def http(gate: Gate) -> AsyncIterator[httpx2.AsyncClient]:
    gate.down = None
    async with httpx2.AsyncClient(headers=AUTHORIZED) as client:
        yield client


async def ask(
    http: httpx2.AsyncClient, url: str, query: str, accept: str = GRAPHQL, **parameters: Any
) -> httpx2.Response:
    return await http.post(url, json={"query": query, **parameters}, headers={"Accept": accept})


async def test_a_query_is_answered(http: httpx2.AsyncClient, url: str) -> None:
    answer = await ask(http, url, "query($n: String!) { hello(name: $n) }", variables={"n": "ä€😀"})
    assert answer.status_code == 200
    assert answer.json() == {"data": {"hello": "Hello ä€😀"}}
    assert answer.headers["content-type"] == f"{GRAPHQL}; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"


async def test_get_answers_queries_and_refuses_mutations(
    http: httpx2.AsyncClient, url: str
) -> None:
    parameters = {"query": "query($n: String!) { hello(name: $n) }", "variables": '{"n": "ä"}'}
    answer = await http.get(url, params=parameters)
    assert answer.json() == {"data": {"hello": "Hello ä"}}
    answer = await http.get(url, params={"query": "mutation { change }"})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    answer = await ask(http, url, "mutation { change }")
    assert answer.json() == {"data": {"change": "changed"}}


REQUEST_ERRORS = {
    "syntax": ({"query": "{"}, "GRAPHQL_PARSE_FAILED", "Expected Name"),
    "unknown field": ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED", "nothing"),
    "unused variable": (
        {"query": "query($x: Int) { hello }"},
        "GRAPHQL_VALIDATION_FAILED",
        "never used",
    ),
    "two keys of one": (
        {"query": '{ choose(by: {number: 1, name: "x"}) }'},
        "GRAPHQL_VALIDATION_FAILED",
        "Choice",
    ),
    "two keys of one in a variable": (
        {
            "query": "query($by: Choice!) { choose(by: $by) }",
            "variables": {"by": {"number": 1, "name": "x"}},
        },
        "BAD_REQUEST",
        "by",
    ),
    "too deep": ({"query": "{" + "nested {" * 5 + "hello" + "}" * 6}, "QUERY_TOO_COMPLEX", "5"),
    "no operation": ({"query": "fragment F on Query { hello }"}, "GRAPHQL_VALIDATION_FAILED", "F"),
    "an undefined variable as the one key": (
        {"query": "{ choose(by: {name: $n}) }"},
        "GRAPHQL_VALIDATION_FAILED",
        "$n",
    ),
    "missing variable": (
        {"query": "query($n: Int!) { double(number: $n) }"},
        "BAD_REQUEST",
        "$n",
    ),
    "wrong variable": (
        {"query": "query($n: Int!) { double(number: $n) }", "variables": {"n": "one"}},
        "BAD_REQUEST",
        "$n",
    ),
    "which operation": ({"query": "query A { hello } query B { hello }"}, "BAD_REQUEST", "several"),
    "unknown operation": ({"query": "{ hello }", "operationName": "X"}, "BAD_REQUEST", "no oper"),
    "subscription": ({"query": "subscription { ticks }"}, "BAD_REQUEST", "Subscriptions"),
}


@pytest.mark.parametrize(
    ("content", "code", "message"), REQUEST_ERRORS.values(), ids=REQUEST_ERRORS.keys()
)
async def test_what_can_not_be_executed_is_refused(
    http: httpx2.AsyncClient, url: str, content: dict[str, Any], code: str, message: str
) -> None:
    for accept, status in ((GRAPHQL, 400), (JSON, 200)):
        answer = await http.post(url, json=content, headers={"Accept": accept})
        assert answer.status_code == status
        assert set(answer.json()) == {"errors"}
        (error,) = answer.json()["errors"]
        assert error["extensions"] == {"code": code}
        assert message in error["message"]


PROTOCOL_ERRORS: dict[str, tuple[str, dict[str, str], bytes, int, str]] = {
    "no JSON": ("POST", {}, b"{", 400, "JSON"),
    "no UTF-8": ("POST", {}, b'{"query": "\xff"}', 400, "UTF-8"),
    "half a surrogate": ("POST", {}, b'{"query": "\\ud800"}', 400, "UTF-8"),
    "empty": ("POST", {}, b"", 400, "JSON"),
    "a batch": ("POST", {}, b'[{"query": "{ hello }"}]', 400, "Batches"),
    "a string": ("POST", {}, b'"{ hello }"', 400, "object"),
    "no query": ("POST", {}, b'{"qeury": "{ hello }"}', 400, "query"),
    "null query": ("POST", {}, b'{"query": null}', 400, "query"),
    "variables": ("POST", {}, b'{"query": "{ hello }", "variables": "{}"}', 400, "variables"),
    "extensions": ("POST", {}, b'{"query": "{ hello }", "extensions": []}', 400, "extensions"),
    "operation": ("POST", {}, b'{"query": "{ hello }", "operationName": 1}', 400, "operationName"),
    "deep JSON": ("POST", {}, b"[" * 10_000, 400, "JSON"),
    "text": ("POST", {"Content-Type": "text/plain"}, b"{}", 415, "application/json"),
    "a form": ("POST", {"Content-Type": "application/x-www-form-urlencoded"}, b"{}", 415, JSON),
    "no type": ("POST", {"Content-Type": ""}, b"{}", 415, "application/json"),
    "Latin-1": ("POST", {"Content-Type": "application/json; charset=latin1"}, b"{}", 415, "UTF-8"),
    "gzip": ("POST", {"Content-Encoding": "gzip"}, b"{}", 415, "Compressed"),
    "PUT": ("PUT", {}, b"{}", 405, "GET and POST"),
    "OPTIONS": ("OPTIONS", {}, b"", 405, "GET and POST"),
    "an unknown answer": ("POST", {"Accept": "image/png"}, b"{}", 406, GRAPHQL),
    "too large": ("POST", {}, b" " * 20_001, 413, "20000"),
}


@pytest.mark.parametrize(
    ("method", "headers", "body", "status", "message"),
    PROTOCOL_ERRORS.values(),
    ids=PROTOCOL_ERRORS.keys(),
)
async def test_what_is_no_graphql_request_is_refused(
    http: httpx2.AsyncClient,
    url: str,
    method: str,
    headers: dict[str, str],
    body: bytes,
    status: int,
    message: str,
) -> None:
    headers = {"Content-Type": JSON, **headers}
    answer = await http.request(method, url, content=body, headers=headers)
    assert answer.status_code == status
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {"code": "BAD_REQUEST"}
    assert message in error["message"]
    assert (status == 405) == (answer.headers.get("allow") == "GET, POST")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("", "query"),
        ("?query=%ff", "UTF-8"),
        ("?query={hello}&query={hello}", "twice"),
        ("?query={hello}&variables=[]", "variables"),
        ("?query={hello}&variables={", "JSON"),
        ("?" + "&".join(f"x{n}=" for n in range(60)), "form"),
    ],
)
async def test_a_bad_address_is_refused(
    http: httpx2.AsyncClient, url: str, address: str, message: str
) -> None:
    answer = await http.get(url + address)
    assert answer.status_code == 400
    assert message in answer.json()["errors"][0]["message"]


async def test_a_long_address_is_refused(http: httpx2.AsyncClient, url: str) -> None:
    answer = await http.get(f"{url}?query={'x' * 21_000}")
    assert answer.status_code == 414


def test_a_large_body_is_refused_before_it_is_read(url: str) -> None:
    """The body is announced, or sent in pieces without end; the answer comes before it ends."""
    host, port = url.removeprefix("http://").removesuffix("/graphql").split(":")
    head = f"POST /graphql HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    for body in (
        b"Content-Length: 1000000000\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n" + b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
        b"2000\r\n" + b"x" * 0x2000 + b"\r\n",
    ):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(head.encode() + body)
            answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in answer.lower()


@pytest.mark.parametrize(("size", "status"), [(20_000, 200), (20_001, 413)])
async def test_a_body_in_pieces_may_reach_the_limit_but_not_pass_it(
    http: httpx2.AsyncClient, url: str, size: int, status: int
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        body = b'{"query": "{ hello }"}'.ljust(size)
        for start in range(0, size, 5_000):
            yield body[start : start + 5_000]

    headers = {"Content-Type": JSON, "Accept": GRAPHQL}
    answer = await http.post(url, content=pieces(), headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize(
    "query", ["{ hello }", "{ __typename }", "{ __schema { types { name } } }"]
)
@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Basic x", TOKEN])
async def test_nobody_unknown_is_answered(url: str, query: str, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    async with httpx2.AsyncClient(headers=headers) as nobody:
        for accept in (GRAPHQL, JSON):
            answer = await ask(nobody, url, query, accept)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_nobody_unknown_makes_us_parse() -> None:
    application = endpoint()
    transport = httpx2.ASGITransport(application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://x") as nobody:
        answer = await ask(nobody, "/graphql", "{ never { seen")
    assert answer.status_code == 401
    assert len(application.documents) == 0


async def test_a_context_is_opened_with_the_document(
    http: httpx2.AsyncClient, url: str, gate: Gate
) -> None:
    gate.opened.clear()
    for _ in range(2):
        await ask(http, url, "{ hello  # known to the second request\n}")
    first, second, third = gate.opened
    assert first is None
    assert second is third is not None


MASKED = {
    "a bug": ("{ hello bug }", 200, "INTERNAL", "Something went wrong on our side."),
    "a value of the wrong type": ("{ hello wrongType }", 200, "INTERNAL", "Something went wrong"),
    "no database": ("{ databaseGone }", 503, "UNAVAILABLE", "unavailable"),
    "no database for a part": ("{ hello databaseGone }", 200, "UNAVAILABLE", "unavailable"),
    "a slow statement": ("{ canceled }", 504, "TIMEOUT", "too long"),
}


@pytest.mark.parametrize(("query", "status", "code", "message"), MASKED.values(), ids=MASKED.keys())
async def test_what_was_not_raised_on_purpose_is_masked_and_logged(
    query: str, status: int, code: str, message: str
) -> None:
    transport = httpx2.ASGITransport(endpoint())
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://x", headers=AUTHORIZED
    ) as http:
        with capture_logs() as logs:
            answer = await ask(http, "/graphql", query)
    assert answer.status_code == status
    (error,) = answer.json()["errors"]
    assert message in error["message"]
    assert error["extensions"]["code"] == code
    assert error["path"]
    (fault,) = [line for line in logs if line["event"] == "fault"]
    assert fault["id"] == error["extensions"]["id"]
    assert any("endpoint.py" in line or "scalars.py" in line for line in fault["error"])
    assert "Müller" not in answer.text + json.dumps(logs, ensure_ascii=False, default=str)
    assert "data" in answer.json()


async def test_errors_on_purpose_keep_their_message(http: httpx2.AsyncClient, url: str) -> None:
    answer = await ask(http, url, "{ hello forbidden }")
    assert answer.status_code == 200
    assert answer.json()["data"] == {"hello": "Hello world", "forbidden": None}
    (error,) = answer.json()["errors"]
    assert error["message"] == "This needs the permission `x:read`."
    assert error["extensions"] == {"code": "FORBIDDEN"}
    assert error["path"] == ["forbidden"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("query($n: Int = 1) { double(number: $n) }", "number"),
        ("fragment F on Query { choose(by: {name: $n}) } query($n: String) { ...F }", "name"),
    ],
)
async def test_an_argument_found_missing_late_is_the_clients_fault(
    http: httpx2.AsyncClient, url: str, query: str, field: str
) -> None:
    """Validation lets some nullable variables through where there must be a value."""
    answer = await ask(http, url, query, variables={"n": None})
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {"code": "BAD_REQUEST"}
    assert field in error["message"]


@pytest.mark.parametrize(
    "down", [ConnectionRefusedError(SECRET), OSError(SECRET), TimeoutError(SECRET)]
)
async def test_the_service_comes_back_with_its_database(
    http: httpx2.AsyncClient, url: str, gate: Gate, down: Exception
) -> None:
    gate.down = down
    for accept in (GRAPHQL, JSON):
        answer = await ask(http, url, "{ hello }", accept)
        assert answer.status_code == 503
        (error,) = answer.json()["errors"]
        assert error["extensions"]["code"] == "UNAVAILABLE"
        assert "Müller" not in answer.text
    gate.down = None
    assert (await ask(http, url, "{ hello }")).status_code == 200


async def test_a_failure_outside_of_fields_is_masked(
    http: httpx2.AsyncClient, url: str, gate: Gate
) -> None:
    gate.down = RuntimeError(SECRET)
    answer = await ask(http, url, "{ hello }")
    assert answer.status_code == 500
    (error,) = answer.json()["errors"]
    assert error["message"] == "Something went wrong on our side."
    assert set(error["extensions"]) == {"code", "id"}
    assert error["extensions"]["code"] == "INTERNAL"


async def test_a_request_that_takes_too_long_is_ended() -> None:
    gate = Gate()
    transport = httpx2.ASGITransport(endpoint(gate, request_timeout_seconds=0.05))
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://x", headers=AUTHORIZED
    ) as http:
        answer = await ask(http, "/graphql", "{ slow }")
    assert answer.status_code == 504
    assert answer.json()["errors"][0]["extensions"] == {"code": "TIMEOUT"}
    assert gate.journal == ["cancelled"]


async def test_the_work_ends_when_the_client_goes_away(url: str, gate: Gate) -> None:
    gate.down = None
    gate.journal.clear()
    async with httpx2.AsyncClient(headers=AUTHORIZED) as http:
        with pytest.raises(httpx2.ReadTimeout):
            await http.post(url, json={"query": "{ slow }"}, timeout=0.2)
    assert await asyncio.to_thread(eventually, lambda: gate.journal == ["cancelled"])


async def test_a_query_that_takes_a_while_is_answered(http: httpx2.AsyncClient, url: str) -> None:
    """Looking for the client's going away doesn't disturb the work or the connection."""
    for _ in range(2):
        answer = await ask(http, url, "{ slow(seconds: 0.7) }")
        assert answer.json() == {"data": {"slow": "done"}}


async def test_a_browser_is_led_to_the_page(url: str) -> None:
    page = {"Accept": "text/html,application/xhtml+xml;q=0.9"}
    async with httpx2.AsyncClient(headers=page) as browser:
        answer = await browser.get(url)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/graphiql"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL};q=0.5, {JSON}", JSON),
        (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL),
        (f"{GRAPHQL}, application/graphql+json, {JSON}, text/event-stream", GRAPHQL),
        (f"text/event-stream, {JSON}; q=0.1", JSON),
        ("text/event-stream, */*;q=0.1", JSON),
        (f"{JSON};q=0", None),
        (f"{JSON};q=x", None),
        ("text/html", None),
    ],
)
def test_the_media_type_is_the_one_the_client_likes_best(
    accept: str | None, media_type: str | None
) -> None:
    assert accepted(accept) == media_type
