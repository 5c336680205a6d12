"""The errors that clients see.

Three kinds leave the application, and nothing else is raised on purpose:

- `ApiError`: the client broke the protocol, is not who it must be, or asked for what it may not
  have. It becomes a top-level GraphQL error with `extensions.code`.
- refusals of actions, which come back in a payload's `userErrors`;
- everything else is a bug: it is logged with an id, and the client gets `INTERNAL` and that id.
"""

from enum import StrEnum

from graphql import GraphQLError

UNKNOWN_TOKEN = "The token is unknown, expired or revoked."  # noqa: S105  It is a message.
UNAVAILABLE = "The service is unavailable at the moment. Try again soon."


class ErrorCode(StrEnum):
    """The values of `extensions.code` in top-level errors."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    BAD_REQUEST = "BAD_REQUEST"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX"
    RATE_LIMITED = "RATE_LIMITED"
    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


class ApiError(GraphQLError):
    """A fault of the request, told to the client with its code."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message, extensions={"code": code.value})
        self.code = code
