"""Take the README's picture of GraphiQL from a running server.

    python -m tests.server.screenshot var/demo.json docs/graphiql.png

The first argument is the file in which `make run` leaves its addresses and tokens.
"""

import argparse
import asyncio
import json
from pathlib import Path
from typing import Literal

from tests.server.browser import open_page
from tests.server.graphiql_driver import GraphiQL


async def take(
    graphiql_url: str, token: str, picture: Path, color_scheme: Literal["dark", "light"] = "light"
) -> None:
    """Run the first tab's query and photograph it with its answer."""
    async with open_page(color_scheme, width=1440, height=900) as (page, _observed):
        graphiql = GraphiQL(page)
        await graphiql.open(f"{graphiql_url}#token={token}")
        answer = await graphiql.run()
        assert "errors" not in answer, answer["errors"]
        # The button shows that it was clicked, its tip that the pointer is on it.
        await page.mouse.move(720, 890)
        await asyncio.sleep(1)
        picture.parent.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=picture)


def main() -> None:
    """Read the arguments and take the picture."""
    parser = argparse.ArgumentParser(description="Take a picture of GraphiQL.")
    parser.add_argument("demo", type=Path, help="demo.json of a running server")
    parser.add_argument("picture", type=Path, help="the PNG file to write")
    parser.add_argument("--scheme", choices=("light", "dark"), default="light")
    arguments = parser.parse_args()
    demo = json.loads(arguments.demo.read_text())
    asyncio.run(take(demo["graphiql"], demo["staffToken"], arguments.picture, arguments.scheme))


if __name__ == "__main__":
    main()
