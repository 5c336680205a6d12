"""How errors become answers: what was raised on purpose is told, what wasn't is masked."""

import traceback
from collections.abc import Iterator
from secrets import token_hex
from types import TracebackType
from typing import Any

import structlog
from graphql import GraphQLError, GraphQLFormattedError

from app.errors import UNAVAILABLE, ApiError, ErrorCode

log = structlog.get_logger("abokonto.faults")

_MASKED = {
    ErrorCode.INTERNAL: "Something went wrong on our side.",
    ErrorCode.UNAVAILABLE: UNAVAILABLE,
    ErrorCode.TIMEOUT: "The request took too long.",
}
_KNOWN_CODES = frozenset(code.value for code in ErrorCode)
_COERCIONS = frozenset({"get_argument_values", "get_directive_values"})

_QUERY_CANCELED = "57014"
_UNAVAILABLE_STATES = ("08", "53", "57P")
"""SQLSTATE classes: connection, resources, and an administrator's shutdown."""


def answer_for(error: BaseException) -> GraphQLFormattedError:
    """An error that ended the request, as the client sees it."""
    if isinstance(error, ApiError):
        return error.formatted
    return masked(error)


def field_error(error: GraphQLError) -> GraphQLFormattedError:
    """An error of a field, as the client sees it.

    An error with one of our codes was raised on purpose, and graphql-core's complaint about an
    argument is the client's to read. All else may quote anything and is masked.
    """
    if (error.extensions or {}).get("code") in _KNOWN_CODES:
        return error.formatted
    cause = error.original_error or error
    if isinstance(cause, GraphQLError) and _from_arguments(cause.__traceback__):
        answer = error.formatted
        answer["extensions"] = {"code": ErrorCode.BAD_REQUEST.value}
        return answer
    answer = masked(cause, path=error.path)
    if error.locations is not None:
        answer["locations"] = [location.formatted for location in error.locations]
    if error.path is not None:
        answer["path"] = error.path
    return answer


def masked(error: BaseException, **details: Any) -> GraphQLFormattedError:
    """Log an error under a new id, and give an answer that tells the id and no more."""
    code = code_of(error)
    error_id = token_hex(8)
    log.error("fault", id=error_id, code=code.value, error=describe(error), **details)
    return {"message": _MASKED[code], "extensions": {"code": code.value, "id": error_id}}


def code_of(error: BaseException) -> ErrorCode:
    """Whether an error is a bug, or something we depend on is away or slow."""
    for cause in causes(error):
        state = getattr(cause, "sqlstate", None)
        if state == _QUERY_CANCELED:
            return ErrorCode.TIMEOUT
        if isinstance(state, str):
            away = state.startswith(_UNAVAILABLE_STATES)
            return ErrorCode.UNAVAILABLE if away else ErrorCode.INTERNAL
        if isinstance(cause, OSError) or _lost_connection(cause):
            return ErrorCode.UNAVAILABLE
    return ErrorCode.INTERNAL


def _lost_connection(error: BaseException) -> bool:
    """Whether asyncpg says that there is no connection to be had."""
    kind = type(error)
    return (kind.__module__.partition(".")[0], kind.__name__) in {
        ("asyncpg", "ConnectionDoesNotExistError"),
        ("asyncpg", "InterfaceError"),
    }


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what caused it, outermost first."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        wrapped = getattr(current, "orig", None) or getattr(current, "original_error", None)
        current = wrapped or current.__cause__ or current.__context__


def describe(error: BaseException) -> list[str]:
    """Where each error in the chain was raised, without its message.

    Messages of Python and PostgreSQL quote values, and values may be personal data.
    """
    lines: list[str] = []
    for cause in causes(error):
        state = getattr(cause, "sqlstate", None)
        lines.append(f"{type(cause).__qualname__}{f' {state}' if state else ''}")
        lines += [
            f"  {frame.filename}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(cause.__traceback__)
        ]
    return lines


def _from_arguments(trace: TracebackType | None) -> bool:
    """Whether an error was raised while a field's arguments were read."""
    while trace is not None:
        if trace.tb_frame.f_code.co_name in _COERCIONS:
            return True
        trace = trace.tb_next
    return False
