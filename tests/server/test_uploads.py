"""Files in requests: what comes in, what is refused, and how little of it is ever held."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route

from app.auth.cookies import PREFLIGHT_HEADERS
from app.domain.files.checks import MOST_FILE_BYTES
from app.main import cors
from app.scalars import UploadedFile
from app.settings import Settings
from tests.asgi import client_of
from tests.processes import eventually
from tests.server.endpoint import TOKEN, serving
from tests.server.forms import (
    BOUNDARY,
    CONTENT_TYPE,
    MUTATION,
    PREFLIGHT,
    form,
    mapped,
    operations,
    part,
    upload,
)
from tests.server.upload_server import server

SERVER = server(max_body_bytes=20_000)
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
HEADERS = {**AUTHORIZED, **PREFLIGHT, "Content-Type": CONTENT_TYPE}
PLACES = {"0": ["variables.files.0"]}
FILE = part("0", b"content", "a.pdf")


async def send(body: bytes, headers: dict[str, str] = HEADERS, **others: Any) -> httpx2.Response:
    async with client_of(SERVER.endpoint) as client:
        return await client.post("/graphql", content=body, headers={**headers, **others})


async def kept(body: bytes) -> list[dict[str, Any]]:
    answer = await send(body)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]["keep"]
    return found


async def test_files_arrive_in_their_places() -> None:
    assert await kept(upload(("Größe.pdf", b"\r\n--\x00\xff"), ("b.png", b""))) == [
        {"name": "Größe.pdf", "bytes": 6, "sizeBytes": 6},
        {"name": "b.png", "bytes": 0, "sizeBytes": 0},
    ]


async def test_a_file_may_stand_in_two_places() -> None:
    places = {"x": ["variables.files.0", "variables.files.1"]}
    body = form(operations(2), mapped(places), part("x", b"twice", "a.pdf"))
    assert [file["bytes"] for file in await kept(body)] == [5, 5]


async def test_files_may_come_in_another_order_than_the_map_has() -> None:
    places = {"a": ["variables.files.0"], "b": ["variables.files.1"]}
    body = form(operations(2), mapped(places), part("b", b"b", "b.pdf"), part("a", b"", "a.pdf"))
    assert [file["name"] for file in await kept(body)] == ["a.pdf", "b.pdf"]


async def test_a_query_takes_files_as_well() -> None:
    query = "query($file: Upload!) { size(file: $file) }"
    first = part("operations", json.dumps({"query": query, "variables": {"file": None}}))
    answer = await send(form(first, mapped({"0": ["variables.file"]}), FILE))
    assert answer.json() == {"data": {"size": 7}}


@pytest.mark.parametrize("size", [MOST_FILE_BYTES - 1, MOST_FILE_BYTES])
async def test_a_file_up_to_the_limit_is_kept(size: int) -> None:
    (file,) = await kept(upload(("a.pdf", b"x" * size)))
    assert (file["bytes"], file["sizeBytes"]) == (size, size)


async def test_of_a_larger_file_nothing_is_kept_but_its_size() -> None:
    large = b"x" * (MOST_FILE_BYTES + 1)
    first, second = await kept(upload(("large.pdf", large), ("small.pdf", b"small")))
    assert first == {"name": "large.pdf", "bytes": 0, "sizeBytes": MOST_FILE_BYTES + 1}
    assert second == {"name": "small.pdf", "bytes": 5, "sizeBytes": 5}


async def test_five_whole_files_are_taken_and_six_are_not() -> None:
    whole = ("a.pdf", b"x" * MOST_FILE_BYTES)
    assert [file["bytes"] for file in await kept(upload(*[whole] * 5))] == [MOST_FILE_BYTES] * 5
    answer = await send(upload(*[("a.pdf", b"x")] * 6))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] == "A request has at most 5 files."


def broken(body: bytes) -> bytes:
    return body[: len(body) // 2]


MALFORMED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "a form that can be read"),
    "no form": (b'{"query": "{ hello }"}', "a form that can be read"),
    "an empty form": (form(), "`operations` and `map`"),
    "half of it": (broken(upload(("a.pdf", b"x" * 1_000))), "a form that can be read"),
    "no operations": (form(mapped(PLACES), FILE), "in this order"),
    "no map": (form(operations(), FILE), "in this order"),
    "nothing but operations": (form(operations()), "`operations` and `map`"),
    "the file first": (form(FILE, operations(), mapped(PLACES)), "in this order"),
    "the map first": (form(mapped(PLACES), operations(), FILE), "in this order"),
    "operations twice": (form(operations(), operations(), FILE), "in this order"),
    "a file that isn't mapped": (
        form(operations(), mapped(PLACES), FILE, part("1", b"", "b.pdf")),
        "doesn't name the part `1`",
    ),
    "a mapped file that is missing": (form(operations(), mapped(PLACES)), "which is missing"),
    "a file twice": (form(operations(), mapped(PLACES), FILE, FILE), "there twice"),
    "no file name": (form(operations(), mapped(PLACES), part("0", b"x")), "no file"),
    "an empty file name": (form(operations(), mapped(PLACES), part("0", b"x", "")), "no file"),
    "only an extended file name": (
        form(
            operations(),
            mapped(PLACES),
            b"Content-Disposition: form-data; name=\"0\"; filename*=UTF-8''a.pdf\r\n\r\nx",
        ),
        "no file",
    ),
    "a part without a name": (
        form(operations(), mapped(PLACES), part(None, b"x", "a.pdf")),
        "doesn't name the part ``",
    ),
    "a part without a disposition": (form(b"X: y\r\n\r\nx"), "Content-Disposition"),
    "operations that are no JSON": (form(part("operations", "{")), "isn't valid JSON"),
    "a map that is no JSON": (form(operations(), part("map", "{")), "isn't valid JSON"),
    "a batch": (form(part("operations", "[{}]"), mapped({}), FILE), "Batches"),
    "operations without a query": (form(part("operations", "{}")), "`query`"),
    "operations that are a text": (form(part("operations", '"x"')), "must be a JSON object"),
    "a map that is a list": (form(operations(), mapped([]), FILE), "Batches"),
    "a map that is null": (form(operations(), mapped(None), FILE), "must be a JSON object"),
    "a map to a text": (form(operations(), mapped({"0": "variables.files.0"})), "list of paths"),
    "a map to nothing": (form(operations(), mapped({"0": []}), FILE), "list of paths"),
    "a map to a number": (form(operations(), mapped({"0": [0]}), FILE), "list of paths"),
    "two files for one place": (
        form(operations(), mapped({**PLACES, "1": ["variables.files.0"]}), FILE),
        "`variables.files.0` twice",
    ),
    "one place written in two ways": (
        form(operations(2), mapped({**PLACES, "1": ["variables.files.00"]}), FILE),
        "no place",
    ),
    "encoded": (
        form(
            operations(),
            mapped(PLACES),
            part("0", "eA==", "a.pdf", "Content-Transfer-Encoding: base64"),
        ),
        "must not be encoded",
    ),
    "a header without an end": (form(operations(), b"X: " + b"y" * 5_000), "header"),
    "headers without number": (form(b"X: y\r\n" * 100 + b"\r\nx"), "header"),
    "a file name that is no UTF-8": (
        form(
            operations(),
            mapped(PLACES),
            b'Content-Disposition: form-data; name="0"; filename="\xff.pdf"\r\n\r\nx',
        ),
        "decode",
    ),
    "too many parts": (
        form(operations(5), mapped({}), *[part(None, b"", "a.pdf")] * 9),
        "doesn't name the part",
    ),
}

NO_PLACES = [
    "query",
    "variables",
    "operationName.x",
    "variables.",
    "variables.none",
    "variables.files",
    "variables.files.",
    "variables.files.1",
    "variables.files.-1",
    "variables.files.x",
    "variables.files.²",
    "variables.files.9999999999999999999",
    "variables.files.0.0",
    "variables.files.length",
    "0.variables.files.0",
    "",
]


@pytest.mark.parametrize(("body", "message"), MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_malformed_request_is_refused(body: bytes, message: str) -> None:
    answer = await send(body)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {"code": "BAD_REQUEST"}
    assert message in error["message"]


@pytest.mark.parametrize("path", NO_PLACES)
async def test_a_file_has_no_other_place_than_null_in_the_variables(path: str) -> None:
    answer = await send(form(operations(), mapped({"0": [path]}), FILE))
    assert answer.status_code == 400
    assert f"`{path}`" in answer.json()["errors"][0]["message"]


async def test_a_place_must_be_null() -> None:
    variables = {"files": ["x"]}
    first = part("operations", json.dumps({"query": MUTATION, "variables": variables}))
    answer = await send(form(first, mapped(PLACES), FILE))
    assert answer.status_code == 400
    assert "must be null" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("value", ["x", 1, True, {"name": "a.pdf"}, [None]])
async def test_json_is_no_file(value: Any) -> None:
    body = {"query": MUTATION, "variables": {"files": [value]}}
    async with client_of(SERVER.endpoint) as client:
        answer = await client.post("/graphql", json=body, headers=AUTHORIZED)
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {"code": "BAD_REQUEST"}
    assert "data" not in answer.json()


async def test_a_literal_is_no_file() -> None:
    body = {"query": 'mutation { keep(files: ["x"]) { name } }'}
    async with client_of(SERVER.endpoint) as client:
        answer = await client.post("/graphql", json=body, headers=AUTHORIZED)
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
    assert "multipart request" in error["message"]


def test_a_file_has_no_text_form() -> None:
    file = UploadedFile("Müller.pdf", "text/plain", b"secret", 6)
    assert "Müller" not in repr(file)
    assert "secret" not in f"{file}"


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"GraphQL-Require-Preflight": ""}, 400, "GraphQL-Require-Preflight"),
        ({"Content-Type": "multipart/form-data"}, 400, "boundary"),
        ({"Content-Type": "multipart/form-data; boundary="}, 400, "boundary"),
        ({"Content-Type": f"multipart/form-data; boundary={'x' * 71}"}, 400, "boundary"),
        ({"Content-Type": "multipart/form-data; boundary=other"}, 400, "form"),
        ({"Content-Type": "multipart/mixed; boundary=x"}, 415, "application/json"),
        ({"Content-Encoding": "gzip"}, 415, "Compressed"),
        ({"Accept": "text/html;q=0"}, 406, "Answers are"),
    ],
)
async def test_headers_that_are_wrong(headers: dict[str, str], status: int, message: str) -> None:
    answer = await send(upload(("a.pdf", b"x")), {**HEADERS, **headers})
    assert answer.status_code == status
    assert message in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("name", ["Apollo-Require-Preflight", "graphql-require-preflight"])
async def test_either_preflight_header_will_do(name: str) -> None:
    headers = {**AUTHORIZED, "Content-Type": CONTENT_TYPE, name: "true"}
    answer = await send(upload(("a.pdf", b"x")), headers)
    assert answer.status_code == 200


async def test_only_post_brings_files() -> None:
    async with client_of(SERVER.endpoint) as client:
        answer = await client.request(
            "PUT", "/graphql", content=upload(("a.pdf", b"x")), headers=HEADERS
        )
    assert answer.status_code == 405


@pytest.mark.parametrize("part_name", ["operations", "map"])
async def test_what_is_no_file_has_a_limit_of_its_own(part_name: str) -> None:
    blank = " " * SERVER.endpoint._settings.max_body_bytes
    parts = [operations(), mapped(PLACES), FILE]
    parts[part_name == "map"] += blank.encode()
    answer = await send(form(*parts))
    assert answer.status_code == 413


async def test_a_body_larger_than_all_files_together_is_refused() -> None:
    whole = b"x" * MOST_FILE_BYTES
    answer = await send(upload(("a.pdf", whole * 6)))
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"


async def test_front_ends_of_other_origins_may_send_the_preflight_headers() -> None:
    origin = "https://front.example"
    application = Starlette(
        routes=[Route("/graphql", SERVER.endpoint)],
        middleware=cors(Settings(cors_origins=(origin,))),
    )
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ", ".join(name.lower() for name in PREFLIGHT_HEADERS),
    }
    async with client_of(application) as client:
        answer = await client.options("/graphql", headers=asked)
    assert answer.status_code == 200
    assert set(PREFLIGHT_HEADERS) <= set(answer.headers["access-control-allow-headers"].split(", "))


def request(headers: dict[str, str], body: bytes = b"") -> bytes:
    lines = ["POST / HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def connected(url: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def all_of(connection: socket.socket) -> bytes:
    chunks = []
    try:
        while chunk := connection.recv(65_536):
            chunks.append(chunk)
    except ConnectionResetError:
        # What we sent was not read, and that is how TCP says so.
        pass
    return b"".join(chunks)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(server(upload_timeout_seconds=0.5).endpoint) as url:
        yield url


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer other"}])
def test_nobody_unknown_is_asked_for_the_body(url: str, headers: dict[str, str]) -> None:
    length = {"Content-Length": "1000000000", "Expect": "100-continue"}
    with connected(url) as connection:
        told = {**PREFLIGHT, "Content-Type": CONTENT_TYPE, **length, **headers}
        connection.sendall(request(told))
        answer = all_of(connection)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"connection: close" in answer


def test_a_known_client_is_asked_for_it(url: str) -> None:
    body = upload(("a.pdf", b"x"))
    length = {"Content-Length": str(len(body)), "Expect": "100-continue", "Connection": "close"}
    with connected(url) as connection:
        connection.sendall(request({**HEADERS, **length}))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert b'"name":"a.pdf"' in all_of(connection)


def test_a_body_that_does_not_arrive_in_time_is_not_waited_for(url: str) -> None:
    with connected(url) as connection:
        connection.sendall(request({**HEADERS, "Content-Length": "5000"}, form(operations())[:100]))
        answer = all_of(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"TIMEOUT"' in answer


def test_a_client_that_gives_up_leaves_nothing_behind(url: str) -> None:
    with connected(url) as connection:
        connection.sendall(request({**HEADERS, "Content-Length": "5000"}, form(operations())[:100]))
    with connected(url) as connection:
        body = upload(("a.pdf", b"x"))
        headers = {**HEADERS, "Content-Length": str(len(body)), "Connection": "close"}
        connection.sendall(request(headers, body))
        assert all_of(connection).startswith(b"HTTP/1.1 200 ")


@pytest.fixture(scope="module")
def process() -> Iterator[tuple[str, int]]:
    """The address of a server in a process of its own, and its id."""
    command = [sys.executable, "-m", "tests.server.upload_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        url = f"http://127.0.0.1:{running.stdout.readline().strip()}"
        yield url, running.pid
        running.terminate()


def peak_bytes(process: int) -> int:
    """The most memory that a process has had."""
    (line,) = (
        line
        for line in Path(f"/proc/{process}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    return int(line.split()[1]) * 1024


def pour(connection: socket.socket, begin: bytes, piece: bytes, total: int) -> int:
    """Send until the other side has enough; how much it took."""
    sent = 0
    try:
        connection.sendall(begin)
        while sent < total:
            connection.sendall(piece)
            sent += len(piece)
    except (ConnectionResetError, BrokenPipeError):
        pass
    return sent


TWO_GIGABYTES = 2 * 1024**3
BEGIN = upload(("a.pdf", b"")).removesuffix(b"\r\n--%b--\r\n" % BOUNDARY.encode())


@pytest.mark.parametrize("chunked", [False, True], ids=["of known length", "in chunks"])
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's peak")
def test_two_gigabytes_take_no_memory(process: tuple[str, int], *, chunked: bool) -> None:
    url, number = process
    small = upload(("a.pdf", b"x"))
    with connected(url) as connection:
        headers = {**HEADERS, "Content-Length": str(len(small)), "Connection": "close"}
        connection.sendall(request(headers, small))
        assert all_of(connection).startswith(b"HTTP/1.1 200 ")
    before = peak_bytes(number)
    with connected(url) as connection:
        piece = b"x" * 100_000
        if chunked:
            begin = request({**HEADERS, "Transfer-Encoding": "chunked"})
            begin += b"%x\r\n%b\r\n" % (len(BEGIN), BEGIN)
            piece = b"%x\r\n%b\r\n" % (len(piece), piece)
        else:
            begin = request({**HEADERS, "Content-Length": str(TWO_GIGABYTES)}, BEGIN)
        sent = pour(connection, begin, piece, TWO_GIGABYTES)
        assert sent < TWO_GIGABYTES / 20
    assert peak_bytes(number) - before < 5_000_000
    with connected(url) as connection:
        # It is still there, for everyone else.
        assert eventually(lambda: Path(f"/proc/{number}").exists())
        connection.sendall(request({**HEADERS, "Content-Length": "0", "Connection": "close"}))
        assert all_of(connection).startswith(b"HTTP/1.1 400 ")


pieces = st.sampled_from(
    [
        f"--{BOUNDARY}".encode(),
        f"--{BOUNDARY}--".encode(),
        b"\r\n",
        b"\n",
        operations(),
        mapped(PLACES),
        FILE,
        b'Content-Disposition: form-data; name="map"',
        b'{"0": ["variables.files.0"]}',
        b'; filename="a.pdf"',
    ]
)


@settings(derandomize=True, deadline=None)
@given(parts=st.lists(pieces | st.binary(max_size=20), max_size=12), cut=st.integers(1, 200))
async def test_whatever_bytes_arrive_however_divided(parts: list[bytes], cut: int) -> None:
    body = b"".join(parts)

    async def chunks() -> Any:
        for start in range(0, len(body), cut):
            yield body[start : start + cut]
            await asyncio.sleep(0)

    async with client_of(SERVER.endpoint) as client:
        answer = await client.post("/graphql", content=chunks(), headers=HEADERS)
    assert answer.status_code in {200, 400}
    for error in answer.json().get("errors", []):
        assert error["extensions"]["code"] == "BAD_REQUEST"
