"""Opens what resolvers have at hand: who asks, and the transaction that the request reads in."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Any, TypeVar

from graphql import GraphQLSchema

from app.auth.cookies import NEEDS_PREFLIGHT
from app.auth.tokens import hash_token
from app.context import Client, Done, PublicContext, RequestContext, Services
from app.database import Credentials, Database, Principal, Reading, Unread
from app.errors import UNKNOWN_TOKEN, ApiError, ErrorCode
from app.resolvers.loaders import RecordLoader
from app.resolvers.selection import Selections
from app.resolvers.statements import StatementCache
from app.server.documents import Document
from app.server.http import HttpError
from app.work.action import Action
from app.work.perform import Performer

Result = TypeVar("Result")

Authenticated = Callable[[Credentials, Principal], None]
"""Is told of each caller who was authenticated."""

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
        authenticated: Authenticated,
    ) -> None:
        self._services = services
        self._schema = schema
        self._database = database
        self._statements = statements
        self._performer = performer
        self._latest_begin = services.settings.request_timeout_seconds / 2
        self.authenticated = authenticated

    def __call__(
        self, client: Client, document: Document | None
    ) -> AbstractAsyncContextManager[RequestContext]:
        """Authenticate, and open a transaction; see `OpenContext`."""
        return self._open(credentials_of(client), client, document)

    @asynccontextmanager
    async def _open(
        self, credentials: Credentials, client: Client, document: Document | None
    ) -> AsyncIterator[RequestContext]:
        async with AsyncExitStack() as stack:
            reading = await stack.enter_async_context(self._database.reading(credentials))
            self.authenticated(credentials, reading.principal)
            context = RequestContext(
                self._services,
                credentials,
                client,
                reading,
                RecordLoader(reading, self._statements),
                self._selections(document),
                self._statements,
            )
            begun = time.monotonic()

            async def apart(work: Callable[[], Awaitable[Result]]) -> Result:
                if time.monotonic() - begun > self._latest_begin:
                    raise ApiError(ErrorCode.TIMEOUT, TOO_LATE)
                # What was seen before is left first, so that no snapshot and no connection is
                # held while the action waits for others.
                await stack.aclose()
                result = await work()
                after: Reading
                try:
                    after = await stack.enter_async_context(self._database.reading(credentials))
                except Exception as error:  # noqa: BLE001  It is told where something is read.
                    # The action is done, so it must not look as if it had failed.
                    after = Unread(context.principal, error)
                context.see(after, RecordLoader(after, self._statements))
                return result

            async def act(action: Action, input: Any) -> Done:
                return await apart(lambda: self._performer.perform(action, input, credentials))

            async def rehearse(action: Action, rule: Any, input: Any) -> Any:
                return await self._performer.rehearse(action, rule, input, credentials)

            context.apart, context.act, context.rehearse = apart, act, rehearse
            context.disclose = self._services.disclosing(credentials)
            yield context

    @asynccontextmanager
    async def public(self, client: Client) -> AsyncIterator[PublicContext]:
        """What signing in has at hand; nothing is read and nobody authenticated."""
        yield PublicContext(self._services, client)

    def _selections(self, document: Document | None) -> Selections:
        """What the document's fields select, worked out once per document."""
        if document is None or document.ast is None:
            return Selections(self._schema, {})
        known = document.facts.get(Selections)
        if known is None:
            known = document.facts[Selections] = Selections(self._schema, document.fragments)
        selections: Selections = known
        return selections


def credentials_of(client: Client) -> Credentials:
    """What a request authenticates by: the token in its Authorization header, or in a cookie.

    Raises:
        ApiError: UNAUTHENTICATED when there is none.
        HttpError: a cookie came without the header that shows that no other origin sent it.
    """
    if client.has_cookie and client.session is not None:
        if not client.preflight:
            raise HttpError(HTTPStatus.BAD_REQUEST, NEEDS_PREFLIGHT)
        token = client.session
    else:
        token = _bearer(client.authorization)
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise ApiError(ErrorCode.UNAUTHENTICATED, UNKNOWN_TOKEN)
    return Credentials(hash_token(token), client.address)


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise ApiError(
            ErrorCode.UNAUTHENTICATED, "Send a token in the header `Authorization: Bearer <token>`."
        )
    return token
