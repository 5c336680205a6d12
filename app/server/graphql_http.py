"""The GraphQL endpoint: GraphQL over HTTP on plain ASGI.

Nothing here knows of a database. Who asks, and what resolvers have at hand, comes from a
function that opens a context for a request.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Any, NamedTuple, TypeGuard, TypeVar, cast

import orjson
import strawberry
from graphql import GraphQLError, GraphQLFormattedError, GraphQLSchema, OperationType
from graphql.execution.values import get_variable_values
from starlette.types import Receive, Scope, Send
from strawberry.execution import optimized_is_awaitable

from app.context import Client
from app.errors import ApiError, ErrorCode
from app.server.amounts import Amount
from app.server.clients import client_of
from app.server.documents import LONGEST_MESSAGE, Document, DocumentCache, Operation
from app.server.executor import FinishedExecutor
from app.server.faults import answer_for, field_error
from app.server.finished import FinishedReads
from app.server.http import (
    GRAPHQL_RESPONSE,
    JSON,
    ClientDisconnected,
    HttpError,
    accepted,
    header,
    send_response,
)
from app.server.limits import Limits
from app.server.public import PublicDocuments
from app.server.requests import GraphQLRequest, read_request
from app.server.uploads import check_upload, is_upload, read_upload, unread
from app.settings import Settings

Worked = TypeVar("Worked")

OpenContext = Callable[[Client, Document | None], AbstractAsyncContextManager[Any]]
"""Opens what resolvers get as `info.context`, from where the request comes and the document.

