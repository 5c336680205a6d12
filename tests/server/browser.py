"""A real Chromium for tests and pictures, which reaches no other machine."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.async_api import BrowserContext, ConsoleMessage, Page, async_playwright

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Chromium reaches the loopback directly; whatever else it wants of its own accord ends here,
    # because nothing listens on the discard port.
    "--proxy-server=http://127.0.0.1:9",
)


@dataclass
class Observed:
    """What a page did besides being shown."""

    requests: list[str] = field(default_factory=list)
    """Every address asked for, by the page and its workers."""
    complaints: list[str] = field(default_factory=list)
    """Errors and warnings in the console, uncaught exceptions, failed requests."""

    def hosts(self) -> set[str]:
        """The hosts asked for; `data:` and `blob:` addresses have none."""
        return {host for url in self.requests if (host := urlsplit(url).netloc)}


def chromium_path() -> str:
    """Where Chromium is; without it the test fails on CI and is skipped elsewhere."""
    for name in CHROMIUM_NAMES:
        if path := shutil.which(name):
            return path
    message = "Chromium isn't installed (on Debian: apt-get install chromium)."
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@asynccontextmanager
async def open_page(
    color_scheme: Literal["dark", "light"] = "light", width: int = 1440, height: int = 900
) -> AsyncIterator[tuple[Page, Observed]]:
    """A page in a fresh browser profile, and what is observed of it."""
    observed = Observed()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_path(), args=list(CHROMIUM_FLAGS)
        )
        try:
            context = await browser.new_context(
                color_scheme=color_scheme, viewport={"width": width, "height": height}
            )
            _observe(context, observed)
            yield await context.new_page(), observed
        finally:
            await browser.close()


def _observe(context: BrowserContext, observed: Observed) -> None:
    def note_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            observed.complaints.append(f"{message.type}: {message.text}")

    context.on("request", lambda request: observed.requests.append(request.url))
    context.on(
        "requestfailed", lambda request: observed.complaints.append(f"failed: {request.url}")
    )
    context.on("console", note_console)
    context.on("weberror", lambda error: observed.complaints.append(str(error.error)))
