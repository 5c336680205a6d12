"""What a subscription follows, and how it stands: who asks, and whether more changes are to come.

The record itself is read like any other one, by the field's `Followed`.
"""

from functools import cache
from typing import Any, NamedTuple

import strawberry
from graphql import OperationDefinitionNode
from graphql.execution.values import VariableValues
from graphql.language import DocumentNode
from sqlalchemy import BigInteger, bindparam, select

from app.database import Principal, Statement
from app.errors import ApiError, ErrorCode
from app.models.base import TenantRow
from app.resolvers.outline import NotCompiled, Outliner, truth_names
from app.resolvers.reads import Followed, Key, SqlExpression
from app.resolvers.selection import Fragments, Place, arguments_of
from app.resolvers.sql import authenticated_caller, table_of, tenant

_ONE_FIELD = "A subscription asks for one field of the type of subscriptions."


class Standing(NamedTuple):
    """Who follows a record, and whether it will change again: None where they see no such one."""

    principal: Principal
    over: bool | None

    def is_like(self, other: "Standing") -> bool:
        """Whether the same may be seen, as far as this tells."""
        mine, others = self.principal.permissions, other.principal.permissions
        return self.over == other.over and mine == others


class Following(NamedTuple):
    """A record that is followed, by its key."""

    read: Followed
    key: Key

    @property
    def statement(self) -> Statement:
        """Asks for the standing: the caller's columns, and `over`; it authenticates by itself."""
        return _statement(self.key.record.model, self.read.over)


def following(
    schema: strawberry.Schema,
    document: DocumentNode,
    fragments: Fragments,
    operation: OperationDefinitionNode,
    variables: VariableValues,
) -> Following:
    """What an operation follows.

    Raises:
        GraphQLError: BAD_REQUEST when it follows nothing, or its argument is wrong.
    """
    core = schema._schema  # noqa: SLF001  Strawberry has no public name.
    truths = {name: variables.coerced.get(name) for name in truth_names(document)}
    root_type = core.get_root_type(operation.operation)
    refusal = ApiError(ErrorCode.BAD_REQUEST, _ONE_FIELD)
    if root_type is None:
        raise refusal
    try:
        roots = Outliner(core, fragments, truths, frozenset()).roots(
            root_type, operation.selection_set
        )
    except NotCompiled:
        raise refusal from None
    if len(roots) != 1 or roots[0].field is None or roots[0].definition is None:
        raise refusal
    [root] = roots
    read = roots[0].field.read
    if not isinstance(read, Followed):
        raise refusal
    place = Place(0, root.nodes[0], roots[0].field, roots[0].definition)
    return Following(read, read.find(arguments_of(schema, place, variables)))


@cache
def _statement(model: type[TenantRow], over: SqlExpression) -> Statement:
    caller = authenticated_caller()
    table = table_of(model)
    key: Any = bindparam("key", type_=BigInteger)
    standing = (
        select(over(table.c))
        .where(table.c.tenant_id == tenant(), table.c.id == key)
        .correlate(caller)
        .scalar_subquery()
    )
    return Statement.of(select(*caller.c, standing.label("over")).select_from(caller))
