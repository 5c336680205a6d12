"""Actions with files: sent as a multipart request, as clients do."""

import json
import secrets
from typing import Any

from PIL.PngImagePlugin import PngInfo

from app.work.action import ACTIONS
from tests.files.genuine import picture, saved
from tests.publisher import Publisher

SELECT = (
    "activity { id kind text pinned author { kind name } attachments {"
    " name contentType size sha256 downloadUrl thumbnailUrl } }"
)
MOST_BYTES = 800_000


def png(size: int = 0) -> bytes:
    """A picture that no other test has, of an exact size where one is given."""
    noted = PngInfo()
    noted.add_text("Comment", secrets.token_hex(16))
    # Some devices fill up their pictures with zeros.
    return saved(picture(), "PNG", pnginfo=noted).ljust(size, b"\0")


async def upload(
    publisher: Publisher,
    customer: str,
    *files: tuple[str, bytes],
    select: str = SELECT,
    token: str | None = None,
    twice: bool = False,
    **given: Any,
) -> dict[str, Any]:
    """Add an activity with files, and give the whole answer; `twice` puts one in two places."""
    asked = {
        "customerId": customer,
        "kind": "LETTER",
        "text": "Siehe Anlage.",
        **given,
        "files": [None] * (2 if twice else len(files)),
    }
    mutation = (
        "mutation ($input: AddActivityInput!) { addActivity(input: $input) {"
        f" {select} userErrors {{ code field message }} }} }}"
    )
    operations = json.dumps({"query": mutation, "variables": {"input": asked}})
    places = {str(place): [f"variables.input.files.{place}"] for place in range(len(files))}
    if twice:
        places["0"].append("variables.input.files.1")
    response = await publisher.client.post(
        "/graphql",
        files=[
            ("operations", (None, operations)),
            ("map", (None, json.dumps(places))),
            *((str(place), file) for place, file in enumerate(files)),
        ],
        headers={
            "Authorization": f"Bearer {token or publisher.token}",
            "GraphQL-Require-Preflight": "1",
        },
        timeout=60,
    )
    answer: dict[str, Any] = response.json()
    return answer


async def add(
    publisher: Publisher, customer: str, *files: tuple[str, bytes], **given: Any
) -> dict[str, Any]:
    """Add an activity with files, and give the payload. What else goes wrong fails the test."""
    answer = await upload(publisher, customer, *files, **given)
    assert "errors" not in answer, answer["errors"]
    payload: dict[str, Any] = answer["data"]["addActivity"]
    assert {error["code"] for error in payload["userErrors"]} <= {*ACTIONS["add_activity"].codes}
    return payload
