"""Subscriptions, whichever way they are sent: what is followed, and each event of it.

A subscription is a query that is answered again after each change of one record. Each time its
caller is authenticated anew, and it is read as any other query is, so that it ends where a query
would be refused.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from hashlib import blake2b
from typing import NamedTuple

import orjson
import structlog
from graphql import GraphQLError

from app.context import Client
from app.database import Credentials, Database, Principal
from app.errors import ApiError, ErrorCode
from app.resolvers.following import Following, Standing, following
from app.server.answers import Outcome, RequestRefused, field_errors
from app.server.changes import Changes, Follower, RecordKey
from app.server.contexts import credentials_of
from app.server.documents import Operation
from app.server.faults import code_of, field_error
from app.server.http import ClientDisconnected
from app.server.operations import Operations
from app.server.requests import GraphQLRequest
from app.settings import Settings

log = structlog.get_logger("abokonto.subscriptions")

_PASSING = {ErrorCode.UNAVAILABLE, ErrorCode.TIMEOUT}
"""What a subscription outlives, once it has begun."""

_TOO_MANY = "There are too many subscriptions with this token: at most {} are allowed."
_FULL = "There are too many subscriptions at the moment. Try again later."

Events = AsyncGenerator[bytes | None, None]
"""Responses as JSON; None where it was looked and nothing has changed."""


class Interrupted(Exception):  # noqa: N818  It is an event, not an error.
    """A subscription ends for our sake; its client may begin it again, elsewhere."""


class Asked(NamedTuple):
    """What a subscription asks, and who asks it."""

    client: Client
    credentials: Credentials
    operation: Operation
    request: GraphQLRequest
    following: Following


class Streams:
    """The subscriptions of this process."""

    def __init__(
        self, operations: Operations, database: Database, changes: Changes, settings: Settings
    ) -> None:
        self._operations = operations
        self._database = database
        self._changes = changes
        self._settings = settings
        self._counts: Counter[bytes] = Counter()
        self._ending = False
        # A change that many follow must leave connections for everybody else.
        self._turns = asyncio.Semaphore(max(1, settings.database_pool_size // 2))

    def __len__(self) -> int:
        return self._counts.total()

    def end(self) -> None:
        """End all subscriptions, and begin no more."""
        self._ending = True
        self._changes.wake_all()

    @asynccontextmanager
    async def open(
        self, client: Client, operation: Operation, request: GraphQLRequest
    ) -> AsyncIterator[Events]:
        """Begin a subscription.

        Raises:
            ApiError: UNAUTHENTICATED for whoever is unknown, BAD_REQUEST when nothing is followed,
                QUERY_TOO_COMPLEX, RATE_LIMITED when the token has too many, UNAVAILABLE.
            RequestRefused: when variables are wrong.
        """
        try:
            asked = self._asked(client, operation, request)
        except (ApiError, RequestRefused):
            # What is wrong is told to nobody unknown.
            await self._operations.in_time(self._operations.authenticate(client))
            raise
        async with self._turns:
            standing = await self._operations.in_time(self._standing(asked))
        key = asked.following.key
        table = key.record.model.__tablename__
        record = RecordKey(standing.principal.tenant_id, table, key.value)
        with self._place(asked.credentials), _logged(operation, standing.principal):
            async with (
                self._changes.follow(record) as follower,
                aclosing(self._events(asked, follower)) as events,
            ):
                yield events

    def _asked(self, client: Client, operation: Operation, request: GraphQLRequest) -> Asked:
        """What is asked for, within the limits; all that can be known without reading."""
        credentials = credentials_of(client)
        variables = self._operations.variables(operation, request)
        amount = self._operations.amount(operation)
        amount.check(variables.coerced, self._settings.max_values)
        document = operation.document
        assert document.ast is not None  # noqa: S101  Valid documents have one.
        try:
            followed = following(
                self._operations.schema,
                document.ast,
                document.fragments,
                operation.node,
                variables,
            )
        except GraphQLError as error:
            raise RequestRefused([field_error(error)]) from error
        return Asked(client, credentials, operation, request, followed)

    @contextmanager
    def _place(self, credentials: Credentials) -> Iterator[None]:
        """A place among those that the token and the process have."""
        most = self._settings.max_subscriptions_per_token
        if self._counts[credentials] >= most:
            raise ApiError(ErrorCode.RATE_LIMITED, _TOO_MANY.format(most))
        if len(self) >= self._settings.max_subscriptions or self._ending:
            raise ApiError(ErrorCode.UNAVAILABLE, _FULL)
        self._counts[credentials] += 1
        try:
            yield
        finally:
            self._counts[credentials] -= 1
            if not self._counts[credentials]:
                del self._counts[credentials]

    async def _events(self, asked: Asked, follower: Follower) -> Events:
        """The record as it is, and as it becomes.

        Raises:
            RequestRefused: when it can't be read, or not any more.
            Interrupted: when the process ends.
        """
        seen: Standing | None = None
        last = b""
        changed = True
        while not self._ending:
            try:
                look = self._look(asked, None if changed else seen)
                standing, payload = await self._operations.in_time(look)
            except Exception as error:
                # The next look may succeed, and shows all that was missed.
                if seen is None or _code_of(error) not in _PASSING:
                    raise
                again = True
            else:
                again, seen = False, standing
                digest = last if payload is None else blake2b(payload, digest_size=16).digest()
                yield None if digest == last else payload
                last = digest
                if standing.over:
                    return
            seconds = self._settings.subscription_check_seconds
            changed = await follower.changed(seconds) or again
        raise Interrupted

    async def _look(self, asked: Asked, seen: Standing | None) -> tuple[Standing, bytes | None]:
        """How it stands, and the response where that is no longer what was seen.

        The standing is asked first: what is over then is in its last state when it is read.
        """
        async with self._turns:
            standing = await self._standing(asked)
            if seen is not None and standing.is_like(seen):
                return standing, None
            outcome = await self._operations.read(asked.client, asked.operation, asked.request)
        return standing, _payload(outcome)

    async def _standing(self, asked: Asked) -> Standing:
        """Who asks now, and whether what they follow is over. It doesn't count as use of a token,
        so that a subscription keeps no session from ending.
        """
        values = {
            "key": asked.following.key.value,
            "token_hash": asked.credentials,
            "client": asked.credentials.address,
        }
        row, principal = await self._database.answer(asked.following.statement, values)
        return Standing(principal, row["over"])


@contextmanager
def _logged(operation: Operation, principal: Principal) -> Iterator[None]:
    """Note how a subscription ended, and how long it took."""
    began, ended = time.monotonic(), "COMPLETE"
    try:
        yield
    except (asyncio.CancelledError, ClientDisconnected):
        ended = "LEFT"
        raise
    except Interrupted:
        ended = "INTERRUPTED"
        raise
    except Exception as error:
        ended = _code_of(error).value
        raise
    finally:
        log.info(
            "subscription",
            ended=ended,
            seconds=round(time.monotonic() - began, 1),
            operation=(operation.name or "")[:100],
            principal=f"{principal.kind}:{principal.token_id}",
            tenant=principal.tenant_id,
        )


def _payload(outcome: Outcome) -> bytes:
    """A response as JSON.

    Raises:
        RequestRefused: when there is no record in it.
    """
    if not outcome.errors:
        return orjson.dumps({"data": outcome.data})
    errors = field_errors(outcome.errors)
    if outcome.is_nothing:
        raise RequestRefused(errors)
    return orjson.dumps({"errors": errors, "data": outcome.data})


def _code_of(error: Exception) -> ErrorCode:
    if isinstance(error, ApiError):
        return error.code
    if isinstance(error, RequestRefused):
        return ErrorCode(error.errors[0]["extensions"]["code"])
    return code_of(error)
