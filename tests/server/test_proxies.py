"""Operators are told of proxies that they have forgotten to name."""

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from structlog.testing import capture_logs

from app.main import proxies
from app.settings import Settings


async def test_a_proxy_that_is_not_trusted_is_told_of_once() -> None:
    answer = PlainTextResponse("")
    app = Starlette(routes=[Route("/", lambda _: answer)], middleware=proxies(Settings()))
    transport = httpx2.ASGITransport(app)
    with capture_logs() as logs:
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            await client.get("/")
            assert logs == []
            for _ in range(2):
                await client.get("/", headers={"X-Forwarded-For": "192.0.2.7"})
    assert [entry["event"] for entry in logs] == ["proxy_not_trusted"]


@pytest.mark.parametrize(
    ("public_url", "scheme"),
    [(None, "http"), ("http://abokonto.test", "http"), ("https://abokonto.test", "https")],
)
async def test_cookies_are_for_https_where_browsers_know_us_by_it(
    public_url: str | None, scheme: str
) -> None:
    async def echo(request: Request) -> Response:
        return PlainTextResponse(request.url.scheme)

    middleware = proxies(Settings(public_url=public_url))
    app = Starlette(routes=[Route("/", echo)], middleware=middleware)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/")).text == scheme