It raises `ApiError` UNAUTHENTICATED for whoever it doesn't know. It is called with a document
that may be invalid, and with none when all that matters is who asks.
"""

_STATUS = {
    ErrorCode.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    ErrorCode.FORBIDDEN: HTTPStatus.FORBIDDEN,
    ErrorCode.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorCode.TIMEOUT: HTTPStatus.GATEWAY_TIMEOUT,
    ErrorCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCode.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
}
_DISCONNECT_CHECK_SECONDS = 0.5

# Strawberry's check doesn't look at numbers and strings; its type says less than it does.
_is_awaitable = cast("Callable[[Any], TypeGuard[Awaitable[Any]]]", optimized_is_awaitable)


class Answer(NamedTuple):
    """What goes back: a status, the body of a GraphQL response as JSON, and cookies to set."""

    status: int
    body: bytes
    cookies: Sequence[str] = ()


class GraphQLEndpoint:
    """An ASGI application that answers one path."""

    def __init__(
        self,
        schema: strawberry.Schema,
        settings: Settings,
        open_context: OpenContext,
        finished: FinishedReads | None = None,
        open_public: Callable[[Client], AbstractAsyncContextManager[Any]] | None = None,
    ) -> None:
        self._finished = finished
        self._open_public = open_public
        self._schema: GraphQLSchema = schema._schema  # noqa: SLF001  Strawberry has no public name.
        self._settings = settings
        self._open_context = open_context
        self.documents = DocumentCache(
            self._schema,
            Limits.of(settings),
            count=settings.document_cache_size,
            introspection=settings.introspection,
        )
        self._public = PublicDocuments(self._schema)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        media_type = accepted(header(scope, b"accept"))
        if media_type is None and self._wants_page(scope):
            await send_response(send, HTTPStatus.SEE_OTHER, JSON, b"{}", {"Location": "/graphiql"})
            return
        headers: dict[str, str] = {}
        try:
            answer = await self._answer_in_time(scope, receive, media_type)
        except ClientDisconnected:
            return
        except HttpError as error:
            answer = _refusal(error.status, error.formatted)
            headers = error.headers
        except Exception as error:  # noqa: BLE001  Whatever it is, the client gets an answer.
            answer = _failure(error, media_type or JSON)
            if answer.status == HTTPStatus.UNAUTHORIZED:
                headers = {"WWW-Authenticate": "Bearer"}
                if is_upload(scope):
                    headers |= unread(scope, self._settings)
        await send_response(
            send, answer.status, media_type or JSON, answer.body, headers, answer.cookies
        )

    def _wants_page(self, scope: Scope) -> bool:
        """Whether a person opened the endpoint's address in a browser."""
        return (
            self._settings.graphiql
            and scope["method"] == "GET"
            and "text/html" in (header(scope, b"accept") or "")
        )

    async def _answer_in_time(
        self, scope: Scope, receive: Receive, media_type: str | None
    ) -> Answer:
        if media_type is None:
            raise HttpError(HTTPStatus.NOT_ACCEPTABLE, f"Answers are {GRAPHQL_RESPONSE} or {JSON}.")
        upload = None
        if is_upload(scope):
            # Nobody unknown can make us read anything of a body with files.
            check_upload(scope)
            await self._in_time(self._authenticate(scope))
            upload = await read_upload(scope, receive, self._settings)
        return await self._in_time(self._answer(scope, receive, media_type, upload))

    async def _in_time(self, work: Coroutine[Any, Any, Worked]) -> Worked:
        deadline = asyncio.timeout(self._settings.request_timeout_seconds)
        try:
            async with deadline:
                return await work
        except TimeoutError:
            if not deadline.expired():
                raise
            raise ApiError(ErrorCode.TIMEOUT, "The request took too long.") from None

    async def _authenticate(self, scope: Scope) -> None:
        async with self._open_context(client_of(scope), None):
            pass

    async def _answer(
        self, scope: Scope, receive: Receive, media_type: str, upload: GraphQLRequest | None
    ) -> Answer:
        request = upload or await read_request(scope, receive, self._settings.max_body_bytes)
        client = client_of(scope)
        document = self.documents.find(request.query)
        if document is None:
            public = self._public.find(request.query)
            if public is not None and self._open_public is not None:
                async with self._open_public(client) as context:
                    return await self._answer_public(scope, public, request, context, media_type)
            # Reading a new document costs time, so nobody unknown can make us do it.
            await self._authenticate(scope)
            document = self.documents.prepare(request.query)
        if answer := await self._short_way(scope, receive, request, document, client):
            return answer
        async with self._open_context(client, document) as context:
            if document.errors:
                return _request_errors(list(document.errors), media_type)
            operation = document.operation(request.operation_name)
            _check_kind(operation, scope["method"])
            note = scope.setdefault("state", {})
            note["operation"] = operation
            note["principal"] = getattr(context, "principal", None)
            with _Watch(receive, enabled=operation.kind is OperationType.QUERY):
                return await self._execute(operation, request, context, media_type)

    async def _answer_public(
        self,
        scope: Scope,
        document: Document,
        request: GraphQLRequest,
        context: Any,
        media_type: str,
    ) -> Answer:
        """The answer to what anybody may ask, whoever they are."""
        if document.errors:
            return _request_errors(list(document.errors), media_type)
        operation = document.operation(request.operation_name)
        _check_kind(operation, scope["method"])
        scope.setdefault("state", {})["operation"] = operation
        return await self._execute(operation, request, context, media_type)

    async def _short_way(
        self,
        scope: Scope,
        receive: Receive,
        request: GraphQLRequest,
        document: Document,
        client: Client,
    ) -> Answer | None:
        """The answer that needs no graphql-core, if there is one.

        Whatever is wrong with the request is left for the long way to report.
        """
        operation = document.find(request.operation_name)
        if self._finished is None or operation is None or operation.kind is not OperationType.QUERY:
            return None
        definitions = operation.node.variable_definitions or ()
        raw = request.variables or {}
        variables = get_variable_values(self._schema, definitions, raw)
        if isinstance(variables, list):
            return None
        if self._amount(operation).of(variables.coerced) > self._settings.max_values:
            return None
        with _Watch(receive, enabled=True):
            answered = await self._finished.answer(client, operation, variables, raw)
        if answered is None:
            return None
        note = scope.setdefault("state", {})
        note["operation"], note["principal"] = operation, answered.principal
        data, errors = answered.finished.data, answered.finished.errors
        return _result(data, errors)

    async def _execute(
        self, operation: Operation, request: GraphQLRequest, context: Any, media_type: str
    ) -> Answer:
        assert operation.document.ast is not None  # noqa: S101  Valid documents have one.
        executor = FinishedExecutor.build(
            self._schema,
            operation.document.ast,
            context_value=context,
            raw_variable_values=request.variables,
            operation_name=request.operation_name,
            is_awaitable=_is_awaitable,
            hide_suggestions=not self._settings.introspection,
        )
        if isinstance(executor, list):
            return _request_errors(
                [_bad_variable(error.formatted) for error in executor], media_type
            )
        amount = self._amount(operation)
        amount.check(executor.variable_values.coerced, self._settings.max_values)
        result: Any = executor.execute_operation()
        if _is_awaitable(result):
            result = await result
        # Finished JSON leaves its errors with the context, since graphql-core does not look in.
        errors = [*(result.errors or ()), *getattr(context, "errors", ())]
        return _result(result.data, errors)._replace(cookies=getattr(context, "cookies", ()))

    def _amount(self, operation: Operation) -> Amount:
        """What the operation asks for, kept with its document."""
        facts, key = operation.document.facts, (Amount, operation.name)
        amount: Amount | None = facts.get(key)
        if amount is None:
            fragments = operation.document.fragments
            amount = facts[key] = Amount(self._schema, operation.node, fragments)
        return amount


