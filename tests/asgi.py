"""ASGI applications in the test's own process: their life, and a client without a network."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from starlette.types import ASGIApp, Message


@asynccontextmanager
async def lifespan(application: ASGIApp) -> AsyncIterator[None]:
    """Start the application up, and shut it down after the block.

    Both happen in one task of their own: a lifespan may hold cancel scopes, which can't be
    entered in one task and left in another.
    """
    incoming: asyncio.Queue[Message] = asyncio.Queue()
    outgoing: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    task = asyncio.ensure_future(application(scope, incoming.get, outgoing.put))

    async def step(name: str) -> None:
        await incoming.put({"type": f"lifespan.{name}"})
        answer = asyncio.create_task(outgoing.get())
        await asyncio.wait({task, answer}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            await task
        assert answer.result()["type"] == f"lifespan.{name}.complete", answer.result()

    await step("startup")
    try:
        yield
    finally:
        await step("shutdown")
        await task


def client_of(application: ASGIApp) -> httpx2.AsyncClient:
    """A client that calls an application; use it as a context manager."""
    transport = httpx2.ASGITransport(application)
    return httpx2.AsyncClient(transport=transport, base_url="http://testserver")
