"""Opens what resolvers have at hand: who asks, and the transaction that the request reads in."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from graphql import GraphQLSchema

from app.auth.tokens import hash_token
from app.context import RequestContext, Services
from app.database import Database, Principal, Reading, Unread
from app.errors import UNKNOWN_TOKEN, ApiError, ErrorCode
from app.resolvers.loaders import RecordLoader
from app.resolvers.selection import Selections
from app.resolvers.statements import StatementCache
from app.server.documents import Document
from app.work.action import Action
from app.work.perform import Performer

LONGEST_TOKEN = 200
TOO_LATE = "The request's other actions took too long: this one was not begun."
"""Said of actions late in a request. Were the request ended in the midst of them, nobody would be
told what the first ones did."""


class Contexts:
    """Opens a context for each request, for whoever holds its token."""

    def __init__(
        self,
        services: Services,
        schema: GraphQLSchema,
        database: Database,
        statements: StatementCache,
        performer: Performer,
    ) -> None:
        self._services = services
        self._schema = schema
        self._database = database
        self._statements = statements
        self._performer = performer
        self._latest_begin = services.settings.request_timeout_seconds / 2
        self.authenticated: Callable[[bytes, Principal], None] | None = None
        """Is told of each caller who was authenticated."""

    def __call__(
        self, authorization: str | None, document: Document | None
    ) -> AbstractAsyncContextManager[RequestContext]:
        """Authenticate, and open a transaction; see `OpenContext`."""
        return self._open(token_of(authorization), document)

    @asynccontextmanager
    async def _open(self, token: str, document: Document | None) -> AsyncIterator[RequestContext]:
        token_hash = hash_token(token)
        async with AsyncExitStack() as stack:
            reading = await stack.enter_async_context(self._database.reading(token_hash))
            if self.authenticated is not None:
                self.authenticated(token_hash, reading.principal)
            loader = RecordLoader(reading, self._statements)
            selections = self._selections(document)
            context = RequestContext(self._services, reading, loader, selections, self._statements)

            begun = time.monotonic()

            async def act(action: Action, input: Any) -> int:
                if time.monotonic() - begun > self._latest_begin:
                    raise ApiError(ErrorCode.TIMEOUT, TOO_LATE)
                # What was seen before is left first, so that no snapshot and no connection is
                # held while the action waits for others.
                await stack.aclose()
                key = await self._performer.perform(action, input, token_hash)
                after: Reading
                try:
                    after = await stack.enter_async_context(self._database.reading(token_hash))
                except Exception as error:  # noqa: BLE001  It is told where something is read.
                    # The action is done, so it must not look as if it had failed.
                    after = Unread(context.principal, error)
                context.see(after, RecordLoader(after, self._statements))
                return key

            async def rehearse(action: Action, rule: Any, input: Any) -> Any:
                return await self._performer.rehearse(action, rule, input, token_hash)

            context.rehearse = rehearse
            context.act = act
            context.disclose = self._services.disclosing(token_hash)
            yield context

    def _selections(self, document: Document | None) -> Selections:
        """What the document's fields select, worked out once per document."""
        if document is None or document.ast is None:
            return Selections(self._schema, {})
        known = document.facts.get(Selections)
        if known is None:
            known = document.facts[Selections] = Selections(self._schema, document.fragments)
        selections: Selections = known
        return selections


def token_of(authorization: str | None) -> str:
    """The bearer token in an Authorization header.

    Raises:
        ApiError: UNAUTHENTICATED when there is none.
    """
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise ApiError(
            ErrorCode.UNAUTHENTICATED, "Send a token in the header `Authorization: Bearer <token>`."
        )
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise ApiError(ErrorCode.UNAUTHENTICATED, UNKNOWN_TOKEN)
    return token
