"""What a client asks for, read from an HTTP request by the rules of GraphQL over HTTP."""

from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson
from starlette.types import Receive, Scope

from app.server.http import JSON, HttpError, header, read_body

_BAD = HTTPStatus.BAD_REQUEST
_PARAMETERS = frozenset({"query", "variables", "operationName", "extensions"})


class GraphQLRequest(NamedTuple):
    """The parameters of a request; all but the document may be left out or null."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None
    extensions: dict[str, Any] | None


async def read_request(scope: Scope, receive: Receive, most_bytes: int) -> GraphQLRequest:
    """Read the parameters from the body of a POST or the address of a GET.

    Raises:
        HttpError: when the request is not what GraphQL over HTTP describes.
    """
    method = scope["method"]
    if method == "POST":
        _check_content(scope)
        return parameters(read_json(await read_body(scope, receive, most_bytes), "The body"))
    if method == "GET":
        return parameters(_from_address(scope["query_string"], most_bytes))
    raise HttpError(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "Only GET and POST are answered here.",
        {"Allow": "GET, POST"},
    )


def parameters(content: Any) -> GraphQLRequest:
    """Check the types of the parameters; unknown ones are ignored, as the draft demands."""
    if isinstance(content, list):
        raise HttpError(_BAD, "Batches aren't answered: send one operation in a request.")
    if not isinstance(content, dict):
        raise HttpError(_BAD, "The body must be a JSON object.")
    query = content.get("query")
    if not isinstance(query, str):
        raise HttpError(_BAD, "`query` must be there and be a string.")
    operation_name = content.get("operationName")
    if not isinstance(operation_name, str | None):
        raise HttpError(_BAD, "`operationName` must be a string or null.")
    return GraphQLRequest(
        query,
        _object(content, "variables"),
        # Clients that always send the parameter send it empty for a lone operation.
        operation_name or None,
        _object(content, "extensions"),
    )


def _object(content: dict[str, Any], name: str) -> dict[str, Any] | None:
    value = content.get(name)
    if not isinstance(value, dict | None):
        raise HttpError(_BAD, f"`{name}` must be an object or null.")
    return value


def _check_content(scope: Scope) -> None:
    content_type = header(scope, b"content-type") or ""
    media_type, *options = (part.strip().lower() for part in content_type.split(";"))
    if media_type != JSON:
        raise HttpError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The Content-Type must be application/json."
        )
    for option in options:
        name, _, value = option.partition("=")
        if name.strip() == "charset" and value.strip('" ') not in {"utf-8", "utf8"}:
            raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The charset must be UTF-8.")
    refuse_compression(scope)


def refuse_compression(scope: Scope) -> None:
    """Refuse a body that is larger than it looks."""
    if (header(scope, b"content-encoding") or "identity").lower() != "identity":
        raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Compressed bodies aren't accepted.")


def read_json(content: bytes | str, what: str) -> Any:
    """Read JSON; `what` is what a refusal calls it."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        raise HttpError(_BAD, f"{what} isn't valid JSON in UTF-8.") from None


def _from_address(query_string: bytes, most_bytes: int) -> dict[str, Any]:
    if len(query_string) > most_bytes:
        raise HttpError(
            HTTPStatus.REQUEST_URI_TOO_LONG,
            f"The address is longer than the {most_bytes} bytes allowed.",
        )
    content: dict[str, Any] = {}
    for name, value in _pairs(query_string):
        if name not in _PARAMETERS:
            continue
        if name in content:
            raise HttpError(_BAD, f"`{name}` is given twice.")
        if name in {"variables", "extensions"}:
            content[name] = read_json(value, f"`{name}`") if value else None
        else:
            content[name] = value
    return content


def _pairs(query_string: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=50,
        )
    except ValueError:
        raise HttpError(_BAD, "The address isn't a form encoded in UTF-8.") from None
