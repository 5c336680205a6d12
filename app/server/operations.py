"""Reading documents and executing their operations, whichever way they came."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeGuard, TypeVar, cast

import strawberry
from graphql import GraphQLFormattedError, GraphQLSchema, OperationType
from graphql.execution.values import VariableValues, get_variable_values
from strawberry.execution import optimized_is_awaitable

from app.context import Client
from app.errors import ApiError, ErrorCode
from app.server.amounts import Amount
from app.server.answers import Outcome, RequestRefused
from app.server.documents import LONGEST_MESSAGE, Document, DocumentCache, Operation
from app.server.executor import FinishedExecutor
from app.server.finished import FinishedAnswer, FinishedReads
from app.server.limits import Limits
from app.server.requests import GraphQLRequest
from app.settings import Settings

Worked = TypeVar("Worked")

OpenContext = Callable[[Client, Document | None], AbstractAsyncContextManager[Any]]
"""Opens what resolvers get as `info.context`, from where the request comes and the document.

It raises `ApiError` UNAUTHENTICATED for whoever it doesn't know. It is called with a document
that may be invalid, and with none when all that matters is who asks.
"""

# Strawberry's check doesn't look at numbers and strings; its type says less than it does.
_is_awaitable = cast("Callable[[Any], TypeGuard[Awaitable[Any]]]", optimized_is_awaitable)


class Operations:
    """Executes operations of one schema, within the limits."""

    def __init__(
        self,
        schema: strawberry.Schema,
        settings: Settings,
        open_context: OpenContext,
        finished: FinishedReads | None = None,
    ) -> None:
        self.schema = schema
        self.open_context = open_context
        self.core: GraphQLSchema = schema._schema  # noqa: SLF001  Strawberry has no public name.
        self._settings = settings
        self._finished = finished
        self.documents = DocumentCache(
            self.core,
            Limits.of(settings),
            count=settings.document_cache_size,
            introspection=settings.introspection,
        )

    async def in_time(self, work: Coroutine[Any, Any, Worked]) -> Worked:
        """Do what a request may take only so long for.

        Raises:
            ApiError: TIMEOUT when it takes longer.
        """
        deadline = asyncio.timeout(self._settings.request_timeout_seconds)
        try:
            async with deadline:
                return await work
        except TimeoutError:
            if not deadline.expired():
                raise
            raise ApiError(ErrorCode.TIMEOUT, "The request took too long.") from None

    async def authenticate(self, client: Client) -> None:
        """Do nothing but look who asks.

        Raises:
            ApiError: UNAUTHENTICATED for whoever is unknown.
        """
        async with self.open_context(client, None):
            pass

    async def document(self, client: Client, source: str) -> Document:
        """The document with a text, for a known caller, unless it is one that was kept."""
        document = self.documents.find(source)
        if document is None:
            # Reading a new document costs time, so nobody unknown can make us do it.
            await self.authenticate(client)
            document = self.documents.prepare(source)
        return document

    def variables(self, operation: Operation, request: GraphQLRequest) -> VariableValues:
        """The request's variables, as the operation declares them.

        Raises:
            RequestRefused: when they are others.
        """
        definitions = operation.node.variable_definitions or ()
        variables = get_variable_values(self.core, definitions, request.variables or {})
        if isinstance(variables, list):
            raise RequestRefused([_bad_variable(error.formatted) for error in variables])
        return variables

    def amount(self, operation: Operation) -> Amount:
        """What the operation asks for, kept with its document."""
        facts, key = operation.document.facts, (Amount, operation.name)
        amount: Amount | None = facts.get(key)
        if amount is None:
            fragments = operation.document.fragments
            amount = facts[key] = Amount(self.core, operation.node, fragments)
        return amount

    async def short_way(
        self, client: Client, operation: Operation, request: GraphQLRequest
    ) -> FinishedAnswer | None:
        """The answer that needs no graphql-core, if there is one.

        Whatever is wrong with the request is left for the long way to report.
        """
        if self._finished is None or operation.kind is OperationType.MUTATION:
            return None
        definitions = operation.node.variable_definitions or ()
        raw = request.variables or {}
        variables = get_variable_values(self.core, definitions, raw)
        if isinstance(variables, list):
            return None
        if self.amount(operation).of(variables.coerced) > self._settings.max_values:
            return None
        return await self._finished.answer(client, operation, variables, raw)

    async def execute(self, operation: Operation, request: GraphQLRequest, context: Any) -> Outcome:
        """Execute an operation by graphql-core; of a subscription, one event.

        Raises:
            RequestRefused: when variables are wrong.
            ApiError: QUERY_TOO_COMPLEX when it asks for too much.
        """
        assert operation.document.ast is not None  # noqa: S101  Valid documents have one.
        executor = FinishedExecutor.build(
            self.core,
            operation.document.ast,
            context_value=context,
            raw_variable_values=request.variables,
            operation_name=request.operation_name,
            is_awaitable=_is_awaitable,
            hide_suggestions=not self._settings.introspection,
        )
        if isinstance(executor, list):
            raise RequestRefused([_bad_variable(error.formatted) for error in executor])
        amount = self.amount(operation)
        amount.check(executor.variable_values.coerced, self._settings.max_values)
        result: Any = executor.execute_operation()
        if _is_awaitable(result):
            result = await result
        # Finished JSON leaves its errors with the context, since graphql-core does not look in.
        errors = [*(result.errors or ()), *getattr(context, "errors", ())]
        return Outcome(result.data, errors, getattr(context, "cookies", ()))

    async def read(self, client: Client, operation: Operation, request: GraphQLRequest) -> Outcome:
        """Execute an operation that only reads, whichever way; the caller is looked up anew."""
        answered = await self.short_way(client, operation, request)
        if answered is not None:
            return Outcome(answered.finished.data, answered.finished.errors)
        async with self.open_context(client, operation.document) as context:
            return await self.execute(operation, request, context)


def _bad_variable(answer: GraphQLFormattedError) -> GraphQLFormattedError:
    answer["message"] = answer["message"][:LONGEST_MESSAGE]
    answer["extensions"] = {"code": ErrorCode.BAD_REQUEST.value}
    return answer
