"""What goes back to the client: statuses and bodies of GraphQL responses."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson
from graphql import GraphQLError, GraphQLFormattedError

from app.errors import ErrorCode
from app.server.faults import answer_for, field_error
from app.server.http import JSON

STATUS = {
    ErrorCode.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    ErrorCode.FORBIDDEN: HTTPStatus.FORBIDDEN,
    ErrorCode.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorCode.TIMEOUT: HTTPStatus.GATEWAY_TIMEOUT,
    ErrorCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCode.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
}


class Answer(NamedTuple):
    """What goes back: a status, the body of a GraphQL response as JSON, and cookies to set."""

    status: int
    body: bytes
    cookies: Sequence[str] = ()


class Outcome(NamedTuple):
    """What came of an operation that ran: data as orjson writes it, errors, cookies to set."""

    data: dict[str, Any] | None
    errors: Sequence[GraphQLError] = ()
    cookies: Sequence[str] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether there is no value at all."""
        return self.data is None or not any(value is not None for value in self.data.values())


class RequestRefused(Exception):  # noqa: N818  It is the request's error, not ours.
    """An operation isn't executed, for reasons that the client is told."""

    def __init__(self, errors: Sequence[GraphQLFormattedError]) -> None:
        super().__init__()
        self.errors = list(errors)


def answer_of(outcome: Outcome) -> Answer:
    """The answer of an operation that ran. It is 200 unless nothing came of it for our sake."""
    if not outcome.errors:
        return Answer(HTTPStatus.OK, orjson.dumps({"data": outcome.data}), outcome.cookies)
    errors = field_errors(outcome.errors)
    status = HTTPStatus.OK
    if outcome.is_nothing:
        codes = {error.get("extensions", {}).get("code") for error in errors}
        for code in (ErrorCode.UNAVAILABLE, ErrorCode.TIMEOUT):
            if code.value in codes:
                status = STATUS[code]
    body = orjson.dumps({"errors": errors, "data": outcome.data})
    return Answer(status, body, outcome.cookies)


def field_errors(errors: Sequence[GraphQLError]) -> list[GraphQLFormattedError]:
    """The errors of fields as the client sees them.

    When a statement fails, so does each field that waited for it; that is one fault with one id.
    """
    first: dict[int, GraphQLFormattedError] = {}
    answers = []
    for error in errors:
        cause = id(error.original_error or error)
        known = first.get(cause)
        answer = field_error(error) if known is None else {**known, **_place(error)}
        first.setdefault(cause, answer)
        answers.append(answer)
    return answers


def _place(error: GraphQLError) -> GraphQLFormattedError:
    """Where an error occurred."""
    formatted = error.formatted
    return {key: formatted[key] for key in ("locations", "path") if key in formatted}  # type: ignore[return-value]  # It is a part of one.


def request_errors(errors: Sequence[GraphQLFormattedError], media_type: str) -> Answer:
    """The answer to a request that can't be executed.

    The draft gives it 400, but 200 for the sake of old clients under application/json.
    """
    status = HTTPStatus.OK if media_type == JSON else HTTPStatus.BAD_REQUEST
    return Answer(status, orjson.dumps({"errors": errors}))


def refusal(status: HTTPStatus, error: GraphQLFormattedError) -> Answer:
    """The answer to a request that isn't GraphQL over HTTP."""
    return Answer(status, orjson.dumps({"errors": [error]}))


def failure(error: Exception, media_type: str) -> Answer:
    """The answer when an error ended the request."""
    answer = answer_for(error)
    status = STATUS.get(ErrorCode(answer["extensions"]["code"]))
    return request_errors([answer], media_type) if status is None else refusal(status, answer)