class _Watch:
    """Cancels the work on a query when its client goes away.

    Looking costs a task, so it begins only once the work has taken a while.
    """

    def __init__(self, receive: Receive, *, enabled: bool) -> None:
        self._receive = receive
        self._enabled = enabled
        self._watcher: asyncio.Task[None] | None = None
        self._gone = False

    def __enter__(self) -> None:
        if self._enabled:
            self._work = asyncio.current_task()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_DISCONNECT_CHECK_SECONDS, self._begin)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self._enabled:
            return
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if self._gone and kind is asyncio.CancelledError and self._work is not None:
            self._work.uncancel()
            raise ClientDisconnected

    def _begin(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._work is not None:
            self._work.cancel()


def _check_kind(operation: Operation, method: str) -> None:
    if operation.kind is OperationType.SUBSCRIPTION:
        raise ApiError(
            ErrorCode.BAD_REQUEST, "Subscriptions aren't answered by a plain HTTP request."
        )
    if operation.kind is OperationType.MUTATION and method != "POST":
        raise HttpError(
            HTTPStatus.METHOD_NOT_ALLOWED, "A mutation must be sent by POST.", {"Allow": "POST"}
        )


def _bad_variable(answer: GraphQLFormattedError) -> GraphQLFormattedError:
    answer["message"] = answer["message"][:LONGEST_MESSAGE]
    answer["extensions"] = {"code": ErrorCode.BAD_REQUEST.value}
    return answer


def _result(data: dict[str, Any] | None, found: list[GraphQLError]) -> Answer:
    """The answer of an operation that ran. It is 200 unless nothing came of it for our sake."""
    if not found:
        return Answer(HTTPStatus.OK, orjson.dumps({"data": data}))
    errors = _field_errors(found)
    status = HTTPStatus.OK
    if data is None or not any(value is not None for value in data.values()):
        codes = {error.get("extensions", {}).get("code") for error in errors}
        for code in (ErrorCode.UNAVAILABLE, ErrorCode.TIMEOUT):
            if code.value in codes:
                status = _STATUS[code]
    return Answer(status, orjson.dumps({"errors": errors, "data": data}))


def _field_errors(errors: list[GraphQLError]) -> list[GraphQLFormattedError]:
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


def _request_errors(errors: list[GraphQLFormattedError], media_type: str) -> Answer:
    """The answer to a request that can't be executed.

    The draft gives it 400, but 200 for the sake of old clients under application/json.
    """
    status = HTTPStatus.OK if media_type == JSON else HTTPStatus.BAD_REQUEST
    return Answer(status, orjson.dumps({"errors": errors}))


def _refusal(status: HTTPStatus, error: GraphQLFormattedError) -> Answer:
    return Answer(status, orjson.dumps({"errors": [error]}))


def _failure(error: Exception, media_type: str) -> Answer:
    answer = answer_for(error)
    code = ErrorCode(answer["extensions"]["code"])
    status = _STATUS.get(code)
    return _request_errors([answer], media_type) if status is None else _refusal(status, answer)
