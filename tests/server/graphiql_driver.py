"""Does in GraphiQL's page what a person would do."""

import asyncio
import json
import time
from typing import Any

from playwright.async_api import Page, expect

# The names under which the page's Monaco keeps the text of its editors.
QUERY = "operation.graphql"
VARIABLES = "variables.json"
HEADERS = "request-headers.json"
RESPONSE = "response.json"

_MODEL = (
    "file => globalThis.__MONACO?.editor.getModels()"
    ".find(model => model.uri.path.endsWith(file))?.getValue() ?? ''"
)

# Typed text would meet the editor's completion and its closing of brackets.
_PASTE = """text => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
}"""


class GraphiQL:
    """GraphiQL in a browser page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def until(self, condition: str, argument: object = None, seconds: float = 15) -> None:
        """Wait until a JavaScript function says yes.

        Playwright's own `wait_for_function` evaluates a string inside the page, which the page's
        Content-Security-Policy refuses.
        """
        deadline = time.monotonic() + seconds
        while not await self.page.evaluate(condition, argument):
            assert time.monotonic() < deadline, f"This did not become true: {condition}"
            await asyncio.sleep(0.05)

    async def open(self, url: str) -> None:
        """Open the page and wait until one can type into its editors."""
        await self.page.goto(url)
        await self.until(f"() => ({_MODEL})('{HEADERS}') !== ''")
        await expect(self.page.locator(".graphiql-query-editor .view-line").first).to_be_visible()

    async def change_tab(self, name: str) -> None:
        """Switch to the tab with this operation."""
        await self.page.get_by_role("tab", name=name).get_by_role("button", name=name).click()
        await expect(self.page.locator(".graphiql-tab-active")).to_contain_text(name)
        await self.until(f"name => ({_MODEL})('{QUERY}').includes(`query ${{name}}`)", name)
        # GraphiQL looks for the operation's name a tenth of a second after the text changed, and
        # shows nothing of it. A later timer in the same page ends later.
        await self.page.evaluate("() => new Promise(done => setTimeout(done, 200))")

    async def write_query(self, name: str, body: str) -> None:
        """Replace the query by pasting, and wait until the page knows the operation's name."""
        await self._write(".graphiql-query-editor", f"query {name} {body}")
        await expect(self.page.locator(".graphiql-tab-active")).to_contain_text(name)

    async def write_headers(self, text: str) -> None:
        """Replace the headers, which must be shown, by pasting."""
        await self._write(".graphiql-editor-tool .graphiql-editor:not(.hidden)", text)

    async def _write(self, editor: str, text: str) -> None:
        await self.page.locator(f"{editor} .view-lines").first.click()
        await self.page.keyboard.press("Control+A")
        await self.page.evaluate(_PASTE, text)

    async def run(self) -> Any:
        """Press the button that runs the operation, and read the answer."""
        async with self.page.expect_response("**/graphql"):
            await self.page.get_by_role("button", name="Execute query").click()
        await self.until(f"() => ({_MODEL})('{RESPONSE}') !== ''")
        return json.loads(await self.text(RESPONSE))

    async def shows(self, text: str) -> None:
        """Wait until a text stands in the response."""
        await self.until(f"text => ({_MODEL})('{RESPONSE}').includes(text)", text)

    async def text(self, file: str) -> str:
        """What stands in one of the editors."""
        return str(await self.page.evaluate(_MODEL, file))
