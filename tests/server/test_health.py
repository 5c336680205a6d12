"""Liveness and readiness, and the lines that requests leave in the log."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from structlog.testing import capture_logs

import app.server.health
from app.server.access_log import AccessLog
from app.server.health import Liveness, Readiness
from tests.asgi import client_of
from tests.server.endpoint import SECRET, TOKEN, endpoint


async def get(application: Starlette, path: str) -> httpx2.Response:
    async with client_of(application) as client:
        return await client.get(path)


def site(**checks: Callable[[], Awaitable[None]]) -> Starlette:
    return Starlette(
        routes=[
            Route("/healthz", Liveness(), methods=["GET"]),
            Route("/readyz", Readiness(checks), methods=["GET"]),
            Route("/graphql", endpoint()),
        ],
        middleware=[Middleware(AccessLog)],
    )


async def fine() -> None:
    """Nothing is wrong."""


async def broken() -> None:
    raise ConnectionRefusedError(SECRET)


async def hanging() -> None:
    await asyncio.sleep(60)


async def test_a_living_process_says_so_whatever_else_is_down() -> None:
    answer = await get(site(database=broken), "/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}


async def test_ready_when_everything_works() -> None:
    answer = await get(site(database=fine, store=fine), "/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {"database": "ok", "store": "ok"}}


async def test_not_ready_tells_what_fails_and_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app.server.health, "_CHECK_SECONDS", 0.05)
    with capture_logs() as logs:
        answer = await get(site(database=broken, store=fine, queue=hanging), "/readyz")
    assert answer.status_code == 503
    checks = {"database": "failed", "store": "ok", "queue": "failed"}
    assert answer.json() == {"status": "unavailable", "checks": checks}
    assert {line["check"] for line in logs} == {"database", "queue"}
    assert "Müller" not in str(logs)


async def test_many_who_ask_cost_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []

    async def look() -> None:
        looks.append(time.monotonic())

    application = site(database=look)
    await asyncio.gather(*(get(application, "/readyz") for _ in range(10)))
    assert len(looks) == 1
    monkeypatch.setattr(app.server.health, "_KEPT_SECONDS", 0.0)
    other = site(database=look)
    await get(other, "/readyz")
    await get(other, "/readyz")
    assert len(looks) == 3


async def test_a_request_leaves_a_line_without_what_it_asked() -> None:
    content = {
        "query": 'query Greeting($n: String!) { a: hello(name: "Huber") hello(name: $n) }',
        "variables": {"n": "Müller"},
    }
    async with client_of(site()) as client:
        with capture_logs() as logs:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            answer = await client.post("/graphql?private=Maier", json=content, headers=headers)
            await client.get("/healthz")
    assert answer.status_code == 200
    (line,) = logs
    assert line.pop("ms") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "POST",
        "path": "/graphql",
        "status": 200,
        "operation": "Greeting",
        "kind": "query",
    }


async def test_every_answer_carries_security_headers() -> None:
    for path in ("/healthz", "/graphql", "/nothing"):
        answer = await get(site(), path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-frame-options"] == "DENY"
