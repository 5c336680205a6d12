"""The short way: operations that PostgreSQL answers in one round trip, but for the gaps.

The statement of such an operation authenticates the caller itself. What the caller may see has to
be known before, to choose the statement; so it is remembered from the token's last use, and the
answer is used only when the database says that it is still so.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

import strawberry
from graphql.execution.values import VariableValues

from app.context import Caller, CallerContext, Client, Services
from app.database import Database, Principal
from app.resolvers.plan import Finished, Plans
from app.resolvers.statements import Kept, StatementCache
from app.server.contexts import Authenticated, credentials_of
from app.server.documents import Operation

MOST_TOKENS = 10_000
"""How many tokens' permissions are remembered."""


class FinishedAnswer(NamedTuple):
    """What a plan answered, and to whom."""

    finished: Finished
    principal: Principal


class FinishedReads:
    """Answers whole operations without graphql-core, where that is possible."""

    def __init__(
        self,
        services: Services,
        schema: strawberry.Schema,
        database: Database,
        statements: StatementCache,
        authenticated: Authenticated,
    ) -> None:
        self._services = services
        self._authenticated = authenticated
        self._kept = Kept(statements)
        self._schema = schema
        self._database = database
        self._permissions: OrderedDict[bytes, frozenset[str]] = OrderedDict()

    async def answer(
        self,
        client: Client,
        operation: Operation,
        variables: VariableValues,
        raw: Mapping[str, Any],
    ) -> FinishedAnswer | None:
        """The answer, or None when graphql-core has to give it.

        Raises:
            ApiError: UNAUTHENTICATED when there is no token, or an unknown one.
        """
        credentials = credentials_of(client)
        permissions = self._permissions.get(credentials)
        if permissions is None:
            return None
        caller = Caller(permissions, self._services.keyring.lookup_hash)
        plan = self._plans(operation).plan(variables, raw, caller)
        if plan is None:
            return None
        row, principal = await self._database.answer(
            plan.statement,
            {**plan.parameters, "token_hash": credentials, "client": credentials.address},
        )
        self._authenticated(credentials, principal)
        if principal.permissions != permissions:
            return None
        context = CallerContext(self._services, principal)
        context.disclose = self._services.disclosing(credentials)
        return FinishedAnswer(await plan.answer(row, context), principal)

    def remember(self, token_hash: bytes, principal: Principal) -> None:
        """Note what the holder of a token may see."""
        self._permissions[token_hash] = principal.permissions
        self._permissions.move_to_end(token_hash)
        if len(self._permissions) > MOST_TOKENS:
            self._permissions.popitem(last=False)

    def _plans(self, operation: Operation) -> Plans:
        document = operation.document
        assert document.ast is not None  # noqa: S101  Valid documents have one.
        plans: Plans | None = document.facts.get((Plans, operation.name))
        if plans is None:
            plans = document.facts[(Plans, operation.name)] = Plans(
                self._schema,
                document.ast,
                document.fragments,
                operation.node,
                self._kept,
            )
        return plans
