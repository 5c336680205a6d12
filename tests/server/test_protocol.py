"""A request holds only so much beside its body, and a body is free to come in pieces."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from app.server.protocol import MOST_HEADER_BYTES, LimitedHttpProtocol
from tests.server.endpoint import TOKEN, endpoint

HEAD = (
    b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Authorization: Bearer " + TOKEN.encode() + b"\r\n"
)
BODY = b'{"query": "{ hello }"}'
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
ENDLESS = b"x" * 8_000_000


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """Where a server with the protocol listens."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        endpoint(), http=LimitedHttpProtocol, lifespan="off", log_config=None, ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listener.getsockname()
    server.should_exit = True
    thread.join()


def exchange(address: tuple[str, int], *pieces: bytes) -> tuple[bytes, int]:
    """What comes back, and how much of what was sent was taken."""
    taken = 0
    with socket.create_connection(address, timeout=10) as connection:
        try:
            for piece in pieces:
                for start in range(0, len(piece), 10_000):
                    connection.sendall(piece[start : start + 10_000])
                    taken += len(piece[start : start + 10_000])
        except OSError:
            # The server has hung up.
            pass
        answer = b""
        try:
            while received := connection.recv(65_536):
                answer += received
        except ConnectionResetError:
            pass
    return answer, taken


@pytest.mark.parametrize(
    "pieces",
    [
        (HEAD, b"X: ", ENDLESS),
        (HEAD, b"X: y\r\n" * 1_000_000),
        (b"GET /", ENDLESS),
        (CHUNKED, b"0\r\nX: ", ENDLESS),
        (CHUNKED, b"1;", ENDLESS),
    ],
    ids=["one header", "many headers", "address", "trailer", "chunk extension"],
)
def test_headers_have_an_end(address: tuple[str, int], pieces: tuple[bytes, ...]) -> None:
    answer, taken = exchange(address, *pieces)
    assert b" 200 " not in answer
    assert taken < sum(map(len, pieces))


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (HEAD,),
        (HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY, HEAD),
        # What is left of a body is no request either.
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", b"x"),
    ],
    ids=["nothing", "first request", "second request", "body after the answer"],
)
def test_who_sends_headers_too_slowly_is_hung_up_on(
    address: tuple[str, int], pieces: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.server.protocol.HEAD_SECONDS", 0.3)
    exchange(address, *pieces)  # It would wait for ten seconds, and fail.


def test_a_slow_request_is_no_slow_header(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.server.protocol.HEAD_SECONDS", 0.3)
    asked = HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY)
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(asked)
        time.sleep(0.5)
        connection.sendall(BODY)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_the_refusal_says_why(address: tuple[str, int]) -> None:
    answer, _ = exchange(address, HEAD + b"X: " + b"x" * MOST_HEADER_BYTES)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert answer.endswith(b"too long.")


def test_usual_requests_are_answered(address: tuple[str, int]) -> None:
    framed = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY + b" " * 20_000)
    length = b"Content-Length: %d\r\n\r\n"
    padded = BODY + b" " * 100_000
    answer, _ = exchange(
        address,
        HEAD + b"X: " + b"x" * 30_000 + b"\r\n" + length % len(BODY) + BODY,
        CHUNKED + framed + b"0\r\n\r\n",
        HEAD + length % len(padded) + padded,
        (HEAD + length % len(BODY) + BODY) * 300,
        HEAD + b"Connection: close\r\n" + length % len(BODY) + BODY,
    )
    assert answer.count(b"HTTP/1.1 200 ") == 304
