"""Multipart bodies, made by hand so that they can be wrong in every way."""

import json
from typing import Any

BOUNDARY = "----a-boundary"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
PREFLIGHT = {"GraphQL-Require-Preflight": "1"}

MUTATION = "mutation($files: [Upload!]!) { keep(files: $files) { name bytes sizeBytes } }"


def part(
    name: str | None, content: bytes | str, file_name: str | None = None, *headers: str
) -> bytes:
    """A part of a form; the names are written as they are."""
    disposition = "Content-Disposition: form-data"
    if name is not None:
        disposition += f'; name="{name}"'
    if file_name is not None:
        disposition += f'; filename="{file_name}"'
    head = "\r\n".join([disposition, *headers, "", ""]).encode()
    return head + (content.encode() if isinstance(content, str) else content)


def form(*parts: bytes) -> bytes:
    """A whole body."""
    return b"".join(b"--%b\r\n%b\r\n" % (BOUNDARY.encode(), each) for each in parts) + (
        b"--%b--\r\n" % BOUNDARY.encode()
    )


def operations(count: int = 1, query: str = MUTATION, **others: Any) -> bytes:
    """The part of the operations, with places for so many files."""
    variables = {"files": [None] * count}
    return part("operations", json.dumps({"query": query, "variables": variables, **others}))


def mapped(paths: Any) -> bytes:
    """The part of the map."""
    return part("map", json.dumps(paths))


def upload(*files: tuple[str, bytes]) -> bytes:
    """The body that a client makes for these files, given as names and contents."""
    places = {str(number): [f"variables.files.{number}"] for number in range(len(files))}
    return form(
        operations(len(files)),
        mapped(places),
        *(
            part(str(number), content, name, "Content-Type: application/pdf")
            for number, (name, content) in enumerate(files)
        ),
    )
