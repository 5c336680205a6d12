"""The GraphQL endpoint: GraphQL over HTTP on plain ASGI.

Nothing here knows of a database. Who asks, and what resolvers have at hand, comes from a
function that opens a context for a request.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Any, NamedTuple

from graphql import OperationType
from starlette.types import Receive, Scope, Send

from app.context import Client
from app.errors import ApiError, ErrorCode
from app.server.answers import (
    Answer,
    Outcome,
    RequestRefused,
    answer_of,
    failure,
    refusal,
    request_errors,
)
from app.server.clients import client_of
from app.server.documents import Document, DocumentCache, Operation
from app.server.http import (
    EVENT_STREAM,
    GRAPHQL_RESPONSE,
    JSON,
    ClientDisconnected,
    HttpError,
    accepted,
    accepts_events,
    header,
    send_response,
)
from app.server.operations import Operations
from app.server.public import PublicDocuments
from app.server.requests import GraphQLRequest, read_request
from app.server.sse import as_events, send_events
from app.server.streams import Streams
from app.server.uploads import check_upload, is_upload, read_upload, unread
from app.server.watch import Watch
from app.settings import Settings

_ELSEWHERE = (
    f"Subscriptions are answered to clients that accept {EVENT_STREAM}, and over WebSocket "
    "(graphql-transport-ws), not by a plain HTTP request."
)


class Subscribed(NamedTuple):
    """A subscription to be sent as events."""

    client: Client
    operation: Operation
    request: GraphQLRequest


class GraphQLEndpoint:
    """An ASGI application that answers one path."""

    def __init__(
        self,
        operations: Operations,
        settings: Settings,
        open_public: Callable[[Client], AbstractAsyncContextManager[Any]] | None = None,
        streams: Streams | None = None,
    ) -> None:
        self.operations = operations
        self._open_public = open_public
        self._settings = settings
        self._streams = streams
        self._public = PublicDocuments(operations.core)

    @property
    def documents(self) -> DocumentCache:
        """The documents that are kept."""
        return self.operations.documents

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        media_type = accepted(header(scope, b"accept"))
        if media_type is None and self._wants_page(scope):
            await send_response(send, HTTPStatus.SEE_OTHER, JSON, b"{}", {"Location": "/graphiql"})
            return
        headers: dict[str, str] = {}
        try:
            answer = await self._answer_in_time(scope, receive)
            if isinstance(answer, Subscribed):
                await self._send_events(answer, receive, send)
                return
        except ClientDisconnected:
            return
        except Exception as error:  # noqa: BLE001  Whatever it is, the client gets an answer.
            answer, headers = self._failure(scope, error, media_type or JSON)
        if media_type is None and answer.status == HTTPStatus.OK:
            media_type, answer = EVENT_STREAM, as_events(answer)
        await send_response(
            send, answer.status, media_type or JSON, answer.body, headers, answer.cookies
        )

    def _failure(
        self, scope: Scope, error: Exception, media_type: str
    ) -> tuple[Answer, dict[str, str]]:
        """The answer when an error ended the request, and its headers."""
        if isinstance(error, HttpError):
            return refusal(error.status, error.formatted), error.headers
        if isinstance(error, RequestRefused):
            return request_errors(error.errors, media_type), {}
        answer = failure(error, media_type)
        headers: dict[str, str] = {}
        if answer.status == HTTPStatus.UNAUTHORIZED:
            headers = {"WWW-Authenticate": "Bearer"}
            if is_upload(scope):
                headers |= unread(scope, self._settings)
        return answer, headers

    def _wants_page(self, scope: Scope) -> bool:
        """Whether a person opened the endpoint's address in a browser."""
        return (
            self._settings.graphiql
            and scope["method"] == "GET"
            and "text/html" in (header(scope, b"accept") or "")
        )

    async def _send_events(self, subscribed: Subscribed, receive: Receive, send: Send) -> None:
        assert self._streams is not None  # noqa: S101  Else there was none to be sent.
        opened = self._streams.open(subscribed.client, subscribed.operation, subscribed.request)
        await send_events(opened, receive, send, self._settings.subscription_seconds)

    async def _answer_in_time(self, scope: Scope, receive: Receive) -> Answer | Subscribed:
        accept = header(scope, b"accept")
        if accepted(accept) is None and not accepts_events(accept):
            types = f"{GRAPHQL_RESPONSE}, {JSON} or {EVENT_STREAM}"
            raise HttpError(HTTPStatus.NOT_ACCEPTABLE, f"Answers are {types}.")
        upload = None
        if is_upload(scope):
            # Nobody unknown can make us read anything of a body with files.
            check_upload(scope)
            await self.operations.in_time(self.operations.authenticate(client_of(scope)))
            upload = await read_upload(scope, receive, self._settings)
        return await self.operations.in_time(self._answer(scope, receive, upload))

    async def _answer(
        self, scope: Scope, receive: Receive, upload: GraphQLRequest | None
    ) -> Answer | Subscribed:
        request = upload or await read_request(scope, receive, self._settings.max_body_bytes)
        client = client_of(scope)
        document = self.documents.find(request.query)
        if document is None:
            public = self._public.find(request.query)
            if public is not None and self._open_public is not None:
                async with self._open_public(client) as context:
                    return answer_of(await self._answer_public(scope, public, request, context))
            document = await self.operations.document(client, request.query)
        operation = document.find(request.operation_name)
        if operation is not None and operation.kind is OperationType.QUERY:
            if answer := await self._short_way(scope, receive, client, operation, request):
                return answer
        elif operation is not None and self._is_streamed(operation, scope):
            scope.setdefault("state", {})["operation"] = operation
            return Subscribed(client, operation, request)
        return answer_of(await self._long_way(scope, receive, client, document, request))

    def _is_streamed(self, operation: Operation, scope: Scope) -> bool:
        return (
            operation.kind is OperationType.SUBSCRIPTION
            and self._streams is not None
            and accepts_events(header(scope, b"accept"))
        )

    async def _long_way(
        self,
        scope: Scope,
        receive: Receive,
        client: Client,
        document: Document,
        request: GraphQLRequest,
    ) -> Outcome:
        """What graphql-core answers to a known caller."""
        async with self.operations.open_context(client, document) as context:
            operation = _executable(document, request, scope["method"])
            note = scope.setdefault("state", {})
            note["operation"] = operation
            note["principal"] = getattr(context, "principal", None)
            with Watch(receive, enabled=operation.kind is OperationType.QUERY):
                return await self.operations.execute(operation, request, context)

    async def _answer_public(
        self, scope: Scope, document: Document, request: GraphQLRequest, context: Any
    ) -> Outcome:
        """What is answered to anybody, whoever they are."""
        operation = _executable(document, request, scope["method"])
        scope.setdefault("state", {})["operation"] = operation
        return await self.operations.execute(operation, request, context)

    async def _short_way(
        self,
        scope: Scope,
        receive: Receive,
        client: Client,
        operation: Operation,
        request: GraphQLRequest,
    ) -> Answer | None:
        """The answer that needs no graphql-core, if there is one."""
        with Watch(receive):
            answered = await self.operations.short_way(client, operation, request)
        if answered is None:
            return None
        note = scope.setdefault("state", {})
        note["operation"], note["principal"] = operation, answered.principal
        return answer_of(Outcome(answered.finished.data, answered.finished.errors))


def _executable(document: Document, request: GraphQLRequest, method: str) -> Operation:
    """The operation that a plain request asks for.

    Raises:
        RequestRefused: when the document is not valid.
        ApiError: when there is no such operation, or it is none for a plain request.
    """
    if document.errors:
        raise RequestRefused(document.errors)
    operation = document.operation(request.operation_name)
    if operation.kind is OperationType.SUBSCRIPTION:
        raise ApiError(ErrorCode.BAD_REQUEST, _ELSEWHERE)
    if operation.kind is OperationType.MUTATION and method != "POST":
        raise HttpError(
            HTTPStatus.METHOD_NOT_ALLOWED, "A mutation must be sent by POST.", {"Allow": "POST"}
        )
    return operation
